"""The simulated notification service: channels, topics, and the sockets that hear them.

Imitates developer.genesys.cloud/notificationsalerts/notifications: 20 channels per client, 1,000
topics per channel, one socket per channel, nothing replayed.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from integrations.simulators.events.faults import EventFaults
from integrations.simulators.events.streams import EventStream
from integrations.vendors.genesys.simulator.app import Call, Operations, known
from integrations.vendors.genesys.simulator.checks import MALFORMED, VendorError
from integrations.vendors.genesys.simulator.state import iso, new_id

if TYPE_CHECKING:
    from integrations.vendors.genesys.simulator.world import Org

CHANNEL_LIMIT = 20
TOPIC_LIMIT = 1000
CHANNEL_SECONDS = 24 * 3600
GOING_AWAY = 1001
INTERNAL_ERROR = 1011
CHANNELS = "/api/v2/notifications/channels"
CHANNEL = CHANNELS + "/{channel_id}"
SUBSCRIPTIONS = CHANNEL + "/subscriptions"
DETAIL_PREFIX = "v2.detail.events.conversation"
DETAIL_NAMES = (
    *("customer.start", "customer.end", "acd.start", "acd.end", "user.start", "user.end"),
    *("acw", "wrapup", "attributes", "contact", "flow.start", "flow.end", "flow.outcome"),
    "outbound",
)
DETAIL_PERMISSION = "analytics:conversationDetail:view"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Topic -> the permission it needs; ids are lower-case UUIDs.
TOPICS = {
    **{f"{DETAIL_PREFIX}.{{id}}.{name}": DETAIL_PERMISSION for name in DETAIL_NAMES},
    "v2.routing.queues.{id}.conversations.messages": "routing:queue:view",
    "v2.users.{id}.conversations.messages": "",
}
PATTERNS = {
    re.compile(re.escape(topic).replace(r"\{id\}", UUID)): permission
    for topic, permission in TOPICS.items()
}
# What a socket is told whose channel expired or was displaced; results are text.
GONE = {"result": "404", "message": "The channel was not found."}
MISREAD = {"result": "400", "status": "error", "message": MALFORMED}
OPERATIONS = Operations()
Frame = Mapping[str, Any]


@dataclass(slots=True, kw_only=True, eq=False)
class Socket(EventStream):
    """One open WebSocket; may be fed from any thread."""

    frames: deque[Frame] = field(default_factory=deque)
    # Nothing is sent where nobody is left to hear it.
    close_code: int = GOING_AWAY

    def push(self, frame: Frame) -> None:
        """Send a frame as soon as the socket is not stalled."""
        self.frames.append(frame)
        self.notify()

    def close_with(self, code: int) -> None:
        """Close after what is on its way, with a code of WebSocket's; 0 sends none."""
        self.close_code = code
        self.close()


@dataclass(slots=True, eq=False, kw_only=True)
class Channel:
    """A notification channel of one OAuth client."""

    client_id: str
    token: str = field(repr=False)
    id: str = field(default_factory=lambda: f"streaming-0-{new_id()}")
    used_at: float = field(default_factory=time.monotonic)
    expires_at: float = field(default_factory=lambda: time.time() + CHANNEL_SECONDS)
    topics: dict[str, None] = field(default_factory=dict)
    socket: Socket | None = None


class ChannelOffice:
    """All channels of the org, and the one way an event reaches their sockets."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._channels: dict[str, Channel] = {}
        self.faults: EventFaults[tuple[str, Frame]] = EventFaults()

    # -- Channels -----------------------------------------------------------------------------

    def create(self, client_id: str, token: str) -> Channel:
        """Make a channel; the one too many displaces the one used longest ago, idle ones first."""
        with self._lock:
            own = self.of_client(client_id)
            if len(own) >= CHANNEL_LIMIT:
                self.end(min(own, key=lambda one: (one.socket is not None, one.used_at)))
            channel = Channel(client_id=client_id, token=token)
            self._channels[channel.id] = channel
            return channel

    def of_client(self, client_id: str) -> list[Channel]:
        """Return the channels of a client."""
        return [one for one in self._channels.values() if one.client_id == client_id]

    def find(self, channel_id: str) -> Channel | None:
        """Return a channel that has not expired."""
        channel = self._channels.get(channel_id)
        if channel is not None and channel.expires_at <= time.time():
            self.end(channel)
            return None
        return channel

    def end(self, channel: Channel) -> None:
        """Let a channel be gone; its socket is told and closed."""
        self._channels.pop(channel.id, None)
        if channel.socket is not None:
            channel.socket.push(GONE)
            channel.socket.close()

    def end_all(self) -> None:
        """Let all channels be gone, as when the tokens behind them expire."""
        with self._lock:
            for channel in list(self._channels.values()):
                self.end(channel)

    def subscribe(self, channel: Channel, topics: Iterable[str]) -> None:
        """Add topics and renew the channel; refuses all of them beyond the limit."""
        with self._lock:
            wanted = {**channel.topics, **dict.fromkeys(topics)}
            if len(wanted) > TOPIC_LIMIT:
                raise VendorError(400, f"A channel holds {TOPIC_LIMIT} topics at most.")
            channel.topics = wanted
            channel.used_at = time.monotonic()
            channel.expires_at = time.time() + CHANNEL_SECONDS

    def attach(self, channel: Channel, socket: Socket) -> None:
        """Give a channel its socket; there is one, so an older one is closed."""
        with self._lock:
            if channel.socket is not None:
                channel.socket.close()
            channel.socket = socket
            channel.used_at = time.monotonic()

    def detach(self, channel: Channel, socket: Socket) -> None:
        """Let a closed socket go."""
        with self._lock:
            if channel.socket is socket:
                channel.socket = None

    # -- Events -------------------------------------------------------------------------------

    def publish(self, topic: str, body: Mapping[str, Any]) -> None:
        """Send an event to whoever listens now; nobody hears it later."""
        frame = {**event_frame(topic, body), "version": "2"}
        with self._lock:
            if self._listeners(topic):
                for arriving_topic, arriving in self.faults.arriving((topic, frame)):
                    for socket in self._listeners(arriving_topic):
                        socket.push(arriving)

    def _listeners(self, topic: str) -> list[Socket]:
        channels = [one for one in self._channels.values() if topic in one.topics]
        return [one.socket for one in channels if one.socket and not one.socket.is_closed]

    def broadcast(self, frame: Frame) -> None:
        """Send a frame to every open socket, whatever it listens to."""
        for socket in self.sockets():
            socket.push(frame)

    def sockets(self) -> list[Socket]:
        """Return the open sockets."""
        with self._lock:
            return [one.socket for one in self._channels.values() if one.socket is not None]

    def forget(self) -> None:
        """Forget all channels and planned faults."""
        self.end_all()
        self.faults.forget()


def event_frame(topic: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as sockets hear it."""
    return {
        "topicName": topic,
        "version": "1",
        "eventBody": dict(body),
        "metadata": {"CorrelationId": new_id()},
    }


def closing_frame() -> Frame:
    """Return the warning that a socket will be closed within a minute."""
    return event_frame("v2.system.socket_closing", {"message": "Socket closing"})


def _heartbeat(message: str = "WebSocket Heartbeat") -> Frame:
    return {"topicName": "channel.metadata", "eventBody": {"message": message}}


# -- The calls ------------------------------------------------------------------------------------


@OPERATIONS("POST", CHANNELS)
def _create(call: Call) -> object:
    token = call.token.value if call.token else ""
    return _channel_object(call, call.org.channels.create(call.client_id, token))


@OPERATIONS("GET", CHANNELS)
def _channels(call: Call) -> object:
    own = call.org.channels.of_client(call.client_id)
    return {"entities": [_channel_object(call, one) for one in own]}


@OPERATIONS("HEAD", CHANNEL)
def _head(call: Call) -> None:
    _channel(call)


@OPERATIONS("GET", SUBSCRIPTIONS)
def _subscriptions(call: Call) -> object:
    return {"entities": [_permitted(one) for one in _channel(call).topics]}


@OPERATIONS("POST", SUBSCRIPTIONS)
def _subscribe(call: Call) -> object:
    """Add topics; the answer says of each whether it is permitted."""
    channel, body = _channel(call), call.json
    wanted = [one.get("id") if isinstance(one, dict) else None for one in _as_list(body)]
    if not all(isinstance(one, str) for one in wanted):
        raise VendorError(400, MALFORMED, field="id")
    answers = [_judged(call.org, str(one)) for one in wanted]
    permitted = [one["id"] for one in answers if one["state"] == "Permitted"]
    call.org.channels.subscribe(channel, permitted)
    return {"entities": answers}


@OPERATIONS("PUT", SUBSCRIPTIONS)
def _replace(call: Call) -> object:
    channel = _channel(call)
    before, channel.topics = channel.topics, {}
    try:
        return _subscribe(call)
    except VendorError:
        channel.topics = before
        raise


@OPERATIONS("DELETE", SUBSCRIPTIONS, status=204)
def _clear(call: Call) -> None:
    _channel(call).topics.clear()


@OPERATIONS("GET", "/api/v2/notifications/availabletopics")
def _available(call: Call) -> object:
    is_detailed = "permissionDetails" in call.query("expand")
    found: list[dict[str, Any]] = []
    for topic, permission in TOPICS.items():
        found.append({"id": topic, "transports": ["All"], "visibility": "Public"})
        if is_detailed and permission:
            detail = {"type": "requiresPermissions", "permissions": [permission], "enforced": True}
            found[-1] |= {"permissionDetails": [detail], "requiresPermissions": [permission]}
    return {"entities": found}


def _channel(call: Call) -> Channel:
    channel = call.org.channels.find(call.named("channel_id"))
    return known(channel if channel and channel.client_id == call.client_id else None, "channel")


def _channel_object(call: Call, channel: Channel) -> dict[str, str]:
    base = call.org.base_url.replace("http", "ws", 1)
    expires = iso(round(channel.expires_at * 1000))
    return {"connectUri": f"{base}/channels/{channel.id}", "id": channel.id, "expires": expires}


def _as_list(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise VendorError(400, MALFORMED)
    return body


def _judged(org: Org, topic: str) -> dict[str, Any]:
    needed = next((one for pattern, one in PATTERNS.items() if pattern.fullmatch(topic)), None)
    if needed is None:
        return _rejected(topic, "The topic is not known.", [])
    if needed and needed not in org.switches.permissions:
        return _rejected(topic, "Permissions are missing.", [needed])
    return _permitted(topic)


def _permitted(topic: str) -> dict[str, Any]:
    return {"id": topic, "state": "Permitted", "selfUri": f"/api/v2/notifications/topics/{topic}"}


def _rejected(topic: str, reason: str, missing: list[str]) -> dict[str, Any]:
    rejection = {"rejectionReason": reason, "missingPermissions": missing}
    return {**_permitted(topic), "state": "Rejected", **rejection}


# -- The socket -----------------------------------------------------------------------------------


async def listen(org: Org, websocket: WebSocket) -> None:
    """Serve the socket of a channel until either side closes."""
    await websocket.accept()
    channel = org.channels.find(websocket.path_params["channel_id"])
    if channel is None or org.tokens.find(channel.token) is None:
        await websocket.send_text(json.dumps(GONE))
        await websocket.close()
        return
    socket = Socket()
    org.channels.attach(channel, socket)
    reader = asyncio.ensure_future(_read(org, websocket, channel, socket))
    try:
        with suppress(WebSocketDisconnect):
            await _write(org, websocket, channel, socket)
    finally:
        org.channels.detach(channel, socket)
        reader.cancel()


async def _write(org: Org, websocket: WebSocket, channel: Channel, socket: Socket) -> None:
    next_beat = time.monotonic() + org.switches.ping_interval_seconds
    while True:
        socket.wake.clear()
        silence = socket.stalled_until - time.monotonic()
        if silence > 0 and not socket.is_closed:
            await socket.rest(silence)
            continue
        while socket.frames:
            await websocket.send_text(json.dumps(socket.frames.popleft()))
        if socket.is_closed:
            break
        if org.channels.find(channel.id) is None:
            continue
        if time.monotonic() >= next_beat:
            socket.frames.append(_heartbeat())
            next_beat = time.monotonic() + org.switches.ping_interval_seconds
            continue
        await socket.rest(next_beat - time.monotonic())
    if socket.close_code:
        await websocket.close(socket.close_code)


async def _read(org: Org, websocket: WebSocket, channel: Channel, socket: Socket) -> None:
    try:
        while True:
            socket.push(_heard(org, await websocket.receive_text(), channel))
    except WebSocketDisconnect:
        # Nobody is there to be sent a close.
        socket.close_with(0)


def _heard(org: Org, text: str, channel: Channel) -> Frame:
    """Return the answer to what a client says over its socket."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return MISREAD
    message = asked.get("message") if isinstance(asked, dict) else None
    if message == "ping":
        return _heartbeat("pong")
    if message != "subscribe":
        return MISREAD
    topics, echo = asked.get("topics"), {"correlationId": asked.get("correlationId")}
    if not isinstance(topics, list) or not all(isinstance(one, str) for one in topics):
        return {**MISREAD, **echo}
    failure = {"result": "400", "status": "failure", **echo}
    if refused := [one for one in topics if _judged(org, one)["state"] != "Permitted"]:
        return {**failure, "message": f"Not permitted: {', '.join(refused)}"}
    try:
        org.channels.subscribe(channel, topics)
    except VendorError as error:
        return {**failure, "message": error.message}
    return {"result": "200", "status": "subscribed", "topics": topics, **echo}
