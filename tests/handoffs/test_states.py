"""The state machine of a handoff: every pair of the table, and what can never happen."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoffs.errors import IllegalTransitionError
from handoffs.states import (
    FINAL_STATES,
    OPEN_STATES,
    TRANSITIONS,
    State,
    Trigger,
    next_state,
)

# Written a second time, from the house style's table, so that a slip in the code shows.
LEADS_TO = {
    State.REQUESTED: {
        Trigger.CLAIMED: State.CONNECTING,
        Trigger.FAIL: State.FAILED,
        Trigger.END: State.ENDED,
    },
    State.CONNECTING: {
        Trigger.VENDOR_ACCEPTED: State.QUEUED,
        Trigger.LIVE_AGENT_JOINED: State.ACTIVE,
        Trigger.FALL_BACK: State.CONNECTING,
        Trigger.FAIL: State.FAILED,
        Trigger.END: State.ENDED,
    },
    State.QUEUED: {
        Trigger.LIVE_AGENT_JOINED: State.ACTIVE,
        Trigger.FALL_BACK: State.CONNECTING,
        Trigger.FAIL: State.FAILED,
        Trigger.END: State.ENDED,
    },
    State.ACTIVE: {Trigger.FAIL: State.FAILED, Trigger.END: State.ENDED},
    State.ENDED: {},
    State.FAILED: {},
}
PAIRS = list(product(State, Trigger))


@pytest.mark.parametrize(("state", "trigger"), PAIRS, ids=lambda value: value.value)
def test_every_pair_of_the_table_leads_where_it_should_or_is_refused(state, trigger):
    if trigger in LEADS_TO[state]:
        assert next_state(state, trigger) is LEADS_TO[state][trigger]
        return

    with pytest.raises(IllegalTransitionError, match=state.value):
        next_state(state, trigger)


def test_a_state_is_either_open_or_final():
    assert set(OPEN_STATES) | set(FINAL_STATES) == set(State)
    assert not set(OPEN_STATES) & set(FINAL_STATES)


def test_every_open_state_can_fail_and_can_end():
    for state in OPEN_STATES:
        assert next_state(state, Trigger.FAIL) is State.FAILED
        assert next_state(state, Trigger.END) is State.ENDED


def test_every_state_can_be_reached():
    assert {State.REQUESTED, *TRANSITIONS.values()} == set(State)


FORWARD = [trigger for trigger in Trigger if trigger is not Trigger.FALL_BACK]


@given(st.lists(st.sampled_from(FORWARD), max_size=30))
def test_without_a_fallback_no_sequence_of_triggers_goes_back_or_leaves_a_final_state(triggers):
    order = list(State)
    state = State.REQUESTED
    moves = 0

    for trigger in triggers:
        try:
            after = next_state(state, trigger)
        except IllegalTransitionError:
            continue
        assert state not in FINAL_STATES
        assert order.index(after) > order.index(state)
        state, moves = after, moves + 1

    assert moves <= 4


@given(
    st.lists(st.sampled_from(Trigger), max_size=30), st.sampled_from([Trigger.FAIL, Trigger.END])
)
def test_whatever_happened_a_handoff_can_always_be_closed(triggers, closing):
    state = State.REQUESTED
    for trigger in [*triggers, closing]:
        if (state, trigger) in TRANSITIONS:
            state = next_state(state, trigger)

    assert state in FINAL_STATES
