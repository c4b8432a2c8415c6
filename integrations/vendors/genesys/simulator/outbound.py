"""What the simulated org posts to the portal: texts, files, typing, cards and receipts, signed.

Imitates developer.genesys.cloud/commdigital/digital/openmessaging (outboundMessages, validate).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from integrations.simulators.records import StoredFile
from integrations.vendors.genesys.simulator.state import (
    Conversation,
    Integration,
    Message,
    Participant,
    iso,
    new_message_id,
    now_ms,
)
from integrations.vendors.genesys.simulator.world import Org

SIGNATURE_HEADER = "X-Hub-Signature-256"
MEDIA_TYPES = {"image": "Image", "video": "Video", "audio": "Audio"}


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
    body = _envelope(org, conversation, message.id, message.at, message.type)
    if message.text is not None:
        body["text"] = message.text
    if message.content:
        body["content"] = message.content
    return {
        **body,
        "originatingEntity": message.originating_entity,
        "direction": "Outbound",
        **_conversation_id(org, conversation),
    }


def show_typing(org: Org, conversation: Conversation) -> None:
    """Tell that the agent types, if the platform configuration says so; there is no off."""
    if not org.switches.typing_outbound:
        return
    duration = round(org.switches.typing_seconds * 1000)
    typing = {"eventType": "Typing", "typing": {"type": "On", "duration": duration}}
    body = {
        **_envelope(org, conversation, new_message_id(), now_ms(), "Event"),
        "events": [typing],
        "originatingEntity": "Human",
        "direction": "Outbound",
        **_conversation_id(org, conversation),
    }
    post(org, conversation, body)


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
        **_conversation_id(org, conversation),
    }
    if reason:
        body["reasons"] = [{"code": reason, "message": f"The message was not delivered: {reason}"}]
    post(org, conversation, body)


def post_unknown(org: Org, conversation: Conversation) -> None:
    """Post a body of a type no client knows."""
    body = _envelope(org, conversation, new_message_id(), now_ms(), "Hologram")
    post(org, conversation, {**body, "direction": "Outbound", "hologram": {"beams": 3}})


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


def post(org: Org, conversation: Conversation, body: Mapping[str, Any]) -> Any:
    """Post one body to the integration's webhook, compact as the vendor writes it."""
    content = _written(body)
    return post_bytes(org, conversation, content, label=str(body["type"]))


def _written(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair travels as its escape
        return json.dumps(body, separators=(",", ":")).encode()


def post_bytes(org: Org, conversation: Conversation, content: bytes, *, label: str) -> Any:
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
    integration = org.integrations[conversation.integration_id]
    to: dict[str, str] = {"id": conversation.external_id}
    if org.switches.is_id_type_sent:
        to["idType"] = conversation.id_type
    return {
        "id": message_id,
        "channel": {
            "id": integration.id,
            "platform": "Open",
            "type": "Private",
            "to": to,
            "from": _from(org, integration),
            "time": iso(at),
            "messageId": message_id,
        },
        "type": message_type,
    }


def _from(org: Org, integration: Integration) -> dict[str, str]:
    # The integration's name, never the agent's.
    return {
        org.switches.nickname_spelling: integration.name,
        "id": integration.id,
        "idType": "Opaque",
    }


def _conversation_id(org: Org, conversation: Conversation) -> dict[str, str]:
    return {"conversationId": conversation.id} if org.switches.is_conversation_id_sent else {}
