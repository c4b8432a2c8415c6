"""Support tickets: how a messaging session makes one, and what Agent Workspace writes in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.vendors.zendesk.simulator.records import (
    AGENT_WORKSPACE,
    FINAL_STATUSES,
    Conversation,
    Message,
    Ticket,
    new_id,
)
from integrations.vendors.zendesk.simulator.world import FIRST_TICKET_ID, ZendeskWorld

FIELD_PREFIX = "dataCapture.ticketField."
SYSTEM_PREFIX = "dataCapture.systemField."
# Agent Workspace shows this many of the messages before a handover, unless told where to begin.
MESSAGES_SHOWN = 10
SOURCE = {"type": AGENT_WORKSPACE}
AUTOMATIC_NAME = "Automated Response"
TRIGGER_AGENT_ID = "__trigger"


def take_over(world: ZendeskWorld, conversation: Conversation, metadata: Mapping[str, Any]) -> None:
    """Have Agent Workspace take a conversation; a ticket needs at least one message."""
    if open_ticket_of(world, conversation) is None:
        conversation.capture = dict(metadata)
        if conversation.messages:
            _open_messaging_ticket(world, conversation)


def open_ticket_of(world: ZendeskWorld, conversation: Conversation) -> Ticket | None:
    """Return the ticket of the running messaging session, unless it takes no more messages."""
    ticket = world.tickets.get(conversation.ticket_id or 0)
    return ticket if ticket and ticket.status not in FINAL_STATUSES else None


def _open_messaging_ticket(world: ZendeskWorld, conversation: Conversation) -> None:
    """Make the ticket; what passControl carried applies now and never again."""
    # Only the ticket that control was passed for has it: the next one is made of nothing.
    capture, conversation.capture = conversation.capture, {}
    system = _below(SYSTEM_PREFIX, capture)
    requester_id = _requester(world, conversation, system)
    ticket = new_ticket(
        world,
        subject=str(system.get("subject") or f"Conversation with {_person(world, conversation)}"),
        description=str(system.get("description") or _last_words(conversation)),
        priority=str(system["priority"]) if "priority" in system else None,
        tags=[tag.strip() for tag in str(system.get("tags", "")).split(",") if tag.strip()],
        custom_fields=_custom_fields(world, capture),
        requester_id=requester_id,
        submitter_id=requester_id,
        assignee_id=_number(system.get("assignee_id")),
        group_id=_number(system.get("group_id")) or world.group_id(world.switches.queue),
        organization_id=_number(system.get("organization_id")),
        brand_id=_number(system.get("brand_id")) or 21,
        via="native_messaging",
        conversation_id=conversation.conversation_id,
        capture=capture,
    )
    conversation.ticket_id = ticket.ticket_id
    conversation.ticket_ids.append(ticket.ticket_id)
    conversation.first_message_shown = _first_shown(conversation, capture)
    conversation.agents.clear()
    world.note(conversation, f"Ticket {ticket.ticket_id} opened")
    if world.switches.auto_response:
        speak(world, conversation, {"type": "text", "text": world.switches.auto_response})


def speak(
    world: ZendeskWorld,
    conversation: Conversation,
    content: Mapping[str, Any],
    name: str = AUTOMATIC_NAME,
    agent_id: str = TRIGGER_AGENT_ID,
) -> Message:
    """Write from the Agent Workspace: a live agent or, unless one is named, a trigger."""
    metadata = {
        "__zendesk_msg.agent.id": agent_id,
        "__zendesk_msg.client_message_id": new_id(),
        "__zendesk_msg.id": new_id(),
        "__zendesk_msg.source_type": AGENT_WORKSPACE,
    }
    subtypes = ["bot" if agent_id == TRIGGER_AGENT_ID else "agent"]
    author: dict[str, Any] = {"type": "business", "subtypes": subtypes}
    author |= {"displayName": name} if name else {}
    more = {"source": dict(SOURCE), "metadata": metadata}
    return world.add_message(conversation, author, content, **more)


def new_ticket(world: ZendeskWorld, **values: Any) -> Ticket:
    """Keep a new ticket."""
    now = world.now_ms()
    ticket_id = FIRST_TICKET_ID + len(world.tickets)
    return world.tickets.add(Ticket(ticket_id=ticket_id, created_ms=now, updated_ms=now, **values))


def set_status(world: ZendeskWorld, ticket: Ticket, status: str, *, actor_id: int) -> None:
    """Move a ticket to a status and tell the ticket webhook, unless it is there already."""
    if status == ticket.status:
        return
    previous, ticket.status = ticket.status, status
    ticket.updated_ms = world.now_ms()
    conversation = world.conversations.get(ticket.conversation_id or "")
    if conversation is not None:
        world.note(conversation, f"Ticket {ticket.ticket_id} {status.lower()}")
    world.ticket_events.status_changed(ticket, previous, actor_id)


def assign(world: ZendeskWorld, ticket: Ticket, assignee_id: int | None, *, actor_id: int) -> None:
    """Give a ticket to an agent or to nobody, and tell the ticket webhook."""
    if assignee_id == ticket.assignee_id:
        return
    previous, ticket.assignee_id = ticket.assignee_id, assignee_id
    ticket.updated_ms = world.now_ms()
    world.ticket_events.assignment_changed(ticket, previous, actor_id)


def wake(world: ZendeskWorld, conversation: Conversation) -> None:
    """Let a user's message open a ticket, or reopen the one that was solved or put on hold."""
    ticket = open_ticket_of(world, conversation)
    if ticket is None:
        _open_messaging_ticket(world, conversation)
    elif ticket.status in ("SOLVED", "PENDING"):
        set_status(world, ticket, "OPEN", actor_id=ticket.requester_id)


def _requester(world: ZendeskWorld, conversation: Conversation, system: Mapping[str, Any]) -> int:
    """Return the Support user behind the end user: the same one for the same Sunshine user."""
    user = world.person(conversation)
    if user is not None and user.zendesk_id:
        return int(user.zendesk_id)
    name = str(system.get("requester.name") or _person(world, conversation))
    email = system.get("requester.email") or (user.profile.get("email") if user else None)
    key = f"{email}" if email else f"{name} ({conversation.conversation_id})"
    email = str(email) if email else None
    identifier = world.support_user(key, name=name, role="end-user", email=email).user_id
    if user is not None:
        user.zendesk_id = str(identifier)
    return identifier


def _person(world: ZendeskWorld, conversation: Conversation) -> str:
    user = world.person(conversation)
    return user.display_name if user else "a group"


def _custom_fields(world: ZendeskWorld, capture: Mapping[str, Any]) -> dict[str, Any]:
    known, fields = world.switches.ticket_field_ids, _below(FIELD_PREFIX, capture)
    return {name: value for name, value in fields.items() if not known or name in known}


def _below(prefix: str, capture: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value
        for name, value in capture.items()
        if name.startswith(prefix)
    }


def _last_words(conversation: Conversation) -> str:
    texts = [str(one.content.get("text") or "") for one in conversation.messages]
    return next((text for text in reversed(texts) if text), "")


def _first_shown(conversation: Conversation, capture: Mapping[str, Any]) -> int:
    ids = [one.message_id for one in conversation.messages]
    wanted = capture.get("first_message_id")
    return ids.index(wanted) if wanted in ids else max(0, len(ids) - MESSAGES_SHOWN)


def _number(value: object) -> int | None:
    return int(str(value)) if value is not None and str(value).isdigit() else None
