"""Stored webhooks say since when none was missed, and a session that moved asks for the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from handoffs.lifecycle.locking import Lease
from handoffs.models import StoredWebhook, VendorKey
from handoffs.receiving.inbox import MAX_ATTEMPTS, CallsTaken, webhooks_waiting
from handoffs.receiving.webhooks import SLOW_SECONDS
from handoffs.relay.leases import worker_stop
from handoffs.relay.webhook_feed import WebhookFeed
from handoffs.states import State
from integrations.contract.connector import WebhookItem
from integrations.contract.errors import CannotConnectError
from integrations.models import Project
from tests import factories
from tests.handoffs.test_vendor_webhooks import (
    Send,
    database_away,
    events_url,
    genesys,
    genesys_signed,
    said,
    send,  # noqa: F401 - a fixture
    zendesk,
)

pytestmark = pytest.mark.django_db


def missed_until(item_id_part: str) -> datetime:
    row = StoredWebhook.objects.get(item_id__startswith=item_id_part)
    assert row.missed_until is not None
    return row.missed_until


# ---- the mark ----


def test_process_knows_nothing_of_the_time_before_its_first_call():
    calls, begun = CallsTaken(), timezone.now()

    first, second = calls.missed_until(), calls.missed_until()

    assert begun <= first <= timezone.now()
    assert second == first


def test_each_call_that_was_not_taken_moves_the_moment():
    calls = CallsTaken()
    first = calls.missed_until()

    calls.note_missed()

    assert first < calls.missed_until() <= timezone.now()


def test_items_after_a_call_that_could_not_be_stored_say_so(
    send: Send,  # noqa: F811 - the fixture
    project: Project,
):
    row = genesys(project)
    url, one, two, three = events_url(row), said(), said(id="two"), said(id="three")
    send(url, one, genesys_signed(one))
    with database_away("INSERT"):
        before = timezone.now()
        lost = send(url, two, genesys_signed(two))
        after = timezone.now()

    send(url, three, genesys_signed(three))

    assert lost.status_code == 503
    assert missed_until("0f9d") < before <= missed_until("three") <= after


def test_items_after_a_connection_could_not_be_looked_up_say_so(
    send: Send,  # noqa: F811 - the fixture
    project: Project,
):
    url, raw = events_url(genesys(project)), said()
    with database_away("SELECT"):
        before = timezone.now()
        send(url, raw, genesys_signed(raw))

    send(url, raw, genesys_signed(raw))

    assert missed_until("0f9d") >= before


def test_items_of_calls_that_had_to_wait_for_the_database_say_so(
    send: Send,  # noqa: F811 - the fixture
    project: Project,
):
    url, one, two = events_url(genesys(project)), said(), said(id="two")
    send(url, one, genesys_signed(one))
    begun = timezone.now()

    with database_slow():
        send(url, two, genesys_signed(two))

    assert missed_until("0f9d") < begun < missed_until("two")


@pytest.mark.parametrize("project_id", ["%00", "y", "%ED%A0%80", "x" * 3000])
def test_stranger_cannot_make_anybody_believe_that_calls_were_missed(
    send: Send,  # noqa: F811 - the fixture
    project: Project,
    project_id: str,
):
    url, one, two = events_url(genesys(project)), said(), said(id="two")
    send(url, one, genesys_signed(one))

    for vendor in ("x", "genesys"):
        with database_slow():
            send(f"/handoff/webhooks/{vendor}/{project_id}/y/sandbox/events", b"{}", {})
            send(url, two, {})
    send(url, two, genesys_signed(two))

    assert missed_until("0f9d") == missed_until("two")


@contextmanager
def database_slow() -> Iterator[None]:
    """Let the first statement wait as it does for a server that hangs."""
    waits = [SLOW_SECONDS + 0.05]

    def hanging(execute: Any, *call: Any) -> Any:
        while waits:
            time.sleep(waits.pop())
        return execute(*call)

    with connection.execute_wrapper(hanging):
        yield


def test_mark_reaches_the_connector(send: Send, project: Project):  # noqa: F811 - the fixture
    handoff = factories.handoff(state=State.QUEUED)
    row, raw = genesys(project), said()
    VendorKey.objects.create(integration=row, key="HOF-1", handoff=handoff)

    send(events_url(row), raw, genesys_signed(raw))

    [(_, item)] = webhooks_waiting(handoff.pk).items
    assert item.missed_until == missed_until("0f9d")


# ---- a session that another worker goes on with ----


async def items(feed: WebhookFeed, count: int) -> list[WebhookItem]:
    """Take so many items, each applied before the next."""
    found = []
    source = feed.items()
    while len(found) < count:
        found.append(await anext(source))
        await feed.done()
    await source.aclose()
    return found


def served(of_vendor: str) -> Lease:
    """Return the lease under which a worker opened the conversation, with an item that waits."""
    make = {"genesys": genesys, "zendesk": zendesk}[of_vendor]
    row = make(factories.project())
    handoff = factories.handoff(state=State.QUEUED)
    handoff.integration = row
    handoff.save()
    VendorKey.objects.create(integration=row, key="cv-1", handoff=handoff)
    StoredWebhook.objects.create(integration=row, item_id="events:1", key="cv-1", body={"id": "1"})
    return factories.lease_of(handoff)


def taken_over(lease: Lease) -> Lease:
    """Let another worker claim the handoff."""
    worker_stop(lease.worker_id)
    return factories.claim(factories.Handoff.objects.get(pk=lease.handoff_id))


@pytest.mark.django_db(transaction=True)
async def test_worker_that_goes_on_with_a_session_asks_for_what_was_missed_first():
    lease = await run_sync(lambda: taken_over(served("zendesk")))
    begun = timezone.now()

    asked, waiting = await items(WebhookFeed(lease), 2)

    assert asked.body == {}
    assert asked.missed_until is not None
    assert begun - timedelta(seconds=1) < asked.missed_until
    assert (waiting.item_id, waiting.body) == ("events:1", {"id": "1"})


@pytest.mark.django_db(transaction=True)
async def test_worker_that_opened_the_conversation_has_nothing_to_ask_for():
    lease = await run_sync(lambda: served("zendesk"))

    [first] = await items(WebhookFeed(lease), 1)

    assert first.item_id == "events:1"


@pytest.mark.django_db(transaction=True)
async def test_vendor_that_listens_for_what_was_missed_is_not_asked():
    lease = await run_sync(lambda: taken_over(served("genesys")))

    [first] = await items(WebhookFeed(lease), 1)

    assert first.item_id == "events:1"


@pytest.mark.django_db(transaction=True)
async def test_question_is_repeated_until_it_is_answered_or_given_up():
    lease = await run_sync(lambda: taken_over(served("zendesk")))
    feed = WebhookFeed(lease)
    source = feed.items()
    first = await anext(source)
    await feed.failed(CannotConnectError())
    feed.wake()
    again = await anext(source)

    for _ in range(MAX_ATTEMPTS):
        await feed.failed(CannotConnectError())
    after = await anext(source)
    await source.aclose()

    assert [first.body, again.body, after.item_id] == [{}, {}, "events:1"]


@pytest.mark.django_db(transaction=True)
async def test_after_a_silence_a_vendor_whose_calls_may_be_lost_is_asked_again_and_again():
    lease = await run_sync(lambda: served("zendesk"))
    feed, found = WebhookFeed(lease), []

    async for item in feed.items(silence_seconds=0.05):
        found.append(item)
        await feed.done()
        if len(found) == 3:
            break

    assert [item.body for item in found] == [{"id": "1"}, {}, {}]
