"""How the desk sees the simulated account: conversations in the shape all simulators share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.vendors.zendesk.simulator.records import (
    AGENT_WORKSPACE,
    DONE_STATUSES,
    Conversation,
    Message,
    Ticket,
    time_text,
)
from integrations.vendors.zendesk.simulator.tickets import TRIGGER_AGENT_ID
from integrations.vendors.zendesk.simulator.world import ZendeskWorld


def desk_conversations(world: ZendeskWorld) -> list[dict[str, Any]]:
    """Return all conversations that ever had a ticket, and the tickets that came by API.

    A conversation that never reached Agent Workspace is nothing an agent could see.
    """
    shown = [
        desk_view(world, conversation)
        for conversation in world.conversations.values()
        if conversation.ticket_ids
    ]
    made = [one for one in world.tickets.values() if one.conversation_id is None]
    return shown + [_ticket_view(world, one) for one in made]


def _ticket_view(world: ZendeskWorld, ticket: Ticket) -> dict[str, Any]:
    """Return a ticket nobody chats in: its comments are its messages."""
    requester = world.people[ticket.requester_id]
    assignee = world.people.get(ticket.assignee_id)
    return {
        "id": str(ticket.ticket_id),
        "status": "ended" if ticket.status in DONE_STATUSES else "queued",
        "queue": _group_name(world, ticket),
        "attributes": {"external_id": ticket.external_id} if ticket.external_id else {},
        "language": None,
        "end_user": {
            "subject": str(ticket.requester_id),
            "is_authenticated": False,
            "display_name": requester.name,
            "email": requester.email,
        },
        "is_typing": False,
        "is_closed": ticket.status == "CLOSED",
        "agents": [assignee.name] if assignee else [],
        "routing_status": "by API",
        "session_status": ticket.status,
        "session_ended_by": None,
        "session_fields": _ticket_fields(world, ticket),
        "sessions": [{"id": str(ticket.ticket_id), "status": ticket.status}],
        "started_at": time_text(ticket.created_ms),
        "messages": [_comment_view(ticket, one) for one in ticket.comments],
        "timeline": [],
    }


def _comment_view(ticket: Ticket, comment: dict[str, Any]) -> dict[str, Any]:
    is_own = comment["author_id"] == ticket.requester_id
    return {
        "id": str(comment["id"]),
        "order": comment["id"],
        "from": "end_user" if is_own else "system",
        "name": "Comment" if comment["public"] else "Internal note",
        "text": comment["body"],
        "attachments": [],
        "options": [],
        "at": time_text(comment["id"]),
        "delivered": True,
        "read": True,
    }


def desk_view(world: ZendeskWorld, conversation: Conversation) -> dict[str, Any]:
    """Return a conversation with its latest ticket, of an ended session too."""
    ticket = world.tickets[conversation.ticket_ids[-1]]
    status = desk_status(world, conversation, ticket)
    user = world.person(conversation)
    return {
        "id": conversation.conversation_id,
        "status": status,
        "queue": _group_name(world, ticket),
        "attributes": {**conversation.metadata, **ticket.capture},
        "language": user.profile.get("locale") if user else None,
        "end_user": {
            "subject": user.external_id if user else "",
            "is_authenticated": False,
            "display_name": user.display_name if user else "",
            "email": user.profile.get("email") if user else None,
        },
        # The end user's typing cannot be sent to Zendesk.
        "is_typing": False,
        "is_closed": ticket.status == "CLOSED",
        "agents": list(conversation.agents),
        "routing_status": _controller(world, conversation),
        "session_status": ticket.status,
        "session_ended_by": conversation.ended_by if status == "ended" else None,
        "session_fields": _ticket_fields(world, ticket),
        "sessions": [
            {"id": str(number), "status": world.tickets[number].status}
            for number in conversation.ticket_ids
        ],
        "started_at": time_text(ticket.created_ms),
        "messages": [
            _message_view(world, conversation, one)
            for one in conversation.messages[conversation.first_message_shown :]
        ],
        "timeline": conversation.timeline,
    }


def desk_status(world: ZendeskWorld, conversation: Conversation, ticket: Ticket) -> str:
    """Return queued, active or ended as the agents see it."""
    is_over = ticket.status in DONE_STATUSES or conversation.ticket_id is None
    if is_over or not world.is_with_workspace(conversation):
        return "ended"
    return "active" if conversation.agents else "queued"


def _group_name(world: ZendeskWorld, ticket: Ticket) -> str:
    if ticket.group_id is None:
        return ""
    group = world.group(ticket.group_id)
    return group.name if group else str(ticket.group_id)


def _controller(world: ZendeskWorld, conversation: Conversation) -> str:
    active = world.switchboard_integration(conversation.active)
    pending = world.switchboard_integration(conversation.pending)
    shown = active.name if active else "nobody"
    return f"{shown}, offered to {pending.name}" if pending else shown


def _ticket_fields(world: ZendeskWorld, ticket: Ticket) -> dict[str, str]:
    fields = {
        "Ticket": str(ticket.ticket_id),
        "Subject": ticket.subject,
        "Tags": ", ".join(ticket.tags),
        "Priority": ticket.priority or "",
        "Requester": world.people[ticket.requester_id].name,
        **{f"Field {name}": str(value) for name, value in ticket.custom_fields.items()},
    }
    return {name: value for name, value in fields.items() if value}


def _message_view(
    world: ZendeskWorld, conversation: Conversation, message: Message
) -> dict[str, Any]:
    content = message.content
    shown = {
        "id": message.message_id,
        "order": message.order,
        "from": speaker(message),
        "name": _speaker_name(world, message),
        "text": _text(content),
        "attachments": _attachments(world, content),
        "options": [str(action.get("text")) for action in content.get("actions") or []],
        "at": time_text(message.received_ms),
        "delivered": not message.is_failed,
        "read": message.is_read,
        "metadata": message.metadata or {},
    }
    answer = _answer(conversation, message) if message.is_from_user else None
    return {**shown, "answer": answer} if answer else shown


def _text(content: Mapping[str, Any]) -> str:
    """Return a content as the agents read it: the title of each item, the label of each field."""
    said = content.get("text") or content.get("markdownText") or content.get("htmlText")
    parts = [str(one.get("title")) for one in content.get("items") or []]
    parts += [str(one.get("label")) for one in content.get("fields") or []]
    parts.append(str((content.get("location") or {}).get("name") or ""))
    return str(said or "") or "\n".join(part for part in parts if part)


def _answer(conversation: Conversation, message: Message) -> dict[str, Any] | None:
    """Return what an end user's message takes of an offer: a payload, or a form line by line.

    Forms cannot be answered as such by the API: their answer is a text of labels and values.
    """
    said = str(message.content.get("text") or "")
    if payload := message.content.get("payload"):
        return {"label": said, "payload": payload}
    for earlier in reversed(conversation.messages):
        fields = earlier.content.get("fields") or []
        if earlier.order < message.order and (filled := _filled(fields, said)):
            return {"label": said, "form": earlier.message_id, "fields": filled}
    return None


def _filled(fields: list[dict[str, Any]], said: str) -> dict[str, str]:
    """Return a form's values by the names of its fields, if every line is one of them."""
    names = {str(one["label"]): str(one["name"]) for one in fields}
    split = [line.partition(": ") for line in said.split("\n")]
    if not names or not all(label in names for label, _, _ in split):
        return {}
    return {names[label]: value for label, _, value in split}


def speaker(message: Message) -> str:
    """Return who said a message, in the desk's words."""
    if message.is_from_user:
        return "end_user"
    if message.activity is not None:
        return "system"
    if message.source["type"] != AGENT_WORKSPACE:
        return "ai_agent"
    agent_id = (message.metadata or {}).get("__zendesk_msg.agent.id")
    return "system" if agent_id == TRIGGER_AGENT_ID else "live_agent"


def _speaker_name(world: ZendeskWorld, message: Message) -> str:
    user = world.users.get(message.author.get("userId", ""))
    if user is not None:
        return user.display_name
    return str(message.author.get("displayName") or "Business")


def _attachments(world: ZendeskWorld, content: dict[str, Any]) -> list[dict[str, Any]]:
    url = content.get("mediaUrl")
    if not url:
        return []
    if stored := world.file_at(url):
        shown = {"name": stored.name, "mime_type": stored.mime_type}
        return [{"id": stored.file_id, **shown, "url": f"/_desk/files/{stored.file_id}"}]
    name = str(content.get("altText") or url)
    return [{"id": url, "name": name, "mime_type": content.get("mediaType"), "url": url}]
