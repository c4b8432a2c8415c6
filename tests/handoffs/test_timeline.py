"""The timeline: six tables in one order, in words, in a fixed number of queries."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.journal.frames import EventType
from conversations.models import Survey
from handoffs.models import Delivery, Handoff
from handoffs.portal.one_handoff.entries import Kind
from handoffs.portal.one_handoff.timeline import EVENTS_BEFORE, timeline_get, timeline_text
from handoffs.states import State
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
    factories.said(conversation, "my card number is 1234 5678")
    handoff = factories.handoff(conversation)
    factories.said(conversation, "a private answer", EventType.LIVE_AGENT_MESSAGE)

    entries = timeline_get(handoff=handoff, may_read_text=False).entries

    assert "1234 5678" not in repr(entries)
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


def test_what_the_end_user_thought_is_a_moment_and_the_comment_a_text():
    handoff = factories.handoff(state=State.ENDED)
    now = timezone.now()
    scores = {"bot_score": 2, "live_agent_score": 5, "comment": "Quick."}
    Survey.objects.create(
        conversation=handoff.conversation,
        subject="both",
        deadline_at=now,
        answered_at=now,
        **scores,
    )

    shown = timeline_get(handoff=handoff, may_read_text=True).entries
    hidden = timeline_get(handoff=handoff, may_read_text=False).entries

    title = "End user: AI agent rated 2 of 5, Live agent rated 5 of 5"
    assert [one.text for one in shown if one.title == title] == ["Quick."]
    assert [one.is_hidden for one in hidden if one.title == title] == [True]


def test_a_longer_timeline_needs_no_more_queries(django_assert_num_queries):
    handoff = factories.handoff(state=State.ACTIVE)
    for number in range(30):
        event = factories.said(handoff.conversation, f"line {number}")
        Delivery.objects.create(handoff=handoff, event=event, sequence=event.sequence)
        call(handoff)
        factories.apply(factories.lease_of(handoff), factories.spoke(f"answer {number}"))
    row = Handoff.objects.get(pk=handoff.pk)

    with django_assert_num_queries(7):
        timeline_get(handoff=row, may_read_text=True)


def test_the_text_copy_holds_times_titles_and_details():
    handoff = factories.handoff(state=State.FAILED)

    text = timeline_text(timeline_get(handoff=handoff, may_read_text=True).entries)

    assert "Handoff failed" in text
    assert "Salesforce could not be reached." in text
    assert handoff.requested_at.strftime("%Y-%m-%dT%H:%M") in text


def test_a_private_note_is_shown_to_those_who_may_read_what_was_said():
    handoff = factories.handoff(hints={"note": "Was rude before."})

    for may_read in (True, False):
        entries = timeline_get(handoff=handoff, may_read_text=may_read).entries
        [note] = [entry for entry in entries if entry.anchor == "note"]
        assert (note.text == "Was rude before.") is may_read
    assert timeline_get(handoff=factories.handoff(), may_read_text=True).entries
