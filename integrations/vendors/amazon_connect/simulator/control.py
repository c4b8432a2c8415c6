"""The connect service's operations on chats: start, stop, stream, describe, attributes, timers.

Imitates docs.aws.amazon.com/connect/latest/APIReference/API_StartChatContact.html and its
neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integrations.vendors.amazon_connect.simulator import chats
from integrations.vendors.amazon_connect.simulator.answers import AwsError
from integrations.vendors.amazon_connect.simulator.instance import Body, Instance
from integrations.vendors.amazon_connect.simulator.start import (
    check_attributes,
    start_answer,
    start_chat,
    stream,
)
from integrations.vendors.amazon_connect.simulator.state import Chat, Contact, named_id

Given = Mapping[str, Any]
Handler = Callable[[Instance, Given, str], Body]


def _start_chat_contact(instance: Instance, given: Given, base_url: str) -> Body:
    return instance.once(
        "StartChatContact",
        given,
        lambda: start_answer(instance, start_chat(instance, given), given, base_url),
    )


def _stop_contact(instance: Instance, given: Given, base_url: str) -> Body:
    chat = _known(instance, given["ContactId"])
    # A contact that was transferred is over, although the chat goes on in another one.
    if chat.has_ended or given["ContactId"] != chat.contact.contact_id:
        raise AwsError("ContactNotFoundException", "The contact is not active.")
    chats.end(instance, chat, "API")
    return {}


def _start_contact_streaming(instance: Instance, given: Given, base_url: str) -> Body:
    chat = instance.chats.get(given["ContactId"])
    if chat is None:
        raise AwsError("ResourceNotFoundException", "There is no such initial contact.")
    if chat.has_ended:
        raise AwsError("InvalidRequestException", "The contact is not active.")
    topic = given["ChatStreamingConfiguration"]["StreamingEndpointArn"]
    return instance.once(
        "StartContactStreaming", given, lambda: {"StreamingId": stream(chat, topic)}
    )


def _stop_contact_streaming(instance: Instance, given: Given, base_url: str) -> Body:
    chat = _known(instance, given["ContactId"])
    kept = [one for one in chat.streamings if one.streaming_id != given["StreamingId"]]
    if len(kept) == len(chat.streamings):
        raise AwsError("ResourceNotFoundException", "There is no such streaming.")
    chat.streamings = kept
    return {}


def _describe_contact(instance: Instance, given: Given, base_url: str) -> Body:
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


def _list_associated_contacts(instance: Instance, given: Given, base_url: str) -> Body:
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


def _get_contact_attributes(instance: Instance, given: Given, base_url: str) -> Body:
    return {"Attributes": dict(_known(instance, given["InitialContactId"]).attributes)}


def _update_contact_attributes(instance: Instance, given: Given, base_url: str) -> Body:
    chat = _known(instance, given["InitialContactId"])
    merged = {**chat.attributes, **given["Attributes"]}
    check_attributes(merged)
    chat.attributes = merged
    return {}


def _update_participant_role_config(instance: Instance, given: Given, base_url: str) -> Body:
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
