"""The endpoints that the public contract asks of a connector; strict about every header and field.

Written from the contract in README.md alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.vendors.custom.simulator.agents import picture
from integrations.vendors.custom.simulator.world import DEFAULT_QUEUE, CustomWorld, Handoff

if TYPE_CHECKING:
    from integrations.vendors.custom.simulator.simulator import CustomSimulator

WINDOW_SECONDS = 300
Body = dict[str, Any]
# Each call's fields and their types; nothing may lack, nothing else may come.
START: Mapping[str, type] = {
    "handoff_id": str,
    "conversation": dict,
    "user": dict,
    "hints": dict,
    "transcript": list,
    "transcript_url": str,
    "callback_url": str,
}
MESSAGE: Mapping[str, type] = {"message_id": str, "text": str, "sent_at": str, "attachments": list}
TYPING: Mapping[str, type] = {"is_typing": bool}
PRESENCE: Mapping[str, type] = {"is_away": bool}
END: Mapping[str, type] = {"reason": str}
REASONS = frozenset(
    {"end_user_ended", "end_user_left", "cancelled", "idle_timeout", "wait_timeout"}
    | {"operator_ended", "failed"}
)


class RefusedError(Exception):
    """A call is refused; carries what to answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = refusal(status, code, message)


def refusal(status: int, code: str, message: str, retry_after: int | None = None) -> Response:
    """Return a refusal in the contract's shape."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"code": code, "message": message}, status_code=status, headers=headers)


def custom_app(simulator: CustomSimulator) -> Starlette:
    """Return the application that speaks the contract."""
    calls = Endpoints(simulator)
    one = "/handoffs/{external_id}"
    return Starlette(
        routes=[
            Route("/ping", calls.ping, methods=["GET"]),
            Route("/availability", calls.availability, methods=["GET"]),
            Route("/handoffs", calls.start, methods=["POST"]),
            Route(f"{one}/messages", calls.message, methods=["POST"]),
            Route(f"{one}/typing", calls.typing, methods=["POST"]),
            Route(f"{one}/presence", calls.presence, methods=["POST"]),
            Route(f"{one}/end", calls.end, methods=["POST"]),
            Route("/files/{file_id}", calls.file, methods=["GET"]),
            Route("/pictures/{name}", calls.picture, methods=["GET"]),
        ],
        exception_handlers={RefusedError: _refuse, HTTPException: _no_such_call},
    )


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.answer


async def _no_such_call(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, "no_such_call", "The contract has no such call.")


def answer_taken(handoff: Handoff, body: Body) -> Body:
    """Return the answer of a message; it must be to something that was offered there."""
    answer = body["answer"]
    known = {"message_id", "id", "label"}
    if not isinstance(answer, dict) or answer.keys() - {"values"} != known:
        raise RefusedError(422, "invalid", "answer has message_id, id, label and values.")
    offer = handoff.offers.get(answer["message_id"])
    if offer is None or answer["id"] not in offer:
        raise RefusedError(422, "invalid", "answer names nothing that was offered.")
    wanted = offer[answer["id"]]
    if wanted is not None and set(answer.get("values", {})) - set(wanted):
        raise RefusedError(422, "invalid", "answer has values for fields that the form lacks.")
    if wanted is None and "values" in answer:
        raise RefusedError(422, "invalid", "Only the answer to a form has values.")
    return answer


class Endpoints:
    """Answers the portal's calls."""

    def __init__(self, simulator: CustomSimulator) -> None:
        self._simulator = simulator
        self._world: CustomWorld = simulator.world

    async def ping(self, request: Request) -> Response:
        """Repeat the nonce, and call the Events URL with a ping."""
        self._verify(request, b"")
        nonce = request.query_params.get("nonce", "")
        if not nonce:
            raise RefusedError(422, "invalid", "nonce is missing.")
        if url := self._world.switches.events_url:
            self._world.post(url, "ping", {"data": {"nonce": nonce}}, lane="ping")
        return JSONResponse({"nonce": nonce})

    async def availability(self, request: Request) -> Response:
        """Say whether somebody is there, and how many wait."""
        self._verify(request, b"")
        switches = self._world.switches
        waiting = [one for one in self._world.conversations.values() if one.status == "queued"]
        return JSONResponse(
            {
                "available": not switches.agents_offline,
                "position": len(waiting) + 1,
                "estimated_wait_seconds": switches.estimated_wait_seconds,
            }
        )

    async def start(self, request: Request) -> Response:
        """Open a handoff, once for each Idempotency-Key."""
        body = await self._body(request, START)
        if request.headers["Idempotency-Key"] != body["handoff_id"]:
            raise RefusedError(422, "invalid", "Idempotency-Key is not the handoff_id.")
        return self._once(request, lambda: self._opened(body))

    async def message(self, request: Request) -> Response:
        """Take a message of the end user's, once for each Idempotency-Key."""
        body = await self._body(request, MESSAGE, frozenset({"answer"}))
        handoff = self._open_handoff(request)
        return self._once(request, lambda: self._said(handoff, body))

    async def typing(self, request: Request) -> Response:
        """Show or hide the end user's typing."""
        body = await self._body(request, TYPING)
        with self._simulator.change():
            self._open_handoff(request).is_typing = body["is_typing"]
        return JSONResponse({"ok": True})

    async def presence(self, request: Request) -> Response:
        """Show that the end user is away, or is back."""
        body = await self._body(request, PRESENCE)
        with self._simulator.change():
            self._open_handoff(request).is_away = body["is_away"]
        return JSONResponse({"ok": True})

    async def end(self, request: Request) -> Response:
        """Close a handoff for the portal; closing twice is no error."""
        body = await self._body(request, END)
        if body["reason"] not in REASONS:
            raise RefusedError(422, "invalid", "reason is none of the contract's.")
        handoff = self._handoff(request)
        with self._simulator.change():
            if handoff.status != "ended":
                self._world.close(handoff, body["reason"], "end_user")
        return JSONResponse({"ok": True})

    async def file(self, request: Request) -> Response:
        """Give a live agent's file; its address cannot be guessed."""
        return self._simulator.desk_file(request.path_params["file_id"])

    async def picture(self, _request: Request) -> Response:
        """Give the picture of a card."""
        return picture()

    # -- What every call goes through ----------------------------------------------------------

    def _verify(self, request: Request, raw: bytes) -> None:
        switches = self._world.switches
        timestamp = request.headers.get("X-Handoff-Timestamp", "")
        signed = timestamp.encode() + b"." + raw
        wanted = hmac.new(switches.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        given = request.headers.get("X-Handoff-Signature", "")
        if not hmac.compare_digest(wanted.encode(), given.encode()):
            raise RefusedError(401, "bad_signature", "The signature does not fit the body.")
        if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > WINDOW_SECONDS:
            raise RefusedError(401, "too_old", "The timestamp is not of the last five minutes.")
        name = switches.auth_header
        if name and request.headers.get(name) != switches.auth_header_value:
            raise RefusedError(401, "bad_header", "The gateway's header is missing or wrong.")

    async def _body(
        self, request: Request, wanted: Mapping[str, type], optional: frozenset[str] = frozenset()
    ) -> Body:
        raw = await request.body()
        self._verify(request, raw)
        if request.headers.get("Content-Type") != "application/json":
            raise RefusedError(415, "invalid", "Content-Type must be application/json.")
        if not request.headers.get("Idempotency-Key"):
            raise RefusedError(422, "invalid", "Idempotency-Key is missing.")
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise RefusedError(400, "invalid", "The body is not JSON.") from error
        if not isinstance(body, dict) or body.keys() - optional != wanted.keys():
            raise RefusedError(422, "invalid", f"The body's fields must be {', '.join(wanted)}.")
        for name, kind in wanted.items():
            if not isinstance(body[name], kind):
                raise RefusedError(422, "invalid", f"{name} must be {kind.__name__}.")
        return body

    def _once(self, request: Request, work: Callable[[], tuple[int, Body]]) -> Response:
        key = f"{request.url.path} {request.headers['Idempotency-Key']}"
        with self._simulator.change():
            if key not in self._world.answers:
                self._world.answers[key] = list(work())
            status, body = self._world.answers[key]
        return JSONResponse(body, status_code=status)

    def _handoff(self, request: Request) -> Handoff:
        found = self._world.conversations.get(request.path_params["external_id"])
        if found is None:
            raise RefusedError(404, "unknown_handoff", "There is no such handoff.")
        return found

    def _open_handoff(self, request: Request) -> Handoff:
        found = self._handoff(request)
        if found.status == "ended":
            raise RefusedError(410, "handoff_closed", "The handoff is closed.")
        return found

    def _opened(self, body: Body) -> tuple[int, Body]:
        switches, queue = self._world.switches, str(body["hints"].get("queue") or DEFAULT_QUEUE)
        if switches.known_queues and queue not in switches.known_queues:
            raise RefusedError(422, "invalid_routing", "There is no such queue.")
        if switches.agents_offline and switches.refuse_when_offline:
            raise RefusedError(409, "no_agents", "Nobody is there.")
        given = {name: body[name] for name in START if name != "transcript"}
        handoff = Handoff(external_id=f"ext-{uuid.uuid4().hex[:20]}", queue=queue, **given)
        for line in body["transcript"]:
            handoff.add(line["speaker"], line["speaker"], line["text"], at=line["sent_at"])
        self._world.conversations.add(handoff)
        self._world.tell(handoff, "accepted", {"queue": queue})
        return 201, {"external_id": handoff.external_id, "state": handoff.status}

    def _said(self, handoff: Handoff, body: Body) -> tuple[int, Body]:
        if not body["text"] and not body["attachments"]:
            raise RefusedError(422, "invalid", "The message is empty.")
        files = [
            {"id": file["url"], "name": file["name"], "mime_type": file["mime_type"]} | file
            for file in body["attachments"]
        ]
        answer = {"answer": answer_taken(handoff, body)} if "answer" in body else {}
        handoff.add(
            "end_user",
            "End user",
            body["text"],
            id=body["message_id"],
            attachments=files,
            **answer,
        )
        handoff.is_typing = False
        return 201, {"message_id": body["message_id"]}
