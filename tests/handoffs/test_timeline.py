"""The timeline: six tables in one order, in words, in a fixed number of queries."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.frames import EventType
from handoffs.models import Delivery, Handoff, HandoffTransition
from handoffs.states import EndReason, State
from handoffs.timeline import EVENTS_BEFORE, timeline_get, timeline_text
from handoffs.timeline_entries import Kind
from handoffs.wording import (
    BADGES,
    END_REASONS,
    FAILURES,
    duration_text,
    failure_explanation,
    headline,
)
from integrations import errors as connector_errors
from integrations.models import VendorCall
from tests import factories

pytestmark = pytest.mark.django_db


def call(handoff: Handoff, **fields: object) -> VendorCall:
    return VendorCall.objects.create(
        **{
            "integration": handoff.integration,
            "reference": handoff.pk,
            "operation": "send_message",
            "method": "POST",
            "path": "/iamessage/api/v2/conversation/1/message",
            "status": 202,
            "duration_ms": 120,
            "at": timezone.now(),
            **fields,
        }
    )


def titles(handoff: Handoff, **options: object) -> list[str]:
    timeline = timeline_get(handoff=handoff, **{"may_read_text": True, **options})
    return [entry.title for entry in timeline.entries]


def test_states_words_and_calls_stand_in_the_order_in_which_they_happened():
    conversation = factories.conversation()
    factories.said(conversation, "I want to talk to a human")
    handoff = factories.handoff(conversation, state=State.ACTIVE)
    factories.said(conversation, "Hello, this is Noor", EventType.LIVE_AGENT_MESSAGE)
    call(handoff)

    found = titles(handoff)

    wanted = [
        "End user",
        "Handoff requested",
        "A relay worker took the handoff",
        "Salesforce accepted it; waiting for a live agent",
        "A live agent joined",
        "Live agent",
        "POST /iamessage/api/v2/conversation/1/message",
    ]
    assert [title for title in found if title in wanted] == wanted
    entries = timeline_get(handoff=handoff, may_read_text=True).entries
    assert [e.at for e in entries] == sorted(e.at for e in entries)


def test_every_moment_has_an_anchor_of_its_own():
    handoff = factories.handoff(state=State.ENDED)
    call(handoff)

    entries = timeline_get(handoff=handoff, may_read_text=True).entries

    assert len({entry.anchor for entry in entries}) == len(entries)


def test_without_the_right_to_read_no_word_of_anybody_is_in_the_timeline():
    conversation = factories.conversation()
    factories.said(conversation, "my card number is 1234")
    handoff = factories.handoff(conversation)
    factories.said(conversation, "a private answer", EventType.LIVE_AGENT_MESSAGE)

    entries = timeline_get(handoff=handoff, may_read_text=False).entries

    assert "1234" not in repr(entries)
    assert "private answer" not in timeline_text(entries)
    assert any(entry.is_hidden for entry in entries)


def test_a_message_says_how_far_its_delivery_came():
    handoff = factories.handoff(state=State.ACTIVE)
    event = factories.said(handoff.conversation, "Are you there?")
    now = timezone.now()
    delivery = Delivery.objects.create(
        handoff=handoff, event=event, sequence=event.sequence, created_at=now
    )
    waiting = timeline_get(handoff=handoff, may_read_text=True).entries[-1]
    delivery.status, delivery.error_code = Delivery.Status.FAILED, "cannot_connect"
    delivery.attempts = 5
    delivery.save()

    failed = timeline_get(handoff=handoff, may_read_text=True).entries[-1]

    assert waiting.note == "To Salesforce: waiting to be sent"
    assert failed.note == "To Salesforce: not delivered, 5 attempts, cannot_connect"
    assert failed.tone == "error"


def test_a_sent_message_says_after_how_many_milliseconds():
    handoff = factories.handoff(state=State.ACTIVE)
    event = factories.said(handoff.conversation, "Are you there?")
    now = timezone.now()
    Delivery.objects.create(
        handoff=handoff,
        event=event,
        sequence=event.sequence,
        status=Delivery.Status.SENT,
        created_at=now,
        sent_at=now + timedelta(milliseconds=230),
    )

    entry = timeline_get(handoff=handoff, may_read_text=True).entries[-1]

    assert entry.note == "To Salesforce: sent, after 230 ms"


def test_a_refused_call_is_a_problem_and_keeps_its_masked_bodies():
    handoff = factories.handoff()
    call(
        handoff,
        status=404,
        error_code="invalid_routing",
        request_body={"text": "‹text 12›"},
        response_body={"code": 404},
    )

    [entry] = timeline_get(handoff=handoff, may_read_text=False, problems_only=True).entries

    assert (entry.kind, entry.tone, entry.note) == (Kind.VENDOR, "error", "404, invalid_routing")
    assert "‹text 12›" in entry.request_body
    assert '"code": 404' in entry.response_body


def test_a_call_without_an_answer_says_so():
    handoff = factories.handoff()
    call(handoff, status=None, error_code="cannot_connect")

    entry = timeline_get(handoff=handoff, may_read_text=True).entries[-1]

    assert entry.note == "no answer, cannot_connect"


def test_only_the_kinds_asked_for_are_shown():
    handoff = factories.handoff(state=State.ACTIVE)
    factories.said(handoff.conversation, "Hello")
    call(handoff)

    for kind in Kind:
        entries = timeline_get(handoff=handoff, may_read_text=True, kinds=(kind,)).entries
        assert {entry.kind for entry in entries} == {kind}


def test_calls_of_another_handoff_stay_out():
    handoff, other = factories.handoff(), factories.handoff()
    call(other, path="/of/the/other")

    assert "POST /of/the/other" not in titles(handoff)


def test_what_was_said_long_before_and_after_the_handoff_stays_out():
    conversation = factories.conversation()
    for number in range(EVENTS_BEFORE + 5):
        factories.said(conversation, f"before {number}")
    handoff = factories.handoff(conversation, state=State.FAILED)
    after = factories.said(conversation, "much later")
    after.created_at = timezone.now() + timedelta(hours=1)
    after.save()

    entries = timeline_get(handoff=handoff, may_read_text=True).entries

    texts = [entry.text for entry in entries]
    assert sum(text.startswith("before") for text in texts) == EVENTS_BEFORE
    assert "much later" not in texts


def test_a_vendor_event_is_named_in_plain_words():
    handoff = factories.handoff(state=State.ACTIVE)

    assert "Salesforce reported: live agent joined" in titles(handoff)


def test_a_longer_timeline_needs_no_more_queries(django_assert_num_queries):
    handoff = factories.handoff(state=State.ACTIVE)
    for number in range(30):
        event = factories.said(handoff.conversation, f"line {number}")
        Delivery.objects.create(handoff=handoff, event=event, sequence=event.sequence)
        call(handoff)
        factories.apply(factories.lease_of(handoff), factories.spoke(f"answer {number}"))
    row = Handoff.objects.get(pk=handoff.pk)

    with django_assert_num_queries(6):
        timeline_get(handoff=row, may_read_text=True)


def test_the_text_copy_holds_times_titles_and_details():
    handoff = factories.handoff(state=State.FAILED)

    text = timeline_text(timeline_get(handoff=handoff, may_read_text=True).entries)

    assert "Handoff failed" in text
    assert "Salesforce could not be reached." in text
    assert handoff.requested_at.strftime("%Y-%m-%dT%H:%M") in text


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_sentence_a_badge_and_a_title(state):
    handoff = factories.handoff(state=State.REQUESTED)
    handoff.state = state.value
    HandoffTransition.objects.create(handoff=handoff, to_state=state.value, trigger="test")

    top = headline(handoff, now=timezone.now())

    assert top.sentence.endswith(".")
    assert BADGES[state].label
    assert titles(handoff)


def test_every_end_reason_is_put_into_the_sentence():
    handoff = factories.handoff(state=State.ENDED)

    for reason in EndReason:
        handoff.end_reason = reason.value
        wanted = END_REASONS[reason].format(vendor="Salesforce")
        assert wanted in headline(handoff, now=timezone.now()).sentence


def _codes(base: type[Exception]) -> set[str]:
    return {base.code} | {code for kind in base.__subclasses__() for code in _codes(kind)}


def test_every_failure_code_has_a_cause_and_a_cure():
    from handoffs import errors as handoff_errors

    own = {"wait_timeout", "listener_lost", "identity_required"}
    known = _codes(connector_errors.ConnectorError) | _codes(handoff_errors.HandoffError) | own

    for code in known:
        cause, cure = failure_explanation(code, "Salesforce")
        assert code in FAILURES, code
        assert "{" not in cause + cure
        assert cause.endswith(".")
        assert cure.endswith(".")


def test_a_failure_code_nobody_foresaw_still_has_words():
    assert failure_explanation("brand_new", "Salesforce") == failure_explanation("unknown", "")


def test_a_queued_handoff_says_where_it_waits_how_long_and_behind_how_many():
    handoff = factories.handoff(state=State.QUEUED)
    handoff.queue_status = {
        "queue_name": "Support",
        "position_in_queue": 4,
        "estimated_wait_seconds": 90,
    }
    now = handoff.accepted_at + timedelta(minutes=2, seconds=10)

    top = headline(handoff, now=now)

    assert top.sentence == "Waiting in Support for 2 min 10 s; 3 ahead."
    assert top.detail == "Estimated wait: 1 min 30 s."


def test_the_first_in_a_queue_is_next_in_line():
    handoff = factories.handoff(state=State.QUEUED)
    handoff.queue_status = {"position_in_queue": 1}

    sentence = headline(handoff, now=handoff.accepted_at).sentence

    assert sentence == "Waiting in Salesforce's queue for 0 s; next in line."


def test_a_handoff_that_no_worker_takes_asks_for_one():
    handoff = factories.handoff()

    at_once = headline(handoff, now=handoff.requested_at + timedelta(seconds=2))
    later = headline(handoff, now=handoff.requested_at + timedelta(seconds=30))

    assert (at_once.tone, at_once.cure) == ("info", "")
    assert later.tone == "error"
    assert "/readyz" in later.cure


def test_an_active_handoff_names_who_is_present():
    handoff = factories.handoff(state=State.ACTIVE)
    now = handoff.joined_at + timedelta(minutes=3)
    alone = headline(handoff, now=now).sentence
    handoff.live_agents = {}

    between = headline(handoff, now=now)

    assert alone == "Noor Halvorsen is in the conversation; joined 3 min ago."
    assert between.sentence.startswith("Between two live agents")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (130, "2 min 10 s"),
        (3600, "1 h"),
        (3725, "1 h 2 min"),
        (90_003, "1 d 1 h"),
        (86_403, "1 d"),
    ],
)
def test_durations_are_written_with_their_two_largest_units(seconds, text):
    assert duration_text(seconds) == text
