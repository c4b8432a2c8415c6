"""The pretend channel's REST calls, the authorize host, and the gateway beside them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.digital_content import picture
from integrations.simulators.records import file_of
from integrations.vendors.nice_chat.simulator.gateway import Gateway
from integrations.vendors.nice_chat.simulator.rich import STREAMED_TEXT

if TYPE_CHECKING:
    from integrations.vendors.nice_chat.simulator.simulator import NiceChatSimulator

MEGABYTE = 1024 * 1024
CHANNEL = "/chat/1.0/brand/{brand}/channel/{channel}"
Answer = Callable[[Request], Awaitable[Response]]


def nice_app(simulator: NiceChatSimulator) -> Starlette:
    """Return all hosts of an environment as one application, also below /env/<name>."""
    return Starlette(
        routes=[*_routes(simulator, ""), *_routes(simulator, "/env/{env}")],
        exception_handlers={HTTPException: _refuse},
    )


def _routes(simulator: NiceChatSimulator, prefix: str) -> list[BaseRoute]:
    calls, gateway = Endpoints(simulator), Gateway(simulator)
    return [
        Route(f"{prefix}{CHANNEL}", calls.channel),
        Route(f"{prefix}{CHANNEL}/availability", calls.availability),
        Route(f"{prefix}{CHANNEL}/persistent-menu-items", calls.menu),
        Route(f"{prefix}{CHANNEL}/attachment", calls.attachment, methods=["POST"]),
        Route(f"{prefix}/chat/1.0/brand/{{brand}}/messages/{{message_id}}", calls.message),
        Route(f"{prefix}/oauth/token", calls.token, methods=["POST"]),
        Route(f"{prefix}/files/{{file_id}}", calls.file),
        Route(f"{prefix}/pictures/{{name}}", calls.picture),
        Route(f"{prefix}/stored/{{event_id}}", calls.stored_event),
        Route(f"{prefix}/streams/{{name}}", calls.stream),
        WebSocketRoute(prefix or "/", gateway.serve),
        WebSocketRoute(f"{prefix}/", gateway.serve),
    ]


def refusal(status: int, code: str, message: str, retry_after: int | None = None) -> Response:
    """Return an error as the channel's REST calls shape it."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = {"errorCode": code, "errorMessage": message}
    return JSONResponse(body, status_code=status, headers=headers)


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, "not_found", "There is no such thing.")


class Endpoints:
    """Answers the calls of a guest."""

    def __init__(self, simulator: NiceChatSimulator) -> None:
        self._simulator = simulator
        self._world = simulator.world

    async def channel(self, request: Request) -> Response:
        """Tell all about the channel."""
        self._find_channel(request)
        return AsciiJSONResponse(channel_info(self._world.switches))

    async def availability(self, request: Request) -> Response:
        """Say whether anybody is there."""
        self._find_channel(request)
        return JSONResponse(_availability(self._world.switches))

    async def menu(self, request: Request) -> Response:
        """Have no menu."""
        self._find_channel(request)
        return JSONResponse([])

    async def attachment(self, request: Request) -> Response:
        """Take a file that the channel's restrictions allow."""
        self._find_channel(request)
        switches, body = self._world.switches, await _body(request)
        try:
            content = base64.b64decode(body["content"], validate=True)
        except (binascii.Error, KeyError, TypeError):
            return refusal(400, "invalid_content", "content is base64 without a data: prefix.")
        kind, limit = str(body.get("mimeType", "")), int(switches.allowed_file_size) * MEGABYTE
        is_taken = any(_fits(kind, one) for one in switches.allowed_file_types)
        if not switches.is_attachments_enabled or not is_taken or len(content) > limit:
            return JSONResponse(_restrictions(switches), status_code=400)
        stored = file_of(name=str(body["fileName"]), mime_type=kind, content=content)
        with self._simulator.change():
            self._world.files.add(stored)
        return JSONResponse({"fileUrl": f"{self._world.base_url}/files/{stored.file_id}"})

    async def message(self, request: Request) -> Response:
        """Give a message whole, to whoever has a token for this very address."""
        self._find_brand(request)
        message_id = request.path_params["message_id"]
        wanted = f"url:/chat/1.0/brand/{self._world.switches.brand_id}/messages/{message_id}"
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._world.bearer_of(token) != wanted:
            return refusal(401, "unauthorized", "The token is for another address, or too old.")
        threads = self._world.conversations.values()
        found = (one for thread in threads for one in thread.messages if one["id"] == message_id)
        message = next(found, None)
        return AsciiJSONResponse(message) if message else refusal(404, "not_found", "No message.")

    async def token(self, request: Request) -> Response:
        """Give an anonymous customer a transaction token."""
        query, switches = request.query_params, self._world.switches
        self._need(query.get("brandId") == str(switches.brand_id))
        self._need(query.get("channelId") == switches.channel_id and bool(query.get("visitorId")))
        if switches.is_ip_blocked:
            return refusal(403, "ip_blocked", "This address is blocked.")
        identity = (await _body(request)).get("customerIdentity") or {}
        customer_id = identity.get("idOnExternalPlatform")
        if not isinstance(customer_id, str) or not customer_id:
            return refusal(400, "invalid_identity", "customerIdentity has no id.")
        with self._simulator.change():
            token = self._world.grant(f"customer:{customer_id}")
        return JSONResponse(
            {
                "accessToken": token.token,
                "expiresIn": switches.token_seconds,
                "customerIdentity": {"idOnExternalPlatform": customer_id},
                "contact": {"customFields": []},
            }
        )

    async def file(self, request: Request) -> Response:
        """Give a file; its address cannot be guessed."""
        return self._simulator.desk_file(request.path_params["file_id"])

    async def picture(self, _request: Request) -> Response:
        """Give the picture of a card."""
        return picture()

    async def stored_event(self, request: Request) -> Response:
        """Give an event that was too large for the socket."""
        found = self._simulator.stored_events.get(request.path_params["event_id"])
        return AsciiJSONResponse(found) if found else refusal(404, "not_found", "No event.")

    async def stream(self, _request: Request) -> Response:
        """Stream a message of an AI's, word for word."""
        words = [f"{word} " for word in STREAMED_TEXT.split()]
        deltas = [{"content": w, "finish_reason": None} for w in words]
        deltas.append({"content": "", "finish_reason": "stop"})
        lines = (f"event: delta\ndata: {json.dumps({'delta': one})}\n\n" for one in deltas)
        return StreamingResponse(iter(list(lines)), media_type="text/event-stream")

    def _find_brand(self, request: Request) -> None:
        self._need(request.path_params["brand"] == str(self._world.switches.brand_id))
        self._need(self._simulator.is_this_environment(request.path_params))

    def _find_channel(self, request: Request) -> None:
        self._find_brand(request)
        self._need(request.path_params["channel"] == self._world.switches.channel_id)

    @staticmethod
    def _need(is_there: bool) -> None:
        if not is_there:
            raise HTTPException(404)


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def channel_info(switches: Any) -> dict[str, Any]:
    """Return what a guest learns of the channel."""
    secured = switches.secured_sessions
    return {
        "name": switches.channel_name,
        "isLiveChat": switches.is_live_chat,
        "isAuthorizationEnabled": False,
        "isSecuredCookieEnabled": False,
        "isUnsecuredConnectionAllowed": not secured,
        "availability": _availability(switches),
        "channelIdOnExternalPlatform": switches.channel_id.removeprefix("chat_"),
        "translationsLocale": "en_US",
        "translations": {},
        "settings": {
            "hasMultipleThreadsPerEndUser": switches.has_multiple_threads,
            "enableChatTypingPreview": False,
            "liveChatAllowTranscript": True,
            "liveChatShowOfflineForm": False,
            "isGroupChatAllowed": False,
            "fileRestrictions": {
                **_restrictions(switches),
                "isAttachmentsEnabled": switches.is_attachments_enabled,
            },
            "features": {
                "isCoBrowsingEnabled": False,
                "isFeatureQueueCountingEnabled": True,
                "securedSessions": secured,
                "isProactiveChatEnabled": False,
            },
        },
        "preContactForm": _form(switches),
        "endUserCustomFields": [_definition(one) for one in switches.customer_fields],
        "caseCustomFields": [_definition(one) for one in switches.case_fields],
        "colors": {},
        "widget": {},
        "popups": [],
    }


def _form(switches: Any) -> dict[str, Any] | None:
    if not switches.required_field:
        return None
    values = [{"name": "v1", "value": "Billing"}, {"name": "v2", "value": "Returns"}]
    definition = {**_definition(switches.required_field), "type": "list", "values": values}
    return {
        "id": "pf-1",
        "name": "Before we start",
        "channels": [{"id": switches.channel_id}],
        "customFields": [{"isRequired": True, "definition": definition}],
    }


def _definition(ident: str) -> dict[str, Any]:
    return {"ident": ident, "label": ident, "type": "text", "required": False, "values": []}


def _availability(switches: Any) -> dict[str, str]:
    return {"status": "offline" if switches.agents_offline else "online"}


def _restrictions(switches: Any) -> dict[str, Any]:
    types = [{"mimeType": one, "description": one} for one in switches.allowed_file_types]
    return {"allowedFileSize": switches.allowed_file_size, "allowedFileTypes": types}


def _fits(kind: str, allowed: str) -> bool:
    return kind == allowed or (allowed.endswith("/*") and kind.startswith(allowed[:-1]))
