"""The frames of the participant socket, and the order of what they carry.

Items carry the vendor's times, frames no numbers.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from integrations.contract.errors import CannotConnectError
from integrations.http.socket import VendorSocket
from integrations.kit.json_values import as_object, as_text
from integrations.kit.plain_json import vendor_json
from integrations.vendors.amazon_connect.mapping.item import CHAT_ENDED, Item

CHAT = "aws/chat"
_SUBSCRIBE = "aws/subscribe"
SUBSCRIBE = json.dumps({"topic": _SUBSCRIBE, "content": {"topics": [CHAT]}})
BEAT = json.dumps({"topic": "aws/heartbeat"})
PING = json.dumps({"topic": "aws/ping"})
SUBSCRIBE_TRIES = 5
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `has_failed` means that the connection is of no use any more."""

    topic: str
    content: object = field(repr=False)
    has_failed: bool = False


def frame_from_text(text: str) -> Frame:
    """Read a frame; one that is no JSON has the topic of a chat, and nothing in it."""
    try:
        value = vendor_json(text)
    except ValueError:
        return Frame(CHAT, text)
    frame = as_object(value)
    topic = as_text(frame.get("topic"))
    status = frame.get("statusCode")
    is_lost = isinstance(status, int) and status >= 500
    # The gateway in front of the vendor complains without naming a topic.
    return Frame(topic, frame.get("content"), is_lost or (not topic and "message" in frame))


async def subscribed(socket: VendorSocket, seconds: float) -> None:
    """Subscribe to the chat; raises CannotConnectError when it is not granted in time."""
    try:
        async with asyncio.timeout(seconds):
            for _ in range(SUBSCRIBE_TRIES):
                await socket.send_text(SUBSCRIBE)
                if await _is_granted(socket):
                    return
                await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError:
        pass
    raise CannotConnectError("socket: no subscription", reason="stream")


async def _is_granted(socket: VendorSocket) -> bool:
    async for text in socket:
        frame = frame_from_text(text)
        if frame.has_failed:
            break
        if frame.topic == _SUBSCRIBE:
            return as_object(frame.content).get("status") == "success"
    raise CannotConnectError("socket: closed before the subscription", reason="stream")


def in_order(items: Iterable[Item]) -> list[Item]:
    """Sort by the vendor's own times, the end last; at the same time first come, first served."""
    return sorted(items, key=lambda item: (item.at, item.event == CHAT_ENDED))


class FrameOrder:
    """Lets each item wait a moment for what it has overtaken on its way."""

    def __init__(self, seconds: float) -> None:
        """Let items wait for so long."""
        self._seconds = seconds
        self._waiting: list[tuple[float, Item]] = []

    @property
    def due_at(self) -> float:
        """Return when the first item has waited long enough, by the monotonic clock."""
        return self._waiting[0][0] if self._waiting else math.inf

    def add(self, item: Item) -> None:
        """Let an item wait."""
        self._waiting.append((time.monotonic() + self._seconds, item))

    def take_due(self) -> list[Item]:
        """Return what has waited long enough, and before it what happened before it."""
        now = time.monotonic()
        due = [item.at for until, item in self._waiting if until <= now]
        return self._take(max(due)) if due else []

    def take_all(self) -> list[Item]:
        """Return whatever waits: nothing else can come before it."""
        items = [item for _, item in self._waiting]
        self._waiting.clear()
        return in_order(items)

    def _take(self, until: datetime) -> list[Item]:
        taken = [item for _, item in self._waiting if item.at <= until]
        self._waiting = [(due, item) for due, item in self._waiting if item.at > until]
        return in_order(taken)
