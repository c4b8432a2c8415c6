"""The participant service: what the customer's side of a chat can do.

Imitates docs.aws.amazon.com/connect-participant/latest/APIReference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from integrations.vendors.amazon_connect.simulator import chats
from integrations.vendors.amazon_connect.simulator.answers import AwsError, iso_time
from integrations.vendors.amazon_connect.simulator.connection import connection_parts
from integrations.vendors.amazon_connect.simulator.files import (
    complete_upload,
    get_attachment,
    start_upload,
)
from integrations.vendors.amazon_connect.simulator.instance import Body, Instance
from integrations.vendors.amazon_connect.simulator.start import CUSTOMER_TYPES, LARGEST_CONTENT
from integrations.vendors.amazon_connect.simulator.state import EVENT, Chat, Item, new_id
from integrations.vendors.amazon_connect.simulator.transcript import get_transcript

Given = Mapping[str, Any]
Handler = Callable[[Instance, Chat, Given, str], Body]
INVALID = "ValidationException"
TYPING = EVENT + "typing"
ACKNOWLEDGED = EVENT + "connection.acknowledged"
DELIVERED = EVENT + "message.delivered"
READ = EVENT + "message.read"


def authorized(instance: Instance, operation: str, bearer: str) -> Chat:
    """Return the chat a bearer is good for; raises AwsError for the wrong kind, and at the end."""
    kind = "participant" if operation == "CreateParticipantConnection" else "connection"
    grant = instance.tokens.find(kind, bearer)
    if grant is None or operation in instance.switches.refused_operations:
        raise AwsError("AccessDeniedException", "Access denied")
    chat = instance.chats[grant.chat_id]
    may_read = operation == "GetTranscript" and instance.switches.transcript_after_end
    if chat.has_ended and not may_read:
        raise AwsError("AccessDeniedException", "Access denied")
    return chat


def _create_connection(instance: Instance, chat: Chat, given: Given, base_url: str) -> Body:
    # Without a stream the flag changes nothing: the customer is there once a socket subscribes.
    if given.get("ConnectParticipant") and chat.streamings:
        chats.connect_customer(instance, chat)
    kinds = given.get("Type", [])
    if "WEBRTC_CONNECTION" in kinds:
        raise AwsError(INVALID, "The participant of a chat has no WebRTC connection.")
    if not kinds and not given.get("ConnectParticipant"):
        raise AwsError(INVALID, "Type is needed unless ConnectParticipant is true.")
    return connection_parts(instance, chat, kinds, base_url)


def _send_message(instance: Instance, chat: Chat, given: Given, base_url: str) -> Body:
    _check_content(instance, chat, given)
    return instance.once(
        f"SendMessage/{chat.customer.participant_id}", given, lambda: _say(instance, chat, given)
    )


def _say(instance: Instance, chat: Chat, given: Given) -> Body:
    chat.typing_until = 0.0
    processing = instance.switches.message_processing
    if processing == "REJECTED":
        refused = {"Id": new_id(), "AbsoluteTime": iso_time(instance.now() * 1000)}
        return {**refused, "MessageMetadata": {"MessageProcessingStatus": processing}}
    item = instance.say(chat, chat.customer, given["Content"], given["ContentType"])
    if chat.agents and instance.switches.auto_delivered:
        chats.deliver_pending(instance, chat, chat.agents[0])
    return _accepted(item)


def _check_content(instance: Instance, chat: Chat, given: Given) -> None:
    content_type = given["ContentType"]
    if content_type not in CUSTOMER_TYPES:
        raise AwsError(INVALID, "ContentType is not supported.")
    if instance.switches.strict_content_types and content_type not in chat.supported_types:
        raise AwsError(INVALID, "ContentType is not among the contact's supported types.")
    if len(given["Content"].encode()) > LARGEST_CONTENT:
        raise AwsError(INVALID, f"Content exceeds {LARGEST_CONTENT} bytes.")


def _send_event(instance: Instance, chat: Chat, given: Given, base_url: str) -> Body:
    content_type = given["ContentType"]
    if content_type in (TYPING, ACKNOWLEDGED):
        if "Content" in given:
            raise AwsError(INVALID, "This event has no content.")
    elif content_type in (DELIVERED, READ):
        _receipted(chat, given)
    else:
        raise AwsError(INVALID, "ContentType is not supported.")
    return instance.once(
        f"SendEvent/{chat.customer.participant_id}", given, lambda: _happen(instance, chat, given)
    )


def _happen(instance: Instance, chat: Chat, given: Given) -> Body:
    content_type = given["ContentType"]
    if content_type in (DELIVERED, READ):
        item = _receipted(chat, given)
        receipt = item.receipt_of(chat.customer.participant_id)
        receipt.delivered_at = receipt.delivered_at or instance.now() * 1000
        if content_type == READ:
            receipt.read_at = receipt.read_at or instance.now() * 1000
        instance.publish_receipt(chat, item, receipt)
        return {"Id": new_id(), "AbsoluteTime": iso_time(instance.now() * 1000)}
    if content_type == TYPING:
        chat.typing_until = instance.now() + instance.switches.typing_seconds
    return _accepted(instance.happen(chat, content_type.removeprefix(EVENT), chat.customer))


def _receipted(chat: Chat, given: Given) -> Item:
    if len(chat.participants()) > 2:
        raise AwsError("ConflictException", "There are no receipts with more than two people.")
    try:
        content = json.loads(given.get("Content", ""))
    except ValueError as error:
        raise AwsError(INVALID, "Content must be a JSON text.") from error
    message_id = content.get("messageId") if isinstance(content, dict) else None
    item = chat.item(message_id) if isinstance(message_id, str) else None
    if item is None or not item.is_said:
        raise AwsError(INVALID, "Content.messageId names no message of this chat.")
    return item


def _accepted(item: Item) -> Body:
    return {"Id": item.item_id, "AbsoluteTime": iso_time(item.at_ms)}


def _disconnect(instance: Instance, chat: Chat, given: Given, base_url: str) -> Body:
    chats.customer_leaves(instance, chat)
    return {}


def _describe_view(instance: Instance, chat: Chat, given: Given, base_url: str) -> Body:
    raise AwsError("ResourceNotFoundException", "There is no such view.")


PARTICIPANT: Mapping[str, Handler] = {
    "CreateParticipantConnection": _create_connection,
    "SendMessage": _send_message,
    "SendEvent": _send_event,
    "GetTranscript": get_transcript,
    "DisconnectParticipant": _disconnect,
    "StartAttachmentUpload": start_upload,
    "CompleteAttachmentUpload": complete_upload,
    "GetAttachment": get_attachment,
    "DescribeView": _describe_view,
}
