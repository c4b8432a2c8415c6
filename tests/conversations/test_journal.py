"""The journal: numbered without gap or repeat, whoever writes, in whatever order things happen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from conversations.errors import ConversationEndedError
from conversations.journal.frames import EventType
from conversations.journal.services import conversation_lock, events_append, message_event
from conversations.models import Channel, Conversation, Event
from conversations.widget.channels import channel_shared
from handoffs.responder import HandoffResponder, message_accept
from tests import factories

THREADS, APPENDS = 8, 25
RESPONDER = HandoffResponder()


def run_in_threads(work: Callable[[int], None], count: int = THREADS) -> None:
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait(5)
            work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(run, number) for number in range(count)]:
            future.result(60)


def sequences(conversation: Conversation) -> list[int]:
    lines = Event.objects.filter(conversation=conversation).order_by("created_at", "sequence")
    return sorted(lines.values_list("sequence", flat=True))


# ---- real concurrency ----


@pytest.mark.django_db(transaction=True)
def test_many_who_come_first_at_once_share_one_channel(project):
    def ask(number: int) -> None:
        channel_shared(project=project, kind=Channel.Kind.SMS, environment="sandbox", name="Texts")

    run_in_threads(ask)

    assert project.channels.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_leave_no_gap_and_no_repeat():
    conversation = factories.conversation()

    def write(number: int) -> None:
        for nth in range(APPENDS):
            with transaction.atomic():
                events_append(
                    conversation_lock(conversation.pk),
                    [message_event(EventType.USER_MESSAGE, f"{number}:{nth}")],
                )

    run_in_threads(write)

    conversation.refresh_from_db()
    total = 3 + THREADS * APPENDS
    assert sequences(conversation) == list(range(1, total + 1))
    assert conversation.last_sequence == total
    texts = [e.payload.get("text") for e in Event.objects.filter(conversation=conversation)]
    assert len(set(texts)) == THREADS * APPENDS + 2


@pytest.mark.django_db(transaction=True)
def test_each_writers_lines_keep_the_order_in_which_it_wrote_them():
    conversation = factories.conversation()

    def write(number: int) -> None:
        for nth in range(10):
            factories.said(conversation, f"{number} {nth:02}")

    run_in_threads(write)

    lines = Event.objects.filter(conversation=conversation, type="USER_MESSAGE")
    texts = [line.payload["text"] for line in lines.order_by("sequence")]
    for number in range(THREADS):
        own = [text for text in texts if text.startswith(f"{number} ")]
        assert own == sorted(own)
        assert len(own) == 10


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_takes_no_number():
    conversation = factories.conversation()

    def write(number: int) -> None:
        for nth in range(10):
            try:
                with transaction.atomic():
                    factories.said(conversation, "kept or not")
                    if (number + nth) % 2:
                        raise IntegrityError
            except IntegrityError:
                continue

    run_in_threads(write)

    conversation.refresh_from_db()
    assert sequences(conversation) == list(range(1, 4 + THREADS * 5))
    assert conversation.last_sequence == 3 + THREADS * 5


@pytest.mark.django_db(transaction=True)
def test_the_same_message_sent_from_all_sockets_at_once_is_one_line():
    conversation = factories.conversation()
    answers: list[list[Event]] = []

    def send(_: int) -> None:
        answers.append(
            message_accept(
                conversation_id=conversation.pk, text="Hi", client_event_id="c-1", metadata=None
            )
        )

    run_in_threads(send)

    assert {event.pk for events in answers for event in events} == {
        Event.objects.get(type="USER_MESSAGE").pk
    }
    assert sequences(conversation) == [1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_nothing_slips_in_behind_an_end_that_races_with_messages():
    conversation = factories.conversation()

    def act(number: int) -> None:
        for nth in range(6):
            try:
                if number == 0 and nth == 3:
                    RESPONDER.on_leave(conversation_id=conversation.pk, metadata=None)
                else:
                    factories.said(conversation, "x")
            except ConversationEndedError:
                return

    run_in_threads(act)

    journal = factories.journal(conversation)
    assert journal[-1] == "SESSION_END"
    assert journal.count("SESSION_END") == 1
    assert sequences(conversation) == list(range(1, len(journal) + 1))


@pytest.mark.django_db
def test_the_database_refuses_a_number_that_is_taken():
    conversation = factories.conversation()

    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.create(conversation=conversation, sequence=2, type="USER_MESSAGE")


@pytest.mark.django_db
def test_a_client_may_use_an_id_again_in_another_conversation():
    first, second = factories.conversation(), factories.conversation()

    for conversation in (first, second):
        message_accept(
            conversation_id=conversation.pk, text="Hi", client_event_id="c-1", metadata=None
        )

    assert Event.objects.filter(client_event_id="c-1").count() == 2


@pytest.mark.django_db
def test_a_resend_after_the_end_is_answered_with_the_first_line():
    conversation = factories.conversation()
    given: dict[str, Any] = {"conversation_id": conversation.pk, "client_event_id": "c-1"}
    [line] = message_accept(text="Hi", metadata=None, **given)
    RESPONDER.on_leave(conversation_id=conversation.pk, metadata=None)

    assert message_accept(text="Hi", metadata=None, **given) == [line]
    assert factories.journal(conversation)[-1] == "SESSION_END"
