"""A relay session whose vendor conversation is open: listens, sends, settles the last lines."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import replace

from django.utils import timezone

from conversations.event_loop.executor import run_sync
from conversations.journal import publish
from conversations.journal.frames import EventType, RelaySignal, transient_frame
from handoffs.lifecycle.deadlines import VENDORS_OWN_END
from handoffs.lifecycle.locking import Lease
from handoffs.receiving.events import agent_message_apply, vendor_event_apply
from handoffs.receiving.images import images_received
from handoffs.relay import transactions
from handoffs.relay.ending import (
    crossing_settle,
    line_in_doubt,
)
from handoffs.relay.files import files_received, parts_sent
from handoffs.relay.session_outbox import SessionOutbox
from handoffs.relay.signals import signals_pass
from handoffs.relay.webhook_feed import WebhookFeed
from handoffs.sending.hot_path import Sent, mark_sent
from handoffs.sending.masking import masked
from handoffs.sending.outbox import (
    BATCH,
    PendingDelivery,
    delivery_refused,
    delivery_sent,
)
from integrations.contract.connector import (
    Connector,
    OutboundMessage,
    VendorSession,
)
from integrations.contract.errors import ConnectorError, ConversationGoneError
from integrations.contract.events import (
    LiveAgentMessage,
    LiveAgentMessageEdited,
    LiveAgentTyping,
    MessageEchoed,
    VendorEvent,
)
from integrations.telemetry.correlation import correlation_id
from integrations.telemetry.metrics import DELIVERY_AGE, RELAY_LAG

logger = logging.getLogger(__name__)
# Longer than any call takes; and how long an end may come behind the answer that tells of it.
SEND_SECONDS = 120.0
GONE_SECONDS = VENDORS_OWN_END.after.total_seconds()
SIGNALS_WAITING = 20
SENT_REMEMBERED = 50


class Incoming:
    """What reaches a session from other processes, from before its conversation is open."""

    def __init__(self, lease: Lease) -> None:
        """Begin with a look at everything."""
        self.wake_up = asyncio.Event()
        self.outbox = SessionOutbox()
        self.signals: asyncio.Queue[RelaySignal] = asyncio.Queue(SIGNALS_WAITING)
        self.webhooks = WebhookFeed(lease)
        # Whether no message is on its way to the vendor, and whether none is to follow.
        self.is_quiet = asyncio.Event()
        self.is_quiet.set()
        self.is_closing = False

    def wake(self) -> None:
        """Say that there is something to send or to receive, or that the handoff is over."""
        self.outbox.must_look = True
        self.wake_up.set()
        self.webhooks.wake()


class StartedSession:
    """Serves a handoff at its vendor; `session` is the vendor session of the moment."""

    def __init__(
        self,
        lease: Lease,
        connector: Connector,
        opening: transactions.Opening,
        session: VendorSession,
        incoming: Incoming,
    ) -> None:
        """Take what is open at the vendor; `relay` or `send` does the work, then `settle`."""
        self.lease = lease
        self.session = session
        self._connector, self._opening, self._incoming = connector, opening, incoming
        # Held while something is stored: a send and an event must not undo each other's changes.
        self._changing = asyncio.Lock()
        self._sent: deque[str] = deque(maxlen=SENT_REMEMBERED)
        self._is_over = asyncio.Event()
        self._is_cut_off = False
        # By live agent: indicators that the vendor may never take back.
        self._typing: dict[str, tuple[asyncio.TimerHandle, LiveAgentTyping]] = {}

    async def relay(self) -> None:
        """Listen and send side by side until one of them finds that it is over."""
        work = [self.send(), signals_pass(self._connector, self._incoming.signals, self._now)]
        if type(self._connector).listen is not Connector.listen:
            work.append(self._listen())
        if type(self._connector).receive is not Connector.receive:
            work.append(self._take_webhooks())
        tasks = [asyncio.create_task(part) for part in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not any(task.exception() for task in done):
                done |= await self._last_answer(tasks[0])
        finally:
            for timer, _ in self._typing.values():
                timer.cancel()
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
        self._incoming.wake()
        done, _ = await asyncio.wait([sending], timeout=SEND_SECONDS)
        self._is_cut_off = not done
        return done

    # ---- vendor to end user ----

    async def _listen(self) -> None:
        before = self.session
        try:
            async for session, event in self._connector.listen(before):
                await self._happened(before, session, event)
                before = session
            await run_sync(transactions.vendor_closed, self.lease)
        except ConversationGoneError:
            await run_sync(transactions.vendor_closed, self.lease)
        except ConnectorError as error:
            await run_sync(transactions.fault_show, self.lease, error)
            await run_sync(transactions.listener_lost, self.lease, error)

    async def _take_webhooks(self) -> None:
        webhooks = self._incoming.webhooks
        async for item in webhooks.items(silence_seconds=self._connector.silence_seconds):
            before = self.session
            try:
                results = await self._connector.receive(before, item)
            except ConnectorError as error:
                await webhooks.failed(error)
                continue
            for session, event in results:
                await self._happened(before, session, event)
                before = session
            await webhooks.done()

    async def _happened(
        self, before: VendorSession, session: VendorSession, event: VendorEvent
    ) -> None:
        """Show or apply one event; the sender finds out what an end leaves to do.

        `before` is what the connector has made `session` of.
        """
        if isinstance(event, LiveAgentMessage) and event.files and self._opening.shows_files:
            event = await files_received(
                self.lease, self._opening.conversation_id, self._connector, session, event
            )
        event, notes = await self._with_images(session, event)
        received_at = time.perf_counter()
        async with self._changing:
            session = session_merged(self.session, before, session)
            await self._take(session, event, notes)
            # Only now: a send that stores it must not skip an event that is not applied yet.
            self.session = session
        if isinstance(event, LiveAgentMessage):
            self._typing_is_over(event.agent_id)
        RELAY_LAG.observe(time.perf_counter() - received_at)

    async def _take(
        self, session: VendorSession, event: VendorEvent, notes: list[dict[str, str]]
    ) -> None:
        if isinstance(event, LiveAgentTyping):
            self._show_typing(event)
        elif isinstance(event, MessageEchoed) and event.vendor_message_id in self._sent:
            pass  # marked as sent already: an echo tells nothing new
        elif await self._apply(session, event, notes):
            # Not the end yet: what was said before it may still have to be sent.
            self._is_over.set()
            self._incoming.wake()

    async def _with_images(
        self, session: VendorSession, event: VendorEvent
    ) -> tuple[VendorEvent, list[dict[str, str]]]:
        """Return a message with images of ours, and what the operator has to know of them."""
        if not isinstance(event, LiveAgentMessage | LiveAgentMessageEdited):
            return event, []
        ours, missing = await images_received(
            self.lease, self._opening.conversation_id, self._connector, session, event
        )
        return ours, [{"code": "image_not_fetched", "detail": str(missing)}] if missing else []

    async def _apply(
        self, session: VendorSession, event: VendorEvent, notes: list[dict[str, str]]
    ) -> bool:
        if (
            isinstance(event, LiveAgentMessage)
            and session.keys == self.session.keys
            and await agent_message_apply(self.lease, session, event)
        ):
            return False
        return await run_sync(vendor_event_apply, self.lease, session, event, notes)

    def _show_typing(self, event: LiveAgentTyping) -> None:
        """Pass an indicator on, and take it back where the vendor may never do so."""
        if before := self._typing.pop(event.agent_id, None):
            before[0].cancel()
        if not self._opening.passes_typing:
            return
        state = "TYPING_STATE_STARTED" if event.is_typing else "TYPING_STATE_STOPPED"
        payload = {"state": state, "agent_id": event.agent_id}
        frame = transient_frame(EventType.LIVE_AGENT_TYPING, payload)
        publish.transient_show(self._opening.conversation_id, frame)
        if event.is_typing and event.seconds is not None:
            over = replace(event, is_typing=False)
            loop = asyncio.get_running_loop()
            timer = loop.call_later(event.seconds, self._show_typing, over)
            self._typing[event.agent_id] = timer, over

    def _typing_is_over(self, agent_id: str) -> None:
        """Take the indicator back of somebody whose words have come."""
        if shown := self._typing.get(agent_id):
            self._show_typing(shown[1])

    # ---- end user to vendor ----

    async def send(self) -> None:
        """Send what is pending, in order; return when the handoff is over and all is sent."""
        while True:
            self._incoming.wake_up.clear()
            # What is to follow an end depends on whose it was: one has to look.
            pending = None if self._is_over.is_set() else self._incoming.outbox.take()
            if pending is None:
                outbox = await run_sync(transactions.outbox_read, self.lease)
                if outbox.is_done:
                    return
                if outbox.is_over:
                    self._is_over.set()
                pending = outbox.pending
            pause = await self._send_in_order(pending)
            if pause != 0:
                await self._woken(pause)

    async def _woken(self, pause: float | None) -> None:
        """Wait until there may be something to do; after the pause one has to look."""
        try:
            async with asyncio.timeout(pause):
                await self._incoming.wake_up.wait()
        except TimeoutError:
            self._incoming.outbox.must_look = True

    async def _send_in_order(self, pending: list[PendingDelivery]) -> float | None:
        """Return seconds until the next attempt: None without one, 0 if there may be more."""
        was_over = self._is_over.is_set()
        for delivery in pending:
            if self._incoming.is_closing:
                return None
            if self._is_over.is_set() and not was_over:
                return self._look_again()
            early = (delivery.next_attempt_at - timezone.now()).total_seconds()
            if early > 0:
                return early
            self._incoming.outbox.tried(delivery)
            self._incoming.is_quiet.clear()
            try:
                await self._send_one(delivery)
            except ConversationGoneError as error:
                await self._gone(delivery, error)
                await self._wait_for_end()
                return self._look_again()
            except ConnectorError as error:
                await run_sync(transactions.fault_show, self.lease, error)
                if await run_sync(delivery_refused, self.lease, delivery, error):
                    return self._look_again()
            finally:
                self._incoming.is_quiet.set()
        # Whatever came meanwhile has set the wake-up: no need to look again, unless there is more.
        is_enough = len(pending) < BATCH and not self._is_over.is_set()
        return None if is_enough else self._look_again()

    async def _gone(self, delivery: PendingDelivery, error: ConversationGoneError) -> None:
        """Keep in mind what the line has opened, and show it as not delivered."""
        if error.opened:
            async with self._changing:
                strays = (*self.session.strays, error.opened)
                self.session = replace(self.session, strays=strays)
                await run_sync(transactions.session_changed, self.lease, self.session)
        await run_sync(delivery_refused, self.lease, delivery, error)

    async def _wait_for_end(self) -> None:
        """Let the vendor's own end come first, and the live agent's last words before it."""
        try:
            async with asyncio.timeout(GONE_SECONDS):
                await self._is_over.wait()
        except TimeoutError:
            await run_sync(transactions.vendor_closed, self.lease)
            self._is_over.set()

    async def settle(self, *, has_taken_over: bool) -> None:
        """After an end on the vendor's side, find out what became of the last lines."""
        is_unsure = has_taken_over or self._is_cut_off
        while line := await run_sync(line_in_doubt, self.lease, has_taken_over=is_unsure):
            await asyncio.sleep(max(0.0, (line.next_attempt_at - timezone.now()).total_seconds()))
            is_unsure = False  # the lines behind it were not tried yet
            try:
                await self._send_one(line)
            except ConversationGoneError as error:
                await self._gone(line, error)
            except ConnectorError as error:
                await run_sync(delivery_refused, self.lease, line, error)
        await crossing_settle(self.lease, self._connector, self.session)

    def _now(self) -> VendorSession:
        return self.session

    def _look_again(self) -> float:
        self._incoming.outbox.must_look = True
        return 0

    async def _send_one(self, delivery: PendingDelivery) -> None:
        correlation_id.set(delivery.correlation_id or self._opening.correlation_id)
        before = self.session
        if self._opening.masks:
            delivery = _masked(delivery, self._opening.masks)
        if delivery.file_ids:
            async for after in parts_sent(self.lease, self._connector, before, delivery):
                await self._keep(before, after)
        else:
            message = OutboundMessage(
                message_id=delivery.message_id,
                text=delivery.text,
                sent_at=delivery.sent_at,
                answer=delivery.answer,
            )
            await self._keep(before, await self._connector.send_message(before, message))
        sent = Sent(lease=self.lease, delivery_id=delivery.id, created_at=delivery.created_at)
        if not await mark_sent(sent):
            await run_sync(delivery_sent, self.lease, delivery.id)
        self._sent.append(delivery.message_id)
        DELIVERY_AGE.observe((timezone.now() - delivery.created_at).total_seconds())

    async def _keep(self, before: VendorSession, session: VendorSession) -> None:
        """Keep what a send changed; the cursor belongs to the listener."""
        if session is before:
            return
        async with self._changing:
            cursor = self.session.cursor
            self.session = replace(session_merged(self.session, before, session), cursor=cursor)
            await run_sync(transactions.session_changed, self.lease, self.session)


def _masked(delivery: PendingDelivery, kinds: frozenset[str]) -> PendingDelivery:
    """Return it as it leaves; the text of an answer is its label (values: sending/offers.py)."""
    text, answer = masked(delivery.text, kinds), delivery.answer
    return replace(delivery, text=text, answer=answer and replace(answer, label=text))


def session_merged(
    now: VendorSession, before: VendorSession, after: VendorSession
) -> VendorSession:
    """Return `now` with what lies between the two others: whoever made it saw nothing later."""
    changed = {name: one for name, one in after.state.items() if before.state.get(name) != one}
    moves = {
        name: value
        for name in ("vendor_conversation_id", "cursor")
        if (value := getattr(after, name)) != getattr(before, name)
    }
    keys = tuple(dict.fromkeys((*now.keys, *after.keys)))
    return replace(now, state={**now.state, **changed}, keys=keys, **moves)
