"""What a worker that takes over has to go on with: read for many at once, locked for none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection

from handoffs.models import Delivery, Handoff
from handoffs.relay import transactions as steps
from handoffs.relay.leases import handoffs_claim, worker_stop
from handoffs.relay.resuming import handoffs_resumed
from handoffs.responder import HandoffResponder, message_accept
from handoffs.states import EndReason, State
from tests import factories

pytestmark = pytest.mark.django_db


def taken_over(handoff: Handoff):
    """Let the owner give up and another worker claim."""
    owner = factories.fresh(handoff).owner_id
    if owner is not None:
        worker_stop(owner)
    [lease] = handoffs_claim(factories.worker("other"), handoff.pk)
    return lease


def test_open_handoffs_are_resumed_in_the_order_asked_for():
    leases = [taken_over(factories.handoff(state=State.ACTIVE)) for _ in range(3)]

    resumed = handoffs_resumed(leases)

    assert [one.handoff.pk for one in resumed] == [lease.handoff_id for lease in leases]
    assert not any(one.has_pending for one in resumed)


def test_a_resumed_opening_is_the_one_read_under_the_lock_but_for_the_request():
    lease = taken_over(factories.handoff(state=State.ACTIVE))

    [resumed] = handoffs_resumed([lease])

    assert steps.opening_resumed(resumed.handoff) == steps.opening_read(lease)


def test_what_was_left_unsent_is_seen():
    handoff = factories.handoff(state=State.ACTIVE)
    message_accept(
        conversation_id=handoff.conversation_id, text="Anyone?", client_event_id="", metadata=None
    )
    lease = taken_over(handoff)

    [resumed] = handoffs_resumed([lease])

    assert Delivery.objects.filter(status=Delivery.Status.PENDING).exists()
    assert resumed.has_pending


def test_what_has_no_vendor_conversation_begins_under_the_lock():
    lease = taken_over(factories.handoff(state=State.REQUESTED))

    assert handoffs_resumed([lease]) == [None]


def test_what_has_ended_begins_under_the_lock_so_that_the_vendor_is_told():
    handoff = factories.handoff(state=State.ACTIVE)
    HandoffResponder().on_leave(conversation_id=handoff.conversation_id, metadata=None)
    lease = taken_over(handoff)

    assert factories.fresh(handoff).end_reason == EndReason.END_USER_ENDED.value
    assert handoffs_resumed([lease]) == [None]


def test_a_lease_that_is_lost_resumes_nothing():
    held = taken_over(factories.handoff(state=State.ACTIVE))
    kept = taken_over(factories.handoff(state=State.ACTIVE))
    lost = replace(held, epoch=held.epoch - 1)

    [nothing, something] = handoffs_resumed([lost, kept])

    assert nothing is None
    assert something.handoff.pk == kept.handoff_id


def test_credentials_that_no_key_fits_make_everybody_begin_one_by_one():
    leases = [taken_over(factories.handoff(state=State.ACTIVE)) for _ in range(2)]
    sick = Handoff.objects.get(pk=leases[0].handoff_id).integration_id
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_integration SET credentials = 'rubbish' WHERE id = %s", [sick]
        )

    assert handoffs_resumed(leases) == [None, None]
