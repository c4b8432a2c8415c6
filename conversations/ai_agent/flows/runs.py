"""Runs a flow's tools, and addresses its agent transfer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conversations.ai_agent.conv.moves import Moves, moves_read
from conversations.ai_agent.conv.parts import TurnLog
from conversations.ai_agent.conv.place import ConvPlace, said_in, tool_use
from conversations.ai_agent.course import Course, error_log, tool_failed_text
from conversations.ai_agent.entities.parameters import takes_flow, tool_parameters
from conversations.ai_agent.flows.position import Position
from conversations.ai_agent.flows.steps import Step
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import FLOW
from conversations.models import Tool
from conversations.releases.content import Content

# A live agent's desk takes no longer value.
ATTRIBUTE_MAX, REASON_MAX = 1024, 128


class FlowTools:
    """The tools of one turn in a flow, each with the state that the one before has left."""

    def __init__(self, place: ConvPlace, content: Content) -> None:
        """Run nothing yet."""
        self._place, self._content = place, content
        self._has_run = False

    def run(self, name: str, position: Position, state: Mapping[str, Any], course: Course) -> Moves:
        """Run a tool with what the flow has collected; its failure ends the turn.

        Raises ToolError `busy` where no slot is free and none has run yet.
        """
        tool = self._content.named(Tool, [name]).get(name)
        if tool is None:
            content = f"There is no tool {name}."
            log = TurnLog(level="error", content=content, source=position.flow, code="tool_missing")
            course.failed(log, tool_failed_text(self._place.conversation))
            return Moves()
        place = self._at(position, state)
        try:
            outcome = tool_use(place, tool, arguments_for(tool, position.entities))
        except ToolError as error:
            if error.code == "busy" and not self._has_run:
                raise
            course.failed(error_log(tool, error), tool_failed_text(place.conversation))
            return Moves()
        self._has_run = True
        course.add(tool, outcome)
        self._place = place.after(outcome)
        return moves_read(outcome.effects.done, outcome.returned)

    def state(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return conv.state as the last tool has left it."""
        return dict(self._place.snapshot.state) if self._has_run else dict(before)

    def _at(self, position: Position, state: Mapping[str, Any]) -> ConvPlace:
        """Return the conversation as a tool of this step sees it."""
        snapshot = replace(
            self._place.snapshot,
            state=state,
            current_flow=position.flow or None,
            current_step=position.step or None,
            entities={**self._place.snapshot.entities, **said_in(position.kept())},
        )
        return replace(self._place, snapshot=snapshot)


def transfer(step: Step, reason: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the handoff of an agent transfer, with what the flow has collected.

    Without a destination it goes to the default one.
    """
    attributes = {name: str(value)[:ATTRIBUTE_MAX] for name, value in known.items()}
    asked: dict[str, Any] = {"reason": reason[:REASON_MAX]}
    if step.destination:
        asked["destination"] = step.destination
    hints: dict[str, Any] = {"attributes": attributes} if known else {}
    if step.note:
        hints["note"] = step.note
    if hints:
        asked["hints"] = hints
    return asked | ({"data": dict(known)} if known else {})


def arguments_for(tool: Tool, entities: Mapping[str, Any]) -> dict[str, object]:
    """Return what a tool takes beside conv: the flow, and entities by their names."""
    given: dict[str, object] = {
        one.name: entities[one.name] for one in tool_parameters(tool) if one.name in entities
    }
    return given | ({"flow": FLOW} if takes_flow(tool.source, tool.name) else {})
