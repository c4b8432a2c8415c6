"""Share one connector among all sessions of an integration in this process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from conversations.event_loop.executor import run_sync
from integrations.connections.building import connector_build
from integrations.connections.calls import CallWriter
from integrations.contract.connector import Connector
from integrations.http.client import Session
from integrations.kit.json_values import json_digest
from integrations.models import Integration

# A thousand handoffs that begin at once must not keep messages and heartbeats from the database.
BEGINNING_AT_ONCE = 4


@dataclass(slots=True, kw_only=True)
class _Shared:
    connector: Connector
    calls: CallWriter
    users: int = 0


class Connectors:
    """Ready connectors by integration and credentials.

    Changed credentials make a new connector; sessions that run keep the one they started with.
    """

    def __init__(self, http: Session) -> None:
        """Take the process's HTTP session."""
        self._http = http
        self.beginning = asyncio.Semaphore(BEGINNING_AT_ONCE)
        self._shared: dict[tuple[int, str], _Shared] = {}

    def acquire(self, integration: Integration) -> tuple[tuple[int, str], Connector]:
        """Return the key to give back and the connector; each call is released once."""
        key = (integration.pk, json_digest(integration.credentials))
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = self._build(integration)
        shared.users += 1
        return key, shared.connector

    async def release(self, key: tuple[int, str]) -> None:
        """Give a connector back; the last one closes it. Recorded calls are stored first."""
        shared = self._shared[key]
        shared.users -= 1
        await shared.calls.drain()
        if shared.users == 0 and self._shared.get(key) is shared:
            del self._shared[key]
            await shared.connector.close()

    def _build(self, integration: Integration) -> _Shared:
        calls = CallWriter(integration_id=integration.pk, run_sync=run_sync)
        connector = connector_build(
            integration, session=self._http, run_sync=run_sync, recorder=calls
        )
        return _Shared(connector=connector, calls=calls)
