"""End the vendor conversation of the first of two integrations while the second one is served."""

from __future__ import annotations

import asyncio

from django.utils import timezone

from conversations.event_loop.executor import run_sync
from handoffs.lifecycle.locking import Lease
from handoffs.lifecycle.past_attempts import LeftBehind, left_behind, left_behind_ended
from handoffs.lifecycle.services import session_read
from handoffs.relay.connectors import Connectors
from handoffs.relay.ending import end_all, end_pause
from integrations.contract.connector import Connector, EndReason
from integrations.contract.errors import ConnectorError


async def end_left_behind(lease: Lease, connectors: Connectors) -> None:
    """Repeat the end until that vendor has confirmed it or the deadline has passed."""
    found = await run_sync(left_behind, lease.handoff_id)
    if found is not None:
        key, connector = connectors.acquire(found.integration)
        try:
            await _end(connector, found)
        finally:
            await connectors.release(key)
    await run_sync(left_behind_ended, lease)


async def _end(connector: Connector, found: LeftBehind) -> None:
    session = session_read(found.session)
    attempts = 0
    while timezone.now() < found.until:
        try:
            await end_all(connector, session, EndReason.FAILED)
            return
        except ConnectorError as error:
            attempts += 1
            await asyncio.sleep(end_pause(attempts, error))
