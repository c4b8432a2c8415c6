"""End user messages on their way to the vendor: in order, once, or shown as not delivered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.journal.frames import EventType
from conversations.models import Event
from handoffs.lifecycle.locking import handoff_leased
from handoffs.lifecycle.services import handoff_end, handoff_fail
from handoffs.models import Delivery, Handoff
from handoffs.receiving.events import vendor_event_apply
from handoffs.relay import transactions as steps
from handoffs.relay.transactions import vendor_end_due
from handoffs.responder import HandoffResponder, message_accept
from handoffs.sending.outbox import (
    PendingDelivery,
    deliveries_pending,
    delivery_refused,
    delivery_sent,
    receipts_apply,
    retry_seconds,
)
from handoffs.states import EndReason, State
from integrations.contract import events as vendor_events
from integrations.contract.errors import CannotConnectError, RateLimitedError, RejectedError
from tests import factories

pytestmark = pytest.mark.django_db
NOT_DELIVERED = {
    "level": "SYSTEM_MESSAGE_LEVEL_WARNING",
    "message": "This message was not delivered.",
    "code": "handoff_forward_failed",
}
Status = Delivery.Status


def send(handoff: Handoff, text: str) -> Event:
    return message_accept(
        conversation_id=handoff.conversation_id, text=text, client_event_id="", metadata=None
    )[0]


def first(handoff: Handoff) -> PendingDelivery:
    return deliveries_pending(handoff.pk)[0]


def statuses(handoff: Handoff) -> list[str]:
    rows = Delivery.objects.filter(handoff=handoff).order_by("sequence")
    return list(rows.values_list("status", flat=True))


def notices(handoff: Handoff) -> list[dict]:
    lines = Event.objects.filter(
        conversation_id=handoff.conversation_id, payload__code="handoff_forward_failed"
    )
    return list(lines.order_by("sequence").values_list("payload", flat=True))


def returning(state: State = State.ACTIVE) -> Handoff:
    behaviour = {"after_agent": "return_to_bot", "stop_word": "stop"}
    return factories.handoff(state=state, of_integration=factories.integration(behaviour=behaviour))


# ---- queueing ----


@pytest.mark.parametrize(
    "state", [State.REQUESTED, State.CONNECTING, State.QUEUED, State.ACTIVE], ids=lambda s: s.value
)
def test_every_message_during_a_handoff_is_queued_in_order(state):
    handoff = factories.handoff(state=state)

    lines = [send(handoff, text) for text in ("one", "two", "three")]

    pending = deliveries_pending(handoff.pk)
    assert [p.text for p in pending] == ["one", "two", "three"]
    assert [p.message_id for p in pending] == [str(line.pk) for line in lines]


def test_a_resend_of_the_client_is_queued_once(active):
    HandoffResponder()
    given = {"conversation_id": active.conversation_id, "metadata": None, "client_event_id": "c-1"}

    [line] = message_accept(text="Hi", **given)
    again = message_accept(text="Hi", **given)

    assert again == [line]
    assert len(deliveries_pending(active.pk)) == 1


def test_the_text_is_in_no_repr(active):
    send(active, "My card is 4111 1111")

    assert "4111 1111" not in repr(first(active))


# ---- sent and refused ----


def test_a_sent_message_is_pending_no_more(active):
    send(active, "one")
    send(active, "two")

    delivery_sent(factories.lease_of(active), first(active).id)

    assert statuses(active) == [Status.SENT, Status.PENDING]
    assert first(active).text == "two"


def test_the_first_retry_is_at_once_then_pauses_double_with_jitter_up_to_a_cap():
    # An end is told for a day: that are thousands of attempts.
    counts = (*range(1, 12), 5000)
    grown = {attempts: min(15.0, 0.5 * 2.0 ** min(attempts - 1, 10)) for attempts in counts}

    assert retry_seconds(0) == 0.0
    for attempts, longest in grown.items():
        drawn = [retry_seconds(attempts) for _ in range(50)]
        assert all(longest / 2 <= pause <= longest for pause in drawn)
        assert len(set(drawn)) > 1


def test_the_vendor_says_itself_how_long_to_wait(active):
    send(active, "one")

    again = delivery_refused(
        factories.lease_of(active), first(active), RateLimitedError("slow", retry_after=7)
    )

    assert again
    wait = (first(active).next_attempt_at - timezone.now()).total_seconds()
    assert 6 < wait <= 7
    assert first(active).attempts == 1


def test_a_message_that_may_be_tried_again_keeps_its_place(active):
    send(active, "one")
    send(active, "two")

    for _ in range(4):
        assert delivery_refused(factories.lease_of(active), first(active), CannotConnectError("x"))

    assert [p.text for p in deliveries_pending(active.pk)] == ["one", "two"]
    assert Delivery.objects.get(pk=first(active).id).error_code == "cannot_connect"
    assert notices(active) == []


def test_a_message_refused_for_good_is_shown_as_not_delivered_and_the_next_one_goes_on(active):
    lost = send(active, "one")
    send(active, "two")

    again = delivery_refused(factories.lease_of(active), first(active), RejectedError("no"))

    assert not again
    assert statuses(active) == [Status.FAILED, Status.PENDING]
    assert notices(active) == [{**NOT_DELIVERED, "message_id": str(lost.pk)}]
    assert Delivery.objects.get(event=lost).error_code == "rejected"


def test_a_message_is_given_up_when_its_time_is_over(active, settings):
    lost = send(active, "one")
    old = timezone.now() - timedelta(seconds=settings.DELIVERY_DEADLINE_SECONDS + 1)
    Delivery.objects.update(created_at=old)

    again = delivery_refused(factories.lease_of(active), first(active), CannotConnectError("x"))

    assert not again
    assert [notice["message_id"] for notice in notices(active)] == [str(lost.pk)]


def test_a_pause_beyond_the_deadline_gives_up_at_once(active, settings):
    send(active, "one")
    error = RateLimitedError("slow", retry_after=settings.DELIVERY_DEADLINE_SECONDS + 5)

    assert not delivery_refused(factories.lease_of(active), first(active), error)
    assert statuses(active) == [Status.FAILED]


def test_a_message_that_was_given_up_meanwhile_is_not_noticed_twice(active):
    send(active, "one")
    stale = first(active)
    delivery_refused(factories.lease_of(active), stale, RejectedError("no"))

    delivery_refused(factories.lease_of(active), stale, RejectedError("no"))

    assert len(notices(active)) == 1


def test_a_message_refused_after_the_end_is_shown_before_session_end(active):
    send(active, "one")
    HandoffResponder().on_leave(conversation_id=active.conversation_id, metadata=None)

    assert not delivery_refused(factories.lease_of(active), first(active), RejectedError("no"))
    assert statuses(active) == [Status.FAILED]
    vendor_end_due(factories.lease_of(active))
    assert factories.journal(active)[-2:] == ["SYSTEM_MESSAGE", "SESSION_END"]


# ---- what is pending at the end ----


def test_what_is_pending_when_the_handoff_fails_is_shown_as_lost_before_the_failure(active):
    lines = [send(active, text) for text in ("one", "two")]
    lease = factories.lease_of(active)

    with handoff_leased(lease) as handoff:
        handoff_fail(handoff, "listener_lost", lease=lease)

    assert [notice["message_id"] for notice in notices(active)] == [str(line.pk) for line in lines]
    assert factories.journal(active)[-4:] == [
        "SYSTEM_MESSAGE",
        "SYSTEM_MESSAGE",
        "HANDOFF_FAILED",
        "POLY_AGENT_JOINED",
    ]
    assert statuses(active) == [Status.FAILED, Status.FAILED]


def test_what_is_pending_when_the_live_agent_ends_is_shown_as_lost_before_session_end(active):
    send(active, "one")

    factories.apply(
        factories.lease_of(active), factories.vendor_event(vendor_events.ConversationEnded)
    )

    # Until the relay knows what became of it, there is no SESSION_END.
    assert factories.journal(active)[-1] == "LIVE_AGENT_LEFT"
    assert not steps.outbox_read(factories.lease_of(active)).pending
    steps.vendor_end_done(factories.lease_of(active))
    assert factories.journal(active)[-2:] == ["SYSTEM_MESSAGE", "SESSION_END"]
    assert statuses(active) == [Status.FAILED]


def test_what_is_pending_when_the_end_user_ends_is_still_sent():
    handoff = factories.handoff(state=State.ACTIVE)
    send(handoff, "Thanks, bye")

    HandoffResponder().on_leave(conversation_id=handoff.conversation_id, metadata=None)

    assert [p.text for p in steps.outbox_read(factories.lease_of(handoff)).pending] == [
        "Thanks, bye"
    ]


def test_what_could_not_be_sent_before_the_vendor_knew_of_the_end_is_shown_as_lost():
    handoff = returning()
    lost = send(handoff, "One more thing")
    send(handoff, "stop")

    steps.vendor_end_done(factories.lease_of(handoff))

    assert statuses(handoff) == [Status.FAILED]
    assert [notice["message_id"] for notice in notices(handoff)] == [str(lost.pk)]


def test_what_is_pending_when_the_vendor_confirms_the_end_is_shown_before_session_end(active):
    send(active, "Thanks, bye")
    HandoffResponder().on_leave(conversation_id=active.conversation_id, metadata=None)

    steps.vendor_end_done(factories.lease_of(active))

    assert statuses(active) == [Status.FAILED]
    assert factories.journal(active)[-2:] == ["SYSTEM_MESSAGE", "SESSION_END"]


def test_a_vendor_conversation_that_is_gone_leaves_nothing_to_send():
    handoff = returning()
    send(handoff, "One more thing")
    send(handoff, "stop")

    steps.vendor_closed(factories.lease_of(handoff))

    outbox = steps.outbox_read(factories.lease_of(handoff))
    assert (outbox.is_done, outbox.pending) == (True, [])
    assert len(notices(handoff)) == 1


def test_what_was_written_before_a_worker_took_the_handoff_is_shown_as_lost_when_it_is_cancelled():
    handoff = returning(State.REQUESTED)
    lost = send(handoff, "Is anybody there?")

    HandoffResponder().on_cancel(conversation_id=handoff.conversation_id)

    assert statuses(handoff) == [Status.FAILED]
    assert [notice["message_id"] for notice in notices(handoff)] == [str(lost.pk)]
    assert factories.journal(handoff)[-2:] == ["SYSTEM_MESSAGE", "POLY_AGENT_JOINED"]


def test_what_was_written_while_connecting_is_shown_as_lost_when_it_never_connected():
    handoff = returning(State.CONNECTING)
    send(handoff, "Is anybody there?")
    HandoffResponder().on_cancel(conversation_id=handoff.conversation_id)

    assert steps.vendor_end_due(factories.lease_of(handoff)) is None

    assert statuses(handoff) == [Status.FAILED]
    assert len(notices(handoff)) == 1


# ---- receipts ----


def test_receipts_only_rise(active):
    line = send(active, "one")
    [delivery] = deliveries_pending(active.pk)
    delivery_sent(factories.lease_of(active), delivery.id)

    lines = [
        [event.type for event in receipts_apply(active, str(line.pk), status)]
        for status in (Status.READ, Status.DELIVERED, Status.SENT, Status.READ)
    ]

    assert lines == [[EventType.LIVE_AGENT_READ_MESSAGE], [], [], []]
    assert statuses(active) == [Status.READ]


def test_read_covers_all_that_was_said_before(active):
    lines = [send(active, text) for text in ("one", "two", "three")]

    receipts_apply(active, str(lines[1].pk), Status.READ)

    assert statuses(active) == [Status.READ, Status.READ, Status.PENDING]


def test_an_echo_proves_a_message_that_was_not_marked_as_sent(active):
    line = send(active, "one")

    assert receipts_apply(active, str(line.pk), Status.SENT) == []

    assert statuses(active) == [Status.SENT]
    assert Delivery.objects.get(event=line).sent_at is not None


def test_a_receipt_does_not_raise_a_message_that_was_given_up(active):
    line = send(active, "one")
    delivery_refused(factories.lease_of(active), first(active), RejectedError("no"))

    assert receipts_apply(active, str(line.pk), Status.READ) == []
    assert statuses(active) == [Status.FAILED]


@pytest.mark.parametrize(
    "message_id", ["", "not a uuid", "0b6f3a52-5c5e-4f0e-9c7a-3d1f2a6b8c90", "x" * 500, "\x00"]
)
def test_a_receipt_for_a_message_that_is_not_ours_changes_nothing(active, message_id):
    send(active, "one")
    event = factories.vendor_event(vendor_events.MessageRead, vendor_message_id=message_id)

    is_over = vendor_event_apply(factories.lease_of(active), factories.vendor_session(), event)

    assert not is_over
    assert statuses(active) == [Status.PENDING]


def test_a_receipt_of_another_handoffs_message_changes_nothing(active):
    other = factories.handoff(state=State.ACTIVE)
    line = send(other, "one")

    receipts_apply(active, str(line.pk), Status.READ)

    assert statuses(other) == [Status.PENDING]


def test_ending_twice_writes_nothing_twice(active):
    lease = factories.lease_of(active)
    with handoff_leased(lease) as handoff:
        handoff_end(handoff, EndReason.LIVE_AGENT_ENDED, lease=lease)
    journal = factories.journal(active)

    with handoff_leased(lease) as handoff:
        assert handoff_end(handoff, EndReason.VENDOR_CLOSED, lease=lease) == []
        handoff_fail(handoff, "listener_lost", lease=lease)

    assert factories.journal(active) == journal
    assert factories.fresh(active).end_reason == "live_agent_ended"
