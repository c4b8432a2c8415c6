"""A webhook endpoint whose receiver listens on a port, and the sending of what is due."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from conversations.models import WebhookDelivery, WebhookEndpoint
from conversations.webhooks.attempts import attempt_settle, deliveries_claim
from conversations.webhooks.endpoints import endpoint_create, event_types_all
from conversations.webhooks.sending import attempt_make
from integrations.http.client import open_session
from integrations.models import Project
from tests.handoffs.outside import Heard, WebhookStandIn


def endpoint_at(
    receiver: WebhookStandIn, project: Project, *event_types: str, **values: Any
) -> tuple[WebhookEndpoint, str]:
    """Return an endpoint of a project for these events, all without any, and its secret."""
    receiver.answering = lambda body: (200, {})
    headers = values.pop("headers", None)
    wanted = {"event_types": list(event_types) or event_types_all(), **values}
    return endpoint_create(
        project=project,
        actor=None,
        values={"name": "Warehouse", "url": receiver.url, **wanted},
        headers=headers,
    )


def send_due() -> None:
    """Make every attempt that is due, one after the other, until nothing is."""
    asyncio.run(_send_due())


async def _send_due() -> None:
    session = open_session(allow_local=True)
    try:
        while attempts := await run_sync(deliveries_claim, 50):
            for attempt in attempts:
                outcome = await attempt_make(attempt, session)
                await run_sync(attempt_settle, attempt, outcome)
    finally:
        await session.close()


def time_passes(passed: timedelta) -> None:
    """Bring the next attempts nearer."""
    WebhookDelivery.objects.update(next_attempt_at=F("next_attempt_at") - passed)


def wait_of(delivery: WebhookDelivery) -> timedelta:
    """Return how long after its last attempt the next one comes, in whole minutes."""
    assert delivery.attempted_at is not None
    seconds = (delivery.next_attempt_at - delivery.attempted_at).total_seconds()
    return timedelta(minutes=round(seconds / 60))


def signatures_of(heard: Heard) -> list[str]:
    return heard.headers["x-handoff-signature"].split(",")


def signature(secret: str, heard: Heard) -> str:
    """Sign what was heard as section 16 says a receiver does."""
    signed = f"{heard.headers['x-handoff-timestamp']}.{heard.raw.decode()}"
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def types_heard(receiver: WebhookStandIn) -> list[str]:
    return [heard.body["type"] for heard in receiver.heard]


def long_ago() -> Any:
    return timezone.now() - timedelta(days=365)
