"""Where a conversation stands in a flow, as it is kept between turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# Why a turn is taken without a message: the human part is over, or no handoff came about.
AFTER, FAILED, BEGIN = "after", "failed", "begin"


@dataclass(slots=True, kw_only=True)
class Position:
    """A step of a flow, what it has collected, and what it waits for.

    `entities` are values, `said` the words in which they were given. `asked` is the entity that the
    end user was asked for, `misses` how often in a row what they said was neither it nor anything
    else. `resume` is AFTER or FAILED once a handoff is over that was begun here (`has_handed_off`),
    and BEGIN where this flow is still to begin after one. `waiting` is the position of the flow
    that answers in the queue, as a dict. `failures` counts the handoffs that have failed since the
    end user last said something.
    """

    flow: str = ""
    step: str = ""
    entities: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    asked: str = ""
    misses: int = 0
    has_handed_off: bool = False
    resume: str = ""
    failures: int = 0
    waiting: dict[str, Any] = field(default_factory=dict)

    def kept(self) -> dict[str, Any]:
        """Return it as JSON; nothing outside of a flow."""
        return {name: value for name, value in asdict(self).items() if value} if self.flow else {}


def position_read(kept: Mapping[str, Any]) -> Position:
    """Return what was kept; an unknown part is left out."""
    names = Position.__slots__
    return Position(**{name: value for name, value in kept.items() if name in names})


def after_handoff(kept: Mapping[str, Any], *, has_failed: bool, then: str = "") -> dict[str, Any]:
    """Return the position once the handoff that its flow has begun is over; else as it was.

    `then` is the flow that the destination begins after the live agent, whatever was before.
    """
    if then and not has_failed:
        return {"flow": then, "resume": BEGIN}
    if not kept.get("has_handed_off"):
        return dict(kept)
    rest = {name: value for name, value in kept.items() if name not in ("waiting", "resume")}
    return {**rest, "has_handed_off": False, "resume": FAILED if has_failed else AFTER}
