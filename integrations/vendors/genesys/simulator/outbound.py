"""What the simulated org tells the portal: signed posts to its webhook, and events to listeners.

Imitates developer.genesys.cloud/commdigital/digital/openmessaging (outboundMessages, validate), and
the conversation detail events of the Platform API.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from integrations.simulators.records import StoredFile
from integrations.simulators.webhooks import WebhookDelivery
from integrations.vendors.genesys.simulator.notifications import DETAIL_PREFIX
from integrations.vendors.genesys.simulator.state import (
    Conversation,
    Message,
    Participant,
    iso,
    named_id,
    new_message_id,
    now_ms,
)
from integrations.vendors.genesys.simulator.view import conversation_object
from integrations.vendors.genesys.simulator.world import Org

SIGNATURE_HEADER = "X-Hub-Signature-256"
MEDIA_TYPES = {"image": "Image", "video": "Video", "audio": "Audio"}
# Disconnect types of REST objects that events spell in another way than in capitals.
EVENT_SPELLINGS = {
    "transfer.noanswer": "NO_ANSWER_TRANSFER",
    "transfer.notavailable": "NOT_AVAILABLE_TRANSFER",
}


def say(
    org: Org,
    conversation: Conversation,
    speaker: Participant,
    *,
    text: str | None = None,
    content: list[dict[str, Any]] | None = None,
    message_type: str = "Text",
    originating_entity: str = "Human",
) -> Message:
    """Send a message to the end user by way of the portal's webhook."""
    message = conversation.add(
        Message(
            participant_id=speaker.id,
            direction="outbound",
            type=message_type,
            text=text,
            content=content or [],
            originating_entity=originating_entity,
            status="queued",
            sender_name=speaker.name,
        )
    )
    body = message_body(org, conversation, message)
    org.deliveries[message.id] = post(org, conversation, body)
    return message


def post_oldest(org: Org, conversation: Conversation, count: int) -> None:
    """Post the live agents' oldest messages once more, ids and times as they were."""
    said = [one for one in conversation.messages if one.direction == "outbound"]
    for message in [one for one in said if one.originating_entity == "Human"][:count]:
        post(org, conversation, message_body(org, conversation, message))


def message_body(org: Org, conversation: Conversation, message: Message) -> dict[str, Any]:
    """Return a message as it travels to the webhook."""
    envelope = _envelope(org, conversation, message.id, message.at, message.type)
    return {
        **envelope,
        **message.shown(),
        "originatingEntity": message.originating_entity,
    }


def show_typing(org: Org, conversation: Conversation) -> None:
    """Tell that the agent types, if the platform configuration says so; there is no off."""
    if not org.switches.typing_outbound:
        return
    duration = round(org.switches.typing_seconds * 1000)
    typing = {"eventType": "Typing", "typing": {"type": "On", "duration": duration}}
    envelope = _envelope(org, conversation, new_message_id(), now_ms(), "Event")
    post(org, conversation, {**envelope, "events": [typing], "originatingEntity": "Human"})


def post_receipt(
    org: Org, conversation: Conversation, message_id: str, status: str, reason: str = ""
) -> None:
    """Tell what became of a message of the end user's."""
    if not org.switches.receipts_sent:
        return
    body = {
        **_envelope(org, conversation, message_id, now_ms(), "Receipt"),
        "status": status,
        "isFinalReceipt": True,
        "direction": "Inbound",
    }
    if reason:
        body["reasons"] = [{"code": reason, "message": f"The message was not delivered: {reason}"}]
    post(org, conversation, body)


def post_unknown(org: Org, conversation: Conversation) -> None:
    """Post a body of a type no client knows."""
    body = _envelope(org, conversation, new_message_id(), now_ms(), "Hologram")
    post(org, conversation, {**body, "hologram": {"beams": 3}})


def attachment_content(org: Org, stored: StoredFile) -> list[dict[str, Any]]:
    """Return a file as the content of a message: a signed address that expires."""
    attachment = {
        "id": stored.file_id,
        "mediaType": MEDIA_TYPES.get(stored.mime_type.split("/")[0], "File"),
        "url": org.download_url(stored),
        "mime": stored.mime_type,
        "filename": stored.name,
        "contentSizeBytes": stored.size,
    }
    return [{"contentType": "Attachment", "attachment": attachment}]


def post(org: Org, conversation: Conversation, body: Mapping[str, Any]) -> WebhookDelivery:
    """Post one body to the integration's webhook, compact as the vendor writes it."""
    try:
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair travels as its escape
        content = json.dumps(body, separators=(",", ":")).encode()
    return post_bytes(org, conversation, content, label=str(body["type"]))


def post_bytes(
    org: Org, conversation: Conversation, content: bytes, *, label: str
) -> WebhookDelivery:
    """Sign bytes and post them."""
    integration = org.integrations[conversation.integration_id]
    headers = {"Content-Type": "application/json", **integration.webhook_headers}
    signature = sign(content, integration.secret, org.switches.signature)
    if signature:
        headers[SIGNATURE_HEADER] = signature
    return org.sender.post(
        integration.webhook_url, headers, content, lane=conversation.id, label=label
    )


def sign(content: bytes, secret: str, kind: str = "base64") -> str:
    """Return the value of the signature header; `kind` also offers how it goes wrong."""
    if kind == "none":
        return ""
    key = "somebody-elses-secret" if kind == "wrong" else secret
    digest = hmac.new(key.encode(), content, hashlib.sha256).digest()
    return "sha256=" + (digest.hex() if kind == "hex" else base64.b64encode(digest).decode())


def _envelope(
    org: Org, conversation: Conversation, message_id: str, at: int, message_type: str
) -> dict[str, Any]:
    integration, switches = org.integrations[conversation.integration_id], org.switches
    id_type = {"idType": conversation.id_type} if switches.is_id_type_sent else {}
    # The integration's name, never the agent's.
    sender = {switches.nickname_spelling: integration.name, "id": integration.id}
    return {
        "id": message_id,
        "channel": {
            "id": integration.id,
            "platform": "Open",
            "type": "Private",
            "to": {"id": conversation.external_id, **id_type},
            "from": {**sender, "idType": "Opaque"},
            "time": iso(at),
            "messageId": message_id,
        },
        "type": message_type,
        "direction": "Outbound",
        **({"conversationId": conversation.id} if switches.is_conversation_id_sent else {}),
    }


# -- What listeners hear --------------------------------------------------------------------------


def tell(
    org: Org, conversation: Conversation, name: str, participant: Participant, **fields: Any
) -> None:
    """Publish one detail event, and the conversation as it is now to its queue and users."""
    body = {**_common(org, conversation, participant), **fields}
    org.channels.publish(f"{DETAIL_PREFIX}.{conversation.id}.{name}", body)
    whole = conversation_object(org, conversation)
    queues = {one.queue: None for one in conversation.participants if one.queue}
    users = {one.user_id: None for one in conversation.of("agent")}
    topics = [f"v2.routing.queues.{named_id('queue', one)}" for one in queues]
    for topic in [*topics, *(f"v2.users.{one}" for one in users)]:
        org.channels.publish(f"{topic}.conversations.messages", whole)


def tell_attributes(org: Org, conversation: Conversation, participant: Participant) -> None:
    """Publish a leg's participant data."""
    body = {
        "eventTime": now_ms(),
        "conversationId": conversation.id,
        "participantId": participant.id,
        "attributes": participant.attributes,
    }
    org.channels.publish(f"{DETAIL_PREFIX}.{conversation.id}.attributes", body)


def tell_end(org: Org, conversation: Conversation, participant: Participant) -> None:
    """Publish that an agent's or the customer's leg ended."""
    spelt = participant.disconnect_type or "unknown"
    spelt = EVENT_SPELLINGS.get(spelt, spelt.upper().replace(".", "_"))
    is_agents = participant.purpose == "agent"
    times = _agent_times(participant) if is_agents else _customer_times(participant)
    name = "user.end" if is_agents else "customer.end"
    tell(org, conversation, name, participant, disconnectType=spelt, **times)


def queue_fields(participant: Participant) -> dict[str, str]:
    """Return the queue of a leg, and the user where it is an agent's."""
    fields = {"queueId": named_id("queue", participant.queue)} if participant.queue else {}
    if participant.user_id:
        fields["userId"] = participant.user_id
    return fields


def _agent_times(participant: Participant) -> Mapping[str, Any]:
    end = participant.ended_at or now_ms()
    talked = end - participant.connected_at if participant.connected_at else 0
    rang = (participant.connected_at or end) - (participant.alerted_at or participant.started_at)
    return {
        **queue_fields(participant),
        "interactingDurationMs": talked,
        "alertingDurationMs": max(0, rang),
        "heldDurationMs": 0,
    }


def _customer_times(participant: Participant) -> Mapping[str, Any]:
    return {"interactingDurationMs": (participant.ended_at or now_ms()) - participant.started_at}


def _common(org: Org, conversation: Conversation, participant: Participant) -> dict[str, Any]:
    integration = org.integrations[conversation.integration_id]
    return {
        "eventTime": now_ms(),
        "conversationId": conversation.id,
        "participantId": participant.id,
        "sessionId": participant.session_id,
        "mediaType": "MESSAGE",
        "messageType": "OPEN",
        "provider": "PureCloud Messaging",
        "direction": "INBOUND",
        "addressTo": integration.recipient_id,
        "addressFrom": conversation.external_id,
        "ani": conversation.external_id,
        "dnis": integration.recipient_id,
        "divisionId": org.division_id,
        "conversationExternalContactIds": [],
    }
