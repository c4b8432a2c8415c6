"""The simulated notification service: channels, topics, and the sockets that hear them.

Imitates developer.genesys.cloud/notificationsalerts/notifications: 20 channels per client, 1,000
topics per channel, one socket per channel, nothing replayed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.simulators.event_faults import EventFaults
from integrations.vendors.genesys.simulator.state import iso, new_id

CHANNEL_LIMIT = 20
TOPIC_LIMIT = 1000
CHANNEL_SECONDS = 24 * 3600
GOING_AWAY = 1001
INTERNAL_ERROR = 1011
Frame = Mapping[str, Any]


class TooManyTopicsError(Exception):
    """A channel holds 1,000 topics at most."""


@dataclass(slots=True, eq=False)
class Socket:
    """One open WebSocket; may be fed from any thread."""

    frames: deque[Frame] = field(default_factory=deque)
    close_code: int | None = None
    stalled_until: float = 0.0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def push(self, frame: Frame) -> None:
        """Send a frame as soon as the socket is not stalled."""
        self.frames.append(frame)
        self.notify()

    def close(self, code: int = GOING_AWAY) -> None:
        """Close after what is on its way."""
        self.close_code = code
        self.notify()

    def stall(self, seconds: float) -> None:
        """Send nothing for a while, heartbeats included."""
        self.stalled_until = time.monotonic() + seconds
        self.notify()

    def notify(self) -> None:
        """Wake the task that sends."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.wake.set)


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

    @property
    def expires(self) -> str:
        """Return when the channel ends if nobody subscribes again."""
        return iso(round(self.expires_at * 1000))

    def use(self) -> None:
        """Renew the channel, as subscribing does."""
        self.used_at = time.monotonic()
        self.expires_at = time.time() + CHANNEL_SECONDS


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
            channel.socket.push(gone_frame())
            channel.socket.close()

    def end_all(self) -> None:
        """Let all channels be gone, as when the tokens behind them expire."""
        with self._lock:
            for channel in list(self._channels.values()):
                self.end(channel)

    def subscribe(self, channel: Channel, topics: Iterable[str]) -> None:
        """Add topics; raises TooManyTopicsError and adds none beyond the limit."""
        with self._lock:
            wanted = {**channel.topics, **dict.fromkeys(topics)}
            if len(wanted) > TOPIC_LIMIT:
                raise TooManyTopicsError
            channel.topics = wanted
            channel.use()

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
        frame = {
            "topicName": topic,
            "version": "2",
            "eventBody": dict(body),
            "metadata": {"CorrelationId": new_id()},
        }
        with self._lock:
            if self._listeners(topic):
                for arriving_topic, arriving in self.faults.arriving((topic, frame)):
                    for socket in self._listeners(arriving_topic):
                        socket.push(arriving)

    def _listeners(self, topic: str) -> list[Socket]:
        return [
            one.socket
            for one in self._channels.values()
            if topic in one.topics and one.socket is not None and one.socket.close_code is None
        ]

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


def heartbeat_frame(message: str = "WebSocket Heartbeat") -> Frame:
    """Return what keeps a socket alive, or the answer to a ping."""
    return {"topicName": "channel.metadata", "eventBody": {"message": message}}


def closing_frame() -> Frame:
    """Return the warning that a socket will be closed within a minute."""
    return {
        "topicName": "v2.system.socket_closing",
        "version": "1",
        "eventBody": {"message": "Socket closing"},
        "metadata": {"CorrelationId": new_id()},
    }


def gone_frame() -> Frame:
    """Return what a socket is told whose channel expired or was displaced; results are text."""
    return {"result": "404", "message": "The channel was not found."}
