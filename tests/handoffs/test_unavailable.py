"""The fallback: when there is one, what it takes along, and the first vendor's end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from handoffs.api.selectors import handoff_find
from handoffs.clocks.overdue import overdue_reap
from handoffs.clocks.reaping import reap_all
from handoffs.lifecycle.fallback import first_conversation, first_conversation_ended
from handoffs.lifecycle.locking import LeaseLostError, handoff_leased
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Delivery, Handoff, PastAttempt, VendorKey
from handoffs.relay.leases import handoffs_claim
from handoffs.states import EndReason, State
from integrations.contract import events as vendor_events
from integrations.models import Integration
from tests import factories
from tests.factories import vendor_event
from tests.handoffs.chains import TO_AMAZON
from tests.handoffs.receiving import receive

pytestmark = pytest.mark.django_db


def falling_back(state: State, hints: dict[str, Any] | None = None) -> Handoff:
    """Return a handoff at Salesforce that may go on at Amazon Connect."""
    first = factories.integration(behaviour=TO_AMAZON)
    factories.integration(
        first.project,
        connector_key="amazon_connect",
        integration_key="amazon_connect_integration",
    )
    return factories.handoff(state=state, of_integration=first, hints=hints)


def nobody_there(handoff: Handoff) -> Handoff:
    receive(handoff, vendor_event(vendor_events.NoLiveAgents))
    return factories.fresh(handoff)


def let_pass(handoff: Handoff) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Handoff.objects.filter(pk=handoff.pk).update(deadline_at=past)


def test_the_hop_gives_up_the_lease_so_that_the_first_session_can_write_nothing_more():
    handoff = falling_back(State.QUEUED)
    lease = factories.lease_of(handoff)

    now = nobody_there(handoff)

    assert (now.state, now.attempt, now.owner_id) == ("connecting", 2, None)
    with pytest.raises(LeaseLostError), handoff_leased(lease):
        pass
    [claimed] = handoffs_claim(factories.worker())
    assert claimed.epoch > lease.epoch


def test_only_hints_that_mean_something_to_the_second_vendor_go_along():
    hints = {"queue": "Parcels", "queue_id": "00G8Y000001abcd", "summary": "A parcel"}
    handoff = falling_back(State.QUEUED, hints)

    now = nobody_there(handoff)

    assert now.routing == {"queue": "Parcels", "summary": "A parcel"}


def test_webhooks_of_the_first_vendor_find_the_handoff_no_more():
    handoff = falling_back(State.QUEUED)
    known = VendorKey.objects.filter(handoff=handoff).count()

    nobody_there(handoff)

    assert (known, VendorKey.objects.filter(handoff=handoff).count()) == (1, 0)


def test_what_the_first_vendor_had_taken_is_to_be_sent_again_but_not_what_was_given_up():
    handoff = falling_back(State.QUEUED)
    for status in (Delivery.Status.SENT, Delivery.Status.READ, Delivery.Status.FAILED):
        line = factories.said(handoff.conversation, status.value)
        Delivery.objects.create(
            handoff=handoff, event=line, sequence=line.sequence, status=status, attempts=3
        )

    long_ago = timezone.now() - timedelta(hours=1)
    Delivery.objects.update(created_at=long_ago)

    nobody_there(handoff)
    overdue_reap()

    rows = Delivery.objects.filter(handoff=handoff).order_by("sequence")
    assert list(rows.values_list("status", "attempts")) == [
        ("pending", 0),
        ("pending", 0),
        ("failed", 3),
    ]


def test_a_handoff_that_did_not_connect_in_time_hops_once_and_then_fails():
    handoff = falling_back(State.CONNECTING)
    let_pass(handoff)

    reap_all()
    fallen_back = factories.fresh(handoff)
    reap_all()
    let_pass(handoff)
    reap_all()

    assert (fallen_back.state, fallen_back.attempt) == ("connecting", 2)
    assert fallen_back.deadline_at is not None
    now = factories.fresh(handoff)
    assert (now.state, now.error_code) == ("failed", "cannot_connect")
    assert [row.error_code for row in PastAttempt.objects.all()] == ["cannot_connect"]


@pytest.mark.parametrize("state", [State.REQUESTED, State.ACTIVE], ids=lambda s: s.value)
def test_there_is_no_hop_before_a_worker_came_and_none_once_somebody_joined(state):
    handoff = falling_back(state)
    let_pass(handoff)

    reap_all()

    assert factories.fresh(handoff).attempt == 1
    assert not factories.fresh(handoff).is_open


@pytest.mark.parametrize("status", ["disabled", "not_connected"])
def test_a_fallback_that_is_not_in_use_is_none(status):
    handoff = falling_back(State.QUEUED)
    Integration.objects.filter(connector_key="amazon_connect").update(status=status)

    now = nobody_there(handoff)

    assert (now.state, now.attempt, now.error_code) == ("failed", 1, "no_live_agents")


def test_a_desktop_that_knows_the_second_attempts_key_finds_the_handoff():
    now = nobody_there(falling_back(State.QUEUED))

    found = handoff_find(
        now.conversation.project,
        conversation_id=now.conversation_id,
        shared_id="",
        handoff_id=now.attempt_key,
    )

    assert now.attempt_key == f"{now.pk}-2"
    assert found == now


def test_the_handoff_stays_unfinished_until_the_first_vendor_knows_of_the_end():
    handoff = nobody_there(falling_back(State.QUEUED))
    lease = factories.claim(handoff)
    with handoff_leased(lease) as locked:
        handoff_end(locked, EndReason.VENDOR_CLOSED, lease=lease)

    waiting = factories.fresh(handoff).vendor_end_until
    found = first_conversation(handoff.pk)
    first_conversation_ended(lease)

    assert waiting is not None
    assert found is not None
    assert found.integration.connector_key == "salesforce_messaging"
    assert first_conversation(handoff.pk) is None
    assert factories.fresh(handoff).vendor_end_until is None


# ---- a start that the vendor had accepted ----


def refused_with(handoff: Handoff, code: str) -> Handoff:
    receive(
        handoff, vendor_event(vendor_events.StartRefused, code=code, detail="no such entry point")
    )
    return factories.fresh(handoff)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid_routing", Integration.Status.NEEDS_ATTENTION),
        ("no_live_agents", Integration.Status.CONNECTED),
    ],
)
def test_an_accepted_start_that_came_to_nothing_fails_and_shows_whose_fault_it_is(code, status):
    handoff = factories.handoff(state=State.QUEUED)

    now = refused_with(handoff, code)

    tile = Integration.objects.get(pk=handoff.integration_id)
    assert (now.state, now.error_code) == ("failed", code)
    assert tile.status == status
    assert ("no such entry point" in tile.last_error_message) == (code == "invalid_routing")


def test_an_accepted_start_that_came_to_nothing_takes_the_fallback():
    now = refused_with(falling_back(State.QUEUED), "invalid_routing")

    assert (now.state, now.attempt) == ("connecting", 2)


def test_a_start_is_not_refused_any_more_once_somebody_has_answered():
    handoff = factories.handoff(state=State.ACTIVE)

    now = refused_with(handoff, "rejected")

    assert now.state == "active"
    assert Integration.objects.get(pk=handoff.integration_id).status == Integration.Status.CONNECTED
