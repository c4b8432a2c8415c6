"""Who looks for a turn holds up nobody: neither with a lock nor with a database connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection

from config.demo.processes import wait_until
from conversations.models import Conversation
from handoffs.responder import message_accept
from handoffs.starting.turns.claims import TURNS, TurnClaim, turns_waiting
from tests import factories
from tests.postgres_sessions import is_waiting_for_lock, session_open

pytestmark = pytest.mark.django_db(transaction=True)
# More than connections: as many threads as this may look for a turn in one worker.
LOOKING = settings.DATABASE_POOL_SIZE + 2


def asked() -> Conversation:
    """Return a conversation of a tenant of its own that waits for an answer."""
    conversation = factories.conversation(factories.channel(factories.project()))
    message_accept(
        conversation_id=conversation.pk, text="Hello?", client_event_id="", metadata=None
    )
    return conversation


def look(is_looking: threading.Semaphore | None = None) -> int:
    """Use the database as a turn does, then look for another one; return the session's number."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid: int = cursor.fetchone()[0]
        if is_looking is not None:
            is_looking.release()
        claim = TURNS.claim_next()
        if claim is not None:
            with TURNS.kept(claim):
                pass
        return pid
    finally:
        connection.close()


def waiting() -> int:
    """Read from the database in whatever thread."""
    try:
        return turns_waiting().count()
    finally:
        connection.close()


def claim_next() -> TurnClaim | None:
    try:
        return TURNS.claim_next()
    finally:
        connection.close()


@pytest.fixture
def somebody_choosing() -> Iterator[ThreadPoolExecutor]:
    """Keep a thread in the middle of choosing, by a lock on the conversation that it chose."""
    held = asked()
    with session_open() as session, ThreadPoolExecutor(LOOKING + 1) as threads:
        session.execute("BEGIN")
        session.execute(
            "SELECT FROM conversations_conversation WHERE id = %s FOR UPDATE", [held.pk]
        )
        chosen = threads.submit(look)
        assert wait_until(_somebody_waits_for_a_lock, seconds=10)
        yield threads
        session.execute("ROLLBACK")
        chosen.result(timeout=30)


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return any(is_waiting_for_lock(pid) for (pid,) in cursor.fetchall())


def test_whoever_waits_to_choose_leaves_the_connections_to_others(
    somebody_choosing: ThreadPoolExecutor,
):
    is_looking = threading.Semaphore(0)
    for _ in range(LOOKING):
        somebody_choosing.submit(look, is_looking)
    for _ in range(LOOKING):
        assert is_looking.acquire(timeout=10), "those who wait hold all connections"

    with ThreadPoolExecutor(1) as other:
        assert other.submit(waiting).result(timeout=10) == 1


def test_a_conversation_that_was_just_written_in_does_not_wait_for_those_who_choose(
    somebody_choosing: ThreadPoolExecutor,
):
    quiet = asked()

    claim = TURNS.claim(quiet.pk)

    assert claim is not None
    with TURNS.kept(claim):
        assert claim.conversation_id == quiet.pk


def test_who_is_slower_at_a_conversation_takes_the_next_one_of_the_same_project():
    project = factories.project()
    first, second = (factories.conversation(factories.channel(project)) for _ in range(2))
    for one in (first, second):
        message_accept(conversation_id=one.pk, text="Hello?", client_event_id="", metadata=None)
    with session_open() as session, ThreadPoolExecutor(1) as threads:
        session.execute("BEGIN")
        session.execute(
            "UPDATE conversations_conversation SET turn_until = now() + interval '1 minute' "
            "WHERE id = %s",
            [first.pk],
        )
        claiming = threads.submit(claim_next)
        assert wait_until(_somebody_waits_for_a_lock, seconds=10)
        session.execute("COMMIT")
        claim = claiming.result(timeout=10)

    assert claim is not None
    with TURNS.kept(claim):
        assert claim.conversation_id == second.pk
