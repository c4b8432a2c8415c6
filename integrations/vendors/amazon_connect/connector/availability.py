"""Asks Amazon Connect for live agents: in the queue that is named, or the one the flow sets."""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.contract.connector import Availability, TokenCache
from integrations.contract.errors import (
    InvalidRoutingError,
    MissingPermissionError,
    RejectedError,
)
from integrations.kit.json_values import as_object, as_objects, as_text
from integrations.kit.plain_json import vendor_object
from integrations.vendors.amazon_connect.client import AmazonConnectClient
from integrations.vendors.amazon_connect.client.connect import (
    AGENTS,
    QUEUE_METRICS,
    WAITING,
    is_open,
)
from integrations.vendors.amazon_connect.connector.chats import Target, read_arn

# A published flow may set another queue than before.
_FLOW_KEPT_SECONDS = 600.0
_SETS_QUEUE = "UpdateContactTargetQueue"
# What a flow reads while it runs, such as $.Attributes.queue.
_DYNAMIC = "$"
_NONE = "-"


def queue_in_flow(content: str) -> str:
    """Return the one queue that a flow sets; empty where there are several, or it is computed."""
    actions = as_objects(vendor_object(content or "{}").get("Actions"))
    set_to = {
        as_text(as_object(action.get("Parameters")).get("QueueId"))
        for action in actions
        if action.get("Type") == _SETS_QUEUE
    }
    queue = set_to.pop() if len(set_to) == 1 else ""
    arn = read_arn(queue)
    return "" if queue.startswith(_DYNAMIC) else (arn.resource_id if arn else queue)


async def flow_queue(client: AmazonConnectClient, target: Target, cache: TokenCache) -> str:
    """Return the queue that the target's flow sets; empty where nobody can tell."""
    name = f"flow-queue:{target.instance_id}:{target.contact_flow_id}"
    known = await cache.get(name)
    if known is None:
        try:
            flow = await client.describe_contact_flow(target.instance_id, target.contact_flow_id)
        except (MissingPermissionError, InvalidRoutingError, RejectedError):
            flow = {}
        known = queue_in_flow(as_text(flow.get("Content"))) or _NONE
        await cache.set(name, known, _FLOW_KEPT_SECONDS)
    return "" if known == _NONE else known


async def queue_availability(
    client: AmazonConnectClient, *, instance_id: str, queue_id: str
) -> Availability:
    """Ask for the queue's metrics; nobody counts as available outside its opening hours."""
    metrics = await client.get_current_metric_data(instance_id, queue_id, QUEUE_METRICS)
    agents = metrics.get(AGENTS)
    if not agents:
        # No row at all: nobody has been signed in since the metrics were made.
        return Availability(is_available=False)
    is_within_hours = await _is_within_hours(client, instance_id, queue_id)
    waiting = metrics.get(WAITING)
    return Availability(
        is_available=is_within_hours is not False,
        position=None if waiting is None else int(waiting) + 1,
    )


async def _is_within_hours(
    client: AmazonConnectClient, instance_id: str, queue_id: str
) -> bool | None:
    """Return None where the hours may not be read: the metrics then decide alone."""
    now = datetime.now(UTC)
    try:
        queue = await client.describe_queue(instance_id, queue_id)
        hours_id = as_text(queue.get("HoursOfOperationId"))
        if not hours_id:
            return None
        hours = await client.get_effective_hours_of_operations(instance_id, hours_id, around=now)
    except (MissingPermissionError, RejectedError):
        return None
    return is_open(hours, now)
