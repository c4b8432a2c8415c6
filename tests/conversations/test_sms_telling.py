"""What the journal holds, as texts: all that the widget shows, once, from the thread's cursor."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from conversations.journal.frames import EventType, SessionEnd
from conversations.journal.services import (
    NewEvent,
    conversation_end,
    conversation_lock,
    events_append,
    message_event,
    system_event,
)
from conversations.models import Conversation, SmsThread
from conversations.sms.telling import threads_tell
from conversations.sms.threads import meant, thread_conversation
from integrations.models import Integration
from tests import factories
from tests.conversations.texting import carrier, talking, texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> Integration:
    return carrier()


def told(row: Integration, *lines: NewEvent) -> list[str]:
    """Write lines into a thread's journal, and return what becomes of them."""
    of, conversation = talking(row)
    with transaction.atomic():
        events_append(conversation_lock(conversation.pk), lines)
    threads_tell()
    threads_tell()
    return texts(of)


def live(text: str, **more: Any) -> NewEvent:
    extra = {"by": "live_agent", "agent_id": "a1", "agent_name": "Noor", **more}
    return message_event(EventType.LIVE_AGENT_MESSAGE, text, **extra)


PICTURE = {
    "file_id": "f1",
    "title": "map.png",
    "content_url": "https://portal.test/files/t/map.png",
    "content_type": "ATTACHMENT_CONTENT_TYPE_IMAGE",
    "mime_type": "image/png",
    "size_bytes": 900,
}


def test_each_speaker_is_told_in_words(row: Integration) -> None:
    joined = NewEvent(
        type=EventType.LIVE_AGENT_JOINED, payload={"agent": {"id": "a1", "name": "Noor"}}
    )
    left = NewEvent(type=EventType.LIVE_AGENT_LEFT, payload={"agent_id": "a1", "agent_name": ""})

    assert told(row, joined, live("Hello"), system_event("Please wait.", code="w"), left) == [
        "Noor joined the conversation.",
        "Hello",
        "Please wait.",
        "A live agent left the conversation.",
    ]


def test_what_is_offered_is_numbered_and_linked(row: Integration) -> None:
    asked = message_event(
        EventType.POLY_AGENT_MESSAGE,
        "Which one?",
        response_suggestions=[{"message_text": "Parcel"}, {"message_text": "Letter"}],
        chat_call_actions=[{"title": "Call us", "contact_number": "+15550100"}],
    )
    offered = live("Pick", content={"text_form": "Pick\n1. Today\n2. Tomorrow"})

    assert told(row, asked, offered) == [
        "Which one?\n1. Parcel\n2. Letter\nCall us (+15550100)",
        "Pick\n1. Today\n2. Tomorrow",
    ]


def test_a_number_is_the_reply_that_was_offered_last(row: Integration) -> None:
    asked = message_event(
        EventType.POLY_AGENT_MESSAGE,
        "Which one?",
        response_suggestions=[{"message_text": "Parcel"}, {"message_text": "Letter"}],
    )
    told(row, asked)
    conversation = Conversation.objects.get()

    typed = ("2", "1.", " #2!", "١", "3", "0", "²", "two", "00021234")
    assert [meant(conversation, said) for said in typed] == [
        *("Letter", "Parcel", "Letter", "Parcel", "3", "0", "²", "two", "00021234")
    ]
    factories.said(conversation, "Something else")
    assert meant(conversation, "2") == "2"


def test_a_file_is_a_link_or_a_picture_where_that_is_allowed(row: Integration) -> None:
    assert told(row, live("See", attachments=[PICTURE])) == [
        "See\nmap.png: https://portal.test/files/t/map.png"
    ]

    other = carrier(factories.project(), sends_media="true")
    big = {**PICTURE, "size_bytes": 6_000_000}
    assert told(other, live("", attachments=[PICTURE]), live("", attachments=[big])) == [
        "",
        "map.png: https://portal.test/files/t/map.png",
    ]
    sent = SmsThread.objects.get(integration=other).outbound.order_by("place")
    assert [one.media for one in sent][-2:] == [[PICTURE["content_url"]], []]


@pytest.mark.parametrize(("size", "count"), [(900, 10), (2_000_000, 2)])
def test_pictures_that_one_text_has_no_room_for_are_links(size: int, count: int) -> None:
    row = carrier(sends_media="true")
    pictures = [{**PICTURE, "title": f"{n}.png", "size_bytes": size} for n in range(12)]

    [links] = told(row, live("", attachments=pictures))

    assert len(SmsThread.objects.get().outbound.order_by("place").last().media) == count
    assert links.splitlines() == [f"{n}.png: {PICTURE['content_url']}" for n in range(count, 12)]


def test_only_what_is_wished_for_is_told_besides_messages() -> None:
    row = carrier(told="left")
    joined = NewEvent(type=EventType.LIVE_AGENT_JOINED, payload={"agent": {"name": "Noor"}})

    of = SmsThread.objects
    assert told(row, joined) == []
    assert of.get().outbound.count() == 0  # the greeting neither


def test_a_change_and_a_failure_are_told_in_words(row: Integration) -> None:
    change = {"message_id": "m", "text": "Room 5", "is_deleted": False}
    changed = NewEvent(type=EventType.LIVE_AGENT_MESSAGE_CHANGED, payload=change)
    failed = NewEvent(type=EventType.HANDOFF_FAILED, payload={"reason": "no_live_agents"})

    assert told(row, changed, failed) == [
        "A message was changed. It now reads: Room 5",
        "You could not be connected with a person right now.",
    ]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (SessionEnd.NATURAL_END, ["This conversation has ended. Write again to begin a new one."]),
        (SessionEnd.USER_ABANDONED, []),
    ],
)
def test_after_the_end_the_next_text_begins_anew(
    row: Integration, reason: SessionEnd, said: list[str]
) -> None:
    of, first = talking(row)
    with transaction.atomic():
        conversation_end(conversation_lock(first.pk), reason)
    # What is said before the end is told goes to neither.
    assert thread_conversation(of.pk) is None

    threads_tell()

    assert texts(of) == said
    again = thread_conversation(of.pk)
    assert again is not None and again.pk != first.pk


def test_nothing_is_texted_to_whoever_wants_no_texts(row: Integration) -> None:
    of, conversation = talking(row)
    SmsThread.objects.update(opted_out_at="2026-01-01T00:00Z")

    factories.said(conversation, "Hello", EventType.POLY_AGENT_MESSAGE)
    threads_tell()

    assert texts(of) == []
    of.refresh_from_db()
    conversation.refresh_from_db()
    assert of.told_sequence == conversation.last_sequence


def test_a_variant_answers_at_its_number() -> None:
    row = carrier(number_variants='{"+15550100199": "var_9"}')

    _, conversation = talking(row)

    assert conversation.variant_id == "var_9"
