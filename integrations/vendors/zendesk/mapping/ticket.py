"""What a ticket event of the second webhook means."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.vendors.zendesk.mapping.json import Json, as_id, as_object, as_text
from integrations.vendors.zendesk.mapping.start import TAG_PREFIX

STATUS_CHANGED = "zen:event-type:ticket.status_changed"
ASSIGNMENT_CHANGED = "zen:event-type:ticket.agent_assignment_changed"
# After these nobody answers in the conversation any more.
ENDING_STATUSES = frozenset({"SOLVED", "CLOSED", "DELETED", "ARCHIVED", "SCRUBBED"})
_TICKET_SUBJECT = "zen:ticket:"


def ticket_key(ticket_id: str) -> str:
    """Return the name under which a ticket's events are kept."""
    return f"ticket:{ticket_id}"


def tag_key(tag: str) -> str:
    """Return the name under which events of a tagged ticket are kept."""
    return f"tag:{tag}"


def ticket_id_of(event: Json) -> str:
    """Return the ticket's id."""
    subject = as_text(event.get("subject"))
    named = subject.removeprefix(_TICKET_SUBJECT) if subject.startswith(_TICKET_SUBJECT) else ""
    return as_id(as_object(event.get("detail")).get("id")) or named


def tag_of(event: Json) -> str:
    """Return the tag that this portal put on the ticket, if it is still there."""
    tags = as_object(event.get("detail")).get("tags")
    found = [as_text(tag) for tag in tags] if isinstance(tags, list) else []
    return next((tag for tag in found if tag.startswith(TAG_PREFIX)), "")


def kept_event(event: Json) -> Mapping[str, object]:
    """Return what is needed of an event; subject and description of the ticket are not."""
    change, detail = as_object(event.get("event")), as_object(event.get("detail"))
    kind = as_text(event.get("type"))
    detail_key = "assignee_id" if kind == ASSIGNMENT_CHANGED else "status"
    current = change.get("current") if "current" in change else detail.get(detail_key)
    return {
        "type": kind,
        "time": as_text(event.get("time")),
        "ticket": ticket_id_of(event),
        "current": as_id(current),
    }
