"""The paths of the pretend Five9, as strict as its page (five9_talkdesk A4 to A7)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.vendors.five9.simulator.file_service import file_routes
from integrations.vendors.five9.simulator.refusals import RefusedError, body_of, refusal
from integrations.vendors.five9.simulator.world import (
    ORG_ID,
    Conversation,
    Five9World,
    Session,
)

if TYPE_CHECKING:
    from integrations.vendors.five9.simulator.simulator import Five9Simulator

SERVICE = "/appsvcs/rs/svc"
RECEIPTS = ("DELIVERED", "READ", "FAILED")
_FORMS = {
    "both": ("Bearer-", "Bearer "),
    "hyphen": ("Bearer-",),
    "space": ("Bearer ",),
}
# What public programs send, with its types; the first two are in all of them.
_CREATE: dict[str, tuple[type, ...]] = {
    "campaignName": (str,),
    "callbackUrl": (str,),
    "tenantId": (int, str),
    "externalId": (str,),
    "type": (str,),
    "contentType": (str,),
    "priority": (int,),
    "contact": (dict,),
    "attributes": (dict,),
}
_MESSAGE: dict[str, tuple[type, ...]] = {
    "message": (str,),
    "messageType": (str,),
    "externalId": (str, int),
    "attachments": (list,),
}


def vendor_app(simulator: Five9Simulator) -> Starlette:
    """Return the application that speaks the contract."""
    calls = Endpoints(simulator)
    one = f"{SERVICE}/conversations/{{token}}"
    return Starlette(
        routes=[
            Route(f"{SERVICE}/auth/anon", calls.anon, methods=["POST"]),
            Route(f"{SERVICE}/auth/metadata", calls.metadata, methods=["GET"]),
            Route(f"{SERVICE}/agents/{{token}}/logged_in_profiles", calls.profiles),
            Route(f"{SERVICE}/conversations", calls.create, methods=["POST"]),
            Route(f"{one}/info", calls.info, methods=["GET"]),
            Route(f"{one}/messages", calls.message, methods=["POST"]),
            Route(f"{one}/messages/acknowledge", calls.acknowledge, methods=["PUT"]),
            Route(f"{one}/terminate", calls.terminate, methods=["POST"]),
            Route(one, calls.delete, methods=["DELETE"]),
            *file_routes(simulator),
        ],
        exception_handlers={RefusedError: _refuse, HTTPException: _no_such_call},
    )


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.answer


async def _no_such_call(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, "There is no such call.")


class Endpoints:
    """Answers the portal's calls."""

    def __init__(self, simulator: Five9Simulator) -> None:
        self._simulator = simulator
        self._world: Five9World = simulator.world

    async def anon(self, request: Request) -> Response:
        """Give a session for the domain's exact name."""
        body = await body_of(request)
        if body.get("tenantName") != self._world.switches.tenant_name:
            raise RefusedError(401, "There is no such tenant.")
        with self._simulator.change():
            session = Session(
                token=str(uuid.uuid4()),
                farm_id=str(uuid.uuid4().int)[:19],
                centre=self._world.switches.active_centre,
            )
            self._world.sessions.add(session)
        given = {"tokenId": session.token, "sessionId": str(uuid.uuid4()), "userId": "300000001"}
        return JSONResponse({**given, **self._place(session)})

    async def metadata(self, request: Request) -> Response:
        """Say again where the domain lives."""
        session = self._session(request)
        with self._simulator.change():
            session.centre = self._world.switches.active_centre
        return JSONResponse(self._place(session))

    async def profiles(self, request: Request) -> Response:
        """Say for which campaigns somebody is logged in."""
        self._caller(request)
        switches = self._world.switches
        asked = request.query_params.get("profiles", "").split(",")
        told = {
            "agentLoggedIn": not switches.agents_offline,
            "openForBusiness": switches.open_for_business,
        }
        rows = [{"profileName": name, **told} for name in asked if name in switches.campaigns]
        return JSONResponse(rows)

    async def create(self, request: Request) -> Response:
        """Open a conversation, one for each session."""
        session, body = self._caller(request), await body_of(request)
        _require(body, _CREATE, ("campaignName", "callbackUrl", "tenantId"))
        if str(body["tenantId"]) != ORG_ID:
            raise RefusedError(400, "tenantId is not the session's.")
        if body["campaignName"] not in self._world.switches.campaigns:
            raise RefusedError(400, "There is no such campaign.")
        if self._world.by_token(session.token) is not None:
            raise RefusedError(409, "The session has a conversation already.")
        with self._simulator.change():
            self._open(session, body)
        return JSONResponse({"id": session.token, "status": "QUEUED", "disposition": 0})

    def _open(self, session: Session, body: dict[str, Any]) -> None:
        switches = self._world.switches
        url = str(body["callbackUrl"])
        conversation = Conversation(
            external_id=body.get("externalId") or session.token,
            token=session.token,
            campaign=body["campaignName"],
            callback_url=url if urlsplit(url).netloc else switches.callback_base + url,
            contact=body.get("contact", {}),
            attributes=body.get("attributes", {}),
            priority=body.get("priority"),
            is_open=not switches.opens_late,
        )
        history = conversation.attributes.get("Custom.external_history")
        if history:
            conversation.add("system", "History", history, str(uuid.uuid4()))
        self._world.conversations.add(conversation)
        if conversation.is_open:
            self._world.tell(conversation, "create", "conversation_queued")

    async def info(self, request: Request) -> Response:
        """Say how a conversation stands."""
        found = self._conversation(request)
        if found.status == "ended":
            return JSONResponse({"status": "TERMINATED"})
        return JSONResponse({"status": "ACTIVE" if found.is_open else "CREATED"})

    async def message(self, request: Request) -> Response:
        """Take a text of the end user's."""
        found, body = self._conversation(request), await body_of(request)
        _require(body, _MESSAGE, () if body.get("attachments") else ("message",))
        if body.get("messageType", "TEXT") != "TEXT":
            raise RefusedError(400, "messageType is TEXT.")
        with self._simulator.change():
            self._refuse_ended(found)
            files = [self._uploaded(one) for one in body.get("attachments", [])]
            message_id, text = str(body.get("externalId", "")), body.get("message", "")
            found.add("end_user", "Customer", text, message_id, files)
        return Response(status_code=200)

    def _uploaded(self, download_id: Any) -> dict[str, Any]:
        """Return an uploaded file as the desk shows it."""
        stored = self._world.files.get(download_id) if isinstance(download_id, str) else None
        if stored is None:
            raise RefusedError(400, "attachments name no file that is ready.")
        return {
            "name": stored.name,
            "mime_type": stored.mime_type,
            "size": stored.size,
            "url": f"{self._world.base_url}/_desk/files/{stored.file_id}",
        }

    async def acknowledge(self, request: Request) -> Response:
        """Note how far live agents' messages came."""
        found, body = self._conversation(request), await body_of(request)
        with self._simulator.change():
            for one in body.get("messages", []):
                if one.get("type") not in RECEIPTS:
                    raise RefusedError(400, "type is DELIVERED, READ or FAILED.")
                for message in found.messages:
                    if message["id"] == one.get("messageId"):
                        message["delivered"] |= one["type"] != "FAILED"
                        message["read"] |= one["type"] == "READ"
        return Response(status_code=200)

    async def terminate(self, request: Request) -> Response:
        """End a conversation for the portal."""
        if not self._world.switches.has_terminate:
            raise RefusedError(405, "There is no terminate here.")
        return self._ended(request)

    async def delete(self, request: Request) -> Response:
        """End a conversation where there is no terminate."""
        return self._ended(request)

    def _ended(self, request: Request) -> Response:
        found = self._conversation(request)
        with self._simulator.change():
            self._refuse_ended(found)
            self._world.close(found, "end_user")
        return Response(status_code=200)

    # -- What every call goes through ----------------------------------------------------------

    def _session(self, request: Request) -> Session:
        given = request.headers.get("Authorization", "")
        forms = _FORMS[self._world.switches.authorization_form]
        token = given[7:] if given[:7] in forms else ""
        session = self._world.sessions.get(token)
        if session is None or session.is_expired:
            raise RefusedError(401, "The token is not known.")
        if request.headers.get("farmId") != session.farm_id:
            raise RefusedError(401, "farmId is missing or wrong.")
        return session

    def _caller(self, request: Request) -> Session:
        session = self._session(request)
        if session.centre != self._world.switches.active_centre:
            raise RefusedError(435, "The service has migrated.")
        if request.path_params.get("token", session.token) != session.token:
            raise RefusedError(403, "This is another session's.")
        return session

    def _conversation(self, request: Request) -> Conversation:
        found = self._world.by_token(self._caller(request).token)
        if found is None:
            raise RefusedError(404, "There is no such conversation.")
        return found

    def _refuse_ended(self, found: Conversation) -> None:
        if found.status == "ended":
            raise RefusedError(404, "The conversation is terminated.")

    def _place(self, session: Session) -> dict[str, Any]:
        """Describe both data centres; only the active one has a living address."""
        parts = urlsplit(self._world.base_url)
        centres = []
        for name in ("West", "East"):
            is_active = name == self._world.switches.active_centre
            host = parts.hostname if is_active else f"app-{name.lower()}.five9.invalid"
            port = str(parts.port or 443)
            url = {"host": host, "port": port, "routeKey": "EAPI", "version": "12.0.1"}
            centres.append({"name": name, "active": is_active, "apiUrls": [url]})
        return {
            "orgId": ORG_ID,
            "context": {
                "farmId": session.farm_id,
                "cloudClientUrl": f"{self._world.base_url}/",
            },
            "metadata": {"freedomUrl": self._world.base_url, "dataCenters": centres},
        }


def _require(
    body: dict[str, Any], known: dict[str, tuple[type, ...]], needed: Sequence[str]
) -> None:
    for name in needed:
        if body.get(name) in (None, ""):
            raise RefusedError(400, f"{name} is missing.")
    for name, value in body.items():
        if name not in known or not isinstance(value, known[name]):
            raise RefusedError(400, f"{name} is not known or of a wrong type.")
