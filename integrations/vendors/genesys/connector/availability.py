"""Whether a queue has live agents, and how long the wait is."""

from __future__ import annotations

from integrations.contract.connector import Availability
from integrations.contract.errors import MissingPermissionError
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.mapping.json import (
    Json,
    as_number,
    as_object,
    as_objects,
    as_text,
)

_METRIC = "oOnQueueUsers"
# On the queue, but their desktop rings in vain.
_ABSENT = "NOT_RESPONDING"


async def availability(client: GenesysClient, queue_id: str) -> Availability:
    """Ask Genesys; where the queue or the permission is missing, nobody knows."""
    if not queue_id:
        return Availability(is_available=None)
    # Asked first: about a queue that does not exist, the other question just finds nobody.
    wait = await estimated_wait(client, queue_id)
    try:
        people = live_agents_on(await client.queue_observations(queue_id))
    except MissingPermissionError:
        people = None
    is_available = None if people is None else people > 0
    return Availability(
        is_available=is_available, estimated_wait_seconds=None if people == 0 else wait
    )


async def estimated_wait(client: GenesysClient, queue_id: str) -> int | None:
    """Return the expected wait in seconds, if Genesys has a guess."""
    try:
        answer = await client.estimated_wait(queue_id)
    except MissingPermissionError:
        return None
    found = (
        as_number(r.get("estimatedWaitTimeSeconds")) for r in as_objects(answer.get("results"))
    )
    return next((seconds for seconds in found if seconds is not None), None)


def live_agents_on(answer: Json) -> int | None:
    """Count the live agents in a queue observation, which leaves out what is zero."""
    if not isinstance(answer.get("results"), list):
        return None
    counts = [
        as_number(as_object(entry.get("stats")).get("count")) or 0
        for result in as_objects(answer.get("results"))
        for entry in as_objects(result.get("data"))
        if entry.get("metric") == _METRIC and as_text(entry.get("qualifier")) != _ABSENT
    ]
    return sum(counts)
