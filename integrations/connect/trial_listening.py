"""What a vendor says after it has accepted a test handoff: for a few seconds, and no longer."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import cast

from integrations.contract.checks import CheckFailedError
from integrations.contract.connector import Connector, VendorSession, WebhookItem
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    StartRefused,
    VendorEvent,
)
from integrations.contract.failures import CheckCode

# A vendor that refuses what it has accepted says so within this time.
HEAR_SECONDS = 3.0
# After a sign that the line was taken, nobody may have it all the same.
_MORE_SECONDS = 1.0
_LOOK_SECONDS = 0.1
# A stream that is cancelled has this long to let go.
_STOP_SECONDS = 0.5

Heard = Callable[[Sequence[str]], Awaitable[Sequence[WebhookItem]]]
_Stream = AsyncGenerator[tuple[VendorSession, VendorEvent], None]
# What shows that the vendor has taken conversation and line.
_TAKEN = (MessageEchoed, MessageDelivered, MessageRead, LiveAgentJoined)


class TrialListening:
    """Listens to one conversation; `session` is what its events have left."""

    def __init__(self, connector: Connector, session: VendorSession, heard: Heard | None) -> None:
        """Take what returns the vendor's calls by the keys of a conversation."""
        self.session = session
        self._connector = connector
        self._heard = heard
        self._taken_at = math.inf
        self._has_agent = False

    async def hear(self) -> str:
        """Listen for a while; fails with what the vendor says too late for the steps before."""
        stream = asyncio.create_task(self._listen())
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEAR_SECONDS):
                    await self._hear_until_sure(stream)
        finally:
            await _stop(stream)
        _raise_refusal(stream)
        is_taken = self._taken_at < math.inf
        return "" if is_taken else f"Neither a receipt nor a refusal within {HEAR_SECONDS:.0f} s."

    async def _hear_until_sure(self, stream: asyncio.Task[None]) -> None:
        while time.monotonic() < self._taken_at + _MORE_SECONDS:
            await self._receive()
            _raise_refusal(stream)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _listen(self) -> None:
        """Take what a stream or a poll tells, where the vendor has one."""
        if type(self._connector).listen is Connector.listen:
            return
        # Cut off in the middle, it must let go of its stream now, not when it is collected.
        async with aclosing(cast(_Stream, self._connector.listen(self.session))) as events:
            async for session, event in events:
                self.session = session
                self._take(event)

    async def _receive(self) -> None:
        """Take what the vendor has called us with meanwhile."""
        if self._heard is None:
            return
        for item in await self._heard([self.session.vendor_conversation_id, *self.session.keys]):
            for after, event in await self._connector.receive(self.session, item):
                self.session = after
                self._take(event)

    def _take(self, event: VendorEvent) -> None:
        if isinstance(event, StartRefused):
            raise CheckFailedError(cast(CheckCode, event.code), event.detail)
        if isinstance(event, NoLiveAgents):
            raise CheckFailedError("no_live_agents", event.detail)
        if isinstance(event, MessageFailed):
            raise CheckFailedError("rejected", f"The line did not arrive. {event.reason}".strip())
        if isinstance(event, ConversationEnded) and not self._has_agent:
            raise CheckFailedError("rejected", "It was closed before anybody had it.")
        self._has_agent = self._has_agent or isinstance(event, LiveAgentJoined)
        if isinstance(event, _TAKEN):
            self._taken_at = min(self._taken_at, time.monotonic())


async def _stop(stream: asyncio.Task[None]) -> None:
    """Cancel it; one that will not end holds up nobody for long."""
    stream.cancel()
    await asyncio.wait([stream], timeout=_STOP_SECONDS)


def _raise_refusal(stream: asyncio.Task[None]) -> None:
    if stream.done() and not stream.cancelled():
        stream.result()
