"""No state lasts for ever: what the reaper ends, when, and what it leaves alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from conversations.models import Conversation, Event
from handoffs.clocks.reaping import clean_up_old, reap_all
from handoffs.clocks.sweeping import answers_lost, handoffs_unowned
from handoffs.models import Handoff
from handoffs.states import State
from integrations.models import VendorCall, VendorToken
from tests import factories
from tests.factories import spoke

pytestmark = pytest.mark.django_db


def let_pass(handoff: Handoff) -> None:
    past = timezone.now() - timedelta(seconds=1)
    assert Handoff.objects.filter(pk=handoff.pk, deadline_at__gt=past).update(deadline_at=past)


def go_silent(conversation: Conversation, seconds: float) -> None:
    at = timezone.now() - timedelta(seconds=seconds)
    Conversation.objects.filter(pk=conversation.pk).update(last_seen_at=at)


def last_payload(conversation_id: str) -> dict:
    return Event.objects.filter(conversation_id=conversation_id).latest("sequence").payload


# ---- handoffs ----


@pytest.mark.parametrize("state", [State.REQUESTED, State.CONNECTING], ids=lambda s: s.value)
def test_a_handoff_that_does_not_connect_in_time_fails_and_the_ai_agent_goes_on(state):
    handoff = factories.handoff(state=state)
    let_pass(handoff)

    reap_all()

    now = factories.fresh(handoff)
    assert (now.state, now.error_code) == ("failed", "cannot_connect")
    assert now.conversation.state == "bot"
    assert "HANDOFF_FAILED" in factories.journal(handoff)


def test_the_ai_agent_rejoins_exactly_when_it_had_left():
    requested, connecting = factories.handoff(), factories.handoff(state=State.CONNECTING)
    for handoff in (requested, connecting):
        let_pass(handoff)

    reap_all()

    assert factories.journal(requested)[-1] == "HANDOFF_FAILED"
    assert "POLY_AGENT_LEFT" not in factories.journal(requested)
    assert factories.journal(connecting)[-2:] == ["HANDOFF_FAILED", "POLY_AGENT_JOINED"]


def test_waiting_too_long_is_a_timeout_of_which_the_vendor_hears():
    handoff = factories.handoff(state=State.QUEUED)
    let_pass(handoff)

    reap_all()

    now = factories.fresh(handoff)
    assert (now.state, now.error_code) == ("failed", "wait_timeout")
    assert now.vendor_end_until is not None
    assert factories.journal(handoff)[-2:] == ["HANDOFF_TIMEOUT", "POLY_AGENT_JOINED"]


def test_an_active_handoff_without_any_sign_of_life_ends():
    handoff = factories.handoff(state=State.ACTIVE)
    let_pass(handoff)

    reap_all()

    assert factories.fresh(handoff).end_reason == "idle_timeout"
    assert factories.journal(handoff)[-2:] == ["LIVE_AGENT_LEFT", "SESSION_END"]


@pytest.mark.parametrize("state", [s for s in State if s not in (State.ENDED, State.FAILED)])
def test_a_handoff_within_its_time_is_left_alone(state):
    handoff = factories.handoff(state=state)

    reap_all()

    assert factories.fresh(handoff).state == state.value


def test_every_open_state_has_a_deadline_and_no_final_one_has():
    deadlines = {state: factories.handoff(state=state).deadline_at for state in State}

    assert {state for state, at in deadlines.items() if at is None} == {State.ENDED, State.FAILED}


def test_a_live_agents_message_moves_the_deadline():
    handoff = factories.handoff(state=State.ACTIVE)
    let_pass(handoff)
    factories.apply(factories.lease_of(handoff), spoke("Still here"))

    reap_all()

    assert factories.fresh(handoff).state == "active"


@pytest.mark.parametrize(
    ("hint", "behaviour", "expected"),
    [(None, 0, 86400), (None, 30, 30), (60, 30, 60), (0, 30, 86400)],
)
def test_the_wait_is_the_tools_or_the_integrations_or_the_longest(hint, behaviour, expected):
    of = factories.integration(behaviour={"wait_timeout_seconds": behaviour})
    hints = {} if hint is None else {"wait_timeout_seconds": hint}

    handoff = factories.handoff(state=State.QUEUED, hints=hints, of_integration=of)

    assert handoff.accepted_at is not None
    assert handoff.deadline_at == handoff.accepted_at + timedelta(seconds=expected)


def test_reaping_twice_writes_nothing_twice():
    handoff = factories.handoff(state=State.QUEUED)
    let_pass(handoff)
    reap_all()
    journal = factories.journal(handoff)

    reap_all()

    assert factories.journal(handoff) == journal
    assert factories.transitions(handoff)[-1] == "failed"


# ---- conversations ----


@pytest.mark.parametrize("state", [State.QUEUED, State.ACTIVE])
@pytest.mark.parametrize("api_channel", ["", "api"])
def test_who_is_silent_keeps_place_and_live_agent(api_channel, state, settings):
    handoff = factories.handoff(state=state)
    Conversation.objects.filter(pk=handoff.conversation_id).update(api_channel=api_channel)
    go_silent(handoff.conversation, settings.HANDOFF_PLACE_KEPT_SECONDS - 60)

    reap_all()

    assert factories.fresh(handoff).is_open


def test_a_live_agent_is_not_left_by_who_sleeps_long(settings):
    handoff = factories.handoff(state=State.ACTIVE)
    go_silent(handoff.conversation, settings.HANDOFF_PLACE_KEPT_SECONDS * 3)

    reap_all()

    assert factories.fresh(handoff).is_open


@pytest.mark.parametrize(("wait", "goes_on"), [(0, False), (7200, True)])
def test_a_place_is_kept_for_the_waiting_time_or_an_hour_where_none_is_set(wait, goes_on, settings):
    of = factories.integration(behaviour={"wait_timeout_seconds": wait})
    handoff = factories.handoff(state=State.QUEUED, of_integration=of)
    go_silent(handoff.conversation, settings.HANDOFF_PLACE_KEPT_SECONDS + 60)

    reap_all()

    assert factories.fresh(handoff).is_open is goes_on


def test_a_client_of_the_chat_api_has_its_time_again_after_the_live_agent(settings):
    settings.SESSION_IDLE_SECONDS = 600
    handoff = factories.handoff(state=State.ACTIVE)
    rows = Conversation.objects.filter(pk=handoff.conversation_id)
    rows.update(api_channel="api", state=Conversation.State.BOT)
    go_silent(handoff.conversation, 700)
    states = []
    for seconds in (500, 700):
        ended_at = timezone.now() - timedelta(seconds=seconds)
        Handoff.objects.filter(pk=handoff.pk).update(state="ended", ended_at=ended_at)
        reap_all()
        states.append(rows.get().state)

    assert states == ["bot", "ended"]


@pytest.mark.parametrize("state", ["created", "bot"])
def test_a_conversation_nobody_looks_at_is_ended_as_abandoned(state, settings):
    conversation = factories.conversation(state=state)
    go_silent(conversation, settings.SESSION_IDLE_SECONDS + 5)

    reap_all()

    assert factories.journal(conversation)[-1] == "SESSION_END"
    assert last_payload(conversation.pk) == {"reason": "REASON_USER_ABANDONED"}


def test_a_conversation_somebody_looks_at_is_left_alone(settings):
    conversation = factories.conversation()
    go_silent(conversation, settings.SESSION_IDLE_SECONDS - 30)

    reap_all()

    conversation.refresh_from_db()
    assert conversation.state == "bot"


@pytest.mark.parametrize("after", ["end", "return_to_bot"])
def test_who_stays_away_from_the_queue_ends_both_and_the_vendor_hears_of_it(after, settings):
    of = factories.integration(behaviour={"after_agent": after})
    handoff = factories.handoff(state=State.QUEUED, of_integration=of)
    go_silent(handoff.conversation, settings.HANDOFF_PLACE_KEPT_SECONDS + 5)

    reap_all()

    now = factories.fresh(handoff)
    assert (now.end_reason, now.conversation.state) == ("end_user_left", "ended")
    assert now.vendor_end_until is not None
    assert factories.journal(handoff)[-1] == "SESSION_END"
    assert last_payload(handoff.conversation_id)["reason"] == "REASON_USER_ABANDONED"


def test_an_ended_conversation_is_not_ended_again(settings):
    conversation = factories.conversation(state="ended")
    go_silent(conversation, settings.SESSION_IDLE_SECONDS + 5)

    reap_all()

    assert factories.journal(conversation).count("SESSION_END") == 1


# ---- the sweep ----


def test_a_handoff_whose_task_was_lost_is_found_after_a_moment():
    handoff = factories.handoff()
    assert handoffs_unowned() == []

    Handoff.objects.update(requested_at=timezone.now() - timedelta(seconds=5))

    assert handoffs_unowned() == [handoff.pk]


def test_a_handoff_that_somebody_owns_or_that_is_over_is_not_swept():
    factories.handoff(state=State.ACTIVE)
    factories.handoff(state=State.ENDED)
    Handoff.objects.update(requested_at=timezone.now() - timedelta(seconds=5))

    assert handoffs_unowned() == []


def test_an_answer_that_was_lost_is_found_after_a_moment():
    conversation = factories.conversation()
    Conversation.objects.update(answer_due_at=timezone.now())
    assert answers_lost() == []

    Conversation.objects.update(answer_due_at=timezone.now() - timedelta(seconds=5))

    assert answers_lost() == [conversation.pk]


# ---- cleaning up ----


def test_old_calls_and_expired_tokens_are_deleted_and_new_ones_kept(settings):
    integration, now = factories.integration(), timezone.now()
    for name, days in (("old", settings.VENDOR_CALL_KEEP_DAYS + 1), ("new", 1)):
        VendorCall.objects.create(
            integration=integration,
            operation=name,
            method="GET",
            path="/",
            duration_ms=1,
            at=now - timedelta(days=days),
        )
        VendorToken.objects.create(
            integration=integration,
            name=name,
            value={},
            expires_at=now + timedelta(hours=1 if name == "new" else -1),
        )

    clean_up_old()

    assert [call.operation for call in VendorCall.objects.all()] == ["new"]
    assert [token.name for token in VendorToken.objects.all()] == ["new"]


# ---- what cannot be read ----


def cannot_be_read(handoff: Handoff) -> None:
    """Leave a handoff as one whose encryption key was lost."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE handoffs_handoff SET routing = 'lost' WHERE id = %s", [handoff.pk])


def test_a_handoff_that_breaks_the_reaper_keeps_no_other_open(caplog):
    lost, other = factories.handoff(state=State.CONNECTING), factories.handoff(state=State.QUEUED)
    silent = factories.conversation()
    for handoff in (lost, other):
        let_pass(handoff)
    go_silent(silent, 3600)
    cannot_be_read(lost)

    reap_all()

    assert Handoff.objects.only("state").get(pk=other.pk).state == "failed"
    assert Conversation.objects.get(pk=silent.pk).state == "ended"
    assert lost.pk in caplog.text
