"""What became of a handoff, in exactly one word: what lists, figures and exports count by."""

from __future__ import annotations

import enum
from datetime import timedelta

from django.db.models import F, Q

from handoffs.models import Handoff
from handoffs.states import FINAL_STATES, OPEN_STATES, EndReason, State

# Whoever gives up sooner has hardly waited.
SHORT_WAIT = timedelta(seconds=5)


class Outcome(enum.StrEnum):
    """Every handoff has one of these; `refused` is a request that opened nothing."""

    OPEN = "open"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    SHORT_ABANDONED = "short_abandoned"
    TIMED_OUT = "timed_out"
    NOBODY_THERE = "nobody_there"
    TICKET = "ticket"
    CLOSED_BY_VENDOR = "closed_by_vendor"
    ENDED_BY_OPERATOR = "ended_by_operator"
    FAILED = "failed"
    GIVEN_TO_CLIENT = "given_to_client"
    REFUSED = "refused"


OUTCOME_LABELS: dict[str, str] = {
    Outcome.OPEN: "Open",
    Outcome.ANSWERED: "Answered",
    Outcome.ABANDONED: "Abandoned",
    Outcome.SHORT_ABANDONED: "Abandoned at once",
    Outcome.TIMED_OUT: "Timed out",
    Outcome.NOBODY_THERE: "Nobody there",
    Outcome.TICKET: "Noted as a ticket",
    Outcome.CLOSED_BY_VENDOR: "Closed by the vendor",
    Outcome.ENDED_BY_OPERATOR: "Ended by an operator",
    Outcome.FAILED: "Failed",
    Outcome.GIVEN_TO_CLIENT: "Given to the client",
    Outcome.REFUSED: "Refused request",
}
_BY_REASON: dict[str, Outcome] = {
    EndReason.LIVE_AGENT_ENDED.value: Outcome.CLOSED_BY_VENDOR,
    EndReason.VENDOR_CLOSED.value: Outcome.CLOSED_BY_VENDOR,
    EndReason.VENDOR_IDLE.value: Outcome.CLOSED_BY_VENDOR,
    EndReason.VENDOR_TIME_LIMIT.value: Outcome.CLOSED_BY_VENDOR,
    EndReason.OPERATOR_ENDED.value: Outcome.ENDED_BY_OPERATOR,
    EndReason.TICKET_OPENED.value: Outcome.TICKET,
    EndReason.CLIENT_MANAGED.value: Outcome.GIVEN_TO_CLIENT,
}
_BY_CODE: dict[str, Outcome] = {
    "wait_timeout": Outcome.TIMED_OUT,
    "no_live_agents": Outcome.NOBODY_THERE,
    "out_of_hours": Outcome.NOBODY_THERE,
}


def handoff_outcome(handoff: Handoff) -> Outcome:
    """Return what became of a handoff; one that a live agent joined stays answered."""
    if State(handoff.state) in OPEN_STATES:
        return Outcome.OPEN
    if handoff.joined_at is not None:
        return Outcome.ANSWERED
    if handoff.state == State.FAILED.value:
        return _BY_CODE.get(handoff.error_code, _failed(handoff))
    if found := _BY_REASON.get(handoff.end_reason):
        return found
    waited = (handoff.ended_at or handoff.requested_at) - handoff.requested_at
    return Outcome.SHORT_ABANDONED if waited < SHORT_WAIT else Outcome.ABANDONED


def _failed(handoff: Handoff) -> Outcome:
    """Tell a request that was refused at once from a handoff that was begun and broke."""
    is_refused = handoff.ended_at == handoff.requested_at and not handoff.accepted_at
    return Outcome.REFUSED if is_refused else Outcome.FAILED


_OVER = Q(state__in=[state.value for state in FINAL_STATES])
_UNJOINED = _OVER & Q(joined_at=None)
_FAILED = _UNJOINED & Q(state=State.FAILED.value)
_AT_ONCE = Q(ended_at=F("requested_at"), accepted_at=None)
_GIVEN_UP = _UNJOINED & Q(state=State.ENDED.value) & ~Q(end_reason__in=[*_BY_REASON])


def outcome_is(outcome: str) -> Q:
    """Match the handoffs of which handoff_outcome says this; nothing for what is no outcome."""
    if outcome in _BY_CODE.values():
        codes = [code for code, found in _BY_CODE.items() if found == outcome]
        return _FAILED & Q(error_code__in=codes)
    if outcome in _BY_REASON.values():
        reasons = [reason for reason, found in _BY_REASON.items() if found == outcome]
        return _UNJOINED & Q(state=State.ENDED.value, end_reason__in=reasons)
    broken = _FAILED & ~Q(error_code__in=[*_BY_CODE])
    return {
        Outcome.OPEN.value: ~_OVER,
        Outcome.ANSWERED.value: _OVER & Q(joined_at__isnull=False),
        Outcome.REFUSED.value: broken & _AT_ONCE,
        Outcome.FAILED.value: broken & ~_AT_ONCE,
        Outcome.SHORT_ABANDONED.value: _GIVEN_UP & Q(ended_at__lt=F("requested_at") + SHORT_WAIT),
        Outcome.ABANDONED.value: _GIVEN_UP & Q(ended_at__gte=F("requested_at") + SHORT_WAIT),
    }.get(outcome, Q(pk__in=[]))
