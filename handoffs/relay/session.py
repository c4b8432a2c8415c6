"""One actor for each open handoff: opens the vendor conversation, listens, sends, ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import replace

from django.utils import timezone

from conversations.event_loop.executor import run_sync
from conversations.journal import publish
from conversations.journal.frames import EventType, RelaySignal, ToldDelivery, transient_frame
from handoffs.lifecycle.deadlines import OPENING_CALL, VENDORS_OWN_END
from handoffs.lifecycle.fallback import NO_LIVE_AGENTS
from handoffs.lifecycle.locking import Lease, LeaseLostError
from handoffs.receiving.events import agent_message_apply, vendor_event_apply
from handoffs.relay import transactions
from handoffs.relay.availability import is_somebody_there
from handoffs.relay.connectors import Connectors
from handoffs.relay.ending import (
    crossing_settle,
    end_at_first_vendor,
    end_at_vendor,
    line_in_doubt,
)
from handoffs.relay.files import file_received, parts_sent
from handoffs.relay.resuming import handoff_resume
from handoffs.relay.session_outbox import SessionOutbox
from handoffs.relay.signals import signals_pass
from handoffs.relay.webhook_feed import WebhookFeed
from handoffs.sending.hot_path import Sent, mark_sent
from handoffs.sending.outbox import (
    BATCH,
    PendingDelivery,
    delivery_refused,
    delivery_sent,
    retry_seconds,
)
from integrations.contract.connector import (
    Connector,
    HandoffRequest,
    OutboundMessage,
    VendorSession,
)
from integrations.contract.errors import CannotConnectError, ConnectorError, ConversationGoneError
from integrations.contract.events import (
    LiveAgentAttachment,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageEchoed,
    VendorEvent,
)
from integrations.telemetry.correlation import correlation_ensure, reference
from integrations.telemetry.metrics import DELIVERY_AGE, RELAY_LAG

logger = logging.getLogger(__name__)
START_ATTEMPTS = 3
# Longer than any call takes; and how long an end may come behind the answer that tells of it.
SEND_SECONDS = 120.0
GONE_SECONDS = VENDORS_OWN_END.after.total_seconds()
START_SECONDS = OPENING_CALL.after.total_seconds()
SIGNALS_WAITING = 20
SENT_REMEMBERED = 50


class RelaySession:
    """Serves one handoff under one lease; whatever it knows is in the database as well."""

    def __init__(self, lease: Lease, *, connectors: Connectors) -> None:
        """Take the lease; `run` does the work."""
        self.lease = lease
        self._connectors = connectors
        self._webhooks = WebhookFeed(lease)
        self._wake = asyncio.Event()
        self._outbox = SessionOutbox()
        self._signals: asyncio.Queue[RelaySignal] = asyncio.Queue(SIGNALS_WAITING)
        self._session: VendorSession | None = None
        self._sent: deque[str] = deque(maxlen=SENT_REMEMBERED)
        self._is_over = asyncio.Event()
        self._is_cut_off = False
        # Vendor conversations opened by lines that crossed an end.
        self._strays: tuple[str, ...] = ()

    def wake(self) -> None:
        """Say that there is something to send or to receive, or that the handoff is over."""
        self._outbox.must_look = True
        self._wake.set()
        self._webhooks.wake()

    def tell(self, told: ToldDelivery) -> None:
        """Say what there is to send."""
        self._outbox.tell(told)
        self._wake.set()

    def signal(self, signal: RelaySignal) -> None:
        """Pass on typing or a receipt; when too many wait, the newest is dropped."""
        with contextlib.suppress(asyncio.QueueFull):
            self._signals.put_nowait(signal)

    async def run(self) -> None:
        """Serve the handoff until it is over on both sides, or somebody else owns it."""
        correlation_ensure()
        try:
            opening = await self._begin()
            if opening is not None:
                await self._serve(opening)
        except LeaseLostError:
            logger.info("Lease lost for %s", self.lease.handoff_id)

    async def _begin(self) -> transactions.Opening | None:
        """Go on with what is open at the vendor, without a look at the outbox if it is empty."""
        self._outbox.must_look = False  # from here on a wake-up may say otherwise
        resumed = await handoff_resume(self.lease)
        if resumed is None or resumed.has_pending:
            self._outbox.must_look = True
        if resumed is not None:
            return transactions.opening_resumed(resumed.handoff)
        async with self._connectors.beginning:
            return await run_sync(transactions.opening_read, self.lease)

    async def _serve(self, opening: transactions.Opening) -> None:
        reference.set(self.lease.handoff_id)
        key, connector = self._connectors.acquire(opening.integration)
        self._session = opening.session
        self._strays = self._session.strays if self._session else ()
        first = asyncio.create_task(self._end_at_first_vendor(opening))
        try:
            if opening.is_open and (self._session or await self._open(connector, opening)):
                await self._relay(connector, opening)
            elif self._session is not None:
                await self._send(connector)  # said before an end that the vendor does not know yet
            elif not opening.is_open and opening.request is not None:
                await self._take_up(connector, opening.request)
            await self._settle(connector, has_taken_over=not opening.is_open)
            await end_at_vendor(self.lease, self._connectors, opening.integration, self._session)
            await first
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await self._connectors.release(key)

    async def _end_at_first_vendor(self, opening: transactions.Opening) -> None:
        """Tell the integration that was tried before this one, if there is one."""
        if opening.attempt > 1:
            await end_at_first_vendor(self.lease, self._connectors)

    async def _open(self, connector: Connector, opening: transactions.Opening) -> bool:
        """Open the vendor conversation where somebody is there; False if it is not open here."""
        assert opening.request is not None
        reason = opening.closed_because
        if not reason and opening.asks_vendor:
            is_there = await is_somebody_there(connector, opening.request)
            reason = "" if is_there else NO_LIVE_AGENTS
        if reason:
            await run_sync(transactions.nobody_there, self.lease, reason)
            return False
        return await self._start(connector, opening.request)

    async def _start(self, connector: Connector, request: HandoffRequest) -> bool:
        """Open the vendor conversation; False when the handoff has failed instead."""
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                async with asyncio.timeout(START_SECONDS):
                    session = await connector.start(request)
                break
            except TimeoutError:
                error: ConnectorError = CannotConnectError(
                    "opening the conversation timed out", reason="timeout"
                )
            except ConnectorError as raised:
                error = raised
            if not error.retryable or attempt == START_ATTEMPTS:
                self._session = connector.unfinished(request, error)
                await run_sync(transactions.start_failed, self.lease, error, self._session)
                return False
            await asyncio.sleep(min(retry_seconds(attempt, error.retry_after), START_SECONDS))
        self._session = session
        await run_sync(transactions.start_succeeded, self.lease, session)
        return True

    async def _take_up(self, connector: Connector, request: HandoffRequest) -> None:
        """After an end in the middle of a start, keep what that start may have left open."""
        self._session = connector.unfinished(request, None)
        if self._session is not None:
            await run_sync(transactions.session_changed, self.lease, self._session)

    async def _relay(self, connector: Connector, opening: transactions.Opening) -> None:
        """Listen and send side by side until one of them finds that it is over."""
        work = [self._send(connector), signals_pass(connector, self._signals, self._now)]
        if type(connector).listen is not Connector.listen:
            work.append(self._listen(connector, opening))
        if type(connector).receive is not Connector.receive:
            work.append(self._take_webhooks(connector, opening))
        tasks = [asyncio.create_task(part) for part in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not any(task.exception() for task in done):
                done |= await self._last_answer(tasks[0])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _last_answer(self, sending: asyncio.Task[None]) -> set[asyncio.Task[None]]:
        """Let the sender come to its end: the answer on its way decides a line's fate.

        Cut off, it might open a vendor conversation that nobody knows of.
        """
        self._is_over.set()
        self.wake()
        done, _ = await asyncio.wait([sending], timeout=SEND_SECONDS)
        self._is_cut_off = not done
        return done

    # ---- vendor to end user ----

    async def _listen(self, connector: Connector, opening: transactions.Opening) -> None:
        assert self._session is not None
        try:
            async for session, event in connector.listen(self._session):
                await self._happened(connector, opening, session, event)
            await run_sync(transactions.vendor_closed, self.lease)
        except ConversationGoneError:
            await run_sync(transactions.vendor_closed, self.lease)
        except ConnectorError as error:
            await run_sync(transactions.fault_show, self.lease, error)
            await run_sync(transactions.listener_lost, self.lease, error)

    async def _take_webhooks(self, connector: Connector, opening: transactions.Opening) -> None:
        assert self._session is not None
        async for item in self._webhooks.items():
            try:
                results = await connector.receive(self._session, item)
            except ConnectorError as error:
                await self._webhooks.failed(error)
                continue
            for session, event in results:
                await self._happened(connector, opening, session, event)
            await self._webhooks.done()

    async def _happened(
        self,
        connector: Connector,
        opening: transactions.Opening,
        session: VendorSession,
        event: VendorEvent,
    ) -> None:
        """Show or apply one event; the sender finds out what an end leaves to do."""
        session = self._with_strays(session)
        if isinstance(event, LiveAgentAttachment) and opening.shows_files:
            event = await file_received(
                self.lease, opening.conversation_id, connector, session, event
            )
        received_at = time.perf_counter()
        if isinstance(event, LiveAgentTyping):
            await self._show_typing(opening, event)
        elif isinstance(event, MessageEchoed) and event.vendor_message_id in self._sent:
            pass  # marked as sent already: an echo tells nothing new
        elif await self._apply(session, event):
            # Not the end yet: what was said before it may still have to be sent.
            self._is_over.set()
            self.wake()
        RELAY_LAG.observe(time.perf_counter() - received_at)
        # Only now: a send that stores it must not skip an event that is not applied yet.
        self._session = self._with_strays(session)

    async def _apply(self, session: VendorSession, event: VendorEvent) -> bool:
        assert self._session is not None
        if (
            isinstance(event, LiveAgentMessage)
            and session.keys == self._session.keys
            and await agent_message_apply(self.lease, session, event)
        ):
            return False
        return await run_sync(vendor_event_apply, self.lease, session, event)

    async def _show_typing(self, opening: transactions.Opening, event: LiveAgentTyping) -> None:
        if not opening.passes_typing:
            return
        state = "TYPING_STATE_STARTED" if event.is_typing else "TYPING_STATE_STOPPED"
        payload = {"state": state, "agent_id": event.agent_id}
        frame = transient_frame(EventType.LIVE_AGENT_TYPING, payload)
        publish.transient_show(opening.conversation_id, frame)

    # ---- end user to vendor ----

    async def _send(self, connector: Connector) -> None:
        """Send what is pending, in order; return when the handoff is over and all is sent."""
        while True:
            self._wake.clear()
            # What is to follow an end depends on whose it was: one has to look.
            pending = None if self._is_over.is_set() else self._outbox.take_told()
            if pending is None:
                outbox = await run_sync(transactions.outbox_read, self.lease)
                if outbox.is_done:
                    return
                if outbox.is_over:
                    self._is_over.set()
                pending = outbox.pending
            pause = await self._send_in_order(connector, pending)
            if pause != 0:
                await self._woken(pause)

    async def _woken(self, pause: float | None) -> None:
        """Wait until there may be something to do; after the pause one has to look."""
        try:
            await asyncio.wait_for(self._wake.wait(), pause)
        except TimeoutError:
            self._outbox.must_look = True

    async def _send_in_order(
        self, connector: Connector, pending: list[PendingDelivery]
    ) -> float | None:
        """Return seconds until the next attempt: None without one, 0 if there may be more."""
        was_over = self._is_over.is_set()
        for delivery in pending:
            if self._is_over.is_set() and not was_over:
                return self._look_again()
            early = (delivery.next_attempt_at - timezone.now()).total_seconds()
            if early > 0:
                return early
            self._outbox.tried(delivery)
            try:
                await self._send_one(connector, delivery)
            except ConversationGoneError as error:
                await self._gone(delivery, error)
                await self._wait_for_end()
                return self._look_again()
            except ConnectorError as error:
                await run_sync(transactions.fault_show, self.lease, error)
                if await run_sync(delivery_refused, self.lease, delivery, error):
                    return self._look_again()
        # Whatever came meanwhile has set the wake-up: no need to look again, unless there is more.
        is_enough = len(pending) < BATCH and not self._is_over.is_set()
        return None if is_enough else self._look_again()

    async def _gone(self, delivery: PendingDelivery, error: ConversationGoneError) -> None:
        """Keep in mind what the line has opened, and show it as not delivered."""
        if error.opened and self._session is not None:
            self._strays = (*self._strays, error.opened)
            self._session = self._with_strays(self._session)
            await run_sync(transactions.session_changed, self.lease, self._session)
        await run_sync(delivery_refused, self.lease, delivery, error)

    async def _wait_for_end(self) -> None:
        """Let the vendor's own end come first, and the live agent's last words before it."""
        try:
            await asyncio.wait_for(self._is_over.wait(), GONE_SECONDS)
        except TimeoutError:
            await run_sync(transactions.vendor_closed, self.lease)
            self._is_over.set()

    async def _settle(self, connector: Connector, *, has_taken_over: bool) -> None:
        """After an end on the vendor's side, find out what became of the last lines."""
        is_unsure = has_taken_over or self._is_cut_off
        while line := await run_sync(line_in_doubt, self.lease, has_taken_over=is_unsure):
            await asyncio.sleep(max(0.0, (line.next_attempt_at - timezone.now()).total_seconds()))
            is_unsure = False  # the lines behind it were not tried yet
            try:
                await self._send_one(connector, line)
            except ConversationGoneError as error:
                await self._gone(line, error)
            except ConnectorError as error:
                await run_sync(delivery_refused, self.lease, line, error)
        if self._session is not None:
            await crossing_settle(self.lease, connector, self._session)

    def _now(self) -> VendorSession:
        assert self._session is not None
        return self._session

    def _with_strays(self, session: VendorSession) -> VendorSession:
        return replace(session, strays=self._strays) if self._strays else session

    def _look_again(self) -> float:
        self._outbox.must_look = True
        return 0

    async def _send_one(self, connector: Connector, delivery: PendingDelivery) -> None:
        assert self._session is not None
        before = self._session
        if delivery.file_ids:
            async for after in parts_sent(self.lease, connector, before, delivery):
                await self._keep(before, after)
        else:
            message = OutboundMessage(
                message_id=delivery.message_id, text=delivery.text, sent_at=delivery.sent_at
            )
            await self._keep(before, await connector.send_message(before, message))
        sent = Sent(lease=self.lease, delivery_id=delivery.id, created_at=delivery.created_at)
        if not await mark_sent(sent):
            await run_sync(delivery_sent, self.lease, delivery.id)
        self._sent.append(delivery.message_id)
        DELIVERY_AGE.observe((timezone.now() - delivery.created_at).total_seconds())

    async def _keep(self, before: VendorSession, session: VendorSession) -> None:
        """Keep what a send changed; the cursor belongs to the listener."""
        if session is before:
            return
        assert self._session is not None
        state = {**self._session.state, **session.state}
        self._session = replace(self._session, state=state)
        await run_sync(transactions.session_changed, self.lease, self._session)
