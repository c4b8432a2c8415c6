"""Every state that waits has a deadline that can be set, and somebody who keeps it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import redis
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_migrate
from django.utils import timezone

from conversations.models import Conversation
from handoffs.clocks.overdue import overdue_reap
from handoffs.clocks.reaping import reap_all
from handoffs.lifecycle import deadlines
from handoffs.lifecycle.deadlines import NO_WORKER
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Delivery, Handoff, RelayWorker
from handoffs.sending.outbox import delivery_create
from handoffs.states import OPEN_STATES, EndReason, State
from handoffs.tasks import reap, sweep
from tests import factories
from tests.factories import spoke

pytestmark = pytest.mark.django_db
GRACE_SECONDS = int(NO_WORKER.after.total_seconds())

# Which setting gives each open state its deadline.
DEADLINES = {
    State.REQUESTED: "HANDOFF_CONNECT_SECONDS",
    State.CONNECTING: "HANDOFF_CONNECT_SECONDS",
    State.QUEUED: "HANDOFF_QUEUE_MAX_SECONDS",
    State.ACTIVE: "HANDOFF_ACTIVE_SILENCE_SECONDS",
}


def moved(seconds: float):
    """Return the moment so many seconds ago: a clock moved on, seen from the row."""
    return timezone.now() - timedelta(seconds=seconds)


def waiting(text: str = "Anybody?", *, age: float = 0, state: State = State.ACTIVE) -> Delivery:
    handoff = factories.handoff(state=state)
    delivery = delivery_create(handoff, factories.said(handoff.conversation, text))
    Delivery.objects.filter(pk=delivery.pk).update(created_at=moved(age))
    return delivery


def status(of: Delivery) -> str:
    return Delivery.objects.get(pk=of.pk).status


# ---- every state ----


def test_no_state_is_forgotten_here():
    assert set(DEADLINES) == set(OPEN_STATES)
    assert set(State) - set(OPEN_STATES) == {State.ENDED, State.FAILED}


@pytest.mark.parametrize(("state", "name"), DEADLINES.items(), ids=lambda value: str(value))
def test_each_open_state_ends_when_its_own_setting_says_so(state, name, settings):
    setattr(settings, name, 300)
    handoff = factories.handoff(state=state)
    assert handoff.deadline_at is not None
    left = (handoff.deadline_at - timezone.now()).total_seconds()

    Handoff.objects.filter(pk=handoff.pk).update(
        deadline_at=handoff.deadline_at - timedelta(seconds=301)
    )
    reap()

    assert 290 < left <= 300
    assert not factories.fresh(handoff).is_open


@pytest.mark.parametrize("state", OPEN_STATES, ids=lambda state: state.value)
def test_a_final_state_keeps_no_deadline_and_its_word_to_the_vendor_has_one(state, settings):
    settings.VENDOR_END_DEADLINE_SECONDS = 120
    handoff = factories.handoff(state=state)
    Handoff.objects.filter(pk=handoff.pk).update(deadline_at=moved(1))

    reap()

    now = factories.fresh(handoff)
    assert now.deadline_at is None
    is_told = state is not State.REQUESTED  # else the vendor never heard of it
    assert (now.vendor_end_until is not None) == is_told
    if now.vendor_end_until:
        assert 110 < (now.vendor_end_until - timezone.now()).total_seconds() <= 120


def test_an_open_conversation_ends_when_its_setting_says_so(settings):
    settings.SESSION_IDLE_SECONDS = 50
    young, old = factories.conversation(), factories.conversation()
    Conversation.objects.filter(pk=young.pk).update(last_seen_at=moved(40))
    Conversation.objects.filter(pk=old.pk).update(last_seen_at=moved(60))

    reap()

    states = dict(Conversation.objects.values_list("pk", "state"))
    assert (states[young.pk], states[old.pk]) == ("bot", "ended")


# ---- messages, when nobody serves their handoff ----


def test_a_message_that_nobody_sends_is_shown_as_not_delivered(settings):
    delivery = waiting(age=settings.DELIVERY_DEADLINE_SECONDS + GRACE_SECONDS + 1)

    reap()

    assert status(delivery) == "failed"
    assert factories.journal(delivery.handoff)[-1] == "SYSTEM_MESSAGE"


def test_a_message_is_left_to_its_session_for_a_while_after_its_deadline(settings):
    delivery = waiting(age=settings.DELIVERY_DEADLINE_SECONDS + 1)

    reap()

    assert status(delivery) == "pending"


def test_only_what_is_overdue_is_given_up(settings):
    settings.DELIVERY_DEADLINE_SECONDS = 10
    old = waiting("first", age=10 + GRACE_SECONDS + 1)
    young = delivery_create(old.handoff, factories.said(old.handoff.conversation, "second"))

    reap()

    assert (status(old), status(young)) == ("failed", "pending")


def test_giving_up_twice_says_it_once(settings):
    delivery = waiting(age=settings.DELIVERY_DEADLINE_SECONDS + GRACE_SECONDS + 1)
    reap()

    reap()

    assert factories.journal(delivery.handoff).count("SYSTEM_MESSAGE") == 1


def test_nothing_is_written_behind_the_end_of_a_conversation(settings):
    delivery = waiting(age=settings.DELIVERY_DEADLINE_SECONDS + GRACE_SECONDS + 1)
    handoff_end(factories.fresh(delivery.handoff), EndReason.OPERATOR_ENDED)
    reap_all()

    overdue_reap()

    assert status(delivery) == "failed"
    assert factories.journal(delivery.handoff)[-1] == "SESSION_END"


# ---- the word to the vendor ----


def test_an_end_that_no_vendor_confirmed_is_given_up_at_last():
    handoff = factories.handoff(state=State.ACTIVE)
    handoff_end(factories.fresh(handoff), EndReason.END_USER_ENDED)
    Handoff.objects.update(vendor_end_until=moved(GRACE_SECONDS + 1))

    reap()

    assert factories.fresh(handoff).vendor_end_until is None


def test_an_end_within_its_time_is_repeated_still():
    handoff = factories.handoff(state=State.ACTIVE)
    handoff_end(factories.fresh(handoff), EndReason.END_USER_ENDED)

    reap()

    assert factories.fresh(handoff).vendor_end_until is not None


# ---- what moves a deadline ----


def test_an_active_handoffs_deadline_follows_what_the_live_agent_says(settings):
    settings.HANDOFF_ACTIVE_SILENCE_SECONDS = 100
    handoff = factories.handoff(state=State.ACTIVE)
    Handoff.objects.update(deadline_at=timezone.now() + timedelta(seconds=5))

    factories.apply(factories.lease_of(handoff), spoke("Still here"))

    left = (factories.fresh(handoff).deadline_at - timezone.now()).total_seconds()
    assert 90 < left <= 100


# ---- the sweep while no relay worker lives ----


def test_tasks_do_not_pile_up_while_no_relay_worker_lives(redis_client):
    factories.handoff()
    Handoff.objects.update(requested_at=moved(10))
    RelayWorker.objects.update(stopped_at=timezone.now())

    for _ in range(3):
        sweep()

    assert redis_client.llen("relay") == 0


def test_a_lost_task_is_queued_again_while_one_lives(redis_client):
    factories.handoff()
    Handoff.objects.update(requested_at=moved(10))
    factories.worker()

    sweep()

    assert redis_client.llen("relay") == 1


@pytest.fixture
def redis_client(redis_server):
    with redis.Redis.from_url(redis_server.url) as client:
        yield client


# ---- a process that stands still ----


def _limit():
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        return cursor.fetchone()[0]


def test_every_connection_tells_postgresql_how_long_it_may_stand_still(settings):
    assert _limit() == f"{settings.DATABASE_FROZEN_SECONDS:.0f}s"


def test_a_migration_may_stand_still_for_as_long_as_it_must(settings):
    found = []

    def look(**_):
        found.append(_limit())

    app = apps.get_app_config("integrations")
    pre_migrate.connect(look, sender=app)
    call_command("migrate", verbosity=0)
    pre_migrate.disconnect(look, sender=app)

    assert found == ["0"]
    assert _limit() == f"{settings.DATABASE_FROZEN_SECONDS:.0f}s"


@pytest.mark.django_db(transaction=True)
def test_a_process_that_freezes_inside_a_transaction_loses_its_locks():
    conversation = factories.conversation()
    frozen = _connection("-c idle_in_transaction_session_timeout=200")
    frozen.execute(
        "SELECT 1 FROM conversations_conversation WHERE id = %s FOR UPDATE", [conversation.pk]
    )

    factories.said(conversation, "Is anybody there?")

    assert factories.journal(conversation)[-1] == "USER_MESSAGE"
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        frozen.execute("SELECT 1")


def _connection(options: str) -> psycopg.Connection:
    known = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return psycopg.connect(
        **{name: known[name] for name in names if known.get(name)}, options=options
    )


# ---- the table ----


def test_no_deadline_is_read_beside_the_table():
    names = {one.setting for one in deadlines.DEADLINES if one.setting}
    files = {path: path.read_text() for path in Path("handoffs").rglob("*.py")}
    beside = [
        (path.as_posix(), name)
        for path, text in files.items()
        for name in names
        if name in text and path.name != "deadlines.py"
    ]

    assert beside == []


def test_every_deadline_says_what_lasts_and_what_happens_then():
    assert all(one.lasts and one.then and one.after for one in deadlines.DEADLINES)
    assert len({one.lasts for one in deadlines.DEADLINES}) == len(deadlines.DEADLINES)
