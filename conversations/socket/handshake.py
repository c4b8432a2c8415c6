"""Check a widget's WebSocket handshake: session, token, origin, number of sockets."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from urllib.parse import parse_qs

from channels.exceptions import StopConsumer
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from conversations.journal.budget import journal_wait
from conversations.journal.selectors import conversation_by_session
from conversations.models import Conversation
from conversations.widget.access_token import AROUND, TokenError, host_allowed, token_verify
from integrations.entry.envelope import envelope
from integrations.entry.rate_limit import retry_after

SUBPROTOCOL = "baton.v1"
# In the scope's state: an event for whoever wants to know when all that was missed is sent.
CAUGHT_UP = "caught_up"
# In the scope's state: this handshake is a long poll's, and there will be many.
IS_POLL = "is_poll"
CURSOR_UNKNOWN = "The cursor is not a sequence of this session; 0 was used."
# A poll comes with every line that is said; a socket or a stream lasts.
_SOCKET_COST, _POLL_COST = 5, 1
_CURSOR = re.compile(r"(?:seq:)?([0-9]{1,9})")
# A socket that has not said that it lives for this long does not count any more.
_SOCKET_LIFE_SECONDS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What a client asks for; the token comes from the subprotocols or, for SDKs, the query."""

    session_id: str
    token: str
    cursor: int
    is_cursor_valid: bool
    origin: str
    subprotocol: str | None
    is_poll: bool = False


def cursor_read(text: str) -> int | None:
    """Return the sequence that a cursor names; None for what is none."""
    found = _CURSOR.fullmatch(text.strip())
    return int(found[1]) if found else None


class Refusal(Protocol):
    """Why a handshake is refused; its text is for people."""

    status: int
    wait: int

    @property
    def code(self) -> str:
        """Return the error code of the documented envelope."""


class HandshakeError(Exception):
    """Refused with an HTTP status; the text names the cure."""

    def __init__(self, status: int, message: str, *, wait: int = 0) -> None:
        """Keep the status beside the text, and after how many seconds to come back."""
        super().__init__(message)
        self.status, self.wait = status, wait

    @property
    def code(self) -> str:
        """Return the error code of the documented envelope."""
        return _CODES[self.status]


_CODES = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    404: "SESSION_NOT_FOUND",
    429: "RATE_LIMITED",
}


def handshake_read(scope: Mapping[str, Any]) -> Handshake:
    """Return the parts of a handshake; raises HandshakeError 400 for a missing parameter."""
    query = {
        key: values[-1] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()
    }
    offered = [str(name) for name in scope.get("subprotocols", [])]
    tokens = [name.removeprefix("bearer.") for name in offered if name.startswith("bearer.")]
    token = tokens[0] if tokens else query.get("access_token", "").strip(AROUND)
    session_id = query.get("session_id", "").strip(AROUND)
    for name, value in (("session_id", session_id), ("access_token", token)):
        if not value:
            raise HandshakeError(400, f"The parameter {name} is missing.")
    cursor = cursor_read(query.get("cursor", "0"))
    headers = dict(scope["headers"])
    return Handshake(
        session_id=session_id,
        token=token,
        cursor=cursor or 0,
        is_cursor_valid=cursor is not None,
        origin=headers.get(b"origin", b"").decode("latin-1"),
        subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None,
        is_poll=bool(scope.get("state", {}).get(IS_POLL)),
    )


def handshake_check(handshake: Handshake, socket_id: str) -> Conversation:
    """Return the conversation of an accepted handshake and count its socket.

    Raises HandshakeError 401, 404 or 429.
    """
    conversation = session_of_token(handshake.session_id, handshake.token, handshake.origin)
    reading_count(conversation.pk, is_poll=handshake.is_poll)
    if not socket_counted(conversation.pk, socket_id):
        limit = settings.SOCKETS_PER_SESSION
        raise HandshakeError(429, f"This session already has {limit} open sockets.")
    return conversation


def reading_count(conversation_id: str, *, is_poll: bool) -> None:
    """Count a beginning to read a journal; raises HandshakeError 429 where it is one too many."""
    wait = retry_after(
        f"handshakes:{conversation_id}",
        limit=settings.HANDSHAKES_PER_MINUTE * _SOCKET_COST,
        window_seconds=60,
        amount=_POLL_COST if is_poll else _SOCKET_COST,
    )
    wait = wait or journal_wait(conversation_id)
    if wait:
        text = f"This session has been read too often. Connect again in {wait} seconds."
        raise HandshakeError(429, text, wait=wait)


async def handshake_refuse(consumer: Any, error: Refusal) -> None:
    """Answer a handshake with an HTTP status where the server can, else close it (403)."""
    if "websocket.http.response" not in consumer.scope.get("extensions", {}):
        await consumer.close()
        return
    headers = [(b"content-type", b"application/json")]
    if error.wait:
        headers.append((b"retry-after", str(error.wait).encode()))
    start: dict[str, Any] = {
        "type": "websocket.http.response.start",
        "status": error.status,
        "headers": headers,
    }
    body = json.dumps(envelope(error.code, str(error))).encode()
    await consumer.base_send(start)
    await consumer.base_send({"type": "websocket.http.response.body", "body": body})
    raise StopConsumer


def session_of_token(session_id: str, access_token: str, origin: str) -> Conversation:
    """Return the conversation of a session that the token and the page may use.

    Raises HandshakeError 401 or 404.
    """
    try:
        token = token_verify(access_token)
    except TokenError as error:
        raise HandshakeError(401, str(error)) from error
    conversation = conversation_by_session(session_id)
    if conversation is None:
        raise HandshakeError(404, "No such session. Open a new one.")
    is_same = token.family == conversation.token_family
    if token.channel_id != conversation.channel_id or not (
        is_same or _may_return(conversation, origin)
    ):
        raise HandshakeError(401, "The access token belongs to another session.")
    if origin and not host_allowed(conversation.channel, origin):
        raise HandshakeError(401, "This page may not use the channel.")
    # Read here, in a thread: what is refused later is told in the project's own words.
    conversation.locale = conversation.tongue
    return conversation


def _may_return(conversation: Conversation, origin: str) -> bool:
    """Say whether an app may open its session with a new token: a page never may."""
    return conversation.is_app and not origin and conversation.channel.allows_apps


@cache
def _client() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def socket_counted(conversation_id: str, socket_id: str) -> bool:
    """Count a new socket; False if that would be one too many. Without Redis all may pass."""
    key, now = _key(conversation_id), time.time()
    try:
        with _client().pipeline() as pipe:
            pipe.zremrangebyscore(key, 0, now - _SOCKET_LIFE_SECONDS)
            pipe.zadd(key, {socket_id: now})
            pipe.zcard(key)
            pipe.expire(key, _SOCKET_LIFE_SECONDS)
            count = int(pipe.execute()[2])
    except RedisError:
        return True
    if count <= settings.SOCKETS_PER_SESSION:
        return True
    socket_gone(conversation_id, socket_id)
    return False


def sockets_seen(sockets: Sequence[tuple[str, str]]) -> None:
    """Go on counting sockets, by conversation and socket id, that have shown that they live.

    One that went meanwhile is not counted again.
    """
    now = time.time()
    try:
        with _client().pipeline() as pipe:
            for conversation_id, socket_id in sockets:
                pipe.zadd(_key(conversation_id), {socket_id: now}, xx=True)
                pipe.expire(_key(conversation_id), _SOCKET_LIFE_SECONDS)
            pipe.execute()
    except RedisError:
        return


def socket_gone(conversation_id: str, socket_id: str) -> None:
    """Stop counting a socket."""
    try:
        _client().zrem(_key(conversation_id), socket_id)
    except RedisError:
        return


def _key(conversation_id: str) -> str:
    return f"baton:sockets:{conversation_id}"
