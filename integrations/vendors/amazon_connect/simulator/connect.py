"""The connect service's operations beside the start of a chat: contacts, instance, queues.

Imitates docs.aws.amazon.com/connect/latest/APIReference.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from integrations.vendors.amazon_connect.simulator.protocol import AwsError, utf8_size
from integrations.vendors.amazon_connect.simulator.state import (
    AGENT,
    QUEUED,
    Chat,
    Streaming,
    named_id,
    new_id,
    present,
)
from integrations.vendors.amazon_connect.simulator.world import Body, Instance, end_chat

Given = Mapping[str, Any]
Handler = Callable[[Instance, Given], Body]
LARGEST_ATTRIBUTES = 32_768
ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-]+")
STREAMINGS_PER_CHAT = 2
INVALID = "InvalidParameterException"
CREATED_AT = 1_700_000_000
FLOW_NAME = "Chat hand-over"
CHATS_PER_AGENT = 10
LONGEST_RANGE_DAYS = 31
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


# -- Chats and their contacts ---------------------------------------------------------------------


def _stop_contact(instance: Instance, given: Given) -> Body:
    chat = known_chat(instance, given["ContactId"])
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
        "StartContactStreaming", given, lambda: {"StreamingId": stream(chat, topic)}
    )


def _stop_contact_streaming(instance: Instance, given: Given) -> Body:
    chat = known_chat(instance, given["ContactId"])
    kept = [one for one in chat.streamings if one.streaming_id != given["StreamingId"]]
    if len(kept) == len(chat.streamings):
        raise AwsError("ResourceNotFoundException", "There is no such streaming.")
    chat.streamings = kept
    return {}


def _describe_contact(instance: Instance, given: Given) -> Body:
    chat = known_chat(instance, given["ContactId"])
    index = [one.contact_id for one in chat.contacts].index(given["ContactId"])
    contact = chat.contacts[index]
    described = {
        **_summary(chat, index),
        "Arn": f"{instance.switches.instance_arn}/contact/{contact.contact_id}",
        "Id": contact.contact_id,
        "InitialContactId": chat.initial_contact_id,
        "RelatedContactId": chat.related_contact_id,
        "DisconnectReason": contact.disconnect_reason or None,
        "Attributes": chat.attributes or None,
        "SegmentAttributes": chat.segment_attributes or None,
        "CustomerId": chat.customer_id,
        "QueueInfo": contact.enqueued_at
        and {"Id": named_id("queue", contact.queue), "EnqueueTimestamp": contact.enqueued_at},
        "AgentInfo": contact.connected_at
        and {
            "Id": named_id("agent", contact.agent_name),
            "ConnectedToAgentTimestamp": contact.connected_at,
        },
    }
    del described["ContactId"]
    return {"Contact": present(described)}


def _list_associated_contacts(instance: Instance, given: Given) -> Body:
    chat = known_chat(instance, given["ContactId"])
    summaries = [present(_summary(chat, index)) for index in range(len(chat.contacts))]
    return {"ContactSummaryList": summaries}


def _summary(chat: Chat, index: int) -> Body:
    contact = chat.contacts[index]
    return {
        "ContactId": contact.contact_id,
        "InitialContactId": chat.initial_contact_id if index else None,
        "PreviousContactId": chat.contacts[index - 1].contact_id if index else None,
        "InitiationMethod": contact.method,
        "Channel": "CHAT",
        "InitiationTimestamp": contact.initiated_at,
        "DisconnectTimestamp": contact.disconnected_at,
    }


def _get_contact_attributes(instance: Instance, given: Given) -> Body:
    return {"Attributes": dict(known_chat(instance, given["InitialContactId"]).attributes)}


def _update_contact_attributes(instance: Instance, given: Given) -> Body:
    chat = known_chat(instance, given["InitialContactId"])
    merged = {**chat.attributes, **given["Attributes"]}
    check_attributes(merged)
    chat.attributes = merged
    return {}


def _update_participant_role_config(instance: Instance, given: Given) -> Body:
    chat = known_chat(instance, given["ContactId"])
    if chat.has_ended:
        raise AwsError("InvalidRequestException", "The contact is not active.")
    return {}


def known_chat(instance: Instance, contact_id: str) -> Chat:
    """Return the chat of a contact; raises AwsError for an unknown one."""
    chat = instance.find_chat(contact_id)
    if chat is None:
        raise AwsError("ResourceNotFoundException", "There is no such contact.")
    return chat


def stream(chat: Chat, topic_arn: str) -> str:
    """Publish a chat to an SNS topic; returns the streaming id."""
    for known in chat.streamings:
        if known.topic_arn == topic_arn:
            return known.streaming_id
    if len(chat.streamings) >= STREAMINGS_PER_CHAT:
        raise AwsError("LimitExceededException", "The contact has its two topics already.")
    check_topic(topic_arn)
    chat.streamings.append(Streaming(streaming_id=new_id(), topic_arn=topic_arn))
    return chat.streamings[-1].streaming_id


def check_topic(topic_arn: str) -> None:
    """Refuse what names no standard topic."""
    if not re.fullmatch(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}", topic_arn):
        raise AwsError(INVALID, "StreamingEndpointArn is not the ARN of a standard SNS topic.")


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Refuse attributes with odd names, and too many of them."""
    for name in attributes:
        if not ATTRIBUTE_NAME.fullmatch(name):
            raise AwsError(INVALID, "Attribute keys hold letters, digits, - and _ only.")
    size = sum(utf8_size(k) + utf8_size(v) for k, v in attributes.items())
    if size > LARGEST_ATTRIBUTES:
        raise AwsError(INVALID, f"The attributes exceed {LARGEST_ATTRIBUTES} bytes.")


# -- The instance: flows, queues, opening hours, metrics -----------------------------------------


def _describe_instance(instance: Instance, given: Given) -> Body:
    switches = instance.switches
    described = {
        "Id": switches.instance_id,
        "Arn": switches.instance_arn,
        "IdentityManagementType": "CONNECT_MANAGED",
        "InstanceAlias": "simulated",
        "CreatedTime": CREATED_AT,
        "ServiceRole": f"arn:aws:iam::{switches.account_id}:role/aws-service-role/connect",
        "InstanceStatus": switches.instance_status,
        "InboundCallsEnabled": True,
        "OutboundCallsEnabled": False,
    }
    return {"Instance": described}


def _describe_contact_flow(instance: Instance, given: Given) -> Body:
    switches = instance.switches
    if given["ContactFlowId"] != switches.contact_flow_id:
        raise AwsError("ResourceNotFoundException", "The contact flow does not exist.")
    if switches.flow_status != "PUBLISHED":
        raise AwsError("ContactFlowNotPublishedException", "The flow has not been published.")
    own = f"{switches.instance_arn}/queue/{named_id('queue', switches.queue)}"
    content = _flow_content(switches.flow_queues or [own])
    return {"ContactFlow": {**_flow(instance, ""), "Content": content}}


def _flow_content(queues: list[str]) -> str:
    """Write a flow that sets these queues one after the other, and transfers to the last."""
    sets = [
        {
            "Identifier": f"set-{number}",
            "Type": "UpdateContactTargetQueue",
            "Parameters": {"QueueId": queue},
            "Transitions": {},
        }
        for number, queue in enumerate(queues)
    ]
    transfer = {"Identifier": "queue", "Type": "TransferContactToQueue", "Parameters": {}}
    flow = {"Version": "2019-10-30", "StartAction": "queue", "Actions": [*sets, transfer]}
    return json.dumps(flow)


def _list_contact_flows(instance: Instance, given: Given) -> Body:
    kind = instance.switches.flow_type
    is_asked = kind in given.get("ContactFlowTypes", [kind])
    return {"ContactFlowSummaryList": [_flow(instance, "ContactFlow")] if is_asked else []}


def _flow(instance: Instance, prefix: str) -> Body:
    switches = instance.switches
    return {
        "Arn": f"{switches.instance_arn}/contact-flow/{switches.contact_flow_id}",
        "Id": switches.contact_flow_id,
        "Name": FLOW_NAME,
        f"{prefix}Type": switches.flow_type,
        f"{prefix}State": "ACTIVE",
        f"{prefix}Status": switches.flow_status,
    }


def _list_queues(instance: Instance, given: Given) -> Body:
    if "STANDARD" not in given.get("QueueTypes", ["STANDARD"]):
        return {"QueueSummaryList": []}
    summaries = [
        {
            "Id": named_id("queue", name),
            "Arn": _queue_arn(instance, name),
            "Name": name,
            "QueueType": "STANDARD",
        }
        for name in _queues(instance)
    ]
    return {"QueueSummaryList": summaries}


def _describe_queue(instance: Instance, given: Given) -> Body:
    name = _queue(instance, given["QueueId"])
    return {
        "Queue": {
            "Name": name,
            "QueueArn": _queue_arn(instance, name),
            "QueueId": given["QueueId"],
            "HoursOfOperationId": hours_id(),
            "Status": "ENABLED",
        }
    }


def _describe_hours(instance: Instance, given: Given) -> Body:
    _check_hours(given)
    switches = instance.switches
    start, end = _time(switches.hours_start), _time(switches.hours_end)
    return {
        "HoursOfOperation": {
            "HoursOfOperationId": hours_id(),
            "HoursOfOperationArn": f"{switches.instance_arn}/operating-hours/{hours_id()}",
            "Name": "Office hours",
            "TimeZone": switches.time_zone,
            "Config": [{"Day": day, "StartTime": start, "EndTime": end} for day in DAYS],
        }
    }


def _effective_hours(instance: Instance, given: Given) -> Body:
    _check_hours(given)
    first, last = _date(given["FromDate"]), _date(given["ToDate"])
    days = (last - first).days
    if not 0 <= days <= LONGEST_RANGE_DAYS:
        raise AwsError(INVALID, "The range of dates is wrong or too long.")
    dates = [(first + datetime.timedelta(days=n)).isoformat() for n in range(days + 1)]
    switches = instance.switches
    hours = {"Start": _time(switches.hours_start), "End": _time(switches.hours_end)}
    return {
        "EffectiveHoursOfOperationList": [
            {"Date": date, "OperationalHours": [] if date in switches.closed_dates else [hours]}
            for date in dates
        ],
        "TimeZone": switches.time_zone,
    }


def _current_metrics(instance: Instance, given: Given) -> Body:
    filters = given["Filters"]
    if not filters.get("Queues") and not filters.get("RoutingProfiles"):
        raise AwsError(INVALID, "Filters must name queues.")
    names = [_queue(instance, one.rpartition("/")[2]) for one in filters.get("Queues", [])]
    results = [_metric_result(instance, name, given["CurrentMetrics"]) for name in names]
    if "QUEUE" not in given.get("Groupings", []):
        results = [{"Collections": results[0]["Collections"]}] if results else []
    return {
        "MetricResults": results,
        "DataSnapshotTime": instance.now() // 1,
        "ApproximateTotalCount": len(results),
    }


def _metric_result(instance: Instance, name: str, asked: list[Mapping[str, Any]]) -> Body:
    queue = {"Id": named_id("queue", name), "Arn": _queue_arn(instance, name)}
    values = _metrics(instance, name)
    return {
        "Dimensions": {"Queue": queue, "Channel": "CHAT"},
        "Collections": [
            {"Metric": metric, "Value": values.get(metric.get("Name", ""), 0.0)} for metric in asked
        ],
    }


def _metrics(instance: Instance, name: str) -> dict[str, float]:
    switches = instance.switches
    agents = 0 if switches.agents_offline else switches.agents_available
    waiting = _waiting_since(instance, name)
    active = len([chat for chat in instance.conversations.values() if chat.state == AGENT])
    return {
        **dict.fromkeys(("AGENTS_ONLINE", "AGENTS_STAFFED", "AGENTS_AVAILABLE"), float(agents)),
        "CONTACTS_IN_QUEUE": float(len(waiting)),
        "OLDEST_CONTACT_AGE": instance.now() - min(waiting) if waiting else 0.0,
        "SLOTS_ACTIVE": float(active),
        "SLOTS_AVAILABLE": float(max(0, agents * CHATS_PER_AGENT - active)),
    }


def _contact_metrics(instance: Instance, given: Given) -> Body:
    """Tell a waiting contact's place and wait; what others are answered is not documented."""
    chat = instance.find_chat(given["ContactId"])
    if chat is None or chat.state != QUEUED or chat.contact.contact_id != given["ContactId"]:
        raise AwsError("ResourceNotFoundException", "The contact is not in a queue.")
    waiting = _waiting_since(instance, chat.contact.queue)
    position = len([at for at in waiting if at <= (chat.contact.enqueued_at or 0.0)])
    values = {
        "POSITION_IN_QUEUE": float(position),
        "ESTIMATED_WAIT_TIME": position * instance.switches.seconds_per_chat,
    }
    names = [metric["Name"] for metric in given["Metrics"]]
    return {
        "MetricResults": [{"Name": name, "Value": {"Number": values[name]}} for name in names],
        "Id": given["ContactId"],
        "Arn": f"{instance.switches.instance_arn}/contact/{given['ContactId']}",
    }


def _waiting_since(instance: Instance, queue: str) -> list[float]:
    contacts = [c.contact for c in instance.conversations.values() if c.state == QUEUED]
    return [contact.enqueued_at or 0.0 for contact in contacts if contact.queue == queue]


def _queues(instance: Instance) -> list[str]:
    """Name the queues: the flow's own, and those chats were handed to."""
    used = [c.queue for chat in instance.conversations.values() for c in chat.contacts if c.queue]
    return list(dict.fromkeys([instance.switches.queue, *used]))


def _queue_arn(instance: Instance, name: str) -> str:
    return f"{instance.switches.instance_arn}/queue/{named_id('queue', name)}"


def hours_id() -> str:
    """Return the id of the one set of opening hours."""
    return named_id("hours", "Office hours")


def _queue(instance: Instance, queue_id: str) -> str:
    for name in _queues(instance):
        if named_id("queue", name) == queue_id:
            return name
    raise AwsError("ResourceNotFoundException", "There is no such queue.")


def _check_hours(given: Given) -> None:
    if given["HoursOfOperationId"] != hours_id():
        raise AwsError("ResourceNotFoundException", "There are no such hours of operation.")


def _time(text: str) -> dict[str, int]:
    hours, _, minutes = text.partition(":")
    return {"Hours": int(hours), "Minutes": int(minutes)}


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise AwsError(INVALID, "This is not a date.") from error


CONNECT: Mapping[str, Handler] = {
    "StopContact": _stop_contact,
    "StartContactStreaming": _start_contact_streaming,
    "StopContactStreaming": _stop_contact_streaming,
    "DescribeContact": _describe_contact,
    "ListAssociatedContacts": _list_associated_contacts,
    "GetContactAttributes": _get_contact_attributes,
    "UpdateContactAttributes": _update_contact_attributes,
    "UpdateParticipantRoleConfig": _update_participant_role_config,
    "DescribeInstance": _describe_instance,
    "DescribeContactFlow": _describe_contact_flow,
    "ListContactFlows": _list_contact_flows,
    "ListQueues": _list_queues,
    "DescribeQueue": _describe_queue,
    "DescribeHoursOfOperation": _describe_hours,
    "GetEffectiveHoursOfOperations": _effective_hours,
    "GetCurrentMetricData": _current_metrics,
    "GetContactMetrics": _contact_metrics,
}
