"""How the desk sees the simulated instance: chats in the shape all simulators share."""

from __future__ import annotations

import json
from typing import Any

from integrations.vendors.amazon_connect.simulator.answers import iso_time
from integrations.vendors.amazon_connect.simulator.rich import answer_of
from integrations.vendors.amazon_connect.simulator.state import (
    AGENT,
    ENDED,
    EVENT,
    INTERACTIVE,
    WRAP,
    Chat,
    Contact,
    FileReference,
    Item,
)
from integrations.vendors.amazon_connect.simulator.world import Instance

# Role of a sender -> who said it. The vendor cannot tell the portal's AI agent from the end user:
# whatever the portal sends is the customer's to it.
SPEAKERS = {
    "CUSTOMER": "end_user",
    "AGENT": "live_agent",
    "SUPERVISOR": "live_agent",
    "SYSTEM": "system",
}
# A chat in its disconnect flow still takes messages.
STATUSES = {AGENT: "active", WRAP: "active", ENDED: "ended"}
LINES = {
    "participant.joined": "joined",
    "participant.left": "left",
    "transfer.succeeded": "Transferred",
    "transfer.failed": "The transfer failed",
    "chat.ended": "The chat ended",
    "chat.rehydrated": "Continues an earlier chat",
}


def desk_view(instance: Instance, chat: Chat) -> dict[str, Any]:
    """Return one chat for the desk."""
    return {
        "id": chat.initial_contact_id,
        "status": STATUSES.get(chat.state, "queued"),
        "queue": chat.contact.queue or instance.switches.queue,
        "attributes": chat.attributes,
        "language": None,
        "end_user": {
            "subject": chat.customer.participant_id,
            "is_authenticated": False,
            "display_name": chat.customer.name,
            "customer_id": chat.customer_id,
        },
        "is_typing": chat.typing_until > instance.now(),
        "is_closed": chat.has_ended,
        "agents": [agent.name for agent in chat.agents],
        "routing_status": chat.state,
        "session_status": chat.state,
        "session_ended_by": chat.contact.disconnect_reason or None,
        "session_fields": _fields(chat),
        "sessions": [_contact_view(contact) for contact in chat.contacts],
        "contact_id": chat.contact.contact_id,
        "is_connected": bool(instance.sockets.open_sockets(chat.initial_contact_id)),
        "started_at": iso_time(chat.created_at * 1000),
        "messages": [
            {**_message_view(chat, item), "order": order}
            for order, item in enumerate(chat.items)
            if item.is_said
        ],
        "timeline": [
            {"id": item.item_id, "at": iso_time(item.at_ms), "text": _told(item), "order": order}
            for order, item in enumerate(chat.items)
            if not item.is_said
        ],
    }


def _fields(chat: Chat) -> dict[str, str]:
    return {
        "Contact": chat.contact.contact_id,
        "Contact flow": chat.contact_flow_id,
        "Content types": ", ".join(chat.supported_types),
        "Duration (min)": str(chat.duration_minutes),
    }


def _contact_view(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.contact_id,
        "status": "Ended" if contact.disconnected_at else "Open",
        "queue": contact.queue,
        "ended_by": contact.disconnect_reason or None,
    }


def _message_view(chat: Chat, item: Item) -> dict[str, Any]:
    shown, answer = _interactive(item), answer_of(chat, item)
    role = item.sender.role if item.sender else "SYSTEM"
    return {
        "id": item.item_id,
        "from": SPEAKERS[role],
        "name": item.sender.name if item.sender else "",
        "text": answer["label"] if answer else shown.get("title", item.content or ""),
        "content_type": item.content_type,
        "attachments": [_attachment_view(one) for one in item.attachments],
        "options": shown.get("options", []),
        **({"answer": answer} if answer else {}),
        "at": iso_time(item.at_ms),
        "delivered": any(receipt.delivered_at for receipt in item.receipts),
        "read": any(receipt.read_at for receipt in item.receipts),
        "contact_id": item.contact_id,
    }


def _interactive(item: Item) -> dict[str, Any]:
    """Return the title of an offer and the titles in it, whatever its template."""
    if item.content_type != INTERACTIVE:
        return {}
    try:
        content = json.loads(item.content or "")["data"]["content"]
        shown = content.get("elements") or content.get("timeslots", [])
        titles = [one.get("title") or one.get("date") or _inner_title(one) for one in shown]
        return {"title": content.get("title", ""), "options": titles}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {"title": item.content or "", "options": []}


def _inner_title(picker: dict[str, Any]) -> str:
    return str(picker["data"]["content"]["title"])


def _attachment_view(reference: FileReference) -> dict[str, Any]:
    return {
        "id": reference.attachment_id,
        "name": reference.name,
        "mime_type": reference.content_type,
        "status": reference.status,
        "url": f"/_desk/files/{reference.attachment_id}",
    }


def _told(item: Item) -> str:
    name = item.content_type.removeprefix(EVENT)
    said = LINES.get(name, name)
    return f"{item.sender.name} {said}" if item.sender else said
