"""Webhooks that overtake each other are applied in the other side's own order."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from handoffs.models import Handoff, StoredWebhook
from handoffs.receiving.inbox import webhook_done, webhooks_waiting
from handoffs.relay.webhook_feed import WebhookFeed
from handoffs.states import State
from tests import factories

pytestmark = pytest.mark.django_db
AT = factories.AT


@pytest.fixture
def handoff() -> Handoff:
    return factories.handoff(state=State.ACTIVE)


def came(handoff: Handoff, name: str, key: str = "vendor-1", **fields: Any) -> StoredWebhook:
    assert handoff.integration_id is not None
    return StoredWebhook.objects.create(
        integration_id=handoff.integration_id, item_id=name, key=key, body={}, **fields
    )


def counted(handoff: Handoff, *positions: int, ago: float = 0.0) -> None:
    at = timezone.now() - timedelta(seconds=ago)
    for position in positions:
        came(handoff, str(position), position=position, received_at=at)


def ready(handoff: Handoff) -> list[str]:
    return [item.item_id for _, item in webhooks_waiting(handoff.pk).items]


def apply_all(handoff: Handoff) -> None:
    for row_id, _ in webhooks_waiting(handoff.pk).items:
        webhook_done(factories.lease_of(handoff), row_id)


def test_what_waits_together_is_taken_in_the_order_of_the_count(handoff):
    counted(handoff, 2, 3, 1)

    assert ready(handoff) == ["1", "2", "3"]


def test_a_missing_one_is_waited_for_and_only_so_long(handoff):
    counted(handoff, 1, 3, 4)

    waiting = webhooks_waiting(handoff.pk)
    assert [item.item_id for _, item in waiting.items] == ["1"]
    assert waiting.look_again_seconds is not None and 1 < waiting.look_again_seconds <= 2

    StoredWebhook.objects.update(received_at=timezone.now() - timedelta(seconds=3))
    assert ready(handoff) == ["1", "3", "4"]


def test_what_was_applied_is_remembered_and_what_comes_too_late_is_not_lost(handoff):
    counted(handoff, 1, 3, ago=5)
    apply_all(handoff)
    counted(handoff, 4)

    assert ready(handoff) == ["4"]
    counted(handoff, 2)
    assert ready(handoff) == ["2", "4"]


def test_what_has_no_count_keeps_its_place_and_another_key_its_own_count(handoff):
    integration = handoff.integration
    handoff.vendor_keys.create(integration=integration, key="other")
    counted(handoff, 2)
    came(handoff, "plain")
    came(handoff, "other-1", key="other", position=1)
    counted(handoff, 1)

    assert ready(handoff) == ["1", "plain", "other-1", "2"]


def test_what_waits_together_is_taken_in_the_order_of_the_vendors_time(handoff):
    for name, second in (("b", 2), ("c", 3), ("a", 1)):
        came(handoff, name, occurred_at=AT + timedelta(seconds=second))
    came(handoff, "no time")

    waiting = webhooks_waiting(handoff.pk)

    assert [item.item_id for _, item in waiting.items] == ["a", "b", "c", "no time"]
    assert waiting.look_again_seconds is None


@pytest.mark.django_db(transaction=True)
async def test_a_session_goes_on_behind_a_gap_without_being_woken():
    handoff = await run_sync(lambda: factories.handoff(state=State.ACTIVE))
    await run_sync(counted, handoff, 2)
    feed = WebhookFeed(await run_sync(factories.lease_of, handoff))

    begun = time.monotonic()
    async with asyncio.timeout(10):
        item = await anext(feed.items())

    assert item.item_id == "2"
    assert 1 < time.monotonic() - begun < 5
