"""The open participant WebSockets, and the one way a frame reaches them."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

from integrations.simulators.event_faults import EventFaults

SOCKETS_PER_PARTICIPANT = 5
GOING_AWAY = 1001
INTERNAL_ERROR = 1011


@dataclass(slots=True, kw_only=True, eq=False)
class Socket:
    """One open socket of one participant; its methods may be called from any thread."""

    chat_id: str
    participant_id: str
    topics: set[str] = field(default_factory=set)
    close_code: int | None = None
    stalled_until: float = 0.0
    outbox: list[str] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def send(self, frame: str) -> None:
        """Put a frame into the outbox."""
        self.outbox.append(frame)
        self._notify()

    def close(self, code: int = GOING_AWAY) -> None:
        """Close the socket; frames that wait are lost, as they are at the vendor."""
        self.close_code = code
        self._notify()

    def stall(self, seconds: float) -> None:
        """Send nothing for a while, answers to heartbeats included."""
        self.stalled_until = time.monotonic() + seconds
        self._notify()

    def _notify(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.wake.set)


class Hub:
    """Feeds every subscribed socket of a chat."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._sockets: list[Socket] = []
        self.faults: EventFaults[str] = EventFaults()

    def add(self, socket: Socket) -> bool:
        """Feed a socket from now on; false when the participant has too many."""
        with self._lock:
            own = [s for s in self._sockets if s.participant_id == socket.participant_id]
            if len(own) >= SOCKETS_PER_PARTICIPANT:
                return False
            self._sockets.append(socket)
            return True

    def remove(self, socket: Socket) -> None:
        """Feed a socket no longer."""
        with self._lock:
            if socket in self._sockets:
                self._sockets.remove(socket)

    def open_sockets(self, chat_id: str | None = None) -> list[Socket]:
        """Return the open sockets, of one chat or of all."""
        with self._lock:
            return [s for s in self._sockets if chat_id in (None, s.chat_id)]

    def publish(self, chat_id: str, frame: str) -> None:
        """Send a frame to a chat's subscribers, unless a fault is planned for it."""
        with self._lock:
            for one in self.faults.arriving(frame, lane=chat_id):
                for socket in self.open_sockets(chat_id):
                    if "aws/chat" in socket.topics:
                        socket.send(one)

    def forget(self) -> None:
        """Plan nothing any more."""
        self.faults.forget()
