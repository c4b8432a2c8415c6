"""One actor for each open handoff: opens the vendor conversation, serves it, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from conversations.event_loop.executor import run_sync
from conversations.journal.frames import DirectDelivery, RelaySignal
from handoffs.lifecycle.availability import availability_ask
from handoffs.lifecycle.deadlines import OPENING_CALL
from handoffs.lifecycle.fallback import NO_LIVE_AGENTS
from handoffs.lifecycle.locking import Lease, LeaseLostError
from handoffs.relay import transactions
from handoffs.relay.connectors import Connectors
from handoffs.relay.ending import (
    end_at_first_vendor,
    end_at_vendor,
    undelivered_tell,
)
from handoffs.relay.resuming import handoff_resume
from handoffs.relay.screen_pop.model_summary import request_summarised
from handoffs.relay.started_session import Incoming, StartedSession
from handoffs.sending.outbox import (
    retry_seconds,
)
from integrations.contract.connector import (
    Connector,
    HandoffRequest,
    VendorSession,
)
from integrations.contract.errors import CannotConnectError, ConnectorError
from integrations.credentials.fields import DecryptionError
from integrations.telemetry.correlation import correlation_ensure, correlation_id, reference

logger = logging.getLogger(__name__)
START_ATTEMPTS = 3
START_SECONDS = OPENING_CALL.after.total_seconds()


class RelaySession:
    """Serves one handoff under one lease; whatever it knows is in the database as well."""

    def __init__(self, lease: Lease, *, connectors: Connectors) -> None:
        """Take the lease; `run` does the work."""
        self.lease = lease
        self._connectors = connectors
        self._incoming = Incoming(lease)

    def wake(self) -> None:
        """Say that there is something to send or to receive, or that the handoff is over."""
        self._incoming.wake()

    def send_directly(self, delivery: DirectDelivery) -> None:
        """Say what there is to send."""
        self._incoming.outbox.add(delivery)
        self._incoming.wake_up.set()

    def signal(self, signal: RelaySignal) -> None:
        """Pass on typing or a receipt; when too many wait, the newest is dropped."""
        with contextlib.suppress(asyncio.QueueFull):
            self._incoming.signals.put_nowait(signal)

    async def finish_sending(self) -> None:
        """Begin nothing more, and return when what is on its way has its answer."""
        self._incoming.is_closing = True
        await self._incoming.is_quiet.wait()

    async def run(self) -> None:
        """Serve the handoff until it is over on both sides, or somebody else owns it."""
        correlation_ensure()
        try:
            await self._begin_and_serve()
        except LeaseLostError:
            logger.info("Lease lost for %s", self.lease.handoff_id)

    async def _begin_and_serve(self) -> None:
        """Serve it; what no key decrypts would fail at every try, so that it is given up."""
        try:
            opening = await self._begin()
            if opening is not None:
                await self._serve(opening)
        except DecryptionError:
            logger.error(
                "%s cannot be read: the key that it was encrypted with is missing",
                self.lease.handoff_id,
            )
            await run_sync(transactions.unreadable, self.lease)

    async def _begin(self) -> transactions.Opening | None:
        """Go on with what is open at the vendor, without a look at the outbox if it is empty."""
        self._incoming.outbox.must_look = False  # from here on a wake-up may say otherwise
        resumed = await handoff_resume(self.lease)
        if resumed is None or resumed.has_pending:
            self._incoming.outbox.must_look = True
        if resumed is not None:
            return transactions.opening_resumed(resumed.handoff)
        async with self._connectors.beginning:
            return await run_sync(transactions.opening_read, self.lease)

    async def _serve(self, opening: transactions.Opening) -> None:
        reference.set(self.lease.handoff_id)
        correlation_id.set(opening.correlation_id or correlation_ensure())
        key, connector = self._connectors.acquire(opening.integration)
        first = asyncio.create_task(self._end_at_first_vendor(opening))
        try:
            started = await self._serve_at_vendor(connector, opening)
            if started is not None:
                await started.settle(has_taken_over=not opening.is_open)
                await undelivered_tell(connector, started.session, self.lease.handoff_id)
            session = started.session if started else None
            await end_at_vendor(self.lease, self._connectors, opening.integration, session)
            await first
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await self._connectors.release(key)

    async def _serve_at_vendor(
        self, connector: Connector, opening: transactions.Opening
    ) -> StartedSession | None:
        """Serve the human part to its end; None where nothing was opened at the vendor."""
        if opening.session is not None:
            started = self._started(connector, opening, opening.session)
            # After an end that the vendor does not know yet, what was said before it is sent.
            await (started.relay() if opening.is_open else started.send())
            return started
        if opening.request is None:
            return None
        if opening.is_open:
            return await self._open(connector, opening, opening.request)
        return await self._take_up(connector, opening, opening.request)

    def _started(
        self, connector: Connector, opening: transactions.Opening, session: VendorSession
    ) -> StartedSession:
        return StartedSession(self.lease, connector, opening, session, self._incoming)

    async def _end_at_first_vendor(self, opening: transactions.Opening) -> None:
        """Tell the integration that was tried before this one, if there is one."""
        if opening.attempt > 1:
            await end_at_first_vendor(self.lease, self._connectors)

    async def _open(
        self, connector: Connector, opening: transactions.Opening, request: HandoffRequest
    ) -> StartedSession | None:
        """Open the vendor conversation where somebody is there, and relay."""
        reason = opening.closed_because
        if not reason and opening.asks_vendor:
            answer = (await availability_ask(connector, request)).is_available
            is_there = opening.unknown_is_there if answer is None else answer
            reason = "" if is_there else NO_LIVE_AGENTS
        if reason:
            await run_sync(transactions.nobody_there, self.lease, reason)
            return None
        if opening.wish is not None:
            request, kept = await request_summarised(request, opening.wish)
            await run_sync(transactions.summary_keep, self.lease, kept)
        try:
            session = await self._start(connector, request)
        except ConnectorError as error:
            unfinished = connector.unfinished(request, error)
            await run_sync(transactions.start_failed, self.lease, error, unfinished)
            return None if unfinished is None else self._started(connector, opening, unfinished)
        await run_sync(transactions.start_succeeded, self.lease, session)
        started = self._started(connector, opening, session)
        await started.relay()
        return started

    async def _start(self, connector: Connector, request: HandoffRequest) -> VendorSession:
        """Open the vendor conversation; raises the last error when the handoff has failed."""
        attempt = 0
        while True:
            attempt += 1
            try:
                async with asyncio.timeout(START_SECONDS):
                    return await connector.start(request)
            except TimeoutError:
                error: ConnectorError = CannotConnectError(
                    "opening the conversation timed out", reason="timeout"
                )
            except ConnectorError as raised:
                error = raised
            if not error.retryable or attempt == START_ATTEMPTS:
                raise error
            await asyncio.sleep(min(retry_seconds(attempt, error.retry_after), START_SECONDS))

    async def _take_up(
        self, connector: Connector, opening: transactions.Opening, request: HandoffRequest
    ) -> StartedSession | None:
        """After an end in the middle of a start, keep what that start may have left open."""
        session = connector.unfinished(request, None)
        if session is None:
            return None
        await run_sync(transactions.session_changed, self.lease, session)
        return self._started(connector, opening, session)
