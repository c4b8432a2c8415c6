"""The frames of the participant socket, apart from what they carry."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from integrations.contract.errors import CannotConnectError
from integrations.http.socket import VendorSocket
from integrations.kit.plain_json import vendor_json
from integrations.vendors.amazon_connect.mapping.item import as_object, as_text

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
