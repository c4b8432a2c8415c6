"""The phases of a handoff, one behind the other, and how long each has lasted."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from handoffs.models import Handoff
from handoffs.portal.one_handoff.wording import BADGES, duration_text
from handoffs.states import State


class Phase(NamedTuple):
    """One phase in words, when it began, how long it lasted, and whether it goes on."""

    label: str
    at: datetime
    lasted: str = ""
    is_now: bool = False


def phases(handoff: Handoff, *, now: datetime) -> list[Phase]:
    """Return the phases that were reached, the end last."""
    begun = [
        (label, at)
        for label, at in (
            ("Connecting", handoff.requested_at),
            ("Waiting", handoff.accepted_at),
            ("With a live agent", handoff.joined_at),
        )
        if at is not None
    ]
    over = [handoff.ended_at] if handoff.ended_at else []
    untils = [*(at for _, at in begun[1:]), *(over or [now])]
    found = [
        Phase(label, at, duration_text(max(0, (until - at).total_seconds())))
        for (label, at), until in zip(begun, untils, strict=True)
    ]
    if handoff.is_open:
        found[-1] = found[-1]._replace(is_now=True)
    elif over:
        found.append(Phase(BADGES[State(handoff.state)].label, over[0]))
    return found
