"""What a live agent changes afterwards: messages that were edited, replaced or taken back."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from conversations.journal.frames import EventType
from conversations.journal.services import NewEvent, events_append
from handoffs.models import Handoff, VendorEvent
from handoffs.receiving.rich_lines import rich_line
from handoffs.sending.offers import offer_change, offer_withdraw
from integrations.contract.events import (
    LiveAgentMessage,
    LiveAgentMessageDeleted,
    LiveAgentMessageEdited,
)
from integrations.contract.rich_content import Markup

Change = LiveAgentMessageEdited | LiveAgentMessageDeleted
_KINDS = (LiveAgentMessageEdited.__name__, LiveAgentMessageDeleted.__name__)
# Nobody sends many edits of messages that never come; a row must not grow for ever.
_EARLY_MAX = 50


def message_changed(handoff: Handoff, event: Change) -> list[str]:
    """Journal a change, or keep it for its message; one that a later one overtook is dropped."""
    if _is_overtaken(handoff, event):
        return []
    message = _message(handoff, event.vendor_message_id)
    if message is None:
        kept = list(handoff.early_changes.items())[-_EARLY_MAX:]
        handoff.early_changes = {**dict(kept), event.vendor_message_id: _kept(event)}
        return ["early_changes"]
    assert message.event_id is not None
    if isinstance(event, LiveAgentMessageDeleted):
        _tell(handoff, message.event_id, text="", is_deleted=True)
        return offer_withdraw(handoff, message.event_id)
    drawn = rich_line(handoff, event.text, event.markup, event.rich)
    _tell(handoff, message.event_id, text=drawn.text, is_deleted=False, **drawn.content)
    return offer_change(handoff, message.event_id, drawn, event.vendor_message_id)


def _tell(handoff: Handoff, message_id: uuid.UUID, **said: Any) -> None:
    payload = {"message_id": str(message_id), **said}
    line = NewEvent(type=EventType.LIVE_AGENT_MESSAGE_CHANGED, payload=payload)
    events_append(handoff.conversation, [line])


def early_change_apply(handoff: Handoff, event: LiveAgentMessage) -> LiveAgentMessage | None:
    """Return a message as a change that came before it leaves it; None if it was taken back."""
    change = handoff.early_changes.get(event.vendor_message_id)
    if change is None:
        return event
    if change["is_deleted"]:
        return None
    return replace(event, text=change["text"], markup=Markup(change["markup"]))


def _is_overtaken(handoff: Handoff, event: Change) -> bool:
    """Say whether a later change of the same message was applied; nothing follows a deletion."""
    others = VendorEvent.objects.filter(
        handoff=handoff, vendor_message_id=event.vendor_message_id, kind__in=_KINDS
    ).exclude(vendor_event_id=event.vendor_event_id)
    if others.filter(kind=LiveAgentMessageDeleted.__name__).exists():
        return True
    is_deletion = isinstance(event, LiveAgentMessageDeleted)
    return not is_deletion and others.filter(occurred_at__gt=event.occurred_at).exists()


def _message(handoff: Handoff, vendor_message_id: str) -> VendorEvent | None:
    rows = VendorEvent.objects.filter(
        handoff=handoff, vendor_message_id=vendor_message_id, event__isnull=False
    )
    return rows.order_by("pk").first()


def _kept(event: Change) -> dict[str, Any]:
    if isinstance(event, LiveAgentMessageDeleted):
        return {"is_deleted": True}
    return {"is_deleted": False, "text": event.text, "markup": event.markup.value}
