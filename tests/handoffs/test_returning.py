"""Which vendor conversation of the same person came before: a connector may continue it."""

from __future__ import annotations

import pytest

from handoffs.lifecycle.locking import handoff_leased
from handoffs.lifecycle.services import handoff_fail
from handoffs.models import Handoff
from handoffs.relay import transactions as steps
from handoffs.states import State
from tests import factories

pytestmark = pytest.mark.django_db


def previous_of(second: Handoff) -> str:
    opening = steps.opening_read(factories.claim(second))
    assert opening is not None
    assert opening.request is not None
    return opening.request.previous_conversation_id


@pytest.mark.parametrize("is_verified", [True, False])
def test_another_conversation_is_the_same_persons_if_somebody_vouches_for_them(is_verified: bool):
    first = factories.handoff(state=State.ENDED)
    user = first.conversation.end_user
    user.is_verified = is_verified
    user.save()
    again = factories.conversation(first.conversation.channel)
    again.end_user = user
    again.save()

    second = factories.handoff(again, of_integration=first.integration)

    assert previous_of(second) == (first.vendor_conversation_id if is_verified else "")


def test_within_one_conversation_it_is_the_same_person_over_the_same_connection():
    first = factories.handoff(state=State.QUEUED)
    lease = factories.lease_of(first)
    with handoff_leased(lease) as locked:
        handoff_fail(locked, "wait_timeout", lease=lease)

    second = factories.handoff(first.conversation, of_integration=first.integration)

    assert first.vendor_conversation_id
    assert previous_of(second) == first.vendor_conversation_id


def test_who_comes_for_the_first_time_has_no_past():
    assert previous_of(factories.handoff()) == ""
