"""What the simulated ticketing API takes and answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from integrations.vendors.zendesk.simulator.records import (
    TICKET_STATUSES,
    Message,
    Person,
    Ticket,
    time_text,
)

PRIORITIES = ("urgent", "high", "normal", "low")
SETTABLE = ("NEW", "OPEN", "PENDING", "HOLD", "SOLVED", "CLOSED")


class TicketRefusedError(Exception):
    """The ticketing API refuses a request; its text is the answer's JSON."""

    def __init__(
        self,
        status: int,
        error: str,
        description: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        body: dict[str, Any] = {"error": error}
        if description:
            body["description"] = description
        if details:
            body["details"] = dict(details)
        super().__init__(json.dumps(body))
        self.status = status

    @classmethod
    def invalid(cls, name: str, description: str) -> TicketRefusedError:
        """Return the refusal of one field."""
        details = {name: [{"description": description}]}
        return cls(422, "RecordInvalid", "Record validation errors", details)


def parsed(raw: bytes) -> dict[str, Any]:
    """Return a body as an object."""
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise TicketRefusedError(400, "InvalidJSON", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise TicketRefusedError(400, "InvalidJSON", "The body must be an object.")
    return body


def ticket_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ticket inside a body."""
    given = body.get("ticket")
    if not isinstance(given, dict):
        raise TicketRefusedError(400, "InvalidValue", "Parameter ticket is required")
    return given


def check_new(given: Mapping[str, Any]) -> None:
    """Refuse a new ticket without words, or with a wrong field."""
    comment = given.get("comment")
    words = comment.get("body") if isinstance(comment, dict) else given.get("description")
    if not isinstance(words, str) or not words.strip():
        raise TicketRefusedError.invalid("base", "Description: cannot be blank")
    check_change(given)


def check_change(given: Mapping[str, Any]) -> None:
    """Refuse a wrong status, priority, tags, requester or custom fields."""
    status = given.get("status")
    if status is not None and str(status).upper() not in SETTABLE:
        raise TicketRefusedError.invalid("status", "Status: is not included in the list")
    priority = given.get("priority")
    if priority is not None and priority not in PRIORITIES:
        raise TicketRefusedError.invalid("priority", "Priority: is not included in the list")
    if "tags" in given:
        check_tags(given)
    requester = given.get("requester")
    if requester is not None and not (
        isinstance(requester, dict) and (requester.get("name") or requester.get("email"))
    ):
        raise TicketRefusedError.invalid("requester", "Requester: Name: is too short")
    custom_fields(given)


def check_tags(given: Mapping[str, Any]) -> None:
    """Refuse tags that are not words."""
    tags = given.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise TicketRefusedError.invalid("tags", "Tags: must be a list of strings")


def custom_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return custom fields by id."""
    fields = given.get("custom_fields") or []
    try:
        return {str(one["id"]): one["value"] for one in fields}
    except (TypeError, KeyError) as error:
        raise TicketRefusedError.invalid("custom_fields", "Custom fields: are invalid") from error


def ticket_answer(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket; statuses are in lower case here, unlike in events."""
    assert ticket.status in TICKET_STATUSES
    fields = [{"id": int(name), "value": value} for name, value in ticket.custom_fields.items()]
    return {
        "id": ticket.ticket_id,
        "external_id": ticket.external_id,
        "subject": ticket.subject,
        "description": ticket.description,
        "status": ticket.status.lower(),
        "priority": ticket.priority,
        "requester_id": ticket.requester_id,
        "submitter_id": ticket.submitter_id,
        "assignee_id": ticket.assignee_id,
        "group_id": ticket.group_id,
        "organization_id": ticket.organization_id,
        "brand_id": ticket.brand_id,
        "ticket_form_id": ticket.form_id,
        "tags": ticket.tags,
        "custom_fields": fields,
        "fields": fields,
        "via": {"channel": ticket.via},
        "created_at": time_text(ticket.created_ms),
        "updated_at": time_text(ticket.updated_ms),
    }


def user_answer(person: Person) -> dict[str, Any]:
    """Return a Support user."""
    return {
        "id": person.user_id,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "active": True,
        "suspended": False,
    }


def log_event(message: Message) -> dict[str, Any]:
    """Return one event of the conversation log."""
    author: dict[str, Any] = {"type": message.author["type"]}
    if "userId" in message.author:
        author["zen:sunco:user_id"] = message.author["userId"]
    return {
        "id": message.message_id,
        "type": "Messaging::ConversationMessage",
        "created_at": time_text(message.received_ms),
        "reference": f"zen:sunco:conversation_message:{message.message_id}",
        "author": author,
        "content": dict(message.content),
    }
