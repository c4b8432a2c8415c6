"""Send test handoff: opens a conversation that live agents see, writes one line, ends it.

Before the end it listens, because some vendors accept first and refuse afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from django.utils import timezone

from integrations.connect.testing import TooManyTestsError
from integrations.connections.addresses import webhook_urls
from integrations.connections.building import connector_with, vendor_session
from integrations.connections.calls import vendor_calls_save
from integrations.connections.tokens import TrialTokens
from integrations.contract.checks import CheckFailedError, run_checks
from integrations.contract.connector import (
    CheckResult,
    Connector,
    EndReason,
    EndUserIdentity,
    HandoffRequest,
    OutboundMessage,
    VendorSession,
    WebhookItem,
)
from integrations.contract.errors import ConnectorError
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
from integrations.contract.registry import manifest_get
from integrations.entry.rate_limit import retry_after
from integrations.http.recording import VendorCallRecord
from integrations.models import Integration
from integrations.projects.audit import audit_record

SENDS_PER_MINUTE = 3
STEPS = {
    "open": "Open a conversation",
    "send": "Send one line",
    "hear": "Hear back",
    "end": "End it again",
}
LINE = "This is a test handoff. Nobody is waiting, and it ends by itself."
_CALL_SECONDS = 15.0
_TOTAL_SECONDS = 45.0
# A vendor that refuses what it has accepted says so within this time.
_HEAR_SECONDS = 3.0
# After a sign that the line was taken, nobody may have it all the same.
_MORE_SECONDS = 1.0
_LOOK_SECONDS = 0.1

Heard = Callable[[Sequence[str]], Awaitable[Sequence[WebhookItem]]]
# What shows that the vendor has taken conversation and line.
_TAKEN = (MessageEchoed, MessageDelivered, MessageRead, LiveAgentJoined)


@dataclass(slots=True, kw_only=True)
class TrialHandoff:
    """One run: through which integration, and what it brought."""

    integration: Integration
    # Where a vendor that is told our address with each handoff may send its events.
    events_url: str = ""
    # Returns what the vendor has called with, by the keys of a conversation.
    heard: Heard | None = None
    results: list[CheckResult] = field(default_factory=list)
    calls: list[VendorCallRecord] = field(default_factory=list)


def trial_start(
    *, integration: Integration, actor: Any, heard: Heard | None = None
) -> TrialHandoff:
    """Count and note a test handoff; raises TooManyTestsError."""
    key = f"test-handoff:{integration.project.public_id}"
    wait_seconds = retry_after(key, limit=SENDS_PER_MINUTE, window_seconds=60)
    if wait_seconds:
        raise TooManyTestsError(wait_seconds)
    audit_record(
        project=integration.project,
        actor=actor,
        action="integration.test_handoff",
        subject=str(integration),
    )
    events_url = webhook_urls(integration)["events"]
    return TrialHandoff(integration=integration, events_url=events_url, heard=heard)


async def trial_run(trial: TrialHandoff) -> AsyncIterator[CheckResult]:
    """Yield each step's result as it comes; touches no database."""
    async with vendor_session() as session:
        connector = connector_with(
            manifest_get(trial.integration.connector_key),
            credentials=trial.integration.credentials,
            session=session,
            tokens=TrialTokens(trial.integration.pk),
            recorder=trial.calls.append,
        )
        steps = _Steps(connector, trial.events_url, trial.heard)
        checks = [(name, getattr(steps, name)) for name in STEPS]
        try:
            async for result in run_checks(
                checks, call_seconds=_CALL_SECONDS, total_seconds=_TOTAL_SECONDS
            ):
                trial.results.append(result)
                yield result
        finally:
            await connector.close()


def trial_finish(trial: TrialHandoff) -> None:
    """Keep the calls it took."""
    records = [("", call) for call in trial.calls]
    vendor_calls_save(integration_id=trial.integration.pk, records=records)


class _Steps:
    """The steps; the later ones need what the first one opened."""

    def __init__(self, connector: Connector, events_url: str, heard: Heard | None) -> None:
        self._connector = connector
        self._events_url = events_url
        self._heard = heard
        self._taken_at = math.inf
        self._has_agent = False
        self._session: VendorSession | None = None

    async def open(self) -> str:
        request = _request(self._events_url)
        try:
            self._session = await self._connector.start(request)
        except ConnectorError as error:
            await self._end_unfinished(request, error)
            raise
        return ""

    async def _end_unfinished(self, request: HandoffRequest, error: ConnectorError) -> None:
        """Try once to end what is left open; the call is kept like any other."""
        unfinished = self._connector.unfinished(request, error)
        if unfinished is not None:
            with contextlib.suppress(ConnectorError):
                await self._connector.end(unfinished, EndReason.FAILED)

    async def send(self) -> str:
        message = OutboundMessage(message_id=str(uuid.uuid4()), text=LINE, sent_at=timezone.now())
        self._session = await self._connector.send_message(self._opened(), message)
        return ""

    async def hear(self) -> str:
        """Listen for a while; fails with what the vendor says too late for the steps before."""
        self._opened()
        listening = asyncio.create_task(self._listen())
        began = time.monotonic()
        try:
            while time.monotonic() < min(began + _HEAR_SECONDS, self._taken_at + _MORE_SECONDS):
                await self._receive()
                if listening.done():
                    listening.result()
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            listening.cancel()
            await asyncio.wait([listening], timeout=_CALL_SECONDS)
        is_taken = self._taken_at < math.inf
        return "" if is_taken else f"Neither a receipt nor a refusal within {_HEAR_SECONDS:.0f} s."

    async def _listen(self) -> None:
        """Take what a stream or a poll tells, where the vendor has one."""
        if type(self._connector).listen is Connector.listen:
            return
        async with aclosing(self._events()) as events:
            async for session, event in events:
                self._session = session
                self._take(event)

    async def _events(self) -> AsyncGenerator[tuple[VendorSession, VendorEvent], None]:
        async for found in self._connector.listen(self._opened()):
            yield found

    async def _receive(self) -> None:
        """Take what the vendor has called us with meanwhile."""
        if self._heard is None:
            return
        session = self._opened()
        for item in await self._heard([session.vendor_conversation_id, *session.keys]):
            for after, event in await self._connector.receive(self._opened(), item):
                self._session = after
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

    async def end(self) -> str:
        await self._connector.end(self._opened(), EndReason.CANCELLED)
        return ""

    def _opened(self) -> VendorSession:
        if self._session is None:
            raise CheckFailedError("skipped")
        return self._session


def _request(events_url: str) -> HandoffRequest:
    name = f"test-{uuid.uuid4()}"
    return HandoffRequest(
        handoff_id=name,
        conversation_id=name,
        # This portal itself vouches for its test person.
        end_user=EndUserIdentity(external_id=name, is_verified=True, name="Test handoff"),
        channel="webchat",
        transcript=(),
        routing={},
        webhook_url=events_url,
    )
