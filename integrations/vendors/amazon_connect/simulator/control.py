"""The connect service's operations on chats: start, stop, stream, describe, attributes, timers.

Imitates docs.aws.amazon.com/connect/latest/APIReference/API_StartChatContact.html and its
neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from integrations.vendors.amazon_connect.simulator.protocol import AwsError, utf8_size
from integrations.vendors.amazon_connect.simulator.state import (
    CUSTOMER_TYPES,
    INTERACTIVE,
    LARGEST_CONTENT,
    Chat,
    Contact,
    Item,
    Participant,
    Streaming,
    named_id,
    new_id,
)
from integrations.vendors.amazon_connect.simulator.world import Body, Instance, end_chat

Given = Mapping[str, Any]
Handler = Callable[[Instance, Given], Body]
LARGEST_ATTRIBUTES = 32_768
ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]+")
KNOWN_TYPES = (*CUSTOMER_TYPES, INTERACTIVE)
STREAMINGS_PER_CHAT = 2
INVALID = "InvalidParameterException"


def _start_chat_contact(instance: Instance, given: Given) -> Body:
    return instance.once(
        "StartChatContact",
        given,
        lambda: _start_answer(instance, _start_chat(instance, given), given),
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
    chat = _known(instance, source)
    if past["RehydrationType"] == "ENTIRE_PAST_SESSION":
        return [*chat.past_items, *chat.items]
    names = [contact.contact_id for contact in chat.contacts]
    kept = names[names.index(source) :]
    return [item for item in chat.items if item.contact_id in kept]


def _start_answer(instance: Instance, chat: Chat, request: Given) -> Body:
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
        answer["StreamingId"] = _stream(chat, streaming["StreamingEndpointArn"])
    return answer


def _stream(chat: Chat, topic_arn: str) -> str:
    """Publish a chat to an SNS topic; returns the streaming id."""
    for known in chat.streamings:
        if known.topic_arn == topic_arn:
            return known.streaming_id
    if len(chat.streamings) >= STREAMINGS_PER_CHAT:
        raise AwsError("LimitExceededException", "The contact has its two topics already.")
    _check_topic(topic_arn)
    chat.streamings.append(Streaming(streaming_id=new_id(), topic_arn=topic_arn))
    return chat.streamings[-1].streaming_id


def _check_topic(topic_arn: str) -> None:
    if not re.fullmatch(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}", topic_arn):
        raise AwsError(INVALID, "StreamingEndpointArn is not the ARN of a standard SNS topic.")


def _check_attributes(attributes: Mapping[str, str]) -> None:
    """Refuse attributes with odd names, and too many of them."""
    for name in attributes:
        if not ATTRIBUTE_NAME.fullmatch(name):
            raise AwsError(INVALID, "Attribute keys hold letters, digits, - and _ only.")
    size = sum(utf8_size(k) + utf8_size(v) for k, v in attributes.items())
    if size > LARGEST_ATTRIBUTES:
        raise AwsError(INVALID, f"The attributes exceed {LARGEST_ATTRIBUTES} bytes.")


def _check_start(instance: Instance, request: Given) -> None:
    switches = instance.switches
    if request["ContactFlowId"] != switches.contact_flow_id:
        raise AwsError("ResourceNotFoundException", "The contact flow does not exist.")
    if switches.flow_type != "CONTACT_FLOW" or switches.flow_status != "PUBLISHED":
        raise AwsError("InvalidRequestException", "The flow is no published inbound flow.")
    if "ChatDurationInMinutes" in request and not switches.is_chat_duration_enabled:
        raise AwsError(INVALID, "ChatDurationInMinutes is not enabled for this account.")
    _check_attributes(request.get("Attributes", {}))
    if streaming := request.get("ChatStreamingConfiguration"):
        _check_topic(streaming["StreamingEndpointArn"])
    _check_types(instance, request)
    _check_past(instance, request)
    if len(instance.open_chats()) >= switches.concurrent_chats:
        raise AwsError("LimitExceededException", "The limit of active chats is reached.")


def _check_types(instance: Instance, request: Given) -> None:
    supported = request.get("SupportedMessagingContentTypes")
    if supported is not None and "text/plain" not in supported:
        raise AwsError(INVALID, "SupportedMessagingContentTypes must contain text/plain.")
    if set(supported or ()) - set(KNOWN_TYPES):
        raise AwsError(INVALID, "SupportedMessagingContentTypes holds an unknown type.")
    first = request.get("InitialMessage")
    if first is None:
        return
    if first["ContentType"] not in CUSTOMER_TYPES:
        raise AwsError(INVALID, "InitialMessage.ContentType is not supported.")
    if instance.switches.strict_content_types and first["ContentType"] not in (
        supported or ["text/plain"]
    ):
        raise AwsError(INVALID, "InitialMessage.ContentType is not among the supported types.")
    if utf8_size(first["Content"]) > LARGEST_CONTENT:
        raise AwsError(INVALID, f"InitialMessage.Content exceeds {LARGEST_CONTENT} bytes.")


def _check_past(instance: Instance, request: Given) -> None:
    past = request.get("PersistentChat")
    if past is None:
        return
    if "RelatedContactId" in request:
        raise AwsError(INVALID, "PersistentChat and RelatedContactId exclude each other.")
    if not {"RehydrationType", "SourceContactId"} <= set(past):
        raise AwsError(INVALID, "PersistentChat needs RehydrationType and SourceContactId.")
    chat = instance.find_chat(past["SourceContactId"])
    if chat is None or not chat.has_ended:
        raise AwsError(INVALID, "PersistentChat.SourceContactId is no chat that has ended.")


def _stop_contact(instance: Instance, given: Given) -> Body:
    chat = _known(instance, given["ContactId"])
    # A contact that was transferred is over, although the chat goes on in another one.
    if chat.has_ended or given["ContactId"] != chat.contact.contact_id:
        raise AwsError("ContactNotFoundException", "The contact is not active.")
    end_chat(instance, chat, "API")
    return {}


def _start_contact_streaming(instance: Instance, given: Given) -> Body:
    chat = instance.conversations.get(given["ContactId"])
    if chat is None:
        raise AwsError("ResourceNotFoundException", "There is no such initial contact.")
    if chat.has_ended:
        raise AwsError("InvalidRequestException", "The contact is not active.")
    topic = given["ChatStreamingConfiguration"]["StreamingEndpointArn"]
    return instance.once(
        "StartContactStreaming", given, lambda: {"StreamingId": _stream(chat, topic)}
    )


def _stop_contact_streaming(instance: Instance, given: Given) -> Body:
    chat = _known(instance, given["ContactId"])
    kept = [one for one in chat.streamings if one.streaming_id != given["StreamingId"]]
    if len(kept) == len(chat.streamings):
        raise AwsError("ResourceNotFoundException", "There is no such streaming.")
    chat.streamings = kept
    return {}


def _describe_contact(instance: Instance, given: Given) -> Body:
    chat = _known(instance, given["ContactId"])
    index = [one.contact_id for one in chat.contacts].index(given["ContactId"])
    contact = chat.contacts[index]
    described = {
        "Arn": instance.switches.arn(
            f"instance/{instance.switches.instance_id}/contact/{contact.contact_id}"
        ),
        "Id": contact.contact_id,
        "InitialContactId": chat.initial_contact_id,
        "PreviousContactId": chat.contacts[index - 1].contact_id if index else None,
        "RelatedContactId": chat.related_contact_id,
        "InitiationMethod": contact.method,
        "Channel": "CHAT",
        "InitiationTimestamp": contact.initiated_at,
        "DisconnectTimestamp": contact.disconnected_at,
        "DisconnectReason": contact.disconnect_reason or None,
        "Attributes": chat.attributes or None,
        "SegmentAttributes": chat.segment_attributes or None,
        "CustomerId": chat.customer_id,
        **_who_and_where(contact),
    }
    return {"Contact": {name: value for name, value in described.items() if value is not None}}


def _who_and_where(contact: Contact) -> Body:
    described: Body = {}
    if contact.enqueued_at is not None:
        described["QueueInfo"] = {
            "Id": named_id("queue", contact.queue),
            "EnqueueTimestamp": contact.enqueued_at,
        }
    if contact.connected_at is not None:
        described["AgentInfo"] = {
            "Id": named_id("agent", contact.agent_name),
            "ConnectedToAgentTimestamp": contact.connected_at,
        }
    return described


def _list_associated_contacts(instance: Instance, given: Given) -> Body:
    chat = _known(instance, given["ContactId"])
    return {"ContactSummaryList": [_summary(chat, index) for index in range(len(chat.contacts))]}


def _summary(chat: Chat, index: int) -> Body:
    contact = chat.contacts[index]
    summary = {
        "ContactId": contact.contact_id,
        "InitialContactId": chat.initial_contact_id if index else None,
        "PreviousContactId": chat.contacts[index - 1].contact_id if index else None,
        "InitiationMethod": contact.method,
        "Channel": "CHAT",
        "InitiationTimestamp": contact.initiated_at,
        "DisconnectTimestamp": contact.disconnected_at,
    }
    return {name: value for name, value in summary.items() if value is not None}


def _get_contact_attributes(instance: Instance, given: Given) -> Body:
    return {"Attributes": dict(_known(instance, given["InitialContactId"]).attributes)}


def _update_contact_attributes(instance: Instance, given: Given) -> Body:
    chat = _known(instance, given["InitialContactId"])
    merged = {**chat.attributes, **given["Attributes"]}
    _check_attributes(merged)
    chat.attributes = merged
    return {}


def _update_participant_role_config(instance: Instance, given: Given) -> Body:
    chat = _known(instance, given["ContactId"])
    if chat.has_ended:
        raise AwsError("InvalidRequestException", "The contact is not active.")
    return {}


def _known(instance: Instance, contact_id: str) -> Chat:
    chat = instance.find_chat(contact_id)
    if chat is None:
        raise AwsError("ResourceNotFoundException", "There is no such contact.")
    return chat


CONTROL: Mapping[str, Handler] = {
    "StartChatContact": _start_chat_contact,
    "StopContact": _stop_contact,
    "StartContactStreaming": _start_contact_streaming,
    "StopContactStreaming": _stop_contact_streaming,
    "DescribeContact": _describe_contact,
    "ListAssociatedContacts": _list_associated_contacts,
    "GetContactAttributes": _get_contact_attributes,
    "UpdateContactAttributes": _update_contact_attributes,
    "UpdateParticipantRoleConfig": _update_participant_role_config,
}
