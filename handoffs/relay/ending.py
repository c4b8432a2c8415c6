"""After the human part: what became of the last lines, and the vendor's word that it knows."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.utils import timezone

from conversations.event_loop.executor import run_sync
from conversations.journal.services import events_append
from conversations.models import Conversation
from handoffs.lifecycle.deadlines import DELIVERY
from handoffs.lifecycle.deliveries import deliveries_give_up, deliveries_taken
from handoffs.lifecycle.fallback import (
    FirstConversation,
    first_conversation,
    first_conversation_ended,
)
from handoffs.lifecycle.locking import Lease, handoff_leased
from handoffs.lifecycle.services import ended_by_vendor, session_end, session_read
from handoffs.models import Handoff
from handoffs.receiving.inbox import webhook_spent, webhooks_waiting
from handoffs.relay import transactions
from handoffs.relay.connectors import Connectors
from handoffs.sending.outbox import (
    BATCH,
    PendingDelivery,
    deliveries_missed,
    deliveries_pending,
    pending_delivery,
    retry_seconds,
)
from integrations.contract.connector import (
    Connector,
    EndReason,
    OutboundMessage,
    ReceiptKind,
    VendorSession,
)
from integrations.contract.errors import ConnectorError, ConversationGoneError
from integrations.contract.manifest import Capability
from integrations.kit.waiting import growing_pause
from integrations.models import Integration

logger = logging.getLogger(__name__)
# A refusal may need an admin; asking goes on, but seldom.
_REFUSED_BASE_SECONDS = 15.0
_REFUSED_CAP_SECONDS = 600.0


# ---- what may have crossed an end on the vendor's side ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """What the vendor took shortly before we knew of its end, and until when to ask about it."""

    taken: list[PendingDelivery]
    until: datetime


def line_in_doubt(lease: Lease, *, has_taken_over: bool) -> PendingDelivery | None:
    """Return the line of which nobody knows whether it arrived before the vendor's end.

    Lines go one after the other, so that it can only be the first: one that was tried, or any in
    the eyes of a session that has taken over.
    """
    with handoff_leased(lease) as handoff:
        if handoff.is_open or not ended_by_vendor(handoff):
            return None
        first = next(iter(deliveries_pending(lease.handoff_id, limit=1)), None)
    is_tried = first is not None and (first.attempts or first.parts_sent or has_taken_over)
    return first if is_tried else None


async def crossing_settle(lease: Lease, connector: Connector, session: VendorSession) -> None:
    """Show what came too late for the live agent as not delivered; then SESSION_END is due."""
    crossing = await run_sync(_crossing_read, lease)
    if crossing is None:
        return
    late = await _late(connector, session, crossing)
    ids = [line.id for line in crossing.taken if line.message_id in late]
    await run_sync(_crossing_close, lease, ids)


def _crossing_read(lease: Lease) -> Crossing | None:
    with handoff_leased(lease) as handoff:
        is_over = not handoff.is_open and ended_by_vendor(handoff)
        if not is_over or handoff.vendor_end_until is None:
            return None
        rows = deliveries_taken(handoff).select_related("event")[:BATCH]
        ended_at = handoff.ended_at or timezone.now()
        return Crossing(
            taken=[pending_delivery(row) for row in rows],
            until=ended_at + DELIVERY.after,
        )


async def _late(connector: Connector, session: VendorSession, crossing: Crossing) -> frozenset[str]:
    """Ask until the vendor has answered, or has no more time to."""
    messages = [
        OutboundMessage(message_id=line.message_id, text=line.text, sent_at=line.sent_at)
        for line in reversed(crossing.taken)
    ]
    attempts = 0
    while messages and timezone.now() < crossing.until:
        try:
            return await connector.late_messages(session, messages)
        except ConversationGoneError:
            break
        except ConnectorError as error:
            attempts += 1
            await asyncio.sleep(end_pause(attempts, error))
    return frozenset()


def _crossing_close(lease: Lease, late: list[int]) -> None:
    with handoff_leased(lease) as handoff:
        lines = deliveries_missed(handoff, late)
        lines += deliveries_give_up(handoff, "conversation_gone")
        if lines and handoff.conversation.state != Conversation.State.ENDED:
            events_append(handoff.conversation, lines)
        session_end(handoff, is_settled=True)


# ---- what nobody can get any more ----


async def undelivered_of(connectors: Connectors, handoff_id: str) -> None:
    """Do it for what came after the end, when no session runs any more."""
    found = await run_sync(_ended, handoff_id)
    if found is None:
        return
    integration, session = found
    key, connector = connectors.acquire(integration)
    try:
        await undelivered_tell(connector, session, handoff_id)
    finally:
        await connectors.release(key)


async def undelivered_tell(connector: Connector, session: VendorSession, handoff_id: str) -> None:
    """Send a failed receipt for each word that waits and will never be shown."""
    is_told = Capability.FAILED_RECEIPT_OUT in connector.capabilities
    waiting = await run_sync(partial(webhooks_waiting, handoff_id, is_over=True))
    for row_id, item in waiting.items:
        message_id = connector.said_in(item) if is_told else ""
        if message_id:
            try:
                await connector.send_receipt(session, message_id, ReceiptKind.FAILED)
            except ConnectorError as error:
                logger.info("A failed receipt was not taken: %s", error.code)
        await run_sync(webhook_spent, row_id)


def _ended(handoff_id: str) -> tuple[Integration, VendorSession] | None:
    handoff = Handoff.objects.select_related("integration").filter(pk=handoff_id).first()
    if handoff is None or handoff.is_open or not handoff.vendor_session:
        return None
    if handoff.integration is None:
        return None
    return handoff.integration, session_read(handoff.vendor_session)


# ---- telling the vendor ----


async def end_at_vendor(
    lease: Lease, connectors: Connectors, integration: Integration, session: VendorSession | None
) -> None:
    """Repeat the end until the vendor has confirmed it, with the credentials of the moment."""
    attempts = 0
    found: Integration | None = integration
    while (reason := await run_sync(transactions.vendor_end_due, lease)) is not None:
        assert session is not None
        if attempts:
            found = await run_sync(_integration_now, lease)
        error = await _tried(connectors, found, session, reason) if found else None
        if error is None:
            await run_sync(transactions.vendor_end_done, lease)
            continue
        attempts += 1
        if attempts == 1:
            logger.warning("The end is not confirmed yet: %s", error.code)
            await run_sync(transactions.fault_show, lease, error)
        await asyncio.sleep(end_pause(attempts, error))


async def end_at_first_vendor(lease: Lease, connectors: Connectors) -> None:
    """Do the same at the vendor that was tried before the fallback, while that one is served."""
    found = await run_sync(first_conversation, lease.handoff_id)
    if found is not None:
        key, connector = connectors.acquire(found.integration)
        try:
            await _end_first(connector, found)
        finally:
            await connectors.release(key)
    await run_sync(first_conversation_ended, lease)


async def _end_first(connector: Connector, found: FirstConversation) -> None:
    session = session_read(found.session)
    attempts = 0
    while timezone.now() < found.until:
        try:
            await end_all(connector, session, EndReason.FAILED)
            return
        except ConnectorError as error:
            attempts += 1
            await asyncio.sleep(end_pause(attempts, error))


async def end_all(connector: Connector, session: VendorSession, reason: EndReason) -> None:
    """End a vendor conversation and what crossing lines have opened beside it."""
    for vendor_id in (session.vendor_conversation_id, *session.strays):
        one = replace(session, vendor_conversation_id=vendor_id, strays=())
        try:
            await connector.end(one, reason)
        except ConversationGoneError:
            pass  # nothing is open there: that is the confirmation


def end_pause(attempts: int, error: ConnectorError) -> float:
    """Return the seconds before an end is told again."""
    if error.retryable:
        return retry_seconds(attempts, error.retry_after)
    return growing_pause(attempts, first=_REFUSED_BASE_SECONDS, longest=_REFUSED_CAP_SECONDS)


async def _tried(
    connectors: Connectors, integration: Integration, session: VendorSession, reason: EndReason
) -> ConnectorError | None:
    key, connector = connectors.acquire(integration)
    try:
        await end_all(connector, session, reason)
    except ConnectorError as error:
        return error
    finally:
        await connectors.release(key)
    return None


def _integration_now(lease: Lease) -> Integration | None:
    rows = Handoff.objects.filter(pk=lease.handoff_id, integration__isnull=False)
    integration_id = rows.values_list("integration_id", flat=True).first()
    return Integration.objects.filter(pk=integration_id).first() if integration_id else None
