"""What time brings: waiting messages while queued, a warning and an end for silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.models import Event
from handoffs.clocks.reminders import reminders_send
from handoffs.models import Handoff
from handoffs.states import State
from integrations.contract import events as vendor_events
from tests import factories
from tests.factories import joined, spoke, vendor_event
from tests.handoffs.receiving import behaving, new_lines, receive, sequence

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def time_passes(handoff: Handoff, by: timedelta) -> None:
    """Move everything that the reminders read into the past."""
    now = factories.fresh(handoff)
    moments = ("remind_at", "idle_warned_at", "joined_at", "requested_at")
    values = {name: at - by for name in moments if (at := getattr(now, name))}
    Handoff.objects.filter(pk=handoff.pk).update(**values)
    for line in Event.objects.filter(conversation_id=handoff.conversation_id):
        line.created_at -= by
        line.save(update_fields=["created_at"])
    reminders_send()


def shown(handoff: Handoff) -> str:
    return factories.fresh(handoff).queue_status.get("display_message", "")


def queue_moves(handoff: Handoff, **known: Any) -> None:
    receive(handoff, vendor_event(vendor_events.QueuePositionChanged, **known))


# ---- waiting ----


def test_a_waiting_message_comes_when_its_time_has_come_and_again_after_it():
    handoff = behaving(State.QUEUED, queue_message_interval_seconds=30)

    time_passes(handoff, timedelta(seconds=20))
    early = shown(handoff)
    time_passes(handoff, timedelta(seconds=11))

    assert early == ""
    assert shown(handoff).startswith("Thank you for waiting.")
    next_at = factories.fresh(handoff).remind_at
    assert next_at is not None
    assert timedelta(seconds=25) < next_at - timezone.now() <= timedelta(seconds=30)


@pytest.mark.parametrize(
    ("mode", "known", "text"),
    [
        ("position", {"position": 3}, "You are number 3 in the queue."),
        ("time", {"estimated_wait_seconds": 130}, "The expected wait is 3 min."),
        ("position", {"estimated_wait_seconds": 130}, "Just a moment."),
        ("time", {"position": 3}, "Just a moment."),
        ("standard", {"position": 3}, "Just a moment. You are number 3 in the queue."),
        ("standard", {}, "Just a moment."),
    ],
)
def test_place_or_time_is_told_where_it_is_known_and_wanted(mode, known, text):
    handoff = behaving(State.QUEUED, queue_messages=mode, response_wait_update="Just a moment.")
    if known:
        queue_moves(handoff, **known)

    time_passes(handoff, timedelta(seconds=61))

    assert shown(handoff) == text


def test_the_text_follows_the_queue_at_once_and_is_gone_when_somebody_joins():
    handoff = behaving(State.QUEUED, queue_messages="position")

    texts = []
    for position in (3, 2, 1):
        queue_moves(handoff, position=position)
        texts.append(shown(handoff))
    receive(handoff, joined())

    assert texts == [f"You are number {n} in the queue." for n in (3, 2, 1)]
    assert factories.fresh(handoff).queue_status == {}


def test_no_waiting_message_is_planned_where_none_is_wanted():
    handoff = behaving(State.QUEUED, queue_messages="off")

    assert handoff.remind_at is None


# ---- silence ----


def test_a_silent_end_user_is_warned_once_and_then_the_conversation_ends_on_both_sides():
    handoff = behaving(inactivity_minutes=10)
    before = sequence(handoff)

    time_passes(handoff, 8 * MINUTE)
    quiet = new_lines(handoff, before)
    time_passes(handoff, MINUTE + timedelta(seconds=5))
    warned = new_lines(handoff, before)
    time_passes(handoff, MINUTE / 2)
    still = new_lines(handoff, before)
    time_passes(handoff, MINUTE)

    now = factories.fresh(handoff)
    assert quiet == []
    assert [payload["code"] for _, payload in warned] == ["inactivity_warning"]
    assert still == warned
    assert (now.state, now.end_reason) == ("ended", "idle_timeout")
    assert now.vendor_end_until is not None
    assert factories.journal(handoff)[-3:] == ["SYSTEM_MESSAGE", "LIVE_AGENT_LEFT", "SESSION_END"]


@pytest.mark.parametrize("speaker", ["end user", "live agent"])
def test_a_word_after_the_warning_starts_the_time_anew(speaker):
    handoff = behaving(inactivity_minutes=10)
    time_passes(handoff, 10 * MINUTE)
    if speaker == "end user":
        factories.said(handoff.conversation, "Still here")
    else:
        receive(handoff, spoke("Are you there?"))

    time_passes(handoff, 2 * MINUTE)
    time_passes(handoff, 6 * MINUTE)

    assert factories.fresh(handoff).state == "active"
    time_passes(handoff, 2 * MINUTE)
    time_passes(handoff, 2 * MINUTE)
    assert factories.fresh(handoff).end_reason == "idle_timeout"


def test_nobody_is_closed_without_a_warning_however_late_the_look_is():
    handoff = behaving(inactivity_minutes=10)

    time_passes(handoff, 60 * MINUTE)

    assert factories.fresh(handoff).state == "active"
    assert factories.journal(handoff)[-1] == "SYSTEM_MESSAGE"


def test_the_ai_agent_goes_on_after_silence_where_it_should():
    handoff = behaving(inactivity_minutes=1, after_agent="return_to_bot")

    time_passes(handoff, MINUTE)
    time_passes(handoff, MINUTE)

    assert factories.fresh(handoff).conversation.state == "bot"


def test_silence_ends_nothing_where_no_limit_is_set():
    handoff = behaving(inactivity_minutes=0)

    time_passes(handoff, timedelta(days=2))

    assert handoff.remind_at is None
    assert factories.fresh(handoff).state == "active"


def test_a_handoff_that_is_over_is_not_looked_at_again():
    handoff = behaving(State.ENDED, inactivity_minutes=10)

    assert handoff.remind_at is None
