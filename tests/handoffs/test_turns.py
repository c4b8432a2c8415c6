"""One turn at a time in a conversation; later messages wait in the journal, not in threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from config.demo.processes import wait_until
from conversations.models import Conversation, Event
from handoffs.clocks.sweeping import answers_lost
from handoffs.responder import HandoffResponder, message_accept
from handoffs.starting.turns.answers import answer_all
from handoffs.starting.turns.claims import FRESH_PER_PROJECT, LEASE, TURNS, TurnClaim, turn_put_back
from handoffs.states import State
from integrations.models import Project
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = "import time\ndef tool(conv):\n    time.sleep(1.5)\n    return 'slow'"


def talking(project: Project | None = None) -> Conversation:
    """Return a conversation with an AI agent that knows nothing."""
    found = project or factories.project(no_match_text="I do not know.")
    return factories.conversation(factories.channel(found))


def write(conversation: Conversation, text: str = "Hello?") -> Event:
    return message_accept(
        conversation_id=conversation.pk, text=text, client_event_id="", metadata=None
    )[0]


def answers(conversation: Conversation) -> list[str]:
    lines = Event.objects.filter(conversation=conversation, type="POLY_AGENT_MESSAGE")
    return [line.payload["text"] for line in lines.order_by("sequence")][1:]


def tasks_queued() -> int:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return int(client.llen("turns"))


def claimed(conversation: Conversation) -> TurnClaim:
    """Claim a conversation's turn once the project's fresh ones have grown old."""
    claims: list[TurnClaim | None] = []

    def is_claimed() -> bool:
        claims.append(TURNS.claim(conversation.pk))
        return claims[-1] is not None

    assert wait_until(is_claimed, seconds=10)
    assert claims[-1] is not None
    assert claims[-1].conversation_id == conversation.pk
    return claims[-1]


@contextmanager
def turns_taken(*conversations: Conversation) -> Iterator[list[TurnClaim]]:
    """Hold the turns of conversations as a worker does that is thinking."""
    with ExitStack() as stack:
        claims = []
        for conversation in conversations:
            claim = claimed(conversation)
            stack.enter_context(TURNS.kept(claim))
            claims.append(claim)
        yield claims


@contextmanager
def thinking(conversation: Conversation) -> Iterator[threading.Thread]:
    """Let another thread answer, and go on once it has the turn."""

    def answer() -> None:
        answer_all(conversation.pk)
        connection.close()

    def is_claimed() -> bool:
        conversation.refresh_from_db()
        return conversation.turn_id is not None

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        assert wait_until(is_claimed, seconds=10)
        yield thread
    finally:
        thread.join(30)


def test_messages_of_one_conversation_queue_one_task_and_are_all_answered():
    conversation = talking()
    for _ in range(5):
        write(conversation)

    assert tasks_queued() == 1
    answer_all(conversation.pk)

    assert answers(conversation) == ["I do not know."] * 5
    conversation.refresh_from_db()
    assert (conversation.answer_due_at, conversation.turn_id) == (None, None)


def test_a_message_written_while_the_ai_agent_thinks_is_answered_by_the_same_worker():
    project = factories.project(no_match_text="I do not know.")
    factories.topic(project, "Be slow", factories.tool(project, SLOW))
    conversation = talking(project)
    write(conversation, "Be slow")

    with thinking(conversation):
        began = time.monotonic()
        write(conversation)
        answer_all(conversation.pk)
        waited = time.monotonic() - began

    assert waited < 1.0, "a second task must not wait for the first one's turn"
    assert answers(conversation) == ["slow", "I do not know."]
    assert tasks_queued() == 1


def test_a_turn_that_somebody_has_is_not_taken_and_not_swept():
    conversation = talking()
    write(conversation)
    Conversation.objects.update(answer_due_at=timezone.now() - timedelta(minutes=1))

    with turns_taken(conversation):
        assert TURNS.claim(conversation.pk) is None
        assert answers_lost() == []


def test_a_turn_that_takes_longer_than_its_lease_is_kept():
    conversation = talking()
    write(conversation)

    with turns_taken(conversation):
        Conversation.objects.update(turn_until=Now() + timedelta(seconds=2))

        def is_renewed() -> bool:
            return Conversation.objects.filter(turn_until__gt=Now() + LEASE * 0.8).exists()

        assert wait_until(is_renewed, seconds=10)


def test_a_killed_workers_turn_is_found_by_the_sweep_and_answered_once():
    conversation = talking()
    write(conversation)
    Conversation.objects.update(answer_due_at=timezone.now() - timedelta(seconds=9))
    with turns_taken(conversation) as [lost]:
        pass
    Conversation.objects.update(turn_until=Now() - timedelta(seconds=1))

    assert answers_lost() == [conversation.pk]
    answer_all(conversation.pk)
    turn_put_back(lost, is_try=True)

    assert answers(conversation) == ["I do not know."]
    conversation.refresh_from_db()
    assert (conversation.turn_until, conversation.answer_tries) == (None, 0)


def test_tries_of_the_oldest_unanswered_message_are_counted_until_it_is_answered():
    conversation = talking()
    write(conversation)
    tries = []
    for _ in range(3):
        with turns_taken(conversation) as [claim]:
            tries.append(claim.tries)
            turn_put_back(claim, is_try=True)
        Conversation.objects.update(turn_until=None)

    assert tries == [1, 2, 3]
    answer_all(conversation.pk)

    conversation.refresh_from_db()
    assert conversation.answer_tries == 0


def test_a_turn_that_had_not_begun_is_no_try_and_waits_a_moment():
    conversation = talking()
    write(conversation)

    with turns_taken(conversation) as [claim]:
        turn_put_back(claim, is_try=False)

    assert TURNS.claim(conversation.pk) is None
    Conversation.objects.update(turn_until=F("turn_until") - timedelta(seconds=10))
    with turns_taken(conversation) as [claim]:
        assert claim.tries == 1


def test_a_project_with_its_share_of_turns_leaves_the_rest_waiting_and_others_go_on():
    busy = factories.project(no_match_text="busy")
    crowd = [talking(busy) for _ in range(6)]
    quiet = talking()
    for conversation in (*crowd, quiet):
        write(conversation)

    with turns_taken(*crowd[:4]):
        began = time.monotonic()
        answer_all(crowd[4].pk)
        answer_all(quiet.pk)
        assert time.monotonic() - began < 2.0

        assert answers(quiet) == ["I do not know."]
        assert answers(crowd[4]) == answers(crowd[5]) == []
        assert Conversation.objects.filter(answer_due_at__isnull=False).count() == 6
    Conversation.objects.update(turn_until=None)

    answer_all(crowd[0].pk)

    assert [answers(one) for one in crowd] == [["busy"]] * 6


def test_a_turn_begins_beside_those_of_its_project_that_take_long():
    project = factories.project(no_match_text="I do not know.")
    slow = [talking(project) for _ in range(FRESH_PER_PROJECT)]
    late = talking(project)
    for conversation in (*slow, late):
        write(conversation)
    queued = tasks_queued()

    with turns_taken(*slow):
        answer_all(late.pk)
        assert answers(late) == [], "it computes beside turns that have just begun"

        assert wait_until(lambda: tasks_queued() > queued, seconds=10), "nobody is woken up"
        answer_all(slow[0].pk)
        assert answers(late) == ["I do not know."]


def test_of_those_who_wait_the_tenant_with_the_fewest_turns_comes_first():
    busy, other = factories.project(), factories.project()
    crowd = [talking(busy) for _ in range(4)]
    late = talking(other)
    for conversation in (*crowd, late):
        write(conversation)

    with turns_taken(*crowd[:2]):
        claim = TURNS.claim_next()
        assert claim is not None
        with TURNS.kept(claim):
            assert claim.conversation_id == late.pk


def test_a_handoff_leaves_nothing_due_behind():
    conversation = talking()
    factories.handoff(conversation, state=State.QUEUED)
    Conversation.objects.filter(pk=conversation.pk).update(answer_due_at=timezone.now())

    HandoffResponder().on_cancel(conversation_id=conversation.pk)
    write(conversation)

    assert tasks_queued() == 1
