"""Thin Celery tasks; each may be lost or run twice."""

from __future__ import annotations

import random

from celery import shared_task

from integrations.connections.probe import (
    SPREAD_SECONDS,
    integration_probe,
    integrations_to_probe,
)

_AGAIN_SECONDS = 60.0


@shared_task
def probe_all() -> None:
    """Queue a probe for each integration in use."""
    for integration_id in integrations_to_probe():
        probe.apply_async((integration_id,), countdown=random.uniform(0, SPREAD_SECONDS))  # noqa: S311


@shared_task
def probe(integration_id: int) -> None:
    """Probe one integration; trouble that may pass is looked at again in a minute."""
    if integration_probe(integration_id):
        probe.apply_async((integration_id,), countdown=_AGAIN_SECONDS)
