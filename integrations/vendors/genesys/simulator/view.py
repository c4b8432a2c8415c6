"""How the desk sees the simulated org: conversations in the shape all simulators share."""

from __future__ import annotations

from typing import Any

from integrations.vendors.genesys.simulator.inbound import is_typing
from integrations.vendors.genesys.simulator.state import Conversation, Message, Participant, iso
from integrations.vendors.genesys.simulator.world import Org

OPAQUE = "Opaque"
DELIVERED = ("delivery-success", "read")


def desk_view(org: Org, conversation: Conversation) -> dict[str, Any]:
    """Return one conversation for the desk."""
    customer = conversation.customer
    return {
        "id": conversation.id,
        "status": desk_status(conversation),
        "queue": conversation.queue,
        "attributes": customer.attributes,
        "language": None,
        "end_user": {
            "subject": conversation.external_id,
            "is_authenticated": conversation.id_type != OPAQUE,
            "display_name": conversation.nickname or conversation.external_id,
        },
        "is_typing": is_typing(conversation),
        "is_closed": not conversation.is_connected,
        "agents": [one.name for one in conversation.agents],
        "agent_communications": {one.name: one.session_id for one in conversation.agents},
        "alerting": conversation.alerting.name if conversation.alerting else None,
        "routing_status": "waiting" if conversation.waiting else None,
        "session_status": customer.state,
        "session_ended_by": customer.disconnect_type,
        "session_fields": {
            "integration": conversation.integration_id,
            "email": conversation.email,
            "message metadata": ", ".join(
                f"{name}={value}" for one in conversation.metadata for name, value in one.items()
            ),
        },
        "sessions": [_session_view(one) for one in conversation.of("customer")],
        "cases": 0,
        "started_at": iso(conversation.started_at),
        "messages": [_message_view(org, conversation, one) for one in conversation.messages],
        "timeline": [
            {"id": str(one.order), "at": iso(one.at), "text": one.text, "order": one.order}
            for one in conversation.timeline
        ],
    }


def desk_status(conversation: Conversation) -> str:
    """Return queued, active or ended; what no flow and no agent looks after counts as ended."""
    if not conversation.is_connected:
        return "ended"
    if conversation.agents:
        return "active"
    is_cared_for = conversation.waiting or any(one.is_live for one in conversation.of("workflow"))
    return "queued" if is_cared_for else "ended"


def _session_view(customer: Participant) -> dict[str, Any]:
    return {
        "id": customer.session_id,
        "status": customer.state,
        "started_at": iso(customer.started_at),
        "ended_by": customer.disconnect_type,
    }


def _message_view(org: Org, conversation: Conversation, message: Message) -> dict[str, Any]:
    status = org.status_of(message)
    is_inbound = message.direction == "inbound"
    return {
        "id": message.id,
        "from": _speaker(message),
        "name": message.sender_name,
        "text": message.text or "",
        "attachments": [
            _attachment_view(org, one["attachment"])
            for one in message.content
            if "attachment" in one
        ],
        "options": [one["quickReply"]["text"] for one in message.content if "quickReply" in one],
        "at": iso(message.at),
        "delivered": is_inbound or status in DELIVERED,
        "read": message.is_read,
        "status": status,
        "metadata": message.metadata,
        "order": message.order,
    }


def _speaker(message: Message) -> str:
    # The vendor cannot tell the portal's AI agent from the end user: all of it comes from outside.
    if message.direction == "inbound":
        return "end_user"
    return "system" if message.originating_entity == "Bot" else "live_agent"


def _attachment_view(org: Org, attachment: dict[str, Any]) -> dict[str, Any]:
    identifier = attachment["id"]
    is_here = identifier in org.files or identifier in org.fetched
    return {
        "id": identifier,
        "name": attachment.get("filename") or "file",
        "mime_type": attachment.get("mime", ""),
        "url": f"/_desk/files/{identifier}" if is_here else attachment["url"],
        "is_fetched": is_here,
    }
