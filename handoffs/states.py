"""The state machine of a handoff: a table, and the one function that reads it."""

from __future__ import annotations

import enum

from handoffs.errors import IllegalTransitionError


class State(enum.Enum):
    """Where a handoff is; the last two are final."""

    REQUESTED = "requested"
    CONNECTING = "connecting"
    QUEUED = "queued"
    ACTIVE = "active"
    ENDED = "ended"
    FAILED = "failed"


class Trigger(enum.Enum):
    """What moves a handoff."""

    CLAIMED = "claimed"
    VENDOR_ACCEPTED = "vendor_accepted"
    LIVE_AGENT_JOINED = "live_agent_joined"
    FALL_BACK = "fell_back"
    FAIL = "failed"
    END = "ended"


class EndReason(enum.Enum):
    """Who or what ended the human part."""

    LIVE_AGENT_ENDED = "live_agent_ended"
    END_USER_ENDED = "end_user_ended"
    END_USER_LEFT = "end_user_left"
    STOP_WORD = "stop_word"
    IDLE_TIMEOUT = "idle_timeout"
    CANCELLED = "cancelled"
    VENDOR_CLOSED = "vendor_closed"
    VENDOR_IDLE = "vendor_idle"
    VENDOR_TIME_LIMIT = "vendor_time_limit"
    OPERATOR_ENDED = "operator_ended"
    CLIENT_MANAGED = "client_managed"
    TICKET_OPENED = "ticket_opened"


OPEN_STATES = (State.REQUESTED, State.CONNECTING, State.QUEUED, State.ACTIVE)
FINAL_STATES = (State.ENDED, State.FAILED)
# The same as the database has them.
OPEN_VALUES = [state.value for state in OPEN_STATES]

TRANSITIONS: dict[tuple[State, Trigger], State] = {
    (State.REQUESTED, Trigger.CLAIMED): State.CONNECTING,
    (State.REQUESTED, Trigger.FAIL): State.FAILED,
    (State.REQUESTED, Trigger.END): State.ENDED,
    (State.CONNECTING, Trigger.VENDOR_ACCEPTED): State.QUEUED,
    (State.CONNECTING, Trigger.LIVE_AGENT_JOINED): State.ACTIVE,
    (State.CONNECTING, Trigger.FALL_BACK): State.CONNECTING,
    (State.CONNECTING, Trigger.FAIL): State.FAILED,
    (State.CONNECTING, Trigger.END): State.ENDED,
    (State.QUEUED, Trigger.LIVE_AGENT_JOINED): State.ACTIVE,
    (State.QUEUED, Trigger.FALL_BACK): State.CONNECTING,
    (State.QUEUED, Trigger.FAIL): State.FAILED,
    (State.QUEUED, Trigger.END): State.ENDED,
    (State.ACTIVE, Trigger.FAIL): State.FAILED,
    (State.ACTIVE, Trigger.END): State.ENDED,
}


def next_state(state: State, trigger: Trigger) -> State:
    """Return where `trigger` leads from `state`; raises IllegalTransitionError if nowhere."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError as error:
        raise IllegalTransitionError(
            f"A handoff in state {state.value} cannot take the trigger {trigger.value}."
        ) from error
