"""What pages cost: statements within the targets that the bench prints, and plans with an index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from handoffs.models import Handoff
from integrations.models import Project
from tests import factories
from tests.bench.page_targets import PAGES
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db


# Of the statement by which the menu counts: its answer is kept for some seconds, for all pages.
MENU = "open_handoffs"


class Filled:
    """A project with something on every page, and its admin."""

    def __init__(self) -> None:
        integration = factories.integration()
        self.project: Project = integration.project
        self.client = client_of_admin(self.project)
        ended = [factories.handoff(of_integration=integration) for _ in range(3)]
        self.handoff, self.conversation = ended[0].pk, ended[0].conversation_id
        now = timezone.now()
        Handoff.objects.filter(pk__in=[one.pk for one in ended[:2]]).update(
            state="ended", ended_at=now, joined_at=now - timedelta(minutes=1)
        )
        for text in ("Hello", "Where is my parcel?"):
            factories.said(ended[0].conversation, text)

    def path(self, template: str) -> str:
        return template.format(
            project=self.project.public_id,
            conversation=self.conversation,
            handoff=self.handoff,
            admin=settings.ADMIN_PATH,
        )


@pytest.fixture
def filled() -> Filled:
    return Filled()


def statements(client: Client, path: str) -> list[str]:
    """Return what a second visit reads; the first one is written down, once an hour."""
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = client.get(path)
    assert answer.status_code == 200, path
    found = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in found if MENU not in sql]


def test_every_page_keeps_to_its_statements(filled):
    over = {}
    for name, page in PAGES.items():
        if not page.path or name == "Admin list":
            continue
        found = statements(filled.client, filled.path(page.path))
        if len(found) > page.statements:
            over[name] = found
    report = "\n\n".join(
        f"{name}: {len(found)} instead of {PAGES[name].statements}\n" + "\n".join(found)
        for name, found in over.items()
    )
    assert not over, report


# With these off the planner reads a table from end to end only where no index serves: what it
# would do with a large table is seen with a small one.
UNPLANNED = ("SET LOCAL enable_seqscan = off", "SET LOCAL enable_bitmapscan = on")
LARGE = (
    *(
        "handoffs_handoff",
        "handoffs_delivery",
        "handoffs_vendorevent",
        "handoffs_handofftransition",
    ),
    *("conversations_conversation", "conversations_event", "conversations_conversationsearch"),
    *("conversations_handofffact", "conversations_conversationfact", "conversations_daytotal"),
    "conversations_logentry",
)
LISTS = (
    *("Conversations", "Conversations, text", "Conversations, nothing found", "Handoffs"),
    *("Handoffs, failed", "Handoffs, text", "Live", "Audit", "Environments"),
    *(name for name in PAGES if name.startswith("Analytics")),
    "Timeline, 300 moments",
)


@pytest.mark.parametrize("name", LISTS)
def test_no_list_reads_a_large_table_from_end_to_end(filled, name):
    reads = statements(filled.client, filled.path(PAGES[name].path))

    scanned = {scan for sql in reads if sql.startswith("SELECT") for scan in scans(sql)}

    assert not scanned & set(LARGE)


def scans(sql: str) -> Iterator[str]:
    """Return the tables that a plan reads without an index."""
    with connection.cursor() as cursor:
        for setting in UNPLANNED:
            cursor.execute(setting)
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}".replace("%", "%%"), [])
        found = cursor.fetchone()[0]
    plan = json.loads(found) if isinstance(found, str) else found
    yield from _scanned(plan[0]["Plan"])


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _scanned(child)


def test_the_plans_would_show_a_table_that_is_read_from_end_to_end(filled):
    assert list(scans("SELECT 1 FROM handoffs_handoff WHERE error_detail = 'x'")) == [
        "handoffs_handoff"
    ]
