"""Tells answers that would go on for long that this process is asked to end.

uvicorn closes WebSockets by itself, but waits for HTTP answers, and tells nobody that it waits.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """Sets the events of all who asked, once the process is asked to end."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._waiting: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, event: asyncio.Event) -> None:
        """Set an event when the end is asked for."""
        self._waiting.add(event)
        loop = asyncio.get_running_loop()
        if self._loop is not loop and threading.current_thread() is threading.main_thread():
            self._loop = loop
            for number in _SIGNALS:
                self._listen(signal.Signals(number))

    def remove(self, event: asyncio.Event) -> None:
        """Leave an event alone."""
        self._waiting.discard(event)

    def _listen(self, number: signal.Signals) -> None:
        """Hear a signal that the server handles; where nobody does, the process just ends."""
        before = signal.getsignal(number)
        if not callable(before) or before is signal.default_int_handler:
            return

        def handle(received: int, frame: FrameType | None) -> None:
            before(received, frame)
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._tell)

        signal.signal(number, handle)

    def _tell(self) -> None:
        for event in self._waiting:
            event.set()


shutdown = Shutdown()
