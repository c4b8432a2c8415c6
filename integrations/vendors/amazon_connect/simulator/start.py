"""StartChatContact: what is checked beyond the model, and the chat that comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from integrations.vendors.amazon_connect.simulator.answers import AwsError
from integrations.vendors.amazon_connect.simulator.connection import connection_parts
from integrations.vendors.amazon_connect.simulator.instance import Body, Instance
from integrations.vendors.amazon_connect.simulator.state import (
    INTERACTIVE,
    INTERACTIVE_RESPONSE,
    Chat,
    Contact,
    Participant,
    Streaming,
    new_id,
)
from integrations.vendors.amazon_connect.simulator.tokens import Grant

LARGEST_CONTENT = 16_384
LARGEST_ATTRIBUTES = 32_768
ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]+")
CUSTOMER_TYPES = ("text/plain", "text/markdown", "application/json", INTERACTIVE_RESPONSE)
KNOWN_TYPES = (*CUSTOMER_TYPES, INTERACTIVE)
STREAMINGS_PER_CHAT = 2
INVALID = "InvalidParameterException"


def start_chat(instance: Instance, request: Mapping[str, Any]) -> Chat:
    """Make a chat of a request that fits the model; raises AwsError for what it may not be."""
    _check(instance, request)
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
    instance.chats[chat.initial_contact_id] = chat
    if past:
        instance.happen(chat, "chat.rehydrated")
    if "InitialMessage" in request:
        first = request["InitialMessage"]
        instance.say(chat, chat.customer, first["Content"], first["ContentType"])
    return chat


def start_answer(instance: Instance, chat: Chat, request: Mapping[str, Any], base_url: str) -> Body:
    """Return what StartChatContact answers, the connection included where it was asked for."""
    grant = Grant(chat_id=chat.initial_contact_id, participant_id=chat.customer.participant_id)
    answer: Body = {
        "ContactId": chat.initial_contact_id,
        "ParticipantId": chat.customer.participant_id,
        "ParticipantToken": instance.tokens.issue("participant", grant),
    }
    if chat.continued_from:
        answer["ContinuedFromContactId"] = chat.continued_from
    if request.get("ConnectionTypes"):
        answer |= connection_parts(instance, chat, request["ConnectionTypes"], base_url)
    if streaming := request.get("ChatStreamingConfiguration"):
        answer["StreamingId"] = stream(chat, streaming["StreamingEndpointArn"])
    return answer


def stream(chat: Chat, topic_arn: str) -> str:
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


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Refuse attributes with odd names, and too many of them."""
    for name in attributes:
        if not ATTRIBUTE_NAME.fullmatch(name):
            raise AwsError(INVALID, "Attribute keys hold letters, digits, - and _ only.")
    size = sum(len(k.encode()) + len(v.encode()) for k, v in attributes.items())
    if size > LARGEST_ATTRIBUTES:
        raise AwsError(INVALID, f"The attributes exceed {LARGEST_ATTRIBUTES} bytes.")


def _check(instance: Instance, request: Mapping[str, Any]) -> None:
    switches = instance.switches
    if request["ContactFlowId"] != switches.contact_flow_id:
        raise AwsError("ResourceNotFoundException", "The contact flow does not exist.")
    if switches.flow_type != "CONTACT_FLOW" or switches.flow_status != "PUBLISHED":
        raise AwsError("InvalidRequestException", "The flow is no published inbound flow.")
    if "ChatDurationInMinutes" in request and not switches.is_chat_duration_enabled:
        raise AwsError(INVALID, "ChatDurationInMinutes is not enabled for this account.")
    check_attributes(request.get("Attributes", {}))
    if streaming := request.get("ChatStreamingConfiguration"):
        _check_topic(streaming["StreamingEndpointArn"])
    _check_types(instance, request)
    _check_past(instance, request)
    if len(instance.open_chats()) >= switches.concurrent_chats:
        raise AwsError("LimitExceededException", "The limit of active chats is reached.")


def _check_types(instance: Instance, request: Mapping[str, Any]) -> None:
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
    if len(first["Content"].encode()) > LARGEST_CONTENT:
        raise AwsError(INVALID, f"InitialMessage.Content exceeds {LARGEST_CONTENT} bytes.")


def _check_past(instance: Instance, request: Mapping[str, Any]) -> None:
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
