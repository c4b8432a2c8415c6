"""Says whether live agents are there, from a queue's metrics and its opening hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from integrations.contract.connector import Availability
from integrations.contract.errors import MissingPermissionError, RejectedError
from integrations.vendors.amazon_connect.client import AmazonConnectClient
from integrations.vendors.amazon_connect.mapping.hours import is_open
from integrations.vendors.amazon_connect.mapping.item import Json, as_text

_AVAILABLE = "AGENTS_AVAILABLE"
_WAITING = "CONTACTS_IN_QUEUE"
METRICS = {_AVAILABLE: "COUNT", _WAITING: "COUNT"}


async def queue_availability(
    client: AmazonConnectClient, *, instance_id: str, queue_id: str
) -> Availability:
    """Ask for the queue's metrics; nobody counts as available outside its opening hours."""
    metrics = await client.get_current_metric_data(instance_id, queue_id, METRICS)
    agents = metrics.get(_AVAILABLE)
    if not agents:
        # No row at all: nobody has been signed in since the metrics were made.
        return Availability(is_available=False)
    is_within_hours = await _is_within_hours(client, instance_id, queue_id)
    waiting = metrics.get(_WAITING)
    return Availability(
        is_available=is_within_hours is not False,
        position=None if waiting is None else int(waiting) + 1,
    )


async def hours_around(
    client: AmazonConnectClient, instance_id: str, hours_id: str, now: datetime
) -> Json:
    """Return the opening hours of these days: a queue's own date may be a day off, either way."""
    return await client.get_effective_hours_of_operations(
        instance_id,
        hours_id,
        from_date=(now - timedelta(days=1)).date().isoformat(),
        to_date=(now + timedelta(days=1)).date().isoformat(),
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
        hours = await hours_around(client, instance_id, hours_id, now)
    except (MissingPermissionError, RejectedError):
        return None
    return is_open(hours, now)
