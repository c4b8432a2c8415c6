"""What the connect service tells about the instance: flows, queues, opening hours, metrics.

Imitates docs.aws.amazon.com/connect/latest/APIReference/API_DescribeInstance.html and its
neighbours.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from integrations.vendors.amazon_connect.simulator.protocol import AwsError
from integrations.vendors.amazon_connect.simulator.state import AGENT, QUEUED, named_id
from integrations.vendors.amazon_connect.simulator.world import Body, Instance

Given = Mapping[str, Any]
Handler = Callable[[Instance, Given], Body]
CREATED_AT = 1_700_000_000
FLOW_NAME = "Chat hand-over"
CHATS_PER_AGENT = 10
LONGEST_RANGE_DAYS = 31
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def _describe_instance(instance: Instance, given: Given) -> Body:
    switches = instance.switches
    return {
        "Instance": {
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
    }


def _describe_contact_flow(instance: Instance, given: Given) -> Body:
    switches = instance.switches
    if given["ContactFlowId"] != switches.contact_flow_id:
        raise AwsError("ResourceNotFoundException", "The contact flow does not exist.")
    if switches.flow_status != "PUBLISHED":
        raise AwsError("ContactFlowNotPublishedException", "The flow has not been published.")
    return {
        "ContactFlow": {
            "Arn": f"{switches.instance_arn}/contact-flow/{switches.contact_flow_id}",
            "Id": switches.contact_flow_id,
            "Name": FLOW_NAME,
            "Type": switches.flow_type,
            "State": "ACTIVE",
            "Status": switches.flow_status,
            "Content": '{"Version":"2019-10-30","StartAction":"queue","Actions":[]}',
        }
    }


def _list_contact_flows(instance: Instance, given: Given) -> Body:
    switches = instance.switches
    if switches.flow_type not in given.get("ContactFlowTypes", [switches.flow_type]):
        return {"ContactFlowSummaryList": []}
    flow = {
        "Id": switches.contact_flow_id,
        "Arn": f"{switches.instance_arn}/contact-flow/{switches.contact_flow_id}",
        "Name": FLOW_NAME,
        "ContactFlowType": switches.flow_type,
        "ContactFlowState": "ACTIVE",
        "ContactFlowStatus": switches.flow_status,
    }
    return {"ContactFlowSummaryList": [flow]}


def _list_queues(instance: Instance, given: Given) -> Body:
    if "STANDARD" not in given.get("QueueTypes", ["STANDARD"]):
        return {"QueueSummaryList": []}
    summaries = [
        {
            "Id": named_id("queue", name),
            "Arn": queue_arn(instance, name),
            "Name": name,
            "QueueType": "STANDARD",
        }
        for name in queues(instance)
    ]
    return {"QueueSummaryList": summaries}


def _describe_queue(instance: Instance, given: Given) -> Body:
    name = _queue(instance, given["QueueId"])
    return {
        "Queue": {
            "Name": name,
            "QueueArn": queue_arn(instance, name),
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
        raise AwsError("InvalidParameterException", "The range of dates is wrong or too long.")
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
        raise AwsError("InvalidParameterException", "Filters must name queues.")
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
    queue = {"Id": named_id("queue", name), "Arn": queue_arn(instance, name)}
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
    waiting = [
        chat.contact.enqueued_at or 0
        for chat in instance.conversations.values()
        if chat.state == QUEUED and chat.contact.queue == name
    ]
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
    waiting = [
        other.contact.enqueued_at or 0.0
        for other in instance.conversations.values()
        if other.state == QUEUED and other.contact.queue == chat.contact.queue
    ]
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


def queues(instance: Instance) -> list[str]:
    """Return the names of the queues: the flow's own, and those chats were handed to."""
    used = [c.queue for chat in instance.conversations.values() for c in chat.contacts if c.queue]
    return list(dict.fromkeys([instance.switches.queue, *used]))


def queue_arn(instance: Instance, name: str) -> str:
    """Return a queue's ARN."""
    return f"{instance.switches.instance_arn}/queue/{named_id('queue', name)}"


def hours_id() -> str:
    """Return the id of the one set of opening hours."""
    return named_id("hours", "Office hours")


def _queue(instance: Instance, queue_id: str) -> str:
    for name in queues(instance):
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
        raise AwsError("InvalidParameterException", "This is not a date.") from error


DIRECTORY: Mapping[str, Handler] = {
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
