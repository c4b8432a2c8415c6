"""Repeats the checks of connected integrations, so that a tile tells of trouble by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from asgiref.sync import async_to_sync
from django.db.models import F
from django.utils import timezone

from integrations.connections.addresses import with_our_addresses
from integrations.connections.building import connector_with, vendor_session
from integrations.connections.outcomes import check_labels
from integrations.connections.services import (
    integration_mark_healthy,
    integration_mark_needs_attention,
)
from integrations.connections.tokens import TrialTokens
from integrations.contract.connector import CheckResult
from integrations.contract.manifest import Manifest
from integrations.contract.registry import manifest_get
from integrations.models import Integration

FAILURES_ALLOWED = 3
# How often the checks of all that are in use are repeated.
EVERY_SECONDS = 900.0
# Spread over so long, so that nobody's vendor is asked by all projects at once.
SPREAD_SECONDS = 120.0
# These do not pass by waiting.
_CERTAIN = frozenset({"invalid_auth", "invalid_routing"})
_SECONDS = 20.0
_IN_USE = (Integration.Status.CONNECTED, Integration.Status.NEEDS_ATTENTION)


def integrations_to_probe() -> list[int]:
    """Return the ids of all that are in use."""
    return list(Integration.objects.filter(status__in=_IN_USE).values_list("pk", flat=True))


def integration_probe(integration_id: int) -> bool:
    """Run the checks and note what they say; True when they should soon be run once more.

    One certain failure, or three in a row of another kind, turn the tile to Needs attention.
    """
    row = Integration.objects.filter(pk=integration_id, status__in=_IN_USE).first()
    if row is None:
        return False
    values = with_our_addresses(row, row.credentials)
    results = async_to_sync(_results)(row.pk, row.connector_key, values)
    failed = next((result for result in results if not result.is_ok), None)
    rows = Integration.objects.filter(pk=row.pk, connected_at=row.connected_at)
    if failed is None:
        if rows.update(failed_probes=0, probed_at=timezone.now()):
            integration_mark_healthy(row)
        return False
    # Values that were changed meanwhile are not blamed for what the old ones brought.
    if not rows.update(failed_probes=F("failed_probes") + 1, probed_at=timezone.now()):
        return False
    failures = row.failed_probes + 1
    if failed.code in _CERTAIN or failures >= FAILURES_ALLOWED:
        manifest = manifest_get(row.connector_key)
        integration_mark_needs_attention(row, failed.code, _sentence(manifest, failed))
        return False
    return True


async def _results(
    integration_id: int, connector_key: str, credentials: Mapping[str, str]
) -> list[CheckResult]:
    found: list[CheckResult] = []
    async with vendor_session() as session:
        connector = connector_with(
            manifest_get(connector_key),
            credentials=credentials,
            session=session,
            tokens=TrialTokens(integration_id),
        )
        try:
            async with asyncio.timeout(_SECONDS):
                async for result in connector.probe():
                    found.append(result)
        except TimeoutError:
            found.append(CheckResult(name="", is_ok=False, code="timeout"))
        finally:
            await connector.close()
    return found


def _sentence(manifest: Manifest, failed: CheckResult) -> str:
    help_ = manifest.help_for(failed.name, failed.code)
    label = check_labels(manifest).get(failed.name, manifest.name)
    return f"{label}: {help_.cause}" if help_ else f"{label}: the check ended with {failed.code}."
