"""Salesforce's Streaming API (CometD over long polls): platform events with replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from itertools import count

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    InvalidAuthError,
    InvalidRoutingError,
    MissingPermissionError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.http.client import REQUEST_SECONDS, HttpClient
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text

PATH = "/cometd/60.0"
NEW_ONLY, ALL_RETAINED = -1, -2
# The server holds a poll for 110 seconds.
POLL_SECONDS = 125.0
_HANDSHAKE, _SUBSCRIBE = "/meta/handshake", "/meta/subscribe"
_CONNECT, _DISCONNECT = "/meta/connect", "/meta/disconnect"
_ERRORS: dict[str, type[ConnectorError]] = {
    "401": InvalidAuthError,
    "403": MissingPermissionError,
    "404": InvalidRoutingError,
}
_TOO_OLD = "400"


class ClientUnknownError(CannotConnectError):
    """The server does not know our client any more: shake hands and subscribe again."""


class ReplayTooOldError(RejectedError):
    """The server does not keep events from so long ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformEvent:
    """One event of the topic; its number grows, with gaps."""

    replay_id: int
    payload: Json = field(repr=False)


class CometdClient:
    """One client of the server's: it shakes hands, subscribes once, and polls."""

    def __init__(self, http: HttpClient, *, instance_url: str, token: str) -> None:
        """Keep the token for the life of this client."""
        self._http = http
        self._url = f"{instance_url.rstrip('/')}{PATH}"
        self._token = token
        self._cookies: dict[str, str] = {}
        self._client_id = ""
        self._numbers = count(1)

    async def handshake(self, *, timeout: float = REQUEST_SECONDS) -> None:
        """Become a client of the server's."""
        body: dict[str, object] = {
            "channel": _HANDSHAKE,
            "version": "1.0",
            "minimumVersion": "1.0",
            "supportedConnectionTypes": ["long-polling"],
            "ext": {"replay": True},
        }
        answer, _ = await self._send(body, timeout=timeout)
        self._client_id = as_text(answer.get("clientId"))

    async def subscribe(self, topic: str, replay: int, *, timeout: float = REQUEST_SECONDS) -> None:
        """Ask for a topic from an event on; the events come with the polls."""
        body: dict[str, object] = {
            "channel": _SUBSCRIBE,
            "subscription": topic,
            "ext": {"replay": {topic: replay}},
        }
        await self._send(body, timeout=timeout)

    async def connect(self, topic: str, *, timeout: float = POLL_SECONDS) -> list[PlatformEvent]:
        """Wait for events; there may be none."""
        body: dict[str, object] = {"channel": _CONNECT, "connectionType": "long-polling"}
        _, others = await self._send(body, timeout=timeout)
        return [event for one in others if (event := _event(one, topic)) is not None]

    async def disconnect(self) -> None:
        """Say goodbye; a server that is not there forgets us by itself."""
        try:
            await self._send({"channel": _DISCONNECT}, timeout=2.0)
        except ConnectorError:
            return

    async def _send(self, body: dict[str, object], *, timeout: float) -> tuple[Json, list[Json]]:
        """Send one message; return its answer, and what came with it."""
        channel = str(body["channel"])
        message = {**body, "id": str(next(self._numbers))}
        if self._client_id:
            message["clientId"] = self._client_id
        headers = {"Authorization": f"Bearer {self._token}"}
        if self._cookies:
            headers["Cookie"] = "; ".join(
                f"{name}={value}" for name, value in self._cookies.items()
            )
        operation = channel.rpartition("/")[2]
        response = await self._http.request(
            operation, "POST", self._url, headers=headers, json=[message], timeout=timeout
        )
        for name, value in response.headers.items():
            if name.lower() == "set-cookie":
                self._cookies |= {key: one.value for key, one in SimpleCookie(value).items()}
        found = as_objects(response.json())
        answer = next((one for one in found if one.get("channel") == channel), None)
        if answer is None:
            raise UnexpectedResponseError(f"{operation}: the answer is missing")
        if answer.get("successful") is not True:
            raise _refusal(operation, answer)
        return answer, [one for one in found if one is not answer]


def _refusal(operation: str, answer: Json) -> ConnectorError:
    """Read `401::Authentication invalid` and its kind, with the advice that goes with it."""
    code, _, _ = as_text(answer.get("error")).partition(":")
    ext = as_object(as_object(answer.get("ext")).get("sfdc"))
    code = code or as_text(ext.get("failureReason")).partition(":")[0]
    message = f"{operation}: refused as {code[:8]}"
    advice = as_text(as_object(answer.get("advice")).get("reconnect"))
    if operation == "connect" and (code == "403" or advice == "handshake") and code != "401":
        return ClientUnknownError(message)
    if operation == "subscribe" and code == _TOO_OLD:
        return ReplayTooOldError(message, vendor_code=code)
    kind: Callable[..., ConnectorError] = _ERRORS.get(code, CannotConnectError)
    return kind(message, vendor_code=code)


def _event(message: Json, topic: str) -> PlatformEvent | None:
    data = as_object(message.get("data"))
    replay_id = as_count(as_object(data.get("event")).get("replayId"))
    if message.get("channel") != topic or replay_id is None:
        return None
    return PlatformEvent(replay_id=replay_id, payload=as_object(data.get("payload")))
