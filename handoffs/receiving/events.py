"""Apply what a vendor says: once, in one transaction, under the lease."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from conversations.journal import publish
from conversations.journal.frames import EventType, transient_frame
from conversations.journal.services import events_append, message_event, system_event
from handoffs.lifecycle.fallback import NO_LIVE_AGENTS, handoff_unavailable
from handoffs.lifecycle.locking import Lease, handoff_leased, handoff_save
from handoffs.lifecycle.notices import text_for
from handoffs.lifecycle.queue_status import queue_show
from handoffs.lifecycle.services import (
    active_deadline,
    handoff_end,
    handoff_fail,
    session_keep,
    session_store,
)
from handoffs.models import Delivery, Handoff, VendorEvent
from handoffs.receiving.agents import agent_joined, agent_left
from handoffs.receiving.changes import message_changed
from handoffs.receiving.messages import line_id, message_received
from handoffs.receiving.rich_lines import notes_of, plain_said
from handoffs.sending.files import FetchedMessage, inbox_kind
from handoffs.sending.hot_path import AgentMessage, take_from_vendor
from handoffs.sending.outbox import delivery_failed_late, receipts_apply
from handoffs.states import EndReason, State
from integrations.connections.outcomes import START_FAULTS
from integrations.connections.services import integration_mark_failed
from integrations.contract import events
from integrations.contract.connector import VendorSession
from integrations.contract.rich_content import Author
from integrations.credentials.fields import encrypt
from integrations.kit.plain_json import text_cleaned

logger = logging.getLogger(__name__)
_Event = TypeVar("_Event", bound=events.VendorEvent)
_MAX_ID = 255
# How an end that no person made is told.
_CAUSES = {one.value: one for one in (EndReason.VENDOR_IDLE, EndReason.VENDOR_TIME_LIMIT)}


def vendor_event_apply(
    lease: Lease,
    session: VendorSession,
    event: events.VendorEvent,
    notes: Sequence[dict[str, str]] = (),
) -> bool:
    """Apply one event and keep the session that follows it; True once the human part is over.

    `notes` are for the operator: what could not be done with the event before.

    A repeat changes nothing but the session. Raises LeaseLostError for a fenced session.
    """
    event = event_cleaned(event)
    with handoff_leased(lease) as handoff:
        session_keep(handoff, session)
        changed = ["vendor_session"]
        if _receive(handoff, event, [*notes, *notes_of(event)]) and handoff.is_open:
            changed += _apply(handoff, event, lease)
        handoff_save(handoff, changed, lease)
        return not handoff.is_open


async def agent_message_apply(
    lease: Lease, session: VendorSession, event: events.LiveAgentMessage
) -> bool:
    """Apply what a live agent says, together with what others say; False: use vendor_event_apply.

    The session's keys must be those of the session stored before.
    """
    event = event_cleaned(event)
    if event.files or event.rich or event.by is not Author.LIVE_AGENT:
        return False
    text, content = plain_said(event)
    if not text:
        return False
    agent = event.agent_id or event.agent_name
    message = AgentMessage(
        lease=lease,
        line=message_event(
            EventType.LIVE_AGENT_MESSAGE,
            text,
            event_id=line_id(lease.handoff_id, event.vendor_event_id),
            by=event.by.value,
            agent_id=agent,
            **content,
        ),
        agent_id=agent,
        vendor_event_id=event.vendor_event_id,
        vendor_message_id=event.vendor_message_id,
        occurred_at=event.occurred_at,
        stored_session=encrypt(session_store(session)),
        deadline_at=active_deadline(),
    )
    return await take_from_vendor(message) is not None


def event_cleaned(event: _Event) -> _Event:
    """Return the event without what no database keeps: one such event would stop all after it."""
    clean: dict[str, Any] = {
        field.name: _clean(getattr(event, field.name)) for field in fields(event)
    }
    for name in ("vendor_event_id", "vendor_message_id"):
        if len(clean.get(name, "")) > _MAX_ID:
            clean[name] = hashlib.sha256(clean[name].encode()).hexdigest()
    return replace(event, **clean)


def _clean(value: Any) -> Any:
    """Clean texts, and the plain data that a message is made of."""
    if isinstance(value, str):
        return text_cleaned(value)
    if isinstance(value, tuple):
        return tuple(map(_clean, value))
    if is_dataclass(value) and not isinstance(value, type):
        changes = {field.name: _clean(getattr(value, field.name)) for field in fields(value)}
        return replace(value, **changes)
    return value


def _receive(handoff: Handoff, event: events.VendorEvent, notes: list[dict[str, str]]) -> bool:
    """Put the event into the inbox; False for a repeat."""
    _, is_new = VendorEvent.objects.get_or_create(
        handoff=handoff,
        vendor_event_id=event.vendor_event_id,
        defaults={
            "kind": inbox_kind(event),
            "vendor_message_id": getattr(event, "vendor_message_id", ""),
            "notes": notes or None,
            "occurred_at": event.occurred_at,
        },
    )
    return is_new


def _apply(handoff: Handoff, event: events.VendorEvent, lease: Lease) -> list[str]:
    """Do what the event asks for; return the handoff's fields that changed."""
    ends = _ENDS.get(type(event))
    return ends(handoff, event, lease) if ends else _EFFECTS[type(event)](handoff, event)


def _failed(handoff: Handoff, event: events.MessageFailed) -> list[str]:
    if lines := delivery_failed_late(handoff, event.vendor_message_id, event.reason):
        events_append(handoff.conversation, lines)
    return []


def _receipt(status: Delivery.Status) -> Callable[[Handoff, Any], list[str]]:
    def apply(handoff: Handoff, event: Any) -> list[str]:
        lines = receipts_apply(handoff, event.vendor_message_id, status)
        if lines and handoff.behaviour.read_receipts:
            events_append(handoff.conversation, lines)
        return []

    return apply


def _queue(handoff: Handoff, event: events.QueuePositionChanged) -> list[str]:
    if State(handoff.state) is State.ACTIVE:
        return []
    known = {
        "queue_name": event.queue_name or None,
        "position_in_queue": event.position,
        "estimated_wait_seconds": event.estimated_wait_seconds,
    }
    fresh = {key: value for key, value in known.items() if value is not None}
    queue_show(handoff, {**handoff.queue_status, **fresh})
    return ["queue_status"]


def _notice(handoff: Handoff, event: events.SystemNotice) -> list[str]:
    line = system_event(event.text, code="vendor_notice")
    events_append(handoff.conversation, [line])
    return []


def _transfer(handoff: Handoff, event: events.TransferStarted) -> list[str]:
    if State(handoff.state) is State.ACTIVE:
        line = system_event(text_for(handoff, "transfer"), code="agent_transferred")
        events_append(handoff.conversation, [line])
    return []


def _nobody(handoff: Handoff, event: events.NoLiveAgents, lease: Lease) -> list[str]:
    """Nobody answers a new conversation: that fails it. A failed transfer leaves it running."""
    if State(handoff.state) is not State.ACTIVE:
        return handoff_unavailable(handoff, NO_LIVE_AGENTS, event.detail, lease=lease)
    line = system_event(text_for(handoff, "transfer_failed"), code="no_live_agents")
    events_append(handoff.conversation, [line])
    return []


def _start_refused(handoff: Handoff, event: events.StartRefused, lease: Lease) -> list[str]:
    """Fail what the vendor had accepted, and show on the tile what is wrong with the connection."""
    if State(handoff.state) is State.ACTIVE:
        return []  # somebody has answered: it cannot have come to nothing
    if handoff.integration is not None and event.code in START_FAULTS:
        integration_mark_failed(handoff.integration, event.code, event.detail)
    return handoff_unavailable(handoff, event.code, event.detail, lease=lease)


def _idle(handoff: Handoff, event: events.IdleWarning) -> list[str]:
    text = text_for(handoff, "inactivity_warning")
    known = {} if event.seconds_left is None else {"seconds_left": event.seconds_left}
    frame = transient_frame(EventType.SESSION_IDLE_WARNING, {**known, "message": text})
    publish.transient_publish(handoff.conversation_id, frame)
    return []


def _ended(handoff: Handoff, event: events.ConversationEnded, lease: Lease) -> list[str]:
    if State(handoff.state) is not State.ACTIVE:
        detail = f"closed before anybody joined {event.cause}".strip()
        handoff_fail(handoff, "conversation_gone", detail, lease=lease)
        return []
    reason = _CAUSES.get(event.cause)
    if reason is not None:
        line = system_event(text_for(handoff, reason.value), code=reason.value)
        events_append(handoff.conversation, [line])
    else:
        by_agent = event.ended_by.lower() in ("", "agent")
        reason = EndReason.LIVE_AGENT_ENDED if by_agent else EndReason.VENDOR_CLOSED
    handoff_end(handoff, reason, lease=lease)
    return []


def _unknown(handoff: Handoff, event: events.UnknownEvent) -> list[str]:
    logger.info("Vendor event of an unknown kind dropped: %s", event.name[:60])
    return []


_EFFECTS: dict[type[events.VendorEvent], Callable[[Handoff, Any], list[str]]] = {
    events.LiveAgentJoined: agent_joined,
    events.LiveAgentLeft: agent_left,
    events.LiveAgentMessage: message_received,
    events.LiveAgentMessageEdited: message_changed,
    events.LiveAgentMessageDeleted: message_changed,
    FetchedMessage: message_received,
    events.MessageEchoed: _receipt(Delivery.Status.SENT),
    events.MessageDelivered: _receipt(Delivery.Status.DELIVERED),
    events.MessageRead: _receipt(Delivery.Status.READ),
    events.MessageFailed: _failed,
    events.IdleWarning: _idle,
    events.QueuePositionChanged: _queue,
    events.SystemNotice: _notice,
    events.TransferStarted: _transfer,
    events.UnknownEvent: _unknown,
}
# What may end the human part writes that under the lease itself.
_ENDS: dict[type[events.VendorEvent], Callable[[Handoff, Any, Lease], list[str]]] = {
    events.NoLiveAgents: _nobody,
    events.StartRefused: _start_refused,
    events.ConversationEnded: _ended,
}
