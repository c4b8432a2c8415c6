"""What failed after all is told at its message, and goes again when the end user asks for it."""

from __future__ import annotations

import uuid

import pytest

from conversations.errors import ConversationError, NotAllowedError
from conversations.models import Event
from handoffs.models import Delivery, Handoff
from handoffs.portal.one_handoff.timeline import timeline_get
from handoffs.responder import HandoffResponder
from handoffs.sending.files import part_id
from handoffs.sending.outbox import deliveries_pending, delivery_refused, delivery_sent, part_sent
from handoffs.sending.retry import message_retry
from handoffs.states import State
from integrations.contract import events as vendor_events
from integrations.contract.errors import CannotConnectError, RejectedError
from tests import factories
from tests.conversations.uploading import stored
from tests.handoffs.receiving import new_lines, receive, sequence
from tests.handoffs.test_files import send as send_files
from tests.handoffs.test_outbox import first, send, statuses

pytestmark = pytest.mark.django_db
Status = Delivery.Status


def failed(message_id: str, reason: str = "131026 undeliverable") -> vendor_events.MessageFailed:
    return factories.vendor_event(
        vendor_events.MessageFailed, vendor_message_id=message_id, reason=reason
    )


def taken(handoff: Handoff, text: str) -> Event:
    """Send a message that the vendor takes."""
    line = send(handoff, text)
    delivery_sent(factories.lease_of(handoff), deliveries_pending(handoff.pk)[-1].id)
    return line


def given_up(handoff: Handoff, text: str, error: Exception | None = None) -> Event:
    """Send a message that is given up."""
    line = send(handoff, text)
    refused = error or RejectedError("refused", status=422)
    assert not delivery_refused(factories.lease_of(handoff), first(handoff), refused)
    return line


def again(handoff: Handoff, line: Event, client_id: str = "") -> list[Event]:
    return message_retry(handoff.conversation_id, line.pk, client_event_id=client_id)


# ---- late failures ----


@pytest.mark.parametrize(
    "receipt", [None, vendor_events.MessageDelivered], ids=["sent", "delivered"]
)
def test_a_failure_after_the_vendor_took_it_is_told_at_the_message_once_with_its_reason(
    active, receipt
):
    line = taken(active, "Hello?")
    if receipt:
        receive(active, factories.vendor_event(receipt, vendor_message_id=str(line.pk)))
    before = sequence(active)

    receive(active, failed(str(line.pk)), failed(str(line.pk)))

    [(kind, payload)] = new_lines(active, before)
    assert (kind, payload["code"]) == ("SYSTEM_MESSAGE", "handoff_forward_failed")
    assert payload["message_id"] == str(line.pk)
    assert statuses(active) == [Status.FAILED]
    timeline = timeline_get(handoff=factories.fresh(active), may_read_text=True)
    [entry] = [entry for entry in timeline.entries if entry.text == "Hello?"]
    assert entry.is_problem and "131026 undeliverable" in entry.note


def test_a_failure_of_something_we_never_sent_changes_nothing(active):
    taken(active, "Hello?")
    before = sequence(active)

    receive(active, failed(str(uuid.uuid4())), failed("not even an id"))

    assert (statuses(active), new_lines(active, before)) == ([Status.SENT], [])


def with_two_files(handoff: Handoff) -> tuple[Event, list[str]]:
    """Send a text with two files that the vendor takes; return the line and its parts' ids."""
    files = [stored(handoff.conversation_id, name=name) for name in ("a.png", "b.png")]
    [line] = send_files(handoff.conversation_id, *(file.pk for file in files), text="Both")
    lease, waiting = factories.lease_of(handoff), first(handoff)
    part_sent(lease, waiting.id, 2)
    delivery_sent(lease, waiting.id)
    return line, [part_id(str(line.pk), 1), part_id(str(line.pk), 2), str(line.pk)]


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_part_that_fails_after_the_upload_fails_its_message_and_alone_goes_again(active, part):
    line, ids = with_two_files(active)
    before = sequence(active)

    receive(active, failed(ids[part]))
    again(active, line)

    told, echo = new_lines(active, before)
    assert told[1]["message_id"] == echo[1]["message_id"] == str(line.pk)
    assert first(active).parts_left == [part + 1]


def test_what_fails_a_second_time_is_found_by_the_ids_of_the_second_time(active):
    line, ids = with_two_files(active)
    receive(active, failed(ids[0]), failed(ids[1]))
    again(active, line)
    second = first(active)
    assert second.parts_left == [1, 2]
    part_sent(factories.lease_of(active), second.id, 1)
    delivery_sent(factories.lease_of(active), second.id)

    receive(active, failed(str(line.pk)))
    assert statuses(active) == [Status.SENT]  # of the first time, which is over

    receive(active, failed(second.message_id))
    again(active, line)
    assert first(active).parts_left == [2]


# ---- trying again ----


def test_a_message_that_was_given_up_goes_again_behind_what_waits(active):
    lost = given_up(active, "one")
    send(active, "two")
    before = sequence(active)

    [echo] = again(active, lost)
    send(active, "three")

    assert [one.text for one in deliveries_pending(active.pk)] == ["two", "one", "three"]
    assert new_lines(active, before)[0] == ("USER_RETRY_MESSAGE", {"message_id": str(lost.pk)})
    assert echo.sequence == before + 1


def test_the_fate_of_the_second_time_is_told_like_that_of_the_first(active):
    lost = given_up(active, "one")
    again(active, lost)
    waiting = first(active)
    before = sequence(active)

    delivery_sent(factories.lease_of(active), waiting.id)
    delivered = vendor_events.MessageDelivered
    receive(active, factories.vendor_event(delivered, vendor_message_id=waiting.message_id))

    [(kind, payload)] = new_lines(active, before)
    assert (kind, payload) == ("LIVE_AGENT_RECEIVED_MESSAGE", {"message_id": str(lost.pk)})
    assert statuses(active) == [Status.DELIVERED]


def test_it_may_fail_and_go_again_as_often_as_the_end_user_asks(active):
    lost = given_up(active, "one")
    for _ in range(3):
        again(active, lost)
        refused = RejectedError("refused", status=422)
        assert not delivery_refused(factories.lease_of(active), first(active), refused)

    codes = [payload.get("code") for _, payload in new_lines(active, lost.sequence)]
    assert codes == ["handoff_forward_failed", *[None, "handoff_forward_failed"] * 3]


def test_a_vendor_that_may_have_it_gets_it_under_the_same_id_and_one_that_refused_under_a_new_one(
    active, settings
):
    settings.DELIVERY_DEADLINE_SECONDS = 0
    doubt = given_up(active, "one", CannotConnectError("no answer"))
    refused = given_up(active, "two")
    late = taken(active, "three")
    receive(active, failed(str(late.pk)))

    for line in (doubt, refused, late):
        again(active, line)

    same, *new = [one.message_id for one in deliveries_pending(active.pk)]
    assert same == str(doubt.pk)
    assert len({*new, str(refused.pk), str(late.pk)}) == 4


def test_a_second_click_and_a_message_that_arrived_are_told_so(active):
    arrived, lost = taken(active, "one"), given_up(active, "two")
    again(active, lost, client_id="click")

    assert again(active, lost, client_id="click")[0].client_event_id == "click"
    for line in (lost, arrived):
        with pytest.raises(NotAllowedError, match="on its way or has arrived"):
            again(active, line)
    assert len(deliveries_pending(active.pk)) == 1


def test_what_was_said_to_a_live_agent_who_has_gone_is_not_sent_to_anybody(active):
    behaviour = factories.integration(behaviour={"after_agent": "return_to_bot"})
    over = factories.handoff(state=State.ACTIVE, of_integration=behaviour)
    lost = given_up(over, "one")
    receive(over, factories.vendor_event(vendor_events.ConversationEnded))

    for handoff, message_id in ((over, lost.pk), (active, lost.pk), (active, uuid.uuid4())):
        with pytest.raises(NotAllowedError, match="Write the message anew"):
            message_retry(handoff.conversation_id, message_id)


def test_where_too_much_waits_it_is_refused_as_any_message_is(active, settings):
    lost = given_up(active, "one")
    settings.LIVE_AGENT_MESSAGES_WAITING = 1
    send(active, "two")

    with pytest.raises(ConversationError) as refusal:
        again(active, lost)

    assert refusal.value.code == "rate_limited"


def test_an_id_that_is_none_is_the_clients_fault(active):
    with pytest.raises(NotAllowedError, match="message_id"):
        HandoffResponder().on_retry(
            conversation_id=active.conversation_id,
            message_id="nonsense",
            client_event_id="",
            metadata=None,
        )
