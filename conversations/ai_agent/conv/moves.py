"""Where a tool wants the conversation to go: into a flow, out of one, to one of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conversations.ai_agent.sandbox.effects import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What was asked for; a flow beats an exit, and both beat a step."""

    flow: str = ""
    step: str = ""
    exits: bool = False

    @property
    def is_any(self) -> bool:
        """Say whether anything was asked for."""
        return bool(self.flow or self.step or self.exits)


def moves_read(done: Sequence[tuple[str, Values]], returned: object) -> Moves:
    """Read calls of conv and the returned `transition`: of two of a kind the last one counts."""
    flow, step, exits = "", "", False
    for name, values in done:
        if name == "goto_flow":
            flow, exits = str(values["name"]), False
        elif name == "exit_flow":
            flow, exits = "", True
        elif name == "goto_step":
            step = str(values["name"])
    wanted = returned.get("transition") if isinstance(returned, Mapping) else None
    if isinstance(wanted, Mapping):
        flow = str(wanted.get("goto_flow") or flow)
        step = str(wanted.get("goto_step") or step)
    return Moves(flow=flow, step=step, exits=exits)
