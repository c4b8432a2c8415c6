"""Follows one conversation over its event stream: reconnects, catches up, notices the end."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from integrations.contract.connector import VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    InvalidAuthError,
    MissingPermissionError,
    RateLimitedError,
)
from integrations.http.sse import SseEvent
from integrations.kit.conversation_entries.entries import (
    Entry,
    entry_from_json,
    entry_from_stream,
)
from integrations.kit.conversation_entries.progress import ConversationProgress, Step
from integrations.kit.json_values import Json
from integrations.kit.waiting import Reconnecting, ReconnectTiming
from integrations.vendors.salesforce_messaging.client import (
    PAGE_SIZE,
    AccessToken,
    SalesforceMessagingClient,
)
from integrations.vendors.salesforce_messaging.connector.access import ConversationTokens

_NEEDS_ROUTING = "NEEDS_ROUTING"
_PING = "ping"
# What the stream says in place of an entry before it falls silent.
_EXPIRED = "jwt is expired"
# Entries are stamped by more than one machine: look back a little further than the last one seen.
_OVERLAP_MS = 1000
_MAX_PAGES = 40
_RECONNECT = ReconnectTiming(first=1.0, factor=1.5, longest=30.0, give_up=240.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTiming:
    """Seconds that the stream lives by; tests shorten them."""

    idle: float = 90.0  # the official client's own patience
    open: float = 10.0
    end_check: float = 3.0
    end_recheck: float = 30.0
    renew_before: float = 60.0
    reconnect: ReconnectTiming = _RECONNECT


class ConversationStream:
    """One listener: from a stored session to the end of the conversation."""

    def __init__(
        self,
        *,
        client: SalesforceMessagingClient,
        tokens: ConversationTokens,
        timing: StreamTiming,
        session: VendorSession,
        listing: asyncio.Semaphore,
    ) -> None:
        """Take up where `session` was stored; `listing` is shared by all who catch up."""
        self._client = client
        self._listing = listing
        self._tokens = tokens
        self._timing = timing
        self._progress = ConversationProgress(session)
        self._reconnecting = Reconnecting(timing.reconnect)
        self._refusals = 0
        self._renew_at = math.inf
        self._check_end_at = math.inf
        if self._progress.is_between_agents:
            self._check_end_at = time.monotonic() + timing.end_check

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Yield events until the conversation has ended; raises when it cannot go on."""
        while not self._progress.has_ended:
            token = await self._tokens.current(self._progress.session)
            try:
                async with aclosing(self._connection(token)) as steps:
                    async for step in steps:
                        yield step
            except InvalidAuthError:
                self._refusals += 1
                if self._refusals > 1:
                    raise
                await self._tokens.renew(self._progress.session, token)
            except MissingPermissionError as error:
                async with aclosing(self._without_stream(token, error)) as steps:
                    async for step in steps:
                        yield step
            except (CannotConnectError, RateLimitedError) as error:
                await self._reconnecting.pause(error)
            else:
                await self._after_quiet_end(token)

    async def _without_stream(
        self, token: AccessToken, refusal: MissingPermissionError
    ) -> AsyncGenerator[Step, None]:
        """A refused stream shows no end: what the history has is told, and the next try comes."""
        try:
            async for step in self._catch_up(token):
                yield step
        except (CannotConnectError, RateLimitedError, InvalidAuthError) as error:
            await self._reconnecting.pause(CannotConnectError(error.message, status=error.status))
            return
        if not self._progress.has_ended:
            problem = CannotConnectError(refusal.message, status=refusal.status)
            await self._reconnecting.pause(problem)

    async def _after_quiet_end(self, token: AccessToken) -> None:
        if time.monotonic() >= self._renew_at:
            await self._tokens.renew(self._progress.session, token)
        elif not self._progress.has_ended:
            await self._reconnecting.pause(CannotConnectError("events: the stream was closed"))

    async def _connection(self, token: AccessToken) -> AsyncGenerator[Step, None]:
        """Live through one connection; ends with it, or when the token must be renewed."""
        timing = self._timing
        async with self._client.events(
            token, self._progress.session.cursor, idle_timeout=timing.idle, open_timeout=timing.open
        ) as events:
            self._reconnecting.connected()
            self._plan_renewal(token)
            async for step in self._catch_up(token):
                yield step
            async with aclosing(self._ticks(events)) as ticks:
                async for event in ticks:
                    steps = self._take(event) if event else await self._ask_for_end(token)
                    for step in steps:
                        yield step
                    if self._progress.has_ended:
                        return

    async def _ticks(
        self, events: AsyncIterator[SseEvent]
    ) -> AsyncGenerator[SseEvent | None, None]:
        """Yield each event, and None when it is time to ask whether the conversation has ended.

        Returns when the stream is over, or early enough to renew the token.
        """
        waiting: asyncio.Task[SseEvent | None] | None = None
        try:
            while time.monotonic() < self._renew_at and not self._progress.has_ended:
                wake_at = min(self._renew_at, self._check_end_at)
                if waiting is None and math.isinf(wake_at):
                    # Nothing else to wake up for until the next event: no task is needed.
                    event = await _next_event(events)
                else:
                    waiting = waiting or asyncio.ensure_future(_next_event(events))
                    await asyncio.wait({waiting}, timeout=_seconds_until(wake_at))
                    if not waiting.done():
                        if time.monotonic() >= self._check_end_at:
                            yield None
                        continue
                    event, waiting = waiting.result(), None
                if event is None:
                    return
                yield event
        finally:
            if waiting is not None:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    async def _catch_up(self, token: AccessToken) -> AsyncIterator[Step]:
        """List what happened since the last entry seen: a replay may not reach back far enough."""
        pages = entry_pages(
            self._client,
            token,
            self._progress.session.vendor_conversation_id,
            start=max(self._progress.seen - _OVERLAP_MS, 0),
            listing=self._listing,
        )
        async with aclosing(pages):
            async for entries in pages:
                for step in (step for entry in entries for step in self._apply(entry, "")):
                    yield step
                if self._progress.has_ended:
                    return

    def _take(self, event: SseEvent) -> list[Step]:
        if _tells_expiry(event):
            raise InvalidAuthError("events: the token has expired")
        self._refusals = 0
        self._reconnecting.alive(None if event.retry is None else event.retry / 1000)
        if event.event == _PING:
            return []
        fallback_id = f"sse:{_digest(event.event + event.data)}"
        entry = entry_from_stream(event.event, event.data, fallback_id)
        if entry is None:
            return [self._progress.malformed(fallback_id, event.id)]
        return self._apply(entry, event.id)

    def _apply(self, entry: Entry, cursor: str) -> list[Step]:
        was_between = self._progress.is_between_agents
        steps = self._progress.apply(entry, cursor)
        if not self._progress.is_between_agents:
            self._check_end_at = math.inf
        elif not was_between:
            self._check_end_at = time.monotonic() + self._timing.end_check
        return steps

    async def _ask_for_end(self, token: AccessToken) -> list[Step]:
        """Ask who has the work: after the last live agent left, nobody means the end."""
        conversation_id = self._progress.session.vendor_conversation_id
        status = await self._client.routing_status(token, conversation_id)
        if status == _NEEDS_ROUTING:
            return [self._progress.ended()]
        self._check_end_at = time.monotonic() + self._timing.end_recheck
        return []

    def _plan_renewal(self, token: AccessToken) -> None:
        self._renew_at = math.inf
        if token.is_authenticated:
            left = token.expires_at - time.time()
            self._renew_at = time.monotonic() + max(left - self._timing.renew_before, left / 2)


async def entry_pages(
    client: SalesforceMessagingClient,
    token: AccessToken,
    conversation_id: str,
    *,
    start: int,
    listing: asyncio.Semaphore,
) -> AsyncGenerator[list[Entry], None]:
    """List entries from a time on, page by page, each in the order of Salesforce's clock."""
    for _ in range(_MAX_PAGES):
        async with listing:
            page = await client.list_entries(token, conversation_id, start_timestamp=start)
        entries = sorted(_readable(page, conversation_id), key=lambda entry: entry.milliseconds)
        yield entries
        if len(page) < PAGE_SIZE or not entries:
            return
        start = max(entries[-1].milliseconds, start + 1)


async def _next_event(events: AsyncIterator[SseEvent]) -> SseEvent | None:
    return await anext(events, None)


def _tells_expiry(event: SseEvent) -> bool:
    """Say whether this is the word that the token is too old, which is no entry."""
    return _EXPIRED in event.data.casefold() and "conversationEntry" not in event.data


def _seconds_until(moment: float) -> float | None:
    return None if math.isinf(moment) else max(moment - time.monotonic(), 0.0)


def _readable(page: list[Json], conversation_id: str) -> list[Entry]:
    found = (
        entry_from_json(
            item,
            conversation_id=conversation_id,
            fallback_id=f"entry:{_digest(json.dumps(item, sort_keys=True))}",
        )
        for item in page
    )
    return [entry for entry in found if entry is not None]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()[:24]
