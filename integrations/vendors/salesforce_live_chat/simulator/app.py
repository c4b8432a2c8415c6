"""The paths of the Chat REST API, as strict as its page; cited by its section at each."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.records import file_download, file_of
from integrations.vendors.salesforce_live_chat.simulator.polls import PollResponse
from integrations.vendors.salesforce_live_chat.simulator.world import (
    BUTTON_ID,
    DEPLOYMENT_ID,
    ORG_ID,
    LiveChat,
    LiveChatWorld,
)

_VERSIONS = range(29, 66)
_RECONNECT_SINCE = 37
_INIT: Mapping[str, type] = {
    **dict.fromkeys(("organizationId", "deploymentId", "buttonId", "sessionId"), str),
    **dict.fromkeys(("userAgent", "language", "screenResolution", "visitorName"), str),
    **dict.fromkeys(("prechatDetails", "prechatEntities"), list),
    **dict.fromkeys(("receiveQueueUpdates", "isPost"), bool),
}
_INIT_OPTIONAL = {"agentId", "doFallback", "buttonOverrides", "trackingId", "visitorInfo"}
_DETAIL = {"label", "value", "displayToAgent", "transcriptFields"}
_DETAIL_OPTIONAL = {"entityMaps", "entityFieldMaps", "doKnowledgeSearch"}
Noun = Callable[[LiveChat, dict[str, Any]], None]


class RefusedError(Exception):
    """A call is refused; carries what to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = refusal(status, message)


def refusal(status: int, message: str) -> Response:
    """Return a refusal; the page names statuses alone."""
    return AsciiJSONResponse({"message": message}, status_code=status)


def live_chat_app(world: LiveChatWorld) -> Starlette:
    """Return the application that speaks the contract."""
    system, visitor = System(world), Visitor(world)
    base = "/chat/rest"
    return Starlette(
        routes=[
            Route(f"{base}/System/SessionId", system.session_id, methods=["GET"]),
            Route(f"{base}/System/SessionId/{{key}}", system.delete, methods=["DELETE"]),
            Route(f"{base}/System/Messages", system.messages, methods=["GET"]),
            Route(f"{base}/System/ReconnectSession", system.reconnect, methods=["GET"]),
            Route(f"{base}/System/MultiNoun", visitor.multi_noun, methods=["POST"]),
            Route(f"{base}/Chasitor/{{noun}}", visitor.noun, methods=["POST"]),
            Route(f"{base}/Visitor/Availability", availability_of(world), methods=["GET"]),
            Route("/servlet/upload", visitor.upload, methods=["POST"]),
            Route("/files/{file_id}", visitor.file, methods=["GET"]),
        ],
        exception_handlers={RefusedError: _refuse, HTTPException: _no_such_path},
    )


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.answer


async def _no_such_path(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, "There is no such resource.")


def availability_of(world: LiveChatWorld) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that says who is online (2.2)."""

    async def availability(request: Request) -> Response:
        _version(request)
        query = request.query_params
        if query.get("org_id") != ORG_ID or query.get("deployment_id") != DEPLOYMENT_ID:
            raise RefusedError(400, "The organization has no such deployment.")
        # A published client leaves the brackets out.
        named = re.fullmatch(r"\[?([A-Za-z0-9, ]+)\]?", query.get("Availability.ids", ""))
        if named is None:
            raise RefusedError(400, "Availability.ids is a list of ids.")
        ids = [one.strip() for one in named[1].split(",")]
        row: dict[str, Any] = {"id": BUTTON_ID}
        if not world.switches.agents_offline:
            row["isAvailable"] = True  # absent means false
        rows = [row] if BUTTON_ID in ids else []
        message = {"type": "Availability", "message": {"results": rows}}
        return AsciiJSONResponse({"messages": [message]})

    return availability


class System:
    """Sessions and polls (2.2)."""

    def __init__(self, world: LiveChatWorld) -> None:
        self._world = world

    async def session_id(self, request: Request) -> Response:
        """Give out a session."""
        _version(request)
        if request.headers.get("X-LIVEAGENT-AFFINITY") != "null":
            raise RefusedError(400, "X-LIVEAGENT-AFFINITY is null before there is a session.")
        with self._world.lock:
            chat = self._world.open_session()
        return AsciiJSONResponse(
            {
                "id": chat.session_id,
                "key": chat.key,
                "affinityToken": chat.affinity,
                "clientPollTimeout": 40,
            }
        )

    async def delete(self, request: Request) -> Response:
        """End a session."""
        chat = session_of(self._world, request, key=request.path_params["key"])
        with self._world.lock:
            if chat.status != "ended":
                self._world.finish(chat, "client", "end_user")
        return PlainTextResponse("OK")

    async def messages(self, request: Request) -> Response:
        """Hold the poll; a chat whose end was told is gone."""
        chat = session_of(self._world, request)
        given = request.query_params.get("ack")
        if given is not None and not re.fullmatch(r"-?\d{1,9}", given):
            raise RefusedError(400, "ack is a number.")
        ack = None if given is None else int(given)
        is_told = chat.status == "ended" and not chat.pending and ack in (None, chat.delivered)
        if is_told and not chat.replays:
            raise RefusedError(403, "Session no longer exists.")
        return PollResponse(self._world, chat, ack, request.headers["X-LIVEAGENT-AFFINITY"])

    async def reconnect(self, request: Request) -> Response:
        """Take a chat up at another server."""
        if _version(request) < _RECONNECT_SINCE:
            raise RefusedError(405, "ReconnectSession came with version 37.")
        chat = session_of(self._world, request, may_have_moved=True)
        offset = request.query_params.get("ReconnectSession.offset", "")
        if not re.fullmatch(r"\d{1,18}", offset):
            raise RefusedError(400, "ReconnectSession.offset is missing.")
        with self._world.lock:
            is_read = chat.acknowledged == chat.delivered and not chat.pending
            if chat.status == "ended" and is_read:
                raise RefusedError(403, "Session no longer exists.")
            message = self._world.reconnect(chat, int(offset))
        return AsciiJSONResponse({"messages": [{"type": "ReconnectSession", "message": message}]})


class Visitor:
    """What the visitor says and asks for (2.3, 2.4)."""

    def __init__(self, world: LiveChatWorld) -> None:
        self._world = world
        self._nouns: Mapping[str, Noun] = {
            "ChasitorInit": self._init,
            "ChatMessage": self._message,
            "ChasitorTyping": lambda chat, body: self._type(chat, body, is_typing=True),
            "ChasitorNotTyping": lambda chat, body: self._type(chat, body, is_typing=False),
            "ChasitorSneakPeek": self._peek,
            "ChasitorResyncState": self._resync,
            "CustomEvent": self._custom,
            "ChatEnd": self._end,
        }

    async def noun(self, request: Request) -> Response:
        """Take one request, once for each sequence."""
        chat = session_of(self._world, request)
        noun = request.path_params["noun"]
        if noun not in self._nouns:
            raise RefusedError(404, "There is no such noun.")
        body = await _json(request)
        with self._world.lock:
            self._require_open(chat, noun)
            if not self._is_new(chat, request.headers.get("X-LIVEAGENT-SEQUENCE")):
                raise RefusedError(409, "This sequence was taken before.")
            self._nouns[noun](chat, body)
            self._note(chat, request.headers.get("X-LIVEAGENT-SEQUENCE"))
        return PlainTextResponse("OK")

    async def multi_noun(self, request: Request) -> Response:
        """Take several requests in one."""
        chat = session_of(self._world, request)
        nouns = (await _json(request)).get("nouns")
        if not isinstance(nouns, list):
            raise RefusedError(400, "nouns is a list.")
        with self._world.lock:
            for one in nouns:
                if one.get("prefix") != "Chasitor" or one.get("noun") not in self._nouns:
                    raise RefusedError(400, "There is no such noun.")
                self._require_open(chat, one["noun"])
                self._nouns[one["noun"]](chat, one.get("object", one.get("data", {})))
        return PlainTextResponse("OK")

    async def upload(self, request: Request) -> Response:
        """Take the file that a live agent asked for (2.5)."""
        query = request.query_params
        chats = self._world.conversations.values()
        found = [one for one in chats if one.key.partition("!")[0] == query.get("chatKey")]
        is_asked = found and found[0].file_token and found[0].file_token == query.get("fileToken")
        if not is_asked or query.get("orgId") != ORG_ID or query.get("encoding") != "UTF-8":
            raise RefusedError(400, "Nobody has asked for this file.")
        form = await request.form()
        file = form.get("file")
        if file is None or isinstance(file, str):
            raise RefusedError(400, "The part file is missing.")
        content = await file.read()
        with self._world.lock:
            self._keep(found[0], file.filename or "file", file.content_type or "", content)
        return PlainTextResponse("OK")

    async def file(self, request: Request) -> Response:
        """Answer with a file whose link a live agent has pasted."""
        stored = self._world.files.get(request.path_params["file_id"])
        if stored is None:
            raise RefusedError(404, "There is no such file.")
        return file_download(stored.content, name=stored.name, mime_type=stored.mime_type)

    def _keep(self, chat: LiveChat, name: str, mime_type: str, content: bytes) -> None:
        stored = self._world.files.add(
            file_of(name=name, mime_type=mime_type or "application/octet-stream", content=content)
        )
        shown = {"id": stored.file_id, "name": name, "mime_type": stored.mime_type}
        chat.file_token = ""
        shown["url"] = f"/_desk/files/{stored.file_id}"
        chat.add("end_user", chat.init["visitorName"], "", attachments=[shown])

    def _init(self, chat: LiveChat, body: dict[str, Any]) -> None:
        if chat.status != "session":
            raise RefusedError(400, "The chat was asked for before.")
        _check_init(body, chat.session_id)
        self._world.ask_for_chat(chat, body)

    def _message(self, chat: LiveChat, body: dict[str, Any]) -> None:
        _only(body, {"text"})
        if not isinstance(body["text"], str) or not body["text"]:
            raise RefusedError(400, "text is missing.")
        chat.is_typing = False
        chat.remember("Chasitor", chat.init["visitorName"], body["text"])
        chat.add("end_user", chat.init["visitorName"], body["text"])

    def _type(self, chat: LiveChat, body: dict[str, Any], *, is_typing: bool) -> None:
        _only(body, set())
        chat.is_typing = is_typing

    def _peek(self, chat: LiveChat, body: dict[str, Any]) -> None:
        _only(body, {"position", "text"})

    def _custom(self, chat: LiveChat, body: dict[str, Any]) -> None:
        _only(body, {"type", "data"})

    def _resync(self, chat: LiveChat, body: dict[str, Any]) -> None:
        if _only(body, {"organizationId"})["organizationId"] != ORG_ID:
            raise RefusedError(400, "This is not the organization of the session.")
        if self._world.switches.tells_history:
            self._world.tell(chat, "ChasitorSessionData", self._world.history_of(chat))

    def _end(self, chat: LiveChat, body: dict[str, Any]) -> None:
        if body.get("reason") != "client" or set(body) - {"reason", "type"}:
            raise RefusedError(400, "reason is client.")
        self._world.finish(chat, "client", "end_user")

    @staticmethod
    def _require_open(chat: LiveChat, noun: str) -> None:
        # Who polls on may ask for the chat until its end has been told.
        is_history = noun == "ChasitorResyncState" and (chat.pending or chat.replays)
        if chat.status == "ended" and not is_history:
            raise RefusedError(403, "Session no longer exists.")
        if chat.status == "session" and noun not in ("ChasitorInit", "ChatEnd"):
            raise RefusedError(400, "The chat was not asked for yet.")

    @staticmethod
    def _is_new(chat: LiveChat, sequence: str | None) -> bool:
        if sequence is not None and not re.fullmatch(r"[1-9]\d{0,8}", sequence):
            raise RefusedError(400, "X-LIVEAGENT-SEQUENCE is a number from 1 on.")
        return sequence is None or int(sequence) not in chat.taken

    @staticmethod
    def _note(chat: LiveChat, sequence: str | None) -> None:
        if sequence is not None:
            chat.taken.append(int(sequence))


def session_of(
    world: LiveChatWorld, request: Request, *, key: str = "", may_have_moved: bool = False
) -> LiveChat:
    """Return the session of a request by its headers (2.1, 2.6)."""
    _version(request)
    chat = world.of_key(key or request.headers.get("X-LIVEAGENT-SESSION-KEY", ""))
    if chat is None:
        raise RefusedError(403, "Session no longer exists.")
    affinity = request.headers.get("X-LIVEAGENT-AFFINITY")
    if affinity is None:
        raise RefusedError(400, "X-LIVEAGENT-AFFINITY is missing.")
    if affinity != chat.affinity and not may_have_moved:
        raise RefusedError(503, "The affinity token has changed.")
    return chat


def _version(request: Request) -> int:
    given = request.headers.get("X-LIVEAGENT-API-VERSION", "")
    if not given.isdigit() or int(given) not in _VERSIONS:
        raise RefusedError(400, "X-LIVEAGENT-API-VERSION is missing or unknown.")
    return int(given)


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise RefusedError(400, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise RefusedError(400, "The body is no object.")
    return body


def _only(body: dict[str, Any], names: set[str]) -> dict[str, Any]:
    if set(body) != names:
        raise RefusedError(400, f"The body has {', '.join(sorted(names)) or 'nothing'}.")
    return body


def _check_init(body: dict[str, Any], session_id: str) -> None:
    for name, kind in _INIT.items():
        if not isinstance(body.get(name), kind) or body[name] == "":
            raise RefusedError(400, f"{name} is missing or of the wrong type.")
    if extra := set(body) - set(_INIT) - _INIT_OPTIONAL:
        raise RefusedError(400, f"Unknown: {', '.join(sorted(extra))}.")
    own = {"organizationId": ORG_ID, "deploymentId": DEPLOYMENT_ID, "buttonId": BUTTON_ID}
    for name, value in {**own, "sessionId": session_id, "isPost": True}.items():
        if body[name] != value:
            raise RefusedError(400, f"{name} is not known here.")
    for detail in body["prechatDetails"]:
        is_whole = isinstance(detail, dict) and set(detail) >= _DETAIL
        if not is_whole or set(detail) - _DETAIL - _DETAIL_OPTIONAL:
            raise RefusedError(400, "A pre-chat detail lacks a field, or has an unknown one.")
        if not isinstance(detail["value"], str) or not isinstance(detail["transcriptFields"], list):
            raise RefusedError(400, "A pre-chat detail has a field of the wrong type.")
