"""How the simulated org is shown: the API's objects, and its conversations on the desk."""

from __future__ import annotations

from typing import Any

from integrations.vendors.genesys.simulator.state import (
    Conversation,
    Integration,
    Message,
    Participant,
    iso,
    named_id,
)
from integrations.vendors.genesys.simulator.world import Org

CONVERSATIONS = "/api/v2/conversations/messages"
INTEGRATIONS = "/api/v2/conversations/messaging/integrations/open"
OPAQUE = "Opaque"
DELIVERED = ("delivery-success", "read")
TIMES = {
    "startTime": "started_at",
    "startAlertingTime": "alerted_at",
    "connectedTime": "connected_at",
    "endTime": "ended_at",
}


def conversation_object(org: Org, conversation: Conversation) -> dict[str, Any]:
    """Return a MessageConversation."""
    return {
        "id": conversation.id,
        "participants": [
            participant_object(org, conversation, one) for one in conversation.participants
        ],
        "otherMediaUris": [],
        "recentTransfers": [],
        "divisions": [{"division": {"id": org.division_id, "name": "Home"}, "entities": []}],
        "selfUri": f"{CONVERSATIONS}/{conversation.id}",
    }


def participant_object(
    org: Org, conversation: Conversation, participant: Participant
) -> dict[str, Any]:
    """Return a MessageMediaParticipant."""
    integration = org.integrations[conversation.integration_id]
    found: dict[str, Any] = {
        "id": participant.id,
        "name": participant.name,
        "address": conversation.external_id if participant.purpose == "customer" else None,
        "purpose": participant.purpose,
        "state": participant.state,
        "direction": "inbound",
        "disconnectType": participant.disconnect_type,
        "held": False,
        "wrapupRequired": False,
        "user": _id(participant.user_id, "users"),
        "queue": _id(participant.queue and named_id("queue", participant.queue), "routing/queues"),
        "attributes": participant.attributes,
        "provider": "PureCloud Messaging",
        "type": "open",
        "peer": None if participant.purpose == "customer" else conversation.customer.session_id,
        "toAddress": _address(integration.name, integration.recipient_id),
        "fromAddress": _address(conversation.nickname, conversation.external_id),
        "messages": [
            message_details(org, conversation, one)
            for one in conversation.messages
            if one.participant_id == participant.id
        ],
        **{name: _time(getattr(participant, kept)) for name, kept in TIMES.items()},
    }
    if participant.queue:
        found["conversationRoutingData"] = {"queue": found["queue"], "priority": 0, "skills": []}
    return {name: value for name, value in found.items() if value is not None}


def message_details(org: Org, conversation: Conversation, message: Message) -> dict[str, Any]:
    """Return a MessageDetails: no text, only where to fetch it."""
    media = [
        {
            "url": one["url"],
            "mediaType": one.get("mime", ""),
            "name": one.get("filename", ""),
            "id": one.get("id", ""),
        }
        for one in message.parts("attachment")
    ]
    return {
        "messageId": message.id,
        "messageURI": f"{CONVERSATIONS}/{conversation.id}/messages/{message.id}",
        "messageStatus": org.status_of(message),
        "messageSegmentCount": 1,
        "messageTime": iso(message.at),
        "media": media,
    }


def message_data(org: Org, conversation: Conversation, message: Message) -> dict[str, Any]:
    """Return a MessageData; `createdBy` names the agent."""
    is_inbound = message.direction == "inbound"
    integration_id = conversation.integration_id
    speaker = conversation.participant(message.participant_id)
    by = {"createdBy": user_object(speaker.name)} if speaker and speaker.user_id else {}
    return {
        "id": message.id,
        "providerMessageId": message.provider_message_id or message.id,
        "timestamp": iso(message.at),
        "fromAddress": conversation.external_id if is_inbound else integration_id,
        "toAddress": integration_id if is_inbound else conversation.external_id,
        "direction": message.direction,
        "messengerType": "open",
        "status": org.status_of(message),
        "conversationId": conversation.id,
        "selfUri": f"{CONVERSATIONS}/{conversation.id}/messages/{message.id}",
        # `useNormalizedMessage` asks for this; current SDKs cannot ask and get it all the same.
        "normalizedMessage": _normalized(org, conversation, message),
        "normalizedReceipts": message.receipts,
        **by,
    }


def user_object(name: str) -> dict[str, Any]:
    """Return a User."""
    user_id = named_id("user", name)
    email = f"{'.'.join(name.lower().split())}@centre.example"
    return {
        "id": user_id,
        "name": name,
        "email": email,
        "username": email,
        "state": "active",
        "version": 1,
        "selfUri": f"/api/v2/users/{user_id}",
    }


def queue_object(org: Org, name: str) -> dict[str, Any]:
    """Return a Queue."""
    queue_id = named_id("queue", name)
    return {
        "id": queue_id,
        "name": name,
        "division": {"id": org.division_id, "name": "Home"},
        "memberCount": 3,
        "joinedMemberCount": 0 if org.switches.agents_offline else 3,
        "selfUri": f"/api/v2/routing/queues/{queue_id}",
    }


def integration_object(integration: Integration) -> dict[str, Any]:
    """Return an OpenIntegration; the secret is not told."""
    found: dict[str, Any] = {
        "id": integration.id,
        "name": integration.name,
        "outboundNotificationWebhookUrl": integration.webhook_url,
        "webhookHeaders": integration.webhook_headers,
        "status": "active",
        "recipient": {
            "id": integration.recipient_id,
            "selfUri": f"/api/v2/routing/message/recipients/{integration.recipient_id}",
        },
        "createStatus": integration.create_status,
        "dateCreated": iso(integration.created_at),
        "selfUri": f"{INTEGRATIONS}/{integration.id}",
    }
    more = {
        "supportedContent": _id(integration.supported_content_id),
        "messagingSetting": _id(integration.messaging_setting_id),
        "dateModified": _time(integration.modified_at),
    }
    return found | {name: value for name, value in more.items() if value}


def recipient_object(integration: Integration) -> dict[str, Any]:
    """Return the Recipient: the routing address of an integration, with its flow if it has one."""
    flow = {"flow": {"id": integration.flow_id, "name": "Inbound message flow"}}
    return {
        "id": integration.recipient_id,
        "name": integration.name,
        "messengerType": "open",
        "dateCreated": iso(integration.created_at),
        "selfUri": f"/api/v2/routing/message/recipients/{integration.recipient_id}",
        **(flow if integration.flow_id else {}),
    }


def _normalized(org: Org, conversation: Conversation, message: Message) -> dict[str, Any]:
    name = org.integrations[conversation.integration_id].name
    ours = {"id": conversation.integration_id, "idType": OPAQUE, "nickname": name}
    theirs = {"id": conversation.external_id, "idType": conversation.id_type}
    to, sender = (ours, theirs) if message.direction == "inbound" else (theirs, ours)
    return {
        "id": message.id,
        "channel": {
            "id": conversation.integration_id,
            "platform": "Open",
            "type": "Private",
            "messageId": message.provider_message_id or message.id,
            "to": to,
            "from": sender,
            "time": iso(message.at),
        },
        "type": message.type,
        "originatingEntity": message.originating_entity,
        "direction": message.direction.capitalize(),
        "metadata": message.metadata,
        **message.shown(),
    }


def _id(identifier: str | None, kind: str = "") -> dict[str, str] | None:
    """Return a reference; with a kind it says where it is found."""
    if not identifier:
        return None
    return {"id": identifier, **({"selfUri": f"/api/v2/{kind}/{identifier}"} if kind else {})}


def _address(name: str, address: str) -> dict[str, str]:
    return {"name": name, "addressNormalized": address, "addressRaw": address}


def _time(at: int | None) -> str | None:
    return iso(at) if at is not None else None


# -- The desk -------------------------------------------------------------------------------------


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
        "is_typing": conversation.is_typing,
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
    # What a structured response was, under the vendor's own names.
    taken = message.parts("buttonResponse")
    answer = {"answer": {"label": taken[0]["text"], **taken[0]}} if taken else {}
    return {
        "id": message.id,
        "from": _speaker(message),
        "name": message.sender_name,
        "text": message.text or "",
        "attachments": [_attachment_view(org, one) for one in message.parts("attachment")],
        "options": [one["text"] for one in message.parts("quickReply")],
        **answer,
        "at": iso(message.at),
        "delivered": is_inbound or status in DELIVERED,
        "read": message.is_read,
        "status": status,
        "receipts": message.receipts,
        "metadata": message.metadata,
        "order": message.order,
    }


def _speaker(message: Message) -> str:
    # The vendor cannot tell the portal's AI agent from the end user: all of it comes from outside.
    if message.direction == "inbound":
        return "end_user"
    return "system" if message.originating_entity == "Bot" else "live_agent"


def _attachment_view(org: Org, attachment: dict[str, Any]) -> dict[str, Any]:
    identifier = attachment.get("id", "")  # a link has none
    is_here = identifier in org.files or identifier in org.fetched
    return {
        "id": identifier,
        "name": attachment.get("filename") or "file",
        "mime_type": attachment.get("mime", ""),
        "url": f"/_desk/files/{identifier}" if is_here else attachment["url"],
        "is_fetched": is_here,
    }
