"""The health of one integration: what became of its calls, why, what to do, and what is open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.celery import app
from handoffs.models import Delivery, Handoff
from handoffs.portal.health.calls import CLASSES_MS, calls_counted, percentile
from handoffs.portal.health.period import PERIODS
from handoffs.states import State
from integrations.connections.probe import EVERY_SECONDS
from integrations.models import Access, Integration, Project, VendorCall
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db
PAGE = "integration_health"
PLACE = ("sandbox", "salesforce_messaging")


@pytest.fixture
def row(project: Project) -> Integration:
    return factories.integration(project)


def call(row: Integration, *, at: datetime, **fields: Any) -> VendorCall:
    return VendorCall.objects.create(
        **{
            "integration": row,
            "operation": "message",
            "method": "POST",
            "path": "/conversation/1/message",
            "status": 202,
            "duration_ms": 80,
            "at": at,
            **fields,
        }
    )


def health(client: Client, project: Project, range_: str = "24h") -> str:
    """Return the page's text, without tags and with single blanks."""
    answer = client.get(reverse(PAGE, args=[project.public_id, *PLACE]), {"range": range_})
    assert answer.status_code == 200
    text = re.sub(r"<[^>]+>", " ", answer.content.decode().split("<main")[1])
    return unescape(re.sub(r"\s+", " ", text))


def test_calls_are_told_apart_as_answered_refused_and_not_reached(
    admin: Client, project: Project, row: Integration
) -> None:
    now = timezone.now()
    for minutes in (1, 20, 40):
        call(row, at=now - timedelta(minutes=minutes))
    call(row, at=now, status=401, error_code="invalid_auth", operation="access token")
    call(row, at=now, status=None, error_code="cannot_connect", duration_ms=4000)
    call(row, at=now, status=503, error_code="cannot_connect")
    call(row, at=now, status=401, is_expected=True, operation="reach")
    call(row, at=now, method="", error_code="unexpected_response", operation="remark")
    call(row, at=now - timedelta(days=3), status=400, error_code="rejected")

    page = health(admin, project)

    assert "7 calls to Salesforce Messaging in the last 24 hours" in page
    assert "1 refused by Salesforce Messaging, 2 not reached or broken there" in page
    assert "rejected" not in page
    assert "8 calls to Salesforce Messaging in the last 7 days" in health(admin, project, "7d")


def test_each_kind_of_error_has_its_number_cause_and_cure_and_an_example(
    admin: Client, project: Project, row: Integration
) -> None:
    handoff = factories.handoff(state=State.QUEUED, of_integration=row)
    now = timezone.now()
    for minutes in (5, 50):
        call(
            row,
            at=now - timedelta(minutes=minutes),
            status=401,
            error_code="invalid_auth",
            operation="access token",
            reference=handoff.pk,
        )

    url = reverse(PAGE, args=[project.public_id, *PLACE])
    page = admin.get(url).content.decode()
    trouble = page.split('data-code="invalid_auth"')[1].split("</article>")[0]
    text = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", trouble)))

    assert "access token: answered 401" in text
    assert "2 times" in text and "first 50" in text
    assert "Why: Salesforce Messaging refused the credentials." in text
    assert "Do this: Open Integrations, choose Fix on the tile" in text
    assert reverse("handoff", args=[project.public_id, handoff.pk]) in trouble


def test_a_call_for_a_text_message_is_no_example_of_a_handoff(
    admin: Client, project: Project, row: Integration
) -> None:
    now = timezone.now()
    for belongs_to in (str(uuid4()), ""):
        call(row, at=now, status=401, error_code="invalid_auth", reference=belongs_to)

    page = admin.get(reverse(PAGE, args=[project.public_id, *PLACE])).content.decode()

    trouble = page.split('data-code="invalid_auth"')[1].split("</article>")[0]
    assert "one example is" not in trouble


def test_a_handoff_that_nobody_took_shows_the_vendors_own_symptoms(
    admin: Client, project: Project, row: Integration
) -> None:
    handoff = factories.handoff(state=State.FAILED, of_integration=row)
    Handoff.objects.filter(pk=handoff.pk).update(error_code="wait_timeout")

    page = health(admin, project)

    assert "Handoffs that failed wait_timeout 1 time" in page
    assert "Omni-Channel" in page.split("wait_timeout")[1].split("Last success by operation")[0]


def test_streams_deliveries_and_what_was_heard_are_those_of_this_moment(
    admin: Client, project: Project, row: Integration
) -> None:
    handoff = factories.handoff(state=State.ACTIVE, of_integration=row)
    factories.apply(factories.lease_of(handoff), factories.spoke("Hello"))
    event = factories.said(handoff.conversation, "Are you there?")
    Delivery.objects.update_or_create(
        event=event, defaults={"handoff": handoff, "sequence": event.sequence}
    )

    page = health(admin, project)

    assert "1 handoff is open." in page
    assert f"{handoff.pk} With a live agent now test" in page
    assert "Waiting to be delivered 1" in page
    assert re.search(r"LiveAgentMessage 1 now", page)


def test_an_integration_without_calls_says_so_and_what_makes_some(
    admin: Client, project: Project, row: Integration
) -> None:
    page = health(admin, project, "1h")

    assert "No call to Salesforce Messaging in the last 1 hour." in page
    assert "A handoff, or Test connection , makes some." in page


@pytest.mark.parametrize(
    ("minutes", "failed", "words"),
    [
        (4, 0, "passed 4 min ago; again within 13 min"),
        (4, 2, "failed 2 times in a row 4 min ago; again within 13 min"),
        (30, 0, "passed 30 min ago; overdue: does beat run"),
    ],
)
def test_the_checks_say_what_they_brought_and_when_they_are_run_again(
    admin: Client, project: Project, row: Integration, minutes: int, failed: int, words: str
) -> None:
    moment = timezone.now() - timedelta(minutes=minutes)
    Integration.objects.filter(pk=row.pk).update(probed_at=moment, failed_probes=failed)

    page = health(admin, project, "1h")

    assert f"Checks {words}" in page
    has_passed = f"in the last 1 hour; the checks passed {minutes} min ago." in page
    assert has_passed == (not failed)


def test_checks_that_have_not_been_run_say_how_often_they_are_and_a_disabled_one_has_none(
    admin: Client, project: Project, row: Integration
) -> None:
    assert "Checks none yet; they run every 15 min" in health(admin, project)
    assert app.conf.beat_schedule["probe"]["schedule"] == EVERY_SECONDS

    Integration.objects.filter(pk=row.pk).update(status=Integration.Status.DISABLED)

    assert "Checks not repeated while it is disabled" in health(admin, project)


def test_needs_attention_stands_on_top_since_when_it_does(
    admin: Client, project: Project, row: Integration
) -> None:
    Integration.objects.filter(pk=row.pk).update(
        status=Integration.Status.NEEDS_ATTENTION,
        last_error_message="Salesforce refused the token.",
        last_error_at=timezone.now() - timedelta(minutes=130),
    )

    page = health(admin, project)

    assert "Needs attention for 2 h 10 min: Salesforce refused the token." in page


@pytest.mark.parametrize("key", PERIODS)
def test_a_chart_has_every_step_of_its_period_and_each_call_in_its_own(
    project: Project, row: Integration, key: str
) -> None:
    period, now = PERIODS[key], timezone.now()
    moments = list(period.steps(now))
    for moment in moments:
        call(row, at=moment)
    call(row, at=moments[0] - timedelta(seconds=1))

    steps = calls_counted(row, period, now).steps

    assert [*steps] == moments
    assert [step.calls for step in steps.values()] == [1] * len(moments)
    assert len(moments) == period.length / period.step
    assert moments[-1] <= now < moments[-1] + period.step


def test_a_broken_stream_is_no_slow_call(project: Project, row: Integration) -> None:
    now = timezone.now()
    call(row, at=now, status=200, error_code="cannot_connect", duration_ms=900_000)

    [*_, last] = calls_counted(row, PERIODS["1h"], now).steps.values()

    assert (last.broken_streams, last.calls, sum(last.classes)) == (1, 0, 0)


def test_durations_are_read_off_their_classes() -> None:
    classes = [0] * (len(CLASSES_MS) + 1)
    classes[1], classes[5] = 95, 5

    assert percentile(classes, 0.5) in range(25, 51)
    assert percentile(classes, 0.97) in range(400, 801)
    assert percentile([0] * len(classes), 0.5) is None


def test_the_tile_and_the_page_of_the_integration_lead_there(
    admin: Client, project: Project, row: Integration
) -> None:
    url = reverse(PAGE, args=[project.public_id, *PLACE])

    tiles = admin.get(reverse("integrations", args=[project.public_id])).content.decode()
    page = admin.get(reverse("integration", args=[project.public_id, *PLACE])).content.decode()

    assert f'href="{url}"' in tiles
    assert f'href="{url}"' in page


def test_who_may_not_read_integrations_has_no_health(project: Project, row: Integration) -> None:
    client = client_with(project, conversations=Access.EDIT)

    answer = client.get(reverse(PAGE, args=[project.public_id, *PLACE]))

    assert answer.status_code == 403


@pytest.fixture
def _no_scan() -> Iterator[None]:
    """Leave a table's scan as the last resort, as it is in a large table."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    yield


@pytest.mark.usefixtures("_no_scan")
def test_the_page_asks_by_indexes_as_often_for_many_calls_as_for_none(
    admin: Client, project: Project, row: Integration
) -> None:
    url = reverse(PAGE, args=[project.public_id, *PLACE])
    admin.get(url)
    cache.clear()
    with CaptureQueriesContext(connection) as few:
        admin.get(url)
    for number in range(30):
        call(row, at=timezone.now(), status=400 + number % 5, error_code="rejected")
        factories.handoff(state=State.QUEUED, of_integration=row)
    cache.clear()
    with CaptureQueriesContext(connection) as many:
        admin.get(url)

    assert len(many) == len(few) <= 11
    scans = []
    for query in many:
        if query["sql"].startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {query['sql']}")
                plan = "\n".join(line for (line,) in cursor.fetchall())
            scans += re.findall(r"Seq Scan on (handoffs_\w+|integrations_vendorcall)", plan)
    assert scans == []
