"""Reads a socket ahead, so that what ends or keeps a conversation overtakes a flood of messages."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from conversations.journal.frames import PREFIX, EventType

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

# Answered at once, although the client has sent hundreds of messages before it.
OVERTAKING = frozenset(
    PREFIX + kind
    for kind in (
        EventType.USER_END_SESSION,
        EventType.USER_CANCEL_HANDOFF,
        EventType.HEARTBEAT,
        EventType.REQUEST_POLY_AGENT_JOIN,
    )
)
# Who says goodbye and leaves wants both: a few messages are not overtaken.
FEW = 10
# Beyond that the client is not read, and its own network buffers fill.
FRAMES_AHEAD = 1000
CHARACTERS_AHEAD = 1024 * 1024
# A control frame has a few names; a long text is a message whatever it says.
_CONTROL_CHARACTERS = 2048


class FrameQueue:
    """What a client has sent and nobody has handled yet: control frames first, else in order."""

    def __init__(self, receive: Receive) -> None:
        """Read from a server's `receive`; nothing is read before `start`."""
        self._receive = receive
        self._control: deque[Message] = deque()
        self._others: deque[Message] = deque()
        self._characters = 0
        self._changed = asyncio.Event()
        self._drained = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._is_client_gone = False

    def start(self) -> None:
        """Begin to read."""
        self._reader = asyncio.create_task(self._read())

    def stop(self) -> None:
        """Read no further."""
        reader = self._reader
        if reader is not None and reader.done() and not reader.cancelled():
            reader.exception()  # asked for, so that asyncio does not complain
        elif reader is not None:
            reader.cancel()

    @property
    def is_client_gone(self) -> bool:
        """Whether the client has left behind what is still here."""
        return self._is_client_gone

    async def next(self) -> tuple[Message, bool]:
        """Return what is to be handled next, and whether it has overtaken.

        Raises what the server's `receive` raised.
        """
        while not self._control and not self._others:
            if self._reader is not None and self._reader.done():
                self._reader.result()
            self._changed.clear()
            await self._changed.wait()
        if self._control:
            return self._control.popleft(), True
        message = self._others.popleft()
        self._characters -= _length(message)
        self._drained.set()
        return message, False

    async def _read(self) -> None:
        try:
            while True:
                message = await self._receive()
                self._sort(message)
                self._changed.set()
                if message["type"] == "websocket.disconnect":
                    self._is_client_gone = True
                    return
                while self._is_full():
                    self._drained.clear()
                    await self._drained.wait()
        finally:
            self._changed.set()

    def _sort(self, message: Message) -> None:
        is_first = len(self._control) < FEW <= len(self._others) and _overtakes(message)
        if is_first:
            self._control.append(message)
        else:
            self._others.append(message)
            self._characters += _length(message)

    def _is_full(self) -> bool:
        return len(self._others) >= FRAMES_AHEAD or self._characters >= CHARACTERS_AHEAD


def _length(message: Message) -> int:
    return len(message.get("text") or message.get("bytes") or "")


def _overtakes(message: Message) -> bool:
    text = message.get("text")
    if not text or len(text) > _CONTROL_CHARACTERS:
        return False
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return False
    kind = frame.get("type") if isinstance(frame, dict) else None
    return isinstance(kind, str) and kind in OVERTAKING
