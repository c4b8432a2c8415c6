"""Who owns a handoff: claims, takeover by the database's clock, and writes that come too late."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.utils import timezone

from conversations.models import Conversation, Event
from handoffs.clocks.reaping import clean_up_old, handoff_reap
from handoffs.lifecycle.locking import Lease, LeaseLostError, handoff_leased, handoff_locked
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Delivery, Handoff, RelayWorker, StoredWebhook, VendorEvent, VendorKey
from handoffs.receiving.events import vendor_event_apply
from handoffs.relay import transactions as steps
from handoffs.relay.connectors import Connectors
from handoffs.relay.leases import (
    handoffs_claim,
    handoffs_with_work,
    leases_held,
    worker_beat,
    worker_register,
    worker_stop,
    workers_alive,
)
from handoffs.relay.worker import RelayWorkerLoop
from handoffs.responder import HandoffResponder, message_accept
from handoffs.sending.outbox import deliveries_pending, delivery_refused, delivery_sent
from handoffs.states import EndReason, State
from integrations.contract.errors import CannotConnectError, RejectedError
from tests import factories
from tests.waiting import eventually

THREADS = 6
pytestmark = pytest.mark.django_db
concurrent = pytest.mark.django_db(transaction=True)


def in_threads(*works: Callable[[], Any]) -> list[Any]:
    """Run all at the same moment, each on a connection of its own; return their results."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            barrier.wait(5)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(20) for future in [pool.submit(run, work) for work in works]]


def grow_old(worker_id: uuid.UUID, seconds: float = 60) -> None:
    """Make a worker's last heartbeat old."""
    at = timezone.now() - timedelta(seconds=seconds)
    RelayWorker.objects.filter(pk=worker_id).update(heartbeat_at=at)


def send(handoff: Handoff, text: str) -> Event:
    return message_accept(
        conversation_id=handoff.conversation_id, text=text, client_event_id="", metadata=None
    )[0]


# ---- claiming ----


@concurrent
def test_one_of_many_workers_that_claim_at_once_gets_the_handoff():
    handoff = factories.handoff()
    workers = [factories.worker(f"w{n}") for n in range(THREADS)]

    claims = in_threads(*[lambda w=w: handoffs_claim(w, handoff.pk) for w in workers])

    [won] = [lease for leases in claims for lease in leases]
    stored = factories.fresh(handoff)
    assert (stored.owner_id, stored.lease_epoch) == (won.worker_id, won.epoch) == (won.worker_id, 1)


@concurrent
def test_workers_that_claim_in_batches_share_what_is_there_without_overlap():
    made = {factories.handoff().pk for _ in range(12)}
    workers = [factories.worker(f"w{n}") for n in range(THREADS)]

    claims = in_threads(*[lambda w=w: handoffs_claim(w) for w in workers])
    claims += [handoffs_claim(workers[0])]  # what all of them skipped because it was locked

    claimed = [lease.handoff_id for leases in claims for lease in leases]
    assert sorted(claimed) == sorted(made)


def test_a_handoff_with_a_living_owner_cannot_be_claimed():
    handoff = factories.handoff()
    lease = factories.claim(handoff)

    assert handoffs_claim(factories.worker(), handoff.pk) == []
    assert leases_held(lease.worker_id) == [lease]


def test_a_handoff_that_is_over_for_both_sides_is_claimed_by_nobody():
    handoff = factories.handoff(state=State.ENDED)
    worker_stop(factories.lease_of(handoff).worker_id)

    assert handoffs_claim(factories.worker()) == []


def test_an_ended_handoff_of_which_the_vendor_does_not_know_is_claimed():
    handoff = factories.handoff(state=State.ACTIVE)
    first = factories.lease_of(handoff)
    HandoffResponder().on_leave(conversation_id=handoff.conversation_id, metadata=None)
    worker_stop(first.worker_id)

    assert [lease.handoff_id for lease in handoffs_claim(factories.worker())] == [handoff.pk]


def test_the_database_says_who_is_dead_and_the_next_worker_takes_over():
    handoff = factories.handoff(state=State.ACTIVE)
    dead = factories.lease_of(handoff)
    second = factories.worker()
    assert handoffs_claim(second) == []

    grow_old(dead.worker_id)
    [lease] = handoffs_claim(second)

    assert lease == Lease(handoff_id=handoff.pk, worker_id=second, epoch=dead.epoch + 1)
    assert dead.worker_id not in {worker.pk for worker in workers_alive()}


def test_a_beat_brings_a_worker_back_but_not_what_it_owned():
    handoff = factories.handoff(state=State.ACTIVE)
    sleeper = factories.lease_of(handoff)
    grow_old(sleeper.worker_id)
    handoffs_claim(factories.worker())

    worker_beat(sleeper.worker_id)

    assert sleeper.worker_id in {worker.pk for worker in workers_alive()}
    assert leases_held(sleeper.worker_id) == []


def test_a_worker_that_stops_gives_up_its_leases_at_once_and_touches_nothing_that_is_over():
    handoff, over = factories.handoff(state=State.ACTIVE), factories.handoff(state=State.ENDED)
    first = factories.lease_of(handoff)
    Handoff.objects.filter(pk=over.pk).update(owner_id=first.worker_id)

    worker_stop(first.worker_id)

    assert factories.fresh(handoff).owner_id is None
    assert factories.fresh(over).owner_id == first.worker_id
    assert [lease.epoch for lease in handoffs_claim(factories.worker())] == [first.epoch + 1]
    assert not workers_alive().filter(pk=first.worker_id).exists()


def test_workers_long_gone_are_deleted_once_they_own_nothing_that_is_open():
    owner, idle = factories.handoff(state=State.ACTIVE).owner_id, factories.worker()
    killed = factories.handoff(state=State.ENDED).owner_id
    for worker_id in (owner, idle, killed):
        grow_old(worker_id, seconds=90_000)

    clean_up_old()

    assert set(RelayWorker.objects.values_list("pk", flat=True)) == {owner}


# ---- what is to be done, found without any wake-up ----


def test_work_is_found_without_a_wake_up():
    idle = factories.handoff(state=State.ACTIVE)
    lease = factories.lease_of(idle)
    assert handoffs_with_work(lease.worker_id) == []

    send(idle, "Are you there?")

    assert handoffs_with_work(lease.worker_id) == [idle.pk]


def test_a_message_that_waits_for_its_next_attempt_is_no_work_yet():
    handoff = factories.handoff(state=State.ACTIVE)
    send(handoff, "Are you there?")
    later = timezone.now() + timedelta(seconds=30)
    Delivery.objects.filter(handoff=handoff).update(next_attempt_at=later)

    assert handoffs_with_work(factories.lease_of(handoff).worker_id) == []


def test_an_end_that_the_vendor_has_to_hear_of_is_work():
    handoff = factories.handoff(state=State.ACTIVE)

    HandoffResponder().on_leave(conversation_id=handoff.conversation_id, metadata=None)

    assert handoffs_with_work(factories.lease_of(handoff).worker_id) == [handoff.pk]


def test_a_stored_webhook_is_work_until_it_is_applied():
    handoff = factories.handoff(state=State.ACTIVE)
    worker_id = factories.lease_of(handoff).worker_id
    names = {"integration": handoff.integration, "key": "cv-1"}
    VendorKey.objects.create(handoff=handoff, **names)

    row = StoredWebhook.objects.create(item_id="events:1", body={"id": "1"}, **names)
    before = handoffs_with_work(worker_id)
    StoredWebhook.objects.filter(pk=row.pk).update(is_done=True)

    assert (before, handoffs_with_work(worker_id)) == ([handoff.pk], [])


# ---- fencing ----


def _send_message(handoff: Handoff) -> None:
    send(handoff, "Before the nap")


SLEEPERS_WRITES: dict[str, Callable[[Lease], Any]] = {
    "open": steps.opening_read,
    "accept": lambda lease: steps.start_succeeded(lease, factories.vendor_session("9")),
    "fail to start": lambda lease: steps.start_failed(lease, CannotConnectError("x")),
    "vendor event": lambda lease: factories.apply(lease, factories.spoke("late")),
    "vendor ended": lambda lease: factories.apply(
        lease, factories.vendor_event(factories.vendor_events.ConversationEnded)
    ),
    "stream closed": steps.vendor_closed,
    "stream lost": lambda lease: steps.listener_lost(lease, CannotConnectError("x")),
    "keep session": lambda lease: steps.session_changed(lease, factories.vendor_session("9")),
    "sent": lambda lease: delivery_sent(lease, deliveries_pending(lease.handoff_id)[0].id),
    "retry": lambda lease: delivery_refused(
        lease, deliveries_pending(lease.handoff_id)[0], CannotConnectError("x")
    ),
    "give up": lambda lease: delivery_refused(
        lease, deliveries_pending(lease.handoff_id)[0], RejectedError("x")
    ),
    "look for work": steps.outbox_read,
    "ask for end": steps.vendor_end_due,
    "confirm end": steps.vendor_end_done,
}


@pytest.mark.parametrize("write", SLEEPERS_WRITES.values(), ids=SLEEPERS_WRITES)
def test_a_worker_that_slept_through_a_takeover_changes_nothing(write):
    handoff = factories.handoff(state=State.ACTIVE)
    sleeper = factories.lease_of(handoff)
    _send_message(handoff)
    grow_old(sleeper.worker_id)
    handoffs_claim(factories.worker())
    before = _everything(handoff)

    with pytest.raises(LeaseLostError):
        write(sleeper)

    assert _everything(handoff) == before


@pytest.mark.parametrize("write", SLEEPERS_WRITES.values(), ids=SLEEPERS_WRITES)
def test_a_released_lease_is_no_lease(write):
    handoff = factories.handoff(state=State.ACTIVE)
    lease = factories.lease_of(handoff)
    _send_message(handoff)
    worker_stop(lease.worker_id)
    before = _everything(handoff)

    with pytest.raises(LeaseLostError):
        write(lease)

    assert _everything(handoff) == before


@concurrent
def test_no_claim_comes_between_the_check_of_a_lease_and_its_write():
    handoff = factories.handoff(state=State.ACTIVE)
    lease = factories.lease_of(handoff)
    second = factories.worker()
    grow_old(lease.worker_id)

    with handoff_leased(lease):
        [during] = in_threads(lambda: handoffs_claim(second, handoff.pk))
    after = handoffs_claim(second, handoff.pk)

    assert during == []
    assert [found.epoch for found in after] == [lease.epoch + 1]


def _everything(handoff: Handoff) -> tuple[Any, ...]:
    now = factories.fresh(handoff)
    return (
        {f.name: getattr(now, f.attname) for f in Handoff._meta.concrete_fields},
        factories.journal(handoff),
        factories.transitions(handoff),
        list(Delivery.objects.filter(handoff=handoff).values()),
        VendorEvent.objects.filter(handoff=handoff).count(),
        Conversation.objects.filter(pk=handoff.conversation_id).values().get(),
    )


# ---- whoever waits for the lock sees what was written meanwhile ----


def while_somebody_ends(handoff: Handoff, reason: EndReason, work: Callable[[], Any]) -> Any:
    """Start `work` while the handoff is being ended and not yet committed; return its result."""
    with ThreadPoolExecutor(1) as pool:
        with handoff_locked(handoff.pk) as locked:
            future = pool.submit(_and_close, work)
            eventually(_somebody_waits_for_a_lock)
            handoff_end(locked, reason)
        return future.result(10)


def _and_close(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connection.close()


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def returning_to_the_agent() -> Handoff:
    behaviour = {"after_agent": "return_to_bot"}
    return factories.handoff(
        state=State.ACTIVE, of_integration=factories.integration(behaviour=behaviour)
    )


@concurrent
def test_a_live_agents_message_that_waited_while_the_handoff_ended_is_not_shown():
    handoff = returning_to_the_agent()
    lease = factories.lease_of(handoff)
    late = factories.spoke("Still there?")

    is_over = while_somebody_ends(
        handoff,
        EndReason.STOP_WORD,
        lambda: vendor_event_apply(lease, factories.vendor_session("7"), late),
    )

    assert is_over
    assert factories.journal(handoff)[-1] == "POLY_AGENT_JOINED"
    assert factories.transitions(handoff)[-2:] == ["active", "ended"]


@concurrent
def test_a_handoff_that_ended_while_the_reaper_waited_is_not_ended_again():
    handoff = returning_to_the_agent()
    past = timezone.now() - timedelta(seconds=1)
    Handoff.objects.filter(pk=handoff.pk).update(deadline_at=past)

    while_somebody_ends(handoff, EndReason.LIVE_AGENT_ENDED, lambda: handoff_reap(handoff.pk))

    assert factories.transitions(handoff).count("ended") == 1
    assert factories.fresh(handoff).end_reason == "live_agent_ended"


@concurrent
def test_a_message_that_waited_while_the_handoff_ended_is_the_ai_agents_to_answer():
    handoff = returning_to_the_agent()

    line = while_somebody_ends(
        handoff, EndReason.STOP_WORD, lambda: send(handoff, "One more thing")
    )

    conversation = Conversation.objects.get(pk=handoff.conversation_id)
    assert conversation.answer_due_at is not None
    assert conversation.answered_sequence < line.sequence
    assert not Delivery.objects.filter(event=line).exists()


@concurrent
def test_a_lock_outside_a_transaction_is_refused():
    handoff = factories.handoff()

    with pytest.raises(transaction.TransactionManagementError):
        Handoff.objects.select_for_update().get(pk=handoff.pk)


@concurrent
@pytest.mark.parametrize(("seconds_without", "is_taken"), [(60, False), (0, True)])
async def test_after_an_outage_of_all_nobody_takes_over_before_the_others_could_beat(
    seconds_without, is_taken
):
    """A chat with two pollers is ended by some vendors."""
    handoff = await sync_to_async(factories.handoff)()
    other, ours = [await sync_to_async(worker_register)(name) for name in ("other", "ours")]
    [lease] = await sync_to_async(handoffs_claim)(other)
    await sync_to_async(grow_old)(other)
    worker = RelayWorkerLoop()
    worker._worker_id, worker._stopping = ours, asyncio.Event()
    worker._connectors = Connectors(None)
    worker._beat_at = time.monotonic() - seconds_without

    await worker._beat()
    for _, task in worker._sessions.values():
        task.cancel()

    owner = (await Handoff.objects.aget(pk=handoff.pk)).owner_id
    assert owner == (ours if is_taken else lease.worker_id)


@concurrent
def test_a_worker_that_cannot_go_on_ends_its_process_and_leaves_its_handoffs_to_others():
    """A heartbeat that breaks in our own code is no outage that passes."""

    class Broken(RelayWorkerLoop):
        async def _beat(self) -> None:
            raise ZeroDivisionError

    has_given_up = threading.Event()
    worker = Broken(give_up=has_given_up.set)
    worker.start()

    assert has_given_up.wait(10)
    eventually(lambda: not RelayWorker.objects.filter(stopped_at=None).exists())
    worker.stop()
