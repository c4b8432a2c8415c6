"""What Bring Your Own Channel tells by platform events, and what the portal tells it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.contract.connector import HandoffRequest, OutboundAttachment
from integrations.kit.conversation_entries.entries import Entry, entry_from_json
from integrations.kit.hints import hint_text
from integrations.kit.json_values import Json, as_object, as_text, json_digest
from integrations.kit.plain_json import vendor_json

ROUTING_REQUESTED = "RoutingRequested"
# No limit of a text is documented; the whole conversation is kept far below a megabyte.
TEXT_LIMIT = 100_000
# Message type -> its formats that our model draws: without them live agents can send text alone.
_DRAWN: Mapping[str, tuple[str, ...]] = {
    "StaticContentMessage": ("Text", "Attachments", "RichLink", "WebView"),
    "ChoicesMessage": ("Buttons", "QuickReplies", "ListPicker", "Carousel", "TimePicker"),
    "FormMessage": ("Inputs",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One platform event read: whose it is, and what it holds.

    Salesforce's page shows two shapes: the entry in `payload`, or beside the recipient, and then
    without the conversation's id; the recipient's subject tells whose it is in both.
    """

    conversation_id: str
    subject: str = field(repr=False)
    kind: str
    content: Json = field(repr=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the names under which a conversation may be meant."""
        return tuple(key for key in (self.conversation_id, self.subject) if key)


def envelope_of(payload: Json, *, payload_field: str, type_field: str) -> Envelope | None:
    """Read a platform event; None for one that does not parse."""
    try:
        body = as_object(vendor_json(as_text(payload.get(payload_field))))
    except ValueError:
        return None
    content = as_object(body.get("payload")) or body
    return Envelope(
        conversation_id=as_text(body.get("conversationIdentifier"))
        or as_text(content.get("conversationIdentifier")),
        subject=as_text(as_object(body.get("recipient")).get("subject")),
        kind=as_text(payload.get(type_field)),
        content=content,
    )


def entry_of(envelope: Envelope, conversation_id: str) -> Entry | None:
    """Return the entry of an event; None where it holds none."""
    fallback_id = f"event:{json_digest(dict(envelope.content))[:24]}"
    content = envelope.content
    # The flat shape has the entry's payload under its own name, as the nested one.
    return entry_from_json(content, conversation_id=conversation_id, fallback_id=fallback_id)


def subject_of(handoff_id: str) -> str:
    """Return the end user's name on the channel: one for each handoff, so that none is reused."""
    return f"baton:{handoff_id}"[:255]


def text_interaction(message: Json) -> Json:
    """Return a message of the end user's."""
    message_id = as_text(message.get("id"))
    return {
        "timestamp": _now(),
        "interactionType": "EntryInteraction",
        "payload": {"id": message_id, "entryType": "Message", "abstractMessage": dict(message)},
    }


def typing_interaction(*, is_typing: bool) -> Json:
    """Return a typing indicator."""
    kind = "TypingStartedIndicator" if is_typing else "TypingStoppedIndicator"
    stamp = _now()
    return {
        "timestamp": stamp,
        "interactionType": "EntryInteraction",
        "payload": {"id": str(uuid.uuid4()), "entryType": kind, "timestamp": stamp},
    }


def file_interaction(attachment: OutboundAttachment) -> Json:
    """Return what goes with a file's bytes."""
    return {
        "timestamp": _now(),
        "interactionType": "AttachmentInteraction",
        "id": attachment.attachment_id.lower(),
        "attachmentIndex": 0,
        "contentLength": len(attachment.content),
    }


def routing_info(
    request: HandoffRequest, credentials: Mapping[str, str], attributes: Mapping[str, str]
) -> Json | None:
    """Return where to route, where the partner owns routing; None where Salesforce does."""
    queue = hint_text(request.routing.get("queue_id")) or credentials.get("routing_queue_id", "")
    flow = hint_text(request.routing.get("flow_id")) or credentials.get("routing_flow_id", "")
    if not (queue or flow):
        return None
    return _info(queue, flow) | {"routingAttributes": dict(attributes)}


def wanted_work(content: Json) -> tuple[Json | None, Json | None]:
    """Return what answers a request for routing: a live agent's work, or a queue or flow.

    Salesforce has chosen both already; the portal chooses nobody.
    """
    wanted = as_object(content.get("routingParameters"))
    channel_data = _object_in(wanted.get("channelData"))
    work_item = as_text(content.get("workRecordId"))
    routing_type = as_text(content.get("routingType")) or "Transfer"
    if (user := as_text(wanted.get("userId"))) and work_item:
        context = {
            "conversationIdentifier": as_text(content.get("conversationIdentifier")),
            "routingType": routing_type,
            "routingCorrelationId": as_text(channel_data.get("eventId")),
        }
        work = {"userId": user, "workItemId": work_item, "capacityWeight": 1}
        return {**work, "routingContext": context}, None
    queue, flow = as_text(wanted.get("queueId")), as_text(wanted.get("flowId"))
    return None, _info(queue, flow) if queue or flow else None


def capabilities(definition: Json) -> Json:
    """Return what the portal can draw, for the channel's definition."""
    drawn = [
        {
            "messageType": kind,
            "formatTypeCapabilities": [{"formatType": one} for one in formats],
        }
        for kind, formats in _DRAWN.items()
    ]
    channel = {
        "channelType": "custom",
        "customIntegration": dict(definition),
        "messageTypeCapabilities": drawn,
    }
    return {"appType": "custom", "channelCapabilities": [channel]}


def _info(queue: str, flow: str) -> dict[str, object]:
    if flow:
        return {"flow": {"flowId": flow, **({"queueId": queue} if queue else {})}}
    return {"queueId": queue}


def _object_in(value: object) -> Json:
    """Read what is an object, or the JSON text of one."""
    try:
        return as_object(vendor_json(value) if isinstance(value, str) else value)
    except ValueError:
        return {}


def _now() -> int:
    return int(time.time() * 1000)
