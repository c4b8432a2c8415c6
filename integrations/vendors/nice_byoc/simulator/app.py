"""The pretend tenant's discovery, tokens and DFO 3.0 REST; strict about every field it knows."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.digital_content import picture
from integrations.simulators.records import file_of
from integrations.vendors.nice_byoc.simulator.world import (
    OVER,
    TENANT_ID,
    NiceByocWorld,
    Thread,
    contact_view,
    message,
)

if TYPE_CHECKING:
    from integrations.vendors.nice_byoc.simulator.simulator import NiceByocSimulator

TYPES = frozenset({"TEXT", "PLUGIN", "QUICK_REPLIES", "LIST_PICKER", "RICH_LINK", "ADAPTIVE_CARD"})
STATUSES = frozenset({"new", "open", "pending", "escalated", "resolved", "closed", "trashed"})
Handler = Callable[["Endpoints", Request, Mapping[str, Any]], Response]


class RefusedError(Exception):
    """A call is refused; carries what to answer."""

    def __init__(self, status: int, field: str, code: str) -> None:
        super().__init__(code)
        self.answer = refusal(status, code, field=field)


def refusal(status: int, code: str, *, field: str = "", retry_after: int | None = None) -> Response:
    """Return an error as the API shapes it."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    error = {"field": field, "message": f"{field} {code}", "parameters": [], "errorCode": code}
    body = {"errors": [error], "uid": "uid-1"}
    return JSONResponse(body, status_code=status, headers=headers)


def byoc_app(simulator: NiceByocSimulator) -> Starlette:
    """Return all hosts of the tenant as one application."""
    calls = Endpoints(simulator)
    routes = [
        Route("/.well-known/openid-configuration", calls.discovery),
        Route("/.well-known/cxone-configuration", calls.configuration),
        Route("/oauth/token", calls.token, methods=["POST"]),
        Route("/files/{file_id}", calls.file),
        Route("/pictures/{name}", calls.picture),
        *(Route(f"/dfo/3.0{path}", calls.answering(act), methods=[m]) for m, path, act in CALLS),
    ]
    handlers: dict[Any, Any] = {RefusedError: _refuse, HTTPException: _no_such_call}
    return Starlette(routes=routes, exception_handlers=handlers)


async def _refuse(_request: Request, error: RefusedError) -> Response:
    return error.answer


async def _no_such_call(_request: Request, error: HTTPException) -> Response:
    return refusal(error.status_code, "not_found")


class Endpoints:
    """Answers the portal's calls."""

    def __init__(self, simulator: NiceByocSimulator) -> None:
        self._simulator = simulator
        self._world: NiceByocWorld = simulator.world

    # -- Tokens -------------------------------------------------------------------------------

    async def discovery(self, _request: Request) -> Response:
        """Tell where tokens are got."""
        return JSONResponse({"token_endpoint": f"{self._world.base_url}/oauth/token"})

    async def configuration(self, request: Request) -> Response:
        """Tell where the tenant's APIs are."""
        if request.query_params.get("tenantId") != TENANT_ID:
            return refusal(404, "tenant_not_found")
        return JSONResponse({"area": "na1", "domain": "niceincontact.com", "tenantId": TENANT_ID})

    async def token(self, request: Request) -> Response:
        """Give a token for an access key; the request is a form."""
        form = {n: v[0] for n, v in parse_qs((await request.body()).decode()).items()}
        switches = self._world.switches
        wanted = {
            "grant_type": "password",
            "client_id": switches.oauth_client_id,
            "client_secret": switches.oauth_client_secret,
            "username": switches.access_key_id,
            "password": switches.access_key_secret,
        }
        if form != wanted:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        with self._simulator.change():
            token = self._world.grant()
        given = {"access_token": token, "token_type": "Bearer", "refresh_token": "r-1"}
        return JSONResponse({**given, "expires_in": switches.token_seconds})

    async def file(self, request: Request) -> Response:
        """Give a file; its address cannot be guessed."""
        return self._simulator.desk_file(request.path_params["file_id"])

    async def picture(self, _request: Request) -> Response:
        """Give the picture of a card."""
        return picture()

    def answering(self, act: Handler) -> Callable[[Request], Any]:
        """Make an endpoint: the token is judged, the body read, the lock held."""

        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not self._world.is_token_good(token):
                return refusal(401, "unauthorized")
            try:
                body = json.loads(raw or b"{}")
            except ValueError:
                return refusal(400, "invalid_json")
            try:
                with self._simulator.change():
                    return act(self, request, body)
            except (KeyError, TypeError, AttributeError) as error:
                return refusal(422, "invalid", field=str(error))

        return endpoint

    # -- DFO 3.0 --------------------------------------------------------------------------------

    def channels(self, _request: Request, _body: Mapping[str, Any]) -> Response:
        """List the channels."""
        switches = self._world.switches
        channel = {
            "id": switches.channel_id,
            "idOnExternalPlatform": "support",
            "channelIntegrationId": switches.integration_id,
            "realExternalPlatformId": "custom",
            "name": "Portal",
            "isPrivate": True,
        }
        return JSONResponse([channel])

    def take(self, request: Request, body: Mapping[str, Any]) -> Response:
        """Take an inbound message; after the end it opens another contact."""
        self._need_channel(request)
        content, author = body["messageContent"], body["authorEndUserIdentity"]
        _need(body["direction"] == "inbound", "direction")
        _need(bool(body["idOnExternalPlatform"]), "idOnExternalPlatform")
        _need(bool(author["idOnExternalPlatform"]), "authorEndUserIdentity")
        _need(content["type"] in TYPES, "messageContent.type")
        files = [self._attachment(one) for one in body["attachments"]]
        text = content["payload"]["text"]
        _need(bool(text or files), "messageContent")
        thread = self._thread(body, author)
        made = message(thread, content, external_id=body["idOnExternalPlatform"], attachments=files)
        thread.contact.messages.append(made)
        if postback := content.get("postback") or content["payload"].get("postback"):
            thread.answers[made["id"]] = {"label": text, "postback": postback}
        told = contact_view(thread, thread.contact)
        return AsciiJSONResponse({"consumerContact": told, "message": made})

    def set_message_status(self, request: Request, body: Mapping[str, Any]) -> Response:
        """Note how far an agent's message came, by the id that the portal gave it."""
        self._need_channel(request)
        _need(body["status"] in ("delivered", "seen", "failed"), "status")
        wanted = request.path_params["message"]
        for thread in self._world.conversations.values():
            found = thread.message(wanted)
            if found is not None and found["idOnExternalPlatform"] == wanted:
                found["status"] = body["status"]
                return JSONResponse({})
        return refusal(404, "message_not_found")

    def sender_action(self, request: Request, body: Mapping[str, Any]) -> Response:
        """Show or hide the end user's typing."""
        self._need_channel(request)
        _need(body["action"] in ("isTypingOn", "isTypingOff"), "action")
        thread = self._world.conversations.get(request.path_params["thread"])
        if thread is None:
            return refusal(404, "thread_not_found")
        thread.is_typing = body["action"] == "isTypingOn"
        return Response(status_code=204)

    def contacts(self, request: Request, _body: Mapping[str, Any]) -> Response:
        """List contacts by channel and end user."""
        query = request.query_params
        _need(query.get("channel[]") == self._world.switches.channel_id, "channel[]")
        wanted = query.get("endUserIdOnExternalPlatform[]")
        found = [
            contact_view(thread, contact)
            for thread in self._world.conversations.values()
            for contact in thread.contacts
            if wanted in (None, thread.end_user["idOnExternalPlatform"])
        ]
        return AsciiJSONResponse({"data": found, "scrollToken": ""})

    def contact(self, request: Request, _body: Mapping[str, Any]) -> Response:
        """Give a contact."""
        thread, contact = self._found(request)
        return AsciiJSONResponse(contact_view(thread, contact))

    def contact_messages(self, request: Request, _body: Mapping[str, Any]) -> Response:
        """Give a contact's messages."""
        _, contact = self._found(request)
        return AsciiJSONResponse({"data": contact.messages, "scrollToken": ""})

    def set_contact_status(self, request: Request, body: Mapping[str, Any]) -> Response:
        """Give a contact a status."""
        thread, contact = self._found(request)
        _need(body["status"] in STATUSES, "status")
        contact.status = body["status"]
        if contact is thread.contact and contact.status in OVER:
            thread.agents.clear()
            thread.ended_by = thread.ended_by or "api"
        return Response(status_code=204)

    def attachment(self, _request: Request, body: Mapping[str, Any]) -> Response:
        """Keep a file for a while."""
        try:
            content = base64.b64decode(body["content"], validate=True)
        except binascii.Error:
            return refusal(422, "invalid", field="content")
        kind = body["mimeType"]
        stored = self._world.files.add(file_of(name="upload", mime_type=kind, content=content))
        url = f"{self._world.base_url}/files/{stored.file_id}"
        return JSONResponse({"id": stored.file_id, "url": url, "expireAt": ""})

    # -- What they share ----------------------------------------------------------------------

    def _need_channel(self, request: Request) -> None:
        if request.path_params["channel"] != self._world.switches.channel_id:
            raise RefusedError(404, "channel", "not_found")

    def _found(self, request: Request) -> Any:
        found = self._world.contact(request.path_params["contact"])
        if found is None:
            raise RefusedError(404, "contact", "not_found")
        return found

    def _thread(self, body: Mapping[str, Any], author: Mapping[str, Any]) -> Thread:
        world, named = self._world, body["thread"]["idOnExternalPlatform"]
        _need(bool(named), "thread")
        thread = world.conversations.get(named)
        fields = {one["ident"]: one["value"] for one in body["contact"]["customFields"]}
        if thread is None:
            thread = Thread(external_id=named, end_user=dict(author), queue=world.switches.queue)
            thread.contacts.append(world.new_contact(fields))
            return world.conversations.add(thread)
        if thread.is_over:
            thread.contacts.append(world.new_contact(fields))
            thread.ended_by = None
        elif thread.contact.status == "resolved":
            thread.contact.status = "open"
        return thread

    def _attachment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        stored = self._world.files.get(given["url"].rpartition("/")[2])
        if stored is None:
            raise RefusedError(422, "attachments", "not_found")
        shown = {"friendlyName": given["friendlyName"], "url": given["url"]}
        return {"id": stored.file_id, **shown, "mimeType": stored.mime_type, "isInline": False}


def _need(is_right: bool, field: str) -> None:
    if not is_right:
        raise RefusedError(422, field, "invalid")


CALLS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/channels", Endpoints.channels),
    ("POST", "/channels/{channel}/messages", Endpoints.take),
    ("PUT", "/channels/{channel}/messages/{message}/status", Endpoints.set_message_status),
    ("POST", "/channels/{channel}/threads/{thread}/sender-actions", Endpoints.sender_action),
    ("GET", "/contacts", Endpoints.contacts),
    ("GET", "/contacts/{contact}", Endpoints.contact),
    ("GET", "/contacts/{contact}/messages", Endpoints.contact_messages),
    ("PUT", "/contacts/{contact}/status", Endpoints.set_contact_status),
    ("POST", "/attachments/temporary", Endpoints.attachment),
)
