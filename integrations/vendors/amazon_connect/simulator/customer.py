"""What the customer's side of a chat can do: start it, speak, read, leave.

Imitates docs.aws.amazon.com/connect/latest/APIReference/API_StartChatContact.html and
docs.aws.amazon.com/connect-participant/latest/APIReference.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from integrations.vendors.amazon_connect.simulator.connect import (
    check_attributes,
    check_topic,
    known_chat,
    stream,
)
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
    Contact,
    Item,
    Participant,
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
WRONG_START = "InvalidParameterException"
KNOWN_TYPES = (*CUSTOMER_TYPES, INTERACTIVE)
DEFAULT_RESULTS = 10
TYPING = EVENT + "typing"
ACKNOWLEDGED = EVENT + "connection.acknowledged"
DELIVERED = EVENT + "message.delivered"
READ = EVENT + "message.read"


# -- How a chat starts, at the connect service ----------------------------------------------------


def start_chat_contact(instance: Instance, given: Given) -> Body:
    """Answer StartChatContact, and a repeat of it with the same chat."""
    return instance.once(
        "StartChatContact",
        given,
        lambda: _started(instance, _start_chat(instance, given), given),
    )


def _start_chat(instance: Instance, request: Given) -> Chat:
    """Make a chat of a request that fits the model; raises AwsError for what it may not be."""
    _check_start(instance, request)
    past = request.get("PersistentChat", {}).get("SourceContactId")
    chat = Chat(
        customer=Participant(name=request["ParticipantDetails"]["DisplayName"], role="CUSTOMER"),
        created_at=instance.now(),
        duration_minutes=request.get(
            "ChatDurationInMinutes", instance.switches.default_duration_minutes
        ),
        contact_flow_id=request["ContactFlowId"],
        attributes=dict(request.get("Attributes", {})),
        segment_attributes=dict(request.get("SegmentAttributes", {})),
        supported_types=list(request.get("SupportedMessagingContentTypes", ["text/plain"])),
        customer_id=request.get("CustomerId"),
        related_contact_id=request.get("RelatedContactId"),
        continued_from=past,
        ends_agent_on_exit="DisconnectOnCustomerExit" in request,
        contacts=[Contact(contact_id=new_id(), initiated_at=instance.now())],
    )
    instance.conversations[chat.initial_contact_id] = chat
    if past:
        chat.past_items = _past_items(instance, request["PersistentChat"])
        instance.happen(chat, "chat.rehydrated")
    if "InitialMessage" in request:
        first = request["InitialMessage"]
        instance.say(chat, chat.customer, first["Content"], first["ContentType"])
    return chat


def _past_items(instance: Instance, past: Given) -> list[Item]:
    """Return what the transcript goes back to: all of the earlier chat, or one contact of it on."""
    source = past["SourceContactId"]
    chat = known_chat(instance, source)
    if past["RehydrationType"] == "ENTIRE_PAST_SESSION":
        return [*chat.past_items, *chat.items]
    names = [contact.contact_id for contact in chat.contacts]
    kept = names[names.index(source) :]
    return [item for item in chat.items if item.contact_id in kept]


def _started(instance: Instance, chat: Chat, request: Given) -> Body:
    """Return what StartChatContact answers, the connection included where it was asked for."""
    answer: Body = {
        "ContactId": chat.initial_contact_id,
        "ParticipantId": chat.customer.participant_id,
        "ParticipantToken": instance.tokens.issue("participant", chat),
    }
    if chat.continued_from:
        answer["ContinuedFromContactId"] = chat.continued_from
    if request.get("ConnectionTypes"):
        answer |= instance.connection_parts(chat, request["ConnectionTypes"])
    if streaming := request.get("ChatStreamingConfiguration"):
        answer["StreamingId"] = stream(chat, streaming["StreamingEndpointArn"])
    return answer


def _check_start(instance: Instance, request: Given) -> None:
    switches = instance.switches
    if request["ContactFlowId"] != switches.contact_flow_id:
        raise AwsError("ResourceNotFoundException", "The contact flow does not exist.")
    if switches.flow_type != "CONTACT_FLOW" or switches.flow_status != "PUBLISHED":
        raise AwsError("InvalidRequestException", "The flow is no published inbound flow.")
    if "ChatDurationInMinutes" in request and not switches.is_chat_duration_enabled:
        raise AwsError(WRONG_START, "ChatDurationInMinutes is not enabled for this account.")
    check_attributes(request.get("Attributes", {}))
    if streaming := request.get("ChatStreamingConfiguration"):
        check_topic(streaming["StreamingEndpointArn"])
    _check_types(instance, request)
    _check_past(instance, request)
    if len(instance.open_chats()) >= switches.concurrent_chats:
        raise AwsError("LimitExceededException", "The limit of active chats is reached.")


def _check_types(instance: Instance, request: Given) -> None:
    supported = request.get("SupportedMessagingContentTypes")
    if supported is not None and "text/plain" not in supported:
        raise AwsError(WRONG_START, "SupportedMessagingContentTypes must contain text/plain.")
    if set(supported or ()) - set(KNOWN_TYPES):
        raise AwsError(WRONG_START, "SupportedMessagingContentTypes holds an unknown type.")
    if "InitialMessage" in request:
        types = supported or ["text/plain"]
        _check_said(instance, request["InitialMessage"], types, WRONG_START)


def _check_past(instance: Instance, request: Given) -> None:
    past = request.get("PersistentChat")
    if past is None:
        return
    if "RelatedContactId" in request:
        raise AwsError(WRONG_START, "PersistentChat and RelatedContactId exclude each other.")
    if not {"RehydrationType", "SourceContactId"} <= set(past):
        raise AwsError(WRONG_START, "PersistentChat needs RehydrationType and SourceContactId.")
    chat = instance.find_chat(past["SourceContactId"])
    if chat is None or not chat.has_ended:
        raise AwsError(WRONG_START, "PersistentChat.SourceContactId is no chat that has ended.")


# -- How it goes on, at the participant service ---------------------------------------------------


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
    _check_said(instance, given, chat.supported_types, INVALID)
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


def _check_said(instance: Instance, said: Given, supported: list[str], name: str) -> None:
    """Refuse, by this name, content of a wrong type or beyond the limit."""
    if said["ContentType"] not in CUSTOMER_TYPES:
        raise AwsError(name, "ContentType is not supported.")
    if instance.switches.strict_content_types and said["ContentType"] not in supported:
        raise AwsError(name, "ContentType is not among the contact's supported types.")
    if utf8_size(said["Content"]) > LARGEST_CONTENT:
        raise AwsError(name, f"Content exceeds {LARGEST_CONTENT} bytes.")
    if said["ContentType"] == INTERACTIVE_RESPONSE:
        check_response(said["Content"])


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
