"""The participant service: what the customer's side of a chat can do.

Imitates docs.aws.amazon.com/connect-participant/latest/APIReference.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from integrations.vendors.amazon_connect.simulator.files import (
    complete_upload,
    get_attachment,
    start_upload,
)
from integrations.vendors.amazon_connect.simulator.protocol import (
    AwsError,
    iso_time,
    parse_time,
    utf8_size,
)
from integrations.vendors.amazon_connect.simulator.rich import bot_of, check_response, next_page
from integrations.vendors.amazon_connect.simulator.state import (
    CUSTOMER_TYPES,
    EVENT,
    INTERACTIVE,
    INTERACTIVE_RESPONSE,
    LARGEST_CONTENT,
    Chat,
    Item,
    item_body,
    new_id,
    receipt_body,
)
from integrations.vendors.amazon_connect.simulator.world import (
    Body,
    Instance,
    connect_customer,
    customer_leaves,
    deliver_pending,
)

Given = Mapping[str, Any]
Handler = Callable[[Instance, Chat, Given], Body]
INVALID = "ValidationException"
DEFAULT_RESULTS = 10
TYPING = EVENT + "typing"
ACKNOWLEDGED = EVENT + "connection.acknowledged"
DELIVERED = EVENT + "message.delivered"
READ = EVENT + "message.read"


def authorized(instance: Instance, operation: str, bearer: str) -> Chat:
    """Return the chat a bearer is good for; raises AwsError for the wrong kind, and at the end."""
    kind = "participant" if operation == "CreateParticipantConnection" else "connection"
    grant = instance.tokens.good(kind, bearer)
    if grant is None or operation in instance.switches.refused_operations:
        raise AwsError("AccessDeniedException", "Access denied")
    chat = instance.conversations[grant.chat_id]
    may_read = operation == "GetTranscript" and instance.switches.transcript_after_end
    if chat.has_ended and not may_read:
        raise AwsError("AccessDeniedException", "Access denied")
    return chat


def _create_connection(instance: Instance, chat: Chat, given: Given) -> Body:
    # Without a stream the flag changes nothing: the customer is there once a socket subscribes.
    if given.get("ConnectParticipant") and chat.streamings:
        connect_customer(instance, chat)
    kinds = given.get("Type", [])
    if "WEBRTC_CONNECTION" in kinds:
        raise AwsError(INVALID, "The participant of a chat has no WebRTC connection.")
    if not kinds and not given.get("ConnectParticipant"):
        raise AwsError(INVALID, "Type is needed unless ConnectParticipant is true.")
    return instance.connection_parts(chat, kinds)


def _send_message(instance: Instance, chat: Chat, given: Given) -> Body:
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
    page = next_page(chat, given["ContentType"], given["Content"])
    item = instance.say(chat, chat.customer, given["Content"], given["ContentType"])
    if page is not None:
        instance.say(chat, bot_of(chat), page, INTERACTIVE)
    if chat.agents and instance.switches.auto_delivered:
        deliver_pending(instance, chat, chat.agents[0])
    return _accepted(item)


def _check_content(instance: Instance, chat: Chat, given: Given) -> None:
    content_type = given["ContentType"]
    if content_type not in CUSTOMER_TYPES:
        raise AwsError(INVALID, "ContentType is not supported.")
    if instance.switches.strict_content_types and content_type not in chat.supported_types:
        raise AwsError(INVALID, "ContentType is not among the contact's supported types.")
    if utf8_size(given["Content"]) > LARGEST_CONTENT:
        raise AwsError(INVALID, f"Content exceeds {LARGEST_CONTENT} bytes.")
    if content_type == INTERACTIVE_RESPONSE:
        check_response(given["Content"])


def _send_event(instance: Instance, chat: Chat, given: Given) -> Body:
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


def _disconnect(instance: Instance, chat: Chat, given: Given) -> Body:
    customer_leaves(instance, chat)
    return {}


def _describe_view(instance: Instance, chat: Chat, given: Given) -> Body:
    raise AwsError("ResourceNotFoundException", "There is no such view.")


def _get_transcript(instance: Instance, chat: Chat, given: Given) -> Body:
    """Answer with one page; the item at the start position is part of it."""
    asked = given.get("ContactId")
    if asked is not None and asked not in [one.contact_id for one in chat.contacts]:
        raise AwsError("AccessDeniedException", "Access denied")
    start, is_forward = _start(chat, given)
    size = given.get("MaxResults") or DEFAULT_RESULTS
    # Before the first item, and only backwards, lies what was said in the chats it continues.
    first, end = (start, start + size) if is_forward else (start - size + 1, start + 1)
    oldest = 0 if is_forward else -len(chat.past_items)
    page = [_stored(chat, index) for index in range(max(first, oldest), min(end, len(chat.items)))]
    next_start = end if is_forward else first - 1
    has_more = end < len(chat.items) if is_forward else first > oldest
    if given.get("SortOrder", "DESCENDING") == "DESCENDING":
        page = page[::-1]
    answer: Body = {
        "InitialContactId": chat.initial_contact_id,
        "Transcript": page,
    }
    if has_more:
        answer["NextToken"] = _token(next_start, is_forward)
    return answer


def _start(chat: Chat, given: Given) -> tuple[int, bool]:
    if "NextToken" in given:
        return _read_token(given["NextToken"])
    position = given.get("StartPosition") or {}
    if len(position) > 1:
        raise AwsError(INVALID, "StartPosition takes one of Id, AbsoluteTime, MostRecent.")
    direction = given.get("ScanDirection", "FORWARD" if position else "BACKWARD")
    is_forward = direction == "FORWARD"
    latest = len(chat.items) - 1
    if "Id" in position:
        return _index(chat, position["Id"]), is_forward
    if "AbsoluteTime" in position:
        return _index_at(chat, position["AbsoluteTime"], is_forward=is_forward), is_forward
    if "MostRecent" in position:
        return max(0, latest + 1 - max(1, position["MostRecent"])), is_forward
    return (0 if is_forward else latest), is_forward


def _index(chat: Chat, item_id: str) -> int:
    for index, item in enumerate(chat.items):
        if item.item_id == item_id:
            return index
    raise AwsError(INVALID, "StartPosition.Id names no item of this chat.")


def _index_at(chat: Chat, time_text: str, *, is_forward: bool) -> int:
    try:
        at = parse_time(time_text)
    except ValueError as error:
        raise AwsError(INVALID, "StartPosition.AbsoluteTime is not a time.") from error
    if is_forward:
        return next((i for i, item in enumerate(chat.items) if item.at_ms >= at), len(chat.items))
    earlier = [i for i, item in enumerate(chat.items) if item.at_ms <= at]
    return earlier[-1] if earlier else -1


def _token(start: int, is_forward: bool) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, is_forward]).encode()).decode()


def _read_token(token: str) -> tuple[int, bool]:
    try:
        start, is_forward = json.loads(base64.urlsafe_b64decode(token))
        return int(start), bool(is_forward)
    except (ValueError, TypeError, binascii.Error) as error:
        raise AwsError(INVALID, "NextToken is not one of ours.") from error


def _stored(chat: Chat, index: int) -> Body:
    item = chat.items[index] if index >= 0 else chat.past_items[index]
    body = item_body(item)
    if index < 0:
        body["RelatedContactId"] = body.pop("ContactId")
    if item.is_said:
        body["MessageMetadata"] = {
            "MessageId": item.item_id,
            "Receipts": [receipt_body(receipt) for receipt in item.receipts],
        }
    return body


PARTICIPANT: Mapping[str, Handler] = {
    "CreateParticipantConnection": _create_connection,
    "SendMessage": _send_message,
    "SendEvent": _send_event,
    "GetTranscript": _get_transcript,
    "DisconnectParticipant": _disconnect,
    "StartAttachmentUpload": start_upload,
    "CompleteAttachmentUpload": complete_upload,
    "GetAttachment": get_attachment,
    "DescribeView": _describe_view,
}
