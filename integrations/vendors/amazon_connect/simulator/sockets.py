"""The open participant WebSockets, and the one way a frame reaches them."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

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
        self._duplicates = 0
        self._losses = 0
        self._swaps = 0
        self._held: tuple[str, str] | None = None

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
        """Send a frame to a chat's subscribers, applying planned losses, duplicates and swaps.

        A swap holds a frame back until the next one of the same chat.
        """
        with self._lock:
            if self._losses:
                self._losses -= 1
                return
            held = self._held
            if held is None and self._swaps:
                self._swaps -= 1
                self._held = (chat_id, frame)
                return
            self._deliver(chat_id, frame)
            if held is not None and held[0] == chat_id:
                self._held = None
                self._deliver(*held)

    def _deliver(self, chat_id: str, frame: str) -> None:
        times = 2 if self._duplicates else 1
        self._duplicates = max(0, self._duplicates - 1)
        for socket in self.open_sockets(chat_id):
            if "aws/chat" in socket.topics:
                for _ in range(times):
                    socket.send(frame)

    def duplicate_next(self) -> None:
        """Deliver the next frame twice."""
        self._duplicates += 1

    def lose_next(self, count: int) -> None:
        """Let the next frames never arrive; the transcript has their items all the same."""
        self._losses += count

    def swap_next_two(self) -> None:
        """Hold the next frame back until the one after it went out."""
        self._swaps += 1

    def forget(self) -> None:
        """Plan nothing any more."""
        self._duplicates = self._losses = self._swaps = 0
        self._held = None
