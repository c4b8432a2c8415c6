"""Analytics: facts and daily totals come to what this file counts by itself, in every zone."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation, ConversationFact, DayTotal, HandoffFact
from handoffs.models import Handoff
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.facts import facts_write
from handoffs.portal.analytics.figures import TABS
from handoffs.portal.analytics.totals.clock import totals_catch_up, totals_renew
from handoffs.portal.conversations.search_fill import search_catch_up
from integrations.models import Project
from tests import factories
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db
# Zones whose offsets are no whole hours, and which change their clocks on different days.
ZONES = ("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")
LAST = date(2026, 10, 31)
# 31 days are counted from facts, 240 are read from totals; both have days of other than 24 hours.
RANGES = (31, 240)
OUTCOMES = ("answered", "abandoned", "short_abandoned", "timed_out", "failed", "refused")
TARGET = 45


class Made:
    """Handoffs and conversations at random, and what they come to."""

    def __init__(self, project: Project, zone: str, seed: int) -> None:
        self.chance, self.zone = random.Random(seed), ZoneInfo(zone)
        self.days = [LAST - timedelta(days=self.chance.randrange(260)) for _ in range(16)]
        self.days += [date(2026, 10, 25), date(2026, 3, 29), date(2026, 10, 4)]
        self.handoffs = [self._handoff(project, n) for n in range(160)]
        self.talks = [self._talk(project, n) for n in range(120)]
        HandoffFact.objects.bulk_create(self.handoffs)
        ConversationFact.objects.bulk_create(self.talks)

    def _at(self) -> datetime:
        """Return a moment of one of its days; on three of them clocks change somewhere."""
        day = self.chance.choice(self.days)
        start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=14)
        return start + timedelta(seconds=self.chance.randrange(40 * 3600))

    def _handoff(self, project: Project, number: int) -> HandoffFact:
        outcome = self.chance.choice(OUTCOMES)
        is_answered = outcome == "answered"
        wait = int(self.chance.lognormvariate(10.5, 2))
        return HandoffFact(
            handoff_key=f"HOF-{number}",
            conversation_key=f"CONV-{number}",
            project=project,
            environment="live",
            vendor=self.chance.choice(["zendesk_integration", "genesys_integration"]),
            reason=self.chance.choice(["billing", "delivery", ""]),
            topic=f"Topic {self.chance.randrange(30)}",
            outcome=outcome,
            error_code="cannot_connect" if outcome in ("failed", "refused") else "",
            is_queued=outcome not in ("refused", "failed"),
            requested_at=self._at(),
            wait_ms=wait if is_answered else None,
            handle_ms=int(self.chance.lognormvariate(12, 2)) if is_answered else None,
            total_ms=int(self.chance.lognormvariate(11, 1)),
        )

    def _talk(self, project: Project, number: int) -> ConversationFact:
        at = self._at()
        ended = at + timedelta(minutes=5)
        back = self.chance.choice([None, 0.5, 5, 30, 150])
        return ConversationFact(
            conversation_key=f"CONV-{number}",
            project=project,
            environment="live",
            started_at=at,
            ended_at=ended,
            next_started_at=None if back is None else ended + timedelta(hours=back),
            is_known=self.chance.random() < 0.5,
            has_words=self.chance.random() < 0.9,
            has_answer=self.chance.random() < 0.9,
            handoffs=self.chance.choice([0, 0, 1, 2]),
            is_asked=True,
            rating_ai_agent=self.chance.choice([None, 1, 3, 5]),
            rating_live_agent=self.chance.choice([None, 2, 4]),
        )

    def within(self, days: int) -> tuple[list[HandoffFact], list[ConversationFact]]:
        first = LAST - timedelta(days=days - 1)
        return (
            [one for one in self.handoffs if first <= self.day(one.requested_at) <= LAST],
            [one for one in self.talks if first <= self.day(one.started_at) <= LAST],
        )

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


def stepped(milliseconds: int, days: int) -> int:
    """Round down as the page says it does over more than 92 days."""
    if days <= 92:
        return milliseconds
    seconds = milliseconds // 1000
    for below, step in ((120, 1), (600, 5), (3600, 30), (43200, 300), (math.inf, 3600)):
        if seconds < below:
            return seconds // step * step * 1000
    raise AssertionError


def rank(values: list[int], share: float, days: int) -> int | None:
    if len(values) < 5:
        return None
    return stepped(sorted(values)[math.ceil(share * len(values)) - 1], days)


def figures(project: Project, zone: str, days: int) -> dict[str, list[list[Any]]]:
    asked = {"tz": zone, "from": str(LAST - timedelta(days=days - 1)), "to": str(LAST)}
    scope = Scope.read(project, asked)
    found = [figure for tab in TABS.values() for figure in tab.read(scope)]
    return {figure.name: [list(row) for row in figure.rows] for figure in found}


def tallied(made: Made, days: int) -> dict[str, Any]:
    """Count by plain arithmetic what some of the figures say."""
    all_, talks = made.within(days)
    counted = [one for one in all_ if one.outcome != "refused"]
    answered = [one for one in counted if one.outcome == "answered"]
    left = [one.total_ms for one in counted if one.outcome == "abandoned"]
    queued = [one for one in counted if one.is_queued and one.outcome != "short_abandoned"]
    waits, handled = [one.wait_ms for one in answered], [one.handle_ms for one in answered]
    both = [one for one in talks if one.has_words and one.has_answer]
    known = [one for one in talks if one.is_known and not one.handoffs]
    times = [
        [len(values), rank(values, 0.5, days), rank(values, 0.9, days)]
        for values in (waits, handled, left)
    ]
    by_day: Counter[str] = Counter(str(made.day(one.requested_at)) for one in counted)
    hours: Counter[tuple[int, int]] = Counter()
    for one in counted:
        local = one.requested_at.astimezone(made.zone)
        hours[local.isoweekday(), local.hour] += 1
    return {
        "handoffs": len(counted),
        "by_day": by_day,
        "hours": hours,
        "times": times,
        "level": [sum(one.wait_ms <= TARGET * 1000 for one in answered), len(queued)],
        "bins": [
            sum(low * 1000 <= value < high * 1000 for value in waits)
            for low, high in zip(
                (0, 5, 15, 30, 60, 120, 300, 600, 1800),
                (5, 15, 30, 60, 120, 300, 600, 1800, math.inf),
                strict=True,
            )
        ],
        "vendors": Counter(one.vendor for one in counted),
        "contained": [sum(not one.handoffs for one in both), len(both)],
        "ai": [sum(one.rating_ai_agent == star for one in talks) for star in range(1, 6)],
        "live": [sum(one.rating_live_agent == star for one in talks) for star in range(1, 6)],
        "returned": [sum(_back(one) <= hours for one in known) for hours in (1, 24, 168)],
        "known": len(known),
        "codes": sum(one.outcome == "failed" for one in all_),
        "refused": sum(one.outcome == "refused" for one in all_),
    }


def _back(one: ConversationFact) -> float:
    if one.next_started_at is None or one.ended_at is None:
        return math.inf
    return (one.next_started_at - one.ended_at).total_seconds() / 3600


def shown(found: dict[str, list[list[Any]]]) -> dict[str, Any]:
    """Take the same out of the figures."""
    by_day = {row[0]: sum(row[1:]) for row in found["by_day"]}
    times = {row[0]: [row[1], *row[4:]] for row in found["times"]}
    return {
        "handoffs": sum(row[1] for row in found["outcomes"]),
        "by_day": Counter({day: n for day, n in by_day.items() if n}),
        "hours": Counter(
            {
                (weekday, hour): n
                for weekday, row in enumerate(found["hours"], start=1)
                for hour, n in enumerate(row[1:])
                if n
            }
        ),
        "times": [
            times[name] for name in ("Wait", "Time with a live agent", "Wait until giving up")
        ],
        "level": [row[1] for row in found["service_level"]],
        "bins": [row[1] for row in found["wait_bins"]],
        "vendors": Counter(
            {f"{row[0].split()[0].lower()}_integration": row[1] for row in found["vendor"]}
        ),
        "contained": [row[1] for row in found["containment"]],
        "ai": [row[1] for row in found["ratings_ai_agent"]],
        "live": [row[1] for row in found["ratings_live_agent"]],
        "returned": [found["returns"][0][at] for at in (1, 4, 7)],
        "known": found["returns"][0][2],
        "codes": sum(row[2] for row in found["codes"]),
        "refused": sum(row[2] for row in found["refused"]),
    }


@given(zone=st.sampled_from(ZONES), seed=st.integers(0, 10**6))
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_facts_and_totals_equal_a_tally_by_hand(db, zone, seed):
    project = factories.project()
    Project.objects.filter(pk=project.pk).update(time_zone=zone, service_level_seconds=TARGET)
    HandoffFact.objects.all().delete()
    ConversationFact.objects.all().delete()
    made = Made(project, zone, seed)
    totals_catch_up(seconds=60)
    project.refresh_from_db()

    for days in RANGES:
        assert shown(figures(project, zone, days)) == tallied(made, days), (days, zone)
    HandoffFact.objects.all().delete()
    ConversationFact.objects.all().delete()
    whole = shown(figures(project, zone, RANGES[1]))
    assert whole == tallied(made, RANGES[1]), "a long range is read from its days alone"


def test_totals_of_a_year_are_read_in_one_statement_for_a_tab(
    project, django_assert_max_num_queries
):
    Made(project, "UTC", 1)
    totals_catch_up(seconds=60)
    project.refresh_from_db()

    scope = Scope.read(project, {"period": "365d"})
    for tab in TABS.values():
        with django_assert_max_num_queries(1):
            tab.read(scope)


def test_a_day_is_counted_again_when_something_of_it_has_changed(project):
    made = _ended_handoff(project)
    search_catch_up(before=facts_write)
    totals_catch_up()
    row = DayTotal.objects.get(environment="live")
    assert (row.overview["outcomes"], row.is_due) == ({"answered": 1}, False)

    Handoff.objects.filter(pk=made.pk).update(joined_at=None, end_reason="cancelled")
    facts_write([made.conversation_id])
    totals_catch_up()

    row.refresh_from_db()
    assert row.overview["outcomes"] == {"abandoned": 1}


def test_totals_stay_when_the_conversation_is_deleted_and_name_nobody(project):
    made = _ended_handoff(project)
    search_catch_up(before=facts_write)
    totals_catch_up()
    Conversation.objects.all().delete()

    row = DayTotal.objects.get(environment="live")
    assert row.overview["outcomes"] == {"answered": 1}
    kept = str({name: getattr(row, name) for name in TABS})
    assert made.pk not in kept and made.conversation_id not in kept and "Noor" not in kept


def test_another_time_zone_or_target_makes_all_totals_anew(project):
    Made(project, "UTC", 2)
    totals_catch_up(seconds=60)
    before = set(DayTotal.objects.values_list("pk", flat=True))
    Project.objects.filter(pk=project.pk).update(time_zone="Asia/Kathmandu")
    project.refresh_from_db()
    assert shown(figures(project, "Asia/Kathmandu", 240)), "facts are counted until they are made"

    totals_catch_up(seconds=60)

    assert not before & set(DayTotal.objects.values_list("pk", flat=True))
    assert not DayTotal.objects.filter(is_due=True).exists()


def test_a_day_of_last_week_is_counted_again_for_those_who_came_back(project):
    _ended_handoff(project)
    search_catch_up(before=facts_write)
    totals_catch_up()

    assert totals_renew(timezone.now() + timedelta(hours=1)) == 0
    assert totals_renew(timezone.now() + timedelta(hours=7)) == 2
    assert totals_renew(timezone.now() + timedelta(days=12)) == 0


def test_who_is_known_and_begins_again_has_come_back(project):
    channel = factories.channel(project)
    first, second = (factories.conversation(channel, state="ended") for _ in range(2))
    person = first.end_user
    person.is_verified = True
    person.save(update_fields=["is_verified"])
    now = timezone.now()
    times = {
        first.pk: (now - timedelta(hours=50), now - timedelta(hours=49)),
        second.pk: (now - timedelta(hours=45), now - timedelta(hours=44)),
    }
    for pk, (start, end) in times.items():
        Conversation.objects.filter(pk=pk).update(
            end_user=person, started_at=start, ended_at=end, state="ended"
        )
    facts_write([first.pk])
    facts_write([second.pk])

    fact = ConversationFact.objects.get(pk=first.pk)
    assert (fact.is_known, fact.next_started_at) == (True, times[second.pk][0])
    Conversation.objects.filter(pk=second.pk).delete()
    facts_write([first.pk])
    assert ConversationFact.objects.get(pk=first.pk).next_started_at == times[second.pk][0]


def test_first_reply_and_messages_of_either_side_are_counted(project):
    made = _ended_handoff(project)
    factories_messages(made)
    facts_write([made.conversation_id])

    fact = HandoffFact.objects.get(pk=made.pk)
    assert fact.messages_live_agent == 2
    assert fact.first_reply_ms is not None and fact.first_reply_ms >= 0


def factories_messages(made: Handoff) -> None:
    """Let a live agent that the vendor announced say two things."""
    made.joined_at = timezone.now() - timedelta(minutes=1)
    made.save(update_fields=["joined_at"])
    said = [
        made.conversation.events.create(
            sequence=100 + number,
            type="LIVE_AGENT_MESSAGE",
            payload={"message_id": "m", "text": text, "by": "live_agent"},
        )
        for number, text in enumerate(("Hello", "Goodbye"))
    ]
    kinds: defaultdict[str, list[Any]] = defaultdict(list)
    kinds["LiveAgentJoined"], kinds["LiveAgentMessage"] = [None], said
    for kind, events in kinds.items():
        for number, event in enumerate(events):
            made.vendor_events.create(
                vendor_event_id=f"{kind}{number}",
                kind=kind,
                event=event,
                occurred_at=timezone.now(),
            )


def _ended_handoff(project: Project) -> Handoff:
    conversation = factories.conversation(factories.channel(project), state="ended")
    now = timezone.now()
    return Handoff.objects.create(
        project=project,
        conversation=conversation,
        environment="live",
        tool_call_id="t",
        routing={},
        state="ended",
        agent_name="Noor Halvorsen",
        requested_at=now - timedelta(minutes=9),
        accepted_at=now - timedelta(minutes=9),
        joined_at=now - timedelta(minutes=8),
        ended_at=now,
    )


def test_definitions_are_a_file_with_the_settings_that_were_used(project):
    client = client_of_admin(project)
    url = f"/p/{project.public_id}/analytics/export/"
    answer = client.get(url, {"figure": "definitions", "format": "ndjson"})

    lines = b"".join(answer.streaming_content).decode().splitlines()
    names = {name for tab in TABS.values() for name in tab.figures}
    assert len(lines) == len(names)
    assert all('"service_level_seconds": 60' in line for line in lines)
