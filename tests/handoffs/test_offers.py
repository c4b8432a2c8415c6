"""What a vendor offers, and what the end user takes of it: once, and the newest alone."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from conversations.errors import ChoiceClosedError, ClientFaultError
from conversations.models import Conversation
from conversations.socket.responder import GivenAnswer
from handoffs.models import Delivery
from handoffs.responder import message_accept
from handoffs.sending.outbox import deliveries_pending
from handoffs.states import State
from integrations.contract.events import ConversationEnded
from integrations.contract.rich_content import (
    Author,
    Card,
    Choice,
    ChoiceKind,
    FieldKind,
    Form,
    FormField,
    Markup,
    RichContent,
    Slot,
)
from tests import factories
from tests.handoffs.receiving import behaving, new_lines, receive, sequence

pytestmark = pytest.mark.django_db(transaction=True)
YES_NO = RichContent(
    choices=(Choice(label="Yes", token="t-yes"), Choice(label="No, thanks.", token="t-no"))
)
CARDS = RichContent(
    choices=(Choice(label="Neither", token="t-0"),),
    cards=(
        Card(
            title="Birch",
            text="A light one",
            choices=(
                Choice(label="Take it", token="t-birch"),
                Choice(label="More", kind=ChoiceKind.LINK, url="https://shop.example/birch"),
            ),
        ),
        Card(title="Oak", choices=(Choice(label="Take it", token="t-oak"),)),
    ),
)
FORM = Form(
    title="Who are you?",
    token="t-form",
    fields=(
        FormField(name="mail", label="E-mail", kind=FieldKind.EMAIL, is_required=True),
        FormField(
            name="topic",
            label="Topic",
            kind=FieldKind.SELECT,
            options=(Choice(label="Billing", token="o-1"), Choice(label="Other", token="o-2")),
        ),
        FormField(name="count", label="Count", kind=FieldKind.NUMBER),
        FormField(name="day", label="Day", kind=FieldKind.DATE),
    ),
)


def offer(handoff, rich=YES_NO, text="Is that all?", **fields):
    """Let the live agent offer something; return the line's payload."""
    before = sequence(handoff)
    receive(handoff, factories.spoke(text, rich=rich, vendor_message_id="vm-1", **fields))
    return [payload for kind, payload in new_lines(handoff, before) if "MESSAGE" in kind][-1]


def write(handoff, text, key="", **answer):
    given = GivenAnswer(**answer) if answer else None
    return message_accept(
        conversation_id=handoff.conversation_id,
        text=text,
        client_event_id=key,
        metadata=None,
        answer=given,
    )[0]


def take(handoff, payload, offered, **values):
    return write(
        handoff, "", message_id=uuid.UUID(offered["message_id"]), payload=payload, **values
    )


def to_vendor(handoff):
    return [(one.text, one.answer) for one in deliveries_pending(handoff.pk)]


def test_choices_are_told_without_what_the_vendor_wants_back(active):
    told = offer(active)

    assert told["response_suggestions"] == [
        {"message_text": "Yes", "payload": "c1"},
        {"message_text": "No, thanks.", "payload": "c2"},
    ]
    assert told["text"] == "Is that all?"
    assert told["content"]["text_form"] == "Is that all?\n1. Yes\n2. No, thanks."
    assert "t-yes" not in str(told)


def test_cards_become_attachments_and_choices_of_their_own(active):
    told = offer(active, CARDS)

    assert [one["payload"] for one in told["response_suggestions"]] == ["c1", "k1c1", "k2c1"]
    assert told["attachments"][0] == {
        "title": "Birch: A light one",
        "preview_image_url": "",
        "content_url": "https://shop.example/birch",
        "content_type": "ATTACHMENT_CONTENT_TYPE_URL",
        "call_to_action_text": "More",
    }
    assert [card["title"] for card in told["content"]["cards"]] == ["Birch", "Oak"]


def test_a_choice_that_is_taken_goes_back_as_the_vendor_wants_it(active):
    told = offer(active)

    line = take(active, "c2", told)

    assert line.payload["text"] == "No, thanks."
    assert line.payload["answer"] == {"message_id": told["message_id"], "payload": "c2"}
    [(text, answer)] = to_vendor(active)
    assert (text, answer.token, answer.label) == ("No, thanks.", "t-no", "No, thanks.")
    assert answer.vendor_message_id == "vm-1"


@pytest.mark.parametrize(
    ("typed", "token"),
    [
        ("1", "t-yes"),
        (" 2. ", "t-no"),
        ("yes", "t-yes"),
        ("\uff39\uff45\uff53!", "t-yes"),
        ("NO,  thanks", "t-no"),
        ("\uff11", "t-yes"),
    ],
)
def test_what_is_typed_counts_as_the_choice_that_it_means(active, typed, token):
    offer(active)

    write(active, typed)

    assert to_vendor(active)[0][1].token == token


@pytest.mark.parametrize("typed", ["3", "0", "Yes please", "maybe", "?", "...", "99999999999"])
def test_anything_else_is_free_text_and_leaves_the_offer_open(active, typed):
    told = offer(active)

    write(active, typed)

    assert to_vendor(active) == [(typed, None)]
    assert take(active, "c1", told).payload["text"] == "Yes"


def test_a_label_that_two_cards_share_is_free_text_but_its_number_is_not(active):
    offer(active, CARDS)

    write(active, "Take it")
    write(active, "3")

    assert [answer and answer.token for _, answer in to_vendor(active)] == [None, "t-oak"]


def test_an_offer_is_answered_once(active):
    told = offer(active)
    take(active, "c1", told)

    with pytest.raises(ChoiceClosedError):
        take(active, "c2", told)
    write(active, "2")

    assert [answer and answer.token for _, answer in to_vendor(active)] == ["t-yes", None]


def test_a_new_offer_closes_the_one_before(active):
    first = offer(active)
    second = offer(active, CARDS)

    with pytest.raises(ChoiceClosedError):
        take(active, "c1", first)

    assert take(active, "k2c1", second).payload["text"] == "Take it"


def test_a_resend_of_an_answer_is_answered_with_its_line(active):
    told = offer(active)
    named = {"message_id": uuid.UUID(told["message_id"]), "payload": "c1"}

    first, again = write(active, "Yes", "k-1", **named), write(active, "Yes", "k-1", **named)

    assert first.pk == again.pk
    assert Delivery.objects.filter(handoff=active).count() == 1


def test_an_answer_after_the_end_is_closed():
    handoff = behaving(after_agent="return_to_bot")
    told = offer(handoff)
    receive(handoff, factories.vendor_event(ConversationEnded))

    with pytest.raises(ChoiceClosedError):
        take(handoff, "c1", told)


@pytest.mark.parametrize(
    ("payload", "values", "message"),
    [
        ("c9", {}, "payload.answer.payload"),
        ("c1", {"mail": "x"}, "payload.answer.values"),
    ],
)
def test_what_was_never_offered_is_named(active, payload, values, message):
    told = offer(active)

    with pytest.raises(ClientFaultError, match=message):
        take(active, payload, told, values=values)

    assert take(active, "c1", told)


def test_a_message_that_offers_nothing_is_named(active):
    before = sequence(active)
    receive(active, factories.spoke("Hello"))
    [(_, told)] = new_lines(active, before)

    with pytest.raises(ClientFaultError, match=r"payload\.answer\.message_id"):
        take(active, "c1", told)


def test_a_form_is_told_as_questions_and_goes_back_filled_in(active):
    told = offer(active, RichContent(form=FORM), text="")
    values = {"mail": "ines@example.org", "topic": "f2o2", "count": "2,5", "day": "2026-12-01"}

    line = take(active, "f1", told, values=values)

    assert told["text"] == "Who are you?\nE-mail\nTopic (Billing, Other)\nCount\nDay"
    assert line.payload["text"].splitlines()[:2] == ["E-mail: ines@example.org", "Topic: Other"]
    [(_, answer)] = to_vendor(active)
    assert (answer.token, dict(answer.values)) == ("t-form", {**values, "topic": "o-2"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "values.mail is required"),
        ({"mail": "  "}, "values.mail is required"),
        ({"mail": "nobody"}, "values.mail must be an e-mail"),
        ({"mail": "a@example.org", "topic": "Billing"}, "values.topic must be the payload"),
        ({"mail": "a@example.org", "count": "many"}, "values.count must be a number"),
        ({"mail": "a@example.org", "day": "tomorrow"}, "values.day must be a date"),
        ({"mail": "a@example.org", "age": "3"}, "values.age is no field"),
        ({"mail": "a@example.org", "count": "1" * 99_999}, "values.count may have"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_names_the_field_and_stays_open(active, values, message):
    told = offer(active, RichContent(form=FORM))

    with pytest.raises(ClientFaultError, match=message):
        take(active, "f1", told, values=values)

    assert take(active, "f1", told, values={"mail": "a@example.org"})


def test_slots_are_told_in_the_end_users_zone_and_language(active):
    Conversation.objects.update(time_zone="Europe/Berlin", locale="de")
    at = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)

    told = offer(active, RichContent(slots=(Slot(starts_at=at, token="t-9"),), place="Depot"))

    [slot] = told["content"]["slots"]
    assert slot["label"] == "Di., 1. Dez. 2026, 10:00 (GMT+01:00, Berlin)"
    assert told["response_suggestions"] == [{"message_text": slot["label"], "payload": "s1"}]
    assert told["content"]["text_form"].splitlines()[1:] == ["Depot", f"1. {slot['label']}"]


def test_markdown_is_readable_in_the_text_and_kept_in_the_content(active):
    told = offer(
        active, RichContent(), "**Hi**, see [here](https://a.example)", markup=Markup.MARKDOWN
    )

    assert told["text"] == "Hi, see here (https://a.example)"
    assert told["content"]["markup"] == "markdown"
    assert told["content"]["text"].startswith("**Hi**")


def test_a_content_that_nobody_can_draw_is_said_in_one_sentence(active):
    rich = RichContent(unknown_kind="AdaptiveCard", unknown_url="https://a.example/x")

    told = offer(active, rich, text="")

    assert told["text"].splitlines() == [
        "This message has a content that cannot be shown here.",
        "https://a.example/x",
    ]
    row = active.vendor_events.latest("pk")
    assert row.notes == [{"code": "not_drawn", "detail": "AdaptiveCard"}]


def test_a_vendors_bot_makes_nobody_join_and_the_wait_goes_on():
    handoff = behaving(State.QUEUED)
    before, deadline = sequence(handoff), factories.fresh(handoff).deadline_at

    told = offer(handoff, agent_id="", agent_name="Robo", by=Author.VENDOR_BOT)

    assert [kind for kind, _ in new_lines(handoff, before)] == ["LIVE_AGENT_MESSAGE"]
    assert (told["by"], told["agent_name"]) == ("vendor_bot", "Robo")
    now = factories.fresh(handoff)
    assert (now.state, now.deadline_at) == ("queued", deadline)
    take(handoff, "c1", told)
    assert to_vendor(handoff)[0][1].token == "t-yes"


def test_an_empty_message_makes_no_line(active):
    before = sequence(active)

    receive(active, factories.spoke(" \n"))

    assert new_lines(active, before) == []


def test_the_stop_word_stops_while_a_bot_asks():
    handoff = behaving(State.QUEUED, stop_word="stop")
    offer(handoff, RichContent(choices=(Choice(label="Stop", token="t"),)), by=Author.VENDOR_BOT)

    write(handoff, "stop")

    assert factories.fresh(handoff).state == "ended"
