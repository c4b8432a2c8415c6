"""What the end user can be told while nobody has come: the queue, and Genesys's guess."""

from __future__ import annotations

from datetime import UTC, datetime

from integrations.contract.errors import ConnectorError, RateLimitedError
from integrations.contract.events import QueuePositionChanged, VendorEvent
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.client.budget import CallBudget
from integrations.vendors.genesys.connector.availability import estimated_wait
from integrations.vendors.genesys.mapping.presence import Participant, waiting_queue


class Waiting:
    """One conversation's wait; asks only where requests are to spare."""

    def __init__(self, client: GenesysClient, budget: CallBudget, conversation_id: str) -> None:
        """Share the connector's client and budget."""
        self._client = client
        self._budget = budget
        self._conversation_id = conversation_id
        self._told: tuple[str, int | None] = ("", None)
        self._is_allowed = True

    async def events(self, participants: list[Participant]) -> list[VendorEvent]:
        """Return the wait if it is not what was told before."""
        queue = waiting_queue(participants)
        if queue is None or self._budget.is_tight or not self._is_allowed:
            return []
        known = (queue.name, await self._seconds(queue.identifier))
        if known == self._told:
            return []
        self._told = known
        now = datetime.now(UTC)
        change = QueuePositionChanged(
            vendor_event_id=f"{self._conversation_id}:wait:{now.isoformat()}",
            vendor_conversation_id=self._conversation_id,
            occurred_at=now,
            estimated_wait_seconds=known[1],
            queue_name=known[0],
        )
        return [change]

    async def _seconds(self, queue_id: str) -> int | None:
        try:
            return await estimated_wait(self._client, queue_id)
        except RateLimitedError:
            return self._told[1]
        except ConnectorError:
            self._is_allowed = False
            return None
