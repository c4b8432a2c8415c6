"""A timeline on its page: since the start, with pauses, both its ends, and what was before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from handoffs.models import Handoff
from handoffs.portal.one_handoff.entries import Entry, Kind
from handoffs.portal.one_handoff.moments import FIRST, LAST, MOST, Moment, moments
from handoffs.portal.one_handoff.recurrence import recurrence
from handoffs.states import State
from integrations.models import Project
from tests import factories
from tests.members import client_of_admin

START = timezone.now()


def entry(number: int, seconds: float = 0) -> Entry:
    at = START + timedelta(seconds=seconds)
    return Entry(kind=Kind.HANDOFF, at=at, rank=0, anchor=f"t{number}", title=str(number))


def shown(*entries: Entry, has_pauses: bool = True, is_whole: bool = False) -> list[Moment]:
    return moments(entries, start=START, has_pauses=has_pauses, is_whole=is_whole)


def failed(project: Project, code: str = "not_allowed", *, days: int = 0) -> Handoff:
    row = factories.handoff(factories.conversation(factories.channel(project)), state=State.FAILED)
    at = timezone.now() - timedelta(days=days)
    Handoff.objects.filter(pk=row.pk).update(error_code=code, requested_at=at)
    return factories.fresh(row)


class TestMoments:
    def test_each_says_how_long_before_or_after_the_start_it_was(self):
        found = shown(entry(1, -8), entry(2), entry(3, 0.4), entry(4, 190))

        assert [one.since for one in found] == ["-8.0 s", "+0.0 s", "+0.4 s", "+3 min 10 s"]

    def test_a_pause_is_told_before_what_ended_it(self):
        entries = [entry(1), entry(2, 59), entry(3, 59 + 61)]

        assert [one.pause for one in shown(*entries)] == ["", "", "1 min 1 s"]

    def test_between_moments_that_are_filtered_nobody_knows_of_a_pause(self):
        found = shown(entry(1), entry(2, 600), has_pauses=False)

        assert [one.pause for one in found] == ["", ""]

    def test_of_a_long_one_both_ends_are_shown_and_the_rest_when_asked_for(self):
        entries = [entry(number, number * 90) for number in range(MOST + 1)]

        ends, whole = shown(*entries), shown(*entries, is_whole=True)

        assert [one.entry for one in ends] == [*entries[:FIRST], *entries[-LAST:]]
        assert ends[FIRST].omitted == MOST + 1 - FIRST - LAST
        assert ends[FIRST].pause == "", "what was left out is no pause"
        assert [one.entry for one in whole] == entries
        assert not any(one.omitted for one in whole)

    def test_one_that_is_not_so_long_is_shown_whole(self):
        assert len(shown(*map(entry, range(MOST)))) == MOST


@pytest.mark.django_db
class TestRecurrence:
    def test_the_same_failure_before_is_counted_with_its_first_and_last_time(self, project):
        first, last = failed(project, days=9), failed(project, days=2)
        failed(project, "cannot_connect", days=3)
        failed(factories.project(), days=3)
        now = failed(project)
        failed(project, days=-1)

        found = recurrence(now, project)

        assert found is not None
        assert (found.often, found.first, found.last) == (
            "2 times",
            first.requested_at,
            last.requested_at,
        )

    def test_what_failed_for_the_first_time_or_not_at_all_was_not_seen_before(self, project):
        first = failed(project)
        active = factories.handoff(factories.conversation(factories.channel(project)))

        assert recurrence(first, project) is None
        assert recurrence(active, project) is None

    def test_the_page_leads_to_a_list_that_has_them(self, project):
        earlier, now = failed(project, days=2), failed(project)
        failed(project, "cannot_connect", days=2)
        client = client_of_admin(project)
        found = recurrence(now, project)

        page = client.get(reverse("handoff", args=[project.public_id, now.pk])).content.decode()
        assert found is not None
        path = f"{reverse('handoffs', args=[project.public_id])}?{found.query}"
        listed = client.get(path).content.decode()

        assert "Seen before" in page
        assert path.replace("&", "&amp;") in page
        assert earlier.pk in listed
        assert listed.count("cannot_connect") == 0


@pytest.mark.django_db
class TestPage:
    def test_a_long_timeline_offers_what_is_between_and_keeps_it_with_its_filters(
        self, project, monkeypatch
    ):
        monkeypatch.setattr("handoffs.portal.one_handoff.moments.MOST", 2)
        monkeypatch.setattr("handoffs.portal.one_handoff.moments.FIRST", 1)
        monkeypatch.setattr("handoffs.portal.one_handoff.moments.LAST", 1)
        row = factories.handoff(factories.conversation(factories.channel(project)))
        path = reverse("handoff", args=[project.public_id, row.pk])
        client = client_of_admin(project)

        ends = client.get(path, {"kind": "handoff"})
        whole = client.get(path, {"kind": "handoff", "all": "1"})

        number = len(ends.context["timeline"].entries)
        text = ends.content.decode()
        assert f'href="{path}?kind=handoff&amp;all=1">Show the {number - 2} between' in text
        assert text.count('class="moment ') + text.count('class="moment"') == 2
        assert "between" not in whole.content.decode()
        assert '<input type="hidden" name="all" value="1">' in whole.content.decode()
        assert len(whole.context["moments"]) == number
