"""Analytics: page, file and REST say what a tally by hand says, over a change of clocks."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import Conversation, HandoffFact, Survey
from handoffs.models import Handoff
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.facts import facts_write
from handoffs.portal.conversations.search_fill import search_catch_up
from integrations.models import ApiKey, Area, AuditEntry, Project
from tests import factories
from tests.members import client_of_admin, client_with

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
# The clocks went back on the 25th of October: that day had 25 hours.
FIRST = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
ASKED = {
    "from": "2026-10-24",
    "to": "2026-10-27",
    "tz": "Europe/Berlin",
    "environment": "sandbox",
}
# State, how it ended, and whether a live agent joined.
KINDS: tuple[tuple[str, dict[str, str], bool], ...] = (
    ("answered", {"state": "ended", "end_reason": "live_agent_ended"}, True),
    ("answered", {"state": "failed", "error_code": "listener_lost"}, True),
    ("abandoned", {"state": "ended", "end_reason": "cancelled"}, False),
    ("timed_out", {"state": "failed", "error_code": "wait_timeout"}, False),
    ("failed", {"state": "failed", "error_code": "cannot_connect"}, False),
    ("nobody_there", {"state": "failed", "error_code": "no_live_agents"}, False),
)


class Tally:
    """Sixty handoffs over three days, and what they come to when they are counted by hand."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.outcomes: Counter[str] = Counter()
        self.days: Counter[tuple[str, str]] = Counter()
        self.reasons: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.waits: list[int] = []
        handoffs = [self._one(made, n) for n, made in enumerate(_conversations(project))]
        Handoff.objects.bulk_create(handoffs)
        search_catch_up(before=facts_write)

    def _one(self, made: Conversation, number: int) -> Handoff:
        outcome, fields, joined = KINDS[number % 6]
        at = FIRST + timedelta(minutes=73 * number)
        wait = 7 + (number * 37) % 200
        reason = ("billing", "delivery", "")[number % 3]
        made_one = Handoff(
            project=self.project,
            conversation=made,
            environment="sandbox",
            integration_key="zendesk_integration" if number % 2 else "genesys_integration",
            tool_call_id="t",
            routing={},
            reason=reason,
            topic=f"Topic {number % 25}",
            requested_at=at,
            accepted_at=at + timedelta(seconds=1) if fields["state"] == "ended" else None,
            joined_at=at + timedelta(seconds=wait) if joined else None,
            ended_at=at + timedelta(seconds=wait + 60),
            **fields,
        )
        self.outcomes[outcome] += 1
        self.days[at.astimezone(BERLIN).date().isoformat(), outcome] += 1
        self.reasons[reason] += 1
        if fields.get("error_code"):
            self.codes[fields["error_code"]] += 1
        if joined:
            self.waits.append(wait * 1000)
        return made_one

    def rank(self, share: float) -> int:
        return sorted(self.waits)[math.ceil(share * len(self.waits)) - 1]


def _conversations(project: Project) -> list[Conversation]:
    first = factories.conversation(factories.channel(project))
    rows = [
        Conversation(
            project=project,
            channel=first.channel,
            end_user=first.end_user,
            environment="sandbox",
            state="ended",
            token_family=first.token_family,
        )
        for _ in range(60)
    ]
    return Conversation.objects.bulk_create(rows)


def tables(answer: Any) -> dict[str, list[list[Any]]]:
    """Return the figures of a page by name, row by row."""
    found = {one["figure"].name: one["figure"] for one in answer.context["figures"]}
    return {name: [list(row) for row in figure.rows] for name, figure in found.items()}


def page(client: Client, project: Project, tab: str = "", **asked: str) -> Any:
    name = "analytics_tab" if tab else "analytics"
    given = [project.public_id, tab] if tab else [project.public_id]
    answer = client.get(reverse(name, args=given), {**ASKED, **asked})
    assert answer.status_code == 200
    return answer


def file_of(client: Client, project: Project, figure: str, **asked: str) -> list[list[str]]:
    url = reverse("analytics_export", args=[project.public_id])
    answer = client.get(url, {**ASKED, "figure": figure, "format": "csv", **asked})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))[1:]


def rest(project: Project, subject: str) -> dict[str, list[list[Any]]]:
    key = factories.api_key(project, ApiKey.Permission.CONVERSATIONS)[1]
    path = f"/v1/accounts/{project.workspace.slug}/projects/{project.slug}/analytics/{subject}"
    asked = {**ASKED, "client_env": "sandbox"}
    answer = Client().get(path, asked, headers={"x-api-key": key})
    return {figure["name"]: figure["rows"] for figure in answer.json()["figures"]}


def test_page_file_and_rest_equal_a_tally_by_hand(admin, project):
    tally = Tally(project)

    overview, waiting = tables(page(admin, project)), tables(page(admin, project, "waiting"))
    why, broken = tables(page(admin, project, "why")), tables(page(admin, project, "failures"))

    labels = {"Answered": 20, "Abandoned": 10, "Timed out": 10, "Nobody there": 10, "Failed": 10}
    assert {row[0]: row[1] for row in overview["outcomes"]} == labels
    assert sum(tally.outcomes.values()) == sum(labels.values())
    by_day = {row[0]: sum(row[1:]) for row in overview["by_day"]}
    assert by_day == {
        day: sum(n for (of, _), n in tally.days.items() if of == day) for day in by_day
    }
    assert sum(by_day.values()) == 60
    assert dict(overview["summary"])["Answer rate"] == "66.7 %"
    assert waiting["times"][0][4:] == [tally.rank(0.5), tally.rank(0.9)]
    assert waiting["times"][1][4:] == [60_000, 60_000]
    assert sum(n for row in waiting["hours"] for n in row[1:]) == 60
    assert {row[0]: row[1] for row in why["reason"]} == {
        reason or "None given": n for reason, n in tally.reasons.items()
    }
    assert [row[1] for row in why["vendor"]] == [30, 30]
    assert len(why["topic"]) == 21 and sum(row[1] for row in why["topic"]) == 60
    assert why["topic"][-1][0] == "Others (5)"
    assert {row[0]: row[2] for row in broken["codes"]} == tally.codes
    for subject, found in (("overview", overview), ("waiting", waiting), ("why", why)):
        assert rest(project, subject) == found
    for name, found in {**overview, **waiting, **why, **broken}.items():
        as_text = [["" if value is None else str(value) for value in row] for row in found]
        assert file_of(admin, project, name) == as_text, name


def test_the_rows_that_are_exported_are_those_that_are_counted(admin, project):
    Tally(project)

    rows = file_of(admin, project, "rows", outcome="timed_out")

    assert len(rows) == 10
    assert {row[12] for row in rows} == {"timed_out"}
    assert AuditEntry.objects.filter(action="analytics.exported").count() == 1


def test_a_figure_leads_to_the_list_with_as_many_rows(admin, project):
    Tally(project)

    shown = page(admin, project, "why", tz="UTC").context["figures"]
    linked = [(row["href"], row["cells"][0][0]) for one in shown for row in one["rows"]]
    reasons = [(href, n) for href, n in linked if "reason=" in href]

    assert reasons
    for href, n in reasons:
        assert admin.get(href).context["count"].number == n


def test_ratings_of_the_two_stand_apart_and_containment_counts_who_needed_nobody(admin, project):
    channel = factories.channel(project)
    for number in range(6):
        made = factories.conversation(channel)
        factories.said(made, "Hello")
        Conversation.objects.filter(pk=made.pk).update(state="ended", started_at=FIRST)
        scores = {"bot_score": 4 if number < 2 else None, "live_agent_score": number or None}
        Survey.objects.create(
            conversation=made, subject="both", deadline_at=FIRST, answered_at=FIRST, **scores
        )
        if number == 0:
            factories_handoff(made)
    search_catch_up(before=facts_write)

    found = tables(page(admin, project, "quality"))

    assert dict(found["containment"]) == {"Contained": 5, "All": 6}
    assert found["ratings_ai_agent"] == [["1", 0], ["2", 0], ["3", 0], ["4", 2], ["5", 0]]
    assert found["ratings_live_agent"] == [[str(n), 1] for n in range(1, 6)]


def factories_handoff(made: Conversation) -> None:
    Handoff.objects.create(
        project=made.project,
        conversation=made,
        environment="sandbox",
        tool_call_id="t",
        routing={},
        state="ended",
        end_reason="cancelled",
        requested_at=FIRST,
        ended_at=FIRST,
    )


def test_figures_stay_when_the_conversations_are_gone(admin, project):
    Tally(project)
    before = tables(page(admin, project))
    Conversation.objects.filter(project=project).delete()

    assert tables(page(admin, project)) == before


def test_facts_name_nobody_and_are_written_once(project):
    Tally(project)
    ids = list(Conversation.objects.values_list("pk", flat=True))
    facts_write(ids)

    assert HandoffFact.objects.count() == 60
    names = {field.name for field in HandoffFact._meta.fields}
    assert not names & {"agent_name", "end_user", "text", "utterance"}


def test_few_values_have_no_percentiles_and_none_has_words(admin, project):
    for tab in ("", "waiting", "why", "quality", "failures"):
        text = page(admin, project, tab).content.decode()
        assert "Nothing in these days." in text or "—" in text


def test_a_day_of_25_hours_is_one_day(project):
    scope = Scope.read(project, {**ASKED, "from": "2026-10-25", "to": "2026-10-25"})
    start, end = scope.bounds

    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=25)


@pytest.mark.parametrize(
    "asked",
    [
        {"tz": "Nowhere/Land"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"from": "2027-01-01", "to": "2026-01-01"},
        {"period": "x", "environment": "x", "outcome": "x"},
    ],
)
def test_whatever_is_asked_a_page_answers(admin, project, asked):
    assert page(admin, project, **asked).context["scope"].given["tz"] in ("UTC", ASKED["tz"])


def test_analytics_has_a_right_of_its_own(project):
    url = reverse("analytics", args=[project.public_id])

    assert client_with(project, **{Area.ANALYTICS: 1}).get(url).status_code == 200
    assert client_with(project, **{Area.CONVERSATIONS: 1}).get(url).status_code == 403
    assert client_of_admin(factories.project()).get(url).status_code == 404


def test_a_chart_is_a_picture_with_its_numbers_beneath(admin, project):
    Tally(project)

    text = page(admin, project).content.decode()

    assert '<svg class="chart"' in text and 'role="img"' in text
    assert "<script>" not in text and "style=" not in text
