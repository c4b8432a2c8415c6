"""Apply what a vendor says: once, in one transaction, under the lease."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

from django.utils import timezone

from conversations.journal import publish
from conversations.journal.frames import EventType, transient_frame
from conversations.journal.services import NewEvent, events_append, message_event, system_event
from handoffs.lifecycle.deadlines import silence_check_at
from handoffs.lifecycle.fallback import NO_LIVE_AGENTS, handoff_unavailable
from handoffs.lifecycle.locking import Lease, handoff_leased, handoff_save
from handoffs.lifecycle.notices import shows_wait_text, text_about, text_for, wait_text
from handoffs.lifecycle.services import (
    active_deadline,
    handoff_end,
    handoff_fail,
    handoff_move,
    session_keep,
    session_store,
)
from handoffs.models import Delivery, Handoff, VendorEvent
from handoffs.sending.files import LiveAgentFile, file_journal, limits_payload
from handoffs.sending.hot_path import AgentMessage, take_from_vendor
from handoffs.sending.outbox import receipts_apply
from handoffs.states import EndReason, State, Trigger
from integrations.contract import events
from integrations.contract.connector import VendorSession
from integrations.credentials.fields import encrypt
from integrations.kit.plain_json import text_cleaned

logger = logging.getLogger(__name__)
_Event = TypeVar("_Event", bound=events.VendorEvent)
_MAX_ID = 255
_LINES = uuid.UUID("6f2c7d0e-3a51-4c0b-9c55-0f6b1a7e2d94")


def vendor_event_apply(lease: Lease, session: VendorSession, event: events.VendorEvent) -> bool:
    """Apply one event and keep the session that follows it; True once the human part is over.

    A repeat changes nothing but the session. Raises LeaseLostError for a fenced session.
    """
    event = event_cleaned(event)
    with handoff_leased(lease) as handoff:
        session_keep(handoff, session)
        changed = ["vendor_session"]
        if _receive(handoff, event) and handoff.is_open:
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
    line_id = _line_id(lease.handoff_id, event)
    message = AgentMessage(
        lease=lease,
        line=message_event(
            EventType.LIVE_AGENT_MESSAGE, event.text, event_id=line_id, agent_id=event.agent_id
        ),
        agent_id=event.agent_id,
        vendor_event_id=event.vendor_event_id,
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
    if len(clean["vendor_event_id"]) > _MAX_ID:
        clean["vendor_event_id"] = hashlib.sha256(clean["vendor_event_id"].encode()).hexdigest()
    return replace(event, **clean)


def _clean(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return text_cleaned(value)


def _receive(handoff: Handoff, event: events.VendorEvent) -> bool:
    """Put the event into the inbox; False for a repeat."""
    is_line = isinstance(event, events.LiveAgentMessage | LiveAgentFile) and handoff.is_open
    _, is_new = VendorEvent.objects.get_or_create(
        handoff=handoff,
        vendor_event_id=event.vendor_event_id,
        defaults={
            "kind": type(event).__name__,
            # The line is written after this, in the same transaction.
            "event_id": _line_id(handoff.pk, event) if is_line else None,
            "occurred_at": event.occurred_at,
        },
    )
    return is_new


def _line_id(handoff_id: str, event: events.VendorEvent) -> uuid.UUID:
    """Return the id of the line that an event becomes: known before it is written."""
    return uuid.uuid5(_LINES, f"{handoff_id}/{event.vendor_event_id}")


def _apply(handoff: Handoff, event: events.VendorEvent, lease: Lease) -> list[str]:
    """Do what the event asks for; return the handoff's fields that changed."""
    return _EFFECTS[type(event)](handoff, event, lease)


def _joined(handoff: Handoff, event: events.LiveAgentJoined, lease: Lease) -> list[str]:
    name = _shown_name(handoff, event.agent_name)
    if event.agent_id in handoff.live_agents:
        return []
    others = bool(handoff.live_agents)
    handoff.live_agents = {**handoff.live_agents, event.agent_id: name}
    handoff.agent_id, handoff.agent_name = event.agent_id[:128], name
    changed = _activate(handoff)
    agent = {"id": event.agent_id, "name": name, "avatar_url": event.avatar_url}
    payload = {"agent": agent, **limits_payload(handoff)}
    lines = [NewEvent(type=EventType.LIVE_AGENT_JOINED, payload=payload)]
    if others:
        text = text_about(handoff, "another_joined", name)
        lines.insert(0, system_event(text, code="conference_joined"))
    events_append(handoff.conversation, lines)
    return [*changed, "live_agents", "agent_id", "agent_name"]


def _activate(handoff: Handoff) -> list[str]:
    """Enter active if nobody had joined before; return the changed fields."""
    handoff.deadline_at = active_deadline()
    if State(handoff.state) is State.ACTIVE:
        return ["deadline_at"]
    handoff_move(handoff, Trigger.LIVE_AGENT_JOINED)
    handoff.joined_at, handoff.queue_status = timezone.now(), {}
    handoff.remind_at = silence_check_at(handoff)
    return ["state", "joined_at", "queue_status", "deadline_at", "remind_at"]


def _left(handoff: Handoff, event: events.LiveAgentLeft, lease: Lease) -> list[str]:
    """A departure alone is no end: the last one's is announced by the end or by a transfer."""
    remaining = dict(handoff.live_agents)
    name = remaining.pop(event.agent_id, "")
    handoff.live_agents = remaining
    if not remaining:
        return ["live_agents"]
    handoff.agent_id, handoff.agent_name = list(remaining.items())[-1]
    text = text_about(handoff, "one_left", name)
    events_append(handoff.conversation, [system_event(text, code="agent_left")])
    return ["live_agents", "agent_id", "agent_name"]


def _message(handoff: Handoff, event: events.LiveAgentMessage, lease: Lease) -> list[str]:
    changed = _present(handoff, event, lease)
    line = message_event(
        EventType.LIVE_AGENT_MESSAGE,
        event.text,
        event_id=_line_id(handoff.pk, event),
        agent_id=event.agent_id,
        agent_name=handoff.live_agents.get(event.agent_id, ""),
    )
    events_append(handoff.conversation, [line])
    return changed


def _file(handoff: Handoff, event: events.LiveAgentAttachment, lease: Lease) -> list[str]:
    changed = _present(handoff, event, lease)
    name = handoff.live_agents.get(event.agent_id, "")
    file_journal(handoff, event, line_id=_line_id(handoff.pk, event), agent_name=name)
    return changed


def _present(
    handoff: Handoff, event: events.LiveAgentMessage | events.LiveAgentAttachment, lease: Lease
) -> list[str]:
    """Note that a live agent acts, who may have joined unseen; return the changed fields."""
    changed = ["deadline_at"]
    if event.agent_id not in handoff.live_agents:
        changed = _joined(handoff, _as_joined(event), lease)
    handoff.deadline_at = active_deadline()
    return changed


def _as_joined(
    event: events.LiveAgentMessage | events.LiveAgentAttachment,
) -> events.LiveAgentJoined:
    """Some vendors (and some lost events) let an agent speak before we saw them join."""
    return events.LiveAgentJoined(
        vendor_event_id=event.vendor_event_id,
        vendor_conversation_id=event.vendor_conversation_id,
        occurred_at=event.occurred_at,
        agent_id=event.agent_id,
        agent_name=event.agent_name,
    )


def _receipt(status: Delivery.Status) -> Callable[[Handoff, Any, Lease], list[str]]:
    def apply(handoff: Handoff, event: Any, lease: Lease) -> list[str]:
        lines = receipts_apply(handoff, event.vendor_message_id, status)
        if lines and handoff.behaviour.read_receipts:
            events_append(handoff.conversation, lines)
        return []

    return apply


def _queue(handoff: Handoff, event: events.QueuePositionChanged, lease: Lease) -> list[str]:
    if State(handoff.state) is State.ACTIVE:
        return []
    known = {
        "queue_name": event.queue_name or None,
        "position_in_queue": event.position,
        "estimated_wait_seconds": event.estimated_wait_seconds,
    }
    fresh = {key: value for key, value in known.items() if value is not None}
    handoff.queue_status = {**handoff.queue_status, **fresh}
    if shows_wait_text(handoff):
        handoff.queue_status["display_message"] = wait_text(handoff)
    frame = transient_frame(EventType.HANDOFF_QUEUE_STATUS, handoff.queue_status)
    publish.transient_publish(handoff.conversation_id, frame)
    return ["queue_status"]


def _notice(handoff: Handoff, event: events.SystemNotice, lease: Lease) -> list[str]:
    line = system_event(event.text, code="vendor_notice")
    events_append(handoff.conversation, [line])
    return []


def _transfer(handoff: Handoff, event: events.TransferStarted, lease: Lease) -> list[str]:
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


def _ended(handoff: Handoff, event: events.ConversationEnded, lease: Lease) -> list[str]:
    if State(handoff.state) is State.ACTIVE:
        by_agent = event.ended_by.lower() in ("", "agent")
        reason = EndReason.LIVE_AGENT_ENDED if by_agent else EndReason.VENDOR_CLOSED
        handoff_end(handoff, reason, lease=lease)
    else:
        handoff_fail(handoff, "conversation_gone", "closed before anybody joined", lease=lease)
    return []


def _unknown(handoff: Handoff, event: events.UnknownEvent, lease: Lease) -> list[str]:
    logger.info("Vendor event of an unknown kind dropped: %s", event.name[:60])
    return []


def _shown_name(handoff: Handoff, name: str) -> str:
    behaviour = handoff.behaviour
    names = {"vendor": name, "fixed": behaviour.display_name_text}
    if behaviour.display_name_source not in names:
        return text_for(handoff, "live_agent_name")
    return names[behaviour.display_name_source][:256]


_EFFECTS: dict[type[events.VendorEvent], Callable[[Handoff, Any, Lease], list[str]]] = {
    events.LiveAgentJoined: _joined,
    events.LiveAgentLeft: _left,
    events.LiveAgentMessage: _message,
    events.LiveAgentAttachment: _file,
    LiveAgentFile: _file,
    events.MessageEchoed: _receipt(Delivery.Status.SENT),
    events.MessageDelivered: _receipt(Delivery.Status.DELIVERED),
    events.MessageRead: _receipt(Delivery.Status.READ),
    events.QueuePositionChanged: _queue,
    events.SystemNotice: _notice,
    events.TransferStarted: _transfer,
    events.NoLiveAgents: _nobody,
    events.ConversationEnded: _ended,
    events.UnknownEvent: _unknown,
}
