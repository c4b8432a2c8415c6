"""Send test handoff: opens a conversation that live agents see, writes one line, ends it.

Before the end it listens, because some vendors accept first and refuse afterwards.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from integrations.connect.testing import TooManyTestsError
from integrations.connect.trial_listening import Heard, TrialListening
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
)
from integrations.contract.errors import ConnectorError
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
        listening = TrialListening(self._connector, self._opened(), self._heard)
        try:
            return await listening.hear()
        finally:
            self._session = listening.session

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
