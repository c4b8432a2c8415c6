"""Stores what the HTTP client records of each call to a vendor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Sequence
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection

from integrations.connections.tokens import RunSync
from integrations.http.recording import VendorCallRecord
from integrations.models import VendorCall
from integrations.telemetry.correlation import reference
from integrations.telemetry.metrics import VENDOR_CALL_RECORDS_LOST

logger = logging.getLogger(__name__)
# Every message to a vendor is a call: through the ORM keeping it would cost as much as sending it.
_INSERT = """
    INSERT INTO integrations_vendorcall
        (integration_id, reference, operation, method, path, status, error_code, is_expected,
         correlation_id, duration_ms, request_body, response_body, at)
    SELECT %s, * FROM jsonb_to_recordset(%s::jsonb) AS call (
        reference text, operation text, method text, path text, status integer, error_code text,
        is_expected boolean, correlation_id text, duration_ms integer, request_body jsonb,
        response_body jsonb, at timestamptz
    )
"""
_MAX_PATH = 300
_MAX_OPERATION = 60
# What comes within this time is written together.
_GATHER_SECONDS = 0.3
# What waits for a database that is slow or away; beyond it the newest are not kept.
_MAX_WAITING = 2000


def vendor_calls_save(
    *, integration_id: int, records: Sequence[tuple[str, VendorCallRecord]]
) -> None:
    """Store masked records, each with the id of the handoff or text it belongs to, or empty."""
    rows = [_row(belongs_to, record) for belongs_to, record in records]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [integration_id, json.dumps(rows)])
    else:
        VendorCall.objects.bulk_create(
            VendorCall(**row, integration_id=integration_id) for row in rows
        )


def _row(belongs_to: str, record: VendorCallRecord) -> dict[str, Any]:
    return {
        "reference": belongs_to,
        "operation": record.operation[:_MAX_OPERATION],
        "method": record.method,
        "path": record.path[:_MAX_PATH],
        "status": record.status,
        "error_code": record.error_code,
        "is_expected": record.is_expected,
        "correlation_id": record.correlation_id,
        "duration_ms": record.duration_ms,
        "request_body": record.request_body,
        "response_body": record.response_body,
        "at": record.started_at.isoformat(),
    }


class CallWriter:
    """A recorder that writes in the background, in order, a batch at a time."""

    def __init__(self, *, integration_id: int, run_sync: RunSync) -> None:
        """Take what runs the queries off the loop."""
        self._integration_id = integration_id
        self._run_sync = run_sync
        self._waiting: list[tuple[str, VendorCallRecord]] = []
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    def __call__(self, record: VendorCallRecord) -> None:
        """Take one record; must be called on the event loop."""
        if len(self._waiting) >= _MAX_WAITING:
            VENDOR_CALL_RECORDS_LOST.inc()
            return
        self._waiting.append((reference.get(), record))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def drain(self) -> None:
        """Wait until everything recorded so far is stored."""
        if self._task is not None:
            self._hurry.set()
            await self._task
            self._hurry.clear()

    async def _write(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GATHER_SECONDS):
                await self._hurry.wait()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._run_sync(
                    vendor_calls_save, integration_id=self._integration_id, records=batch
                )
            except DatabaseError as error:
                # A record is for people who look for causes: no conversation waits for it.
                VENDOR_CALL_RECORDS_LOST.inc(len(batch))
                logger.warning("Vendor calls not recorded: %s", type(error).__name__)
