"""Runs what a model calls, within a turn: tools in the sandbox, our own functions by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from conversations.ai_agent.chat_model.offers import (
    CHECK,
    CHOICES,
    END,
    HANDOFF,
    PRIORITIES,
    START_FLOW,
    Offer,
)
from conversations.ai_agent.chat_model.wire import Call
from conversations.ai_agent.conv.effects import effects_logs, has_effects, with_offers
from conversations.ai_agent.conv.moves import moves_read
from conversations.ai_agent.conv.place import ConvPlace, conv_place, tool_use
from conversations.ai_agent.entities.arguments import missing_of
from conversations.ai_agent.entities.parameters import tool_parameters, value_fit
from conversations.ai_agent.outside.agent import AgentAnswer, AgentPlace, AgentTurn
from conversations.ai_agent.outside.answers import SOURCE, answer_read
from conversations.ai_agent.sandbox.effects import ConvEffects
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import ToolOutcome
from conversations.ai_agent.topics.asking import arguments_named
from conversations.ai_agent.turn import AgentMessage, TurnLog, tool_log
from conversations.models import Tool
from integrations.kit.json_values import json_text
from integrations.kit.plain_json import vendor_json

RESULT_CHARS = 16_000
CHOICES_MAX = 20
# These close the turn: they run after all others of their round.
_CLOSING = (HANDOFF, END, CHOICES, START_FLOW)


class Functions:
    """What was said, asked for and kept in one turn."""

    def __init__(self, place: AgentPlace, offer: Offer, turn: AgentTurn) -> None:
        """Begin with the state of the conversation."""
        self.messages: list[AgentMessage] = []
        self.is_over = False
        self._place, self._offer, self._turn = place, offer, turn
        self._state: dict[str, Any] = dict(turn.conversation["state"])
        self._has_changed_state = False
        self._returned: dict[str, Any] | None = None
        self._has_hung_up = False
        self._logs: list[TurnLog] = []
        self._effects: list[tuple[str, ConvEffects]] = []
        self._tools: ConvPlace | None = None

    def in_order(self, calls: Sequence[Call]) -> list[Call]:
        """Return the calls of a round, those that close the turn last; of them a handoff wins."""
        return sorted(calls, key=lambda call: (call.name in _CLOSING, call.name != HANDOFF))

    async def run(self, call: Call) -> dict[str, Any]:
        """Run one call and return the message that answers it; nothing is raised for it."""
        try:
            result = await self._result(call)
        except _BadCallError as error:
            self.note(str(error))
            result = {"error": str(error)}
        text = json_text(result)[:RESULT_CHARS]
        return {"role": "tool", "tool_call_id": call.id, "content": text}

    def note(self, content: str) -> None:
        """Tell the project's log what an admin should know."""
        self._logs.append(TurnLog(level="warning", content=content, source=SOURCE, code="model"))

    def hand_off_by_default(self) -> None:
        """Hand off where the model only said so."""
        self.note("The model promised a live agent and called nothing.")
        self._close({"handoff": True})

    def answer(self, words: str) -> AgentAnswer:
        """Return what the turn came to; `words` is what is said before a silent handoff."""
        returned = self._returned
        is_silent = not self.messages and not (returned or {}).get("utterance")
        if returned and returned.get("handoff") and is_silent:
            self.messages.append(AgentMessage(text=words))
        return AgentAnswer(
            messages=self.messages,
            returned=returned,
            state=self._state if self._has_changed_state else None,
            has_hung_up=self._has_hung_up,
            effects=self._effects,
            logs=self._logs,
        )

    async def _result(self, call: Call) -> object:
        if self.is_over:
            raise _BadCallError("The turn is over: this was not run.")
        given = _arguments(call)
        ours = {HANDOFF: self._hand_off, END: self._end, CHOICES: self._offer_choices}
        if call.name in ours:
            return ours[call.name](given)
        if call.name == CHECK and self._place.destinations:
            return await self._check(given)
        if call.name == START_FLOW and self._offer.flows:
            return self._start_flow(str(given.get("flow", "")))
        if call.name in self._offer.topics:
            return await self._topic(call.name, given)
        if call.name in self._offer.tools:
            return await self._tool(self._offer.tools[call.name], given)
        known = ", ".join(self._offer.names)
        raise _BadCallError(f"There is no function {call.name[:64]}. There are: {known}.")

    def _hand_off(self, given: Mapping[str, Any]) -> object:
        where = _short(given, "destination", 500)
        if where and where not in self._place.destinations:
            there = ", ".join(self._place.destinations) or "none"
            raise _BadCallError(f"destination must be one of: {there}.")
        reason = _short(given, "reason", 128)
        priority = _short(given, "priority", 10)
        if priority and priority not in PRIORITIES:
            raise _BadCallError(f"priority must be one of: {', '.join(PRIORITIES)}.")
        hints = {"summary": _short(given, "summary", 4000), "priority": priority}
        hints = {name: value for name, value in hints.items() if value}
        asked: dict[str, Any] = {"reason": reason}
        if where:
            asked["destination"] = where
        if hints:
            asked["hints"] = hints
        self._close({"handoff": asked, "utterance": _short(given, "utterance", 10_000)})
        return {"status": "requested"}

    def _end(self, given: Mapping[str, Any]) -> object:
        text = _short(given, "utterance", 10_000)
        if text and text not in [message.text for message in self.messages]:
            self.messages.append(AgentMessage(text=text))
        self._has_hung_up = self.is_over = True
        return {"status": "ended"}

    def _offer_choices(self, given: Mapping[str, Any]) -> object:
        choices, text = given.get("choices"), _short(given, "text", 10_000)
        choices = choices if isinstance(choices, list) else []
        given_labels = [one.get("label") for one in choices if isinstance(one, dict)]
        labels = [str(label)[:200] for label in given_labels if label][:CHOICES_MAX]
        if not text or not labels:
            raise _BadCallError("offer_choices needs text, and choices with a label each.")
        offered = [{"message_text": label, "payload": label} for label in labels]
        self.messages.append(AgentMessage(text=text, extra={"response_suggestions": offered}))
        self.is_over = True
        return {"status": "shown"}

    async def _check(self, given: Mapping[str, Any]) -> object:
        where = _short(given, "destination", 500)
        names = [where] if where else self._place.destinations
        if unknown := [name for name in names if name not in self._place.destinations]:
            known = ", ".join(self._place.destinations) or "none"
            raise _BadCallError(f"There is no destination {unknown[0]}. There are: {known}.")
        ask = self._place.is_available
        return [
            {"destination": name, "available": await ask(name) if ask else None} for name in names
        ]

    def _start_flow(self, name: str) -> object:
        """Let a flow begin when the turn is written down."""
        if name not in self._offer.flows:
            raise _BadCallError(f"flow must be one of: {', '.join(self._offer.flows)}.")
        effects = ConvEffects(done=[("goto_flow", {"name": name})])
        self._effects.append((SOURCE, effects))
        self.is_over = True
        return {"status": "begun"}

    async def _topic(self, name: str, given: Mapping[str, Any]) -> object:
        topic, action = self._offer.topics[name]
        if action.kind == "goto_flow":
            return self._start_flow(action.target)
        tool = self._offer.tools[action.target]
        named = arguments_named(action, tool_parameters(tool))
        result = await self._tool(tool, {**given, **named})
        return {"content": topic.content, "result": result}

    async def _tool(self, tool: Tool, given: Mapping[str, Any]) -> object:
        arguments = _checked(tool, given)
        try:
            outcome = await asyncio.to_thread(self._run, tool, arguments)
        except ToolError as error:
            raise _BadCallError(f"{tool.name} failed: {error.code}.") from error
        self._logs += [tool_log(tool, entry) for entry in outcome.logs]
        self._state, self._has_changed_state = dict(outcome.state), True
        said = [AgentMessage(text=text) for text in outcome.said]
        said, logs = with_offers(said, outcome.effects, tool.name)
        self.messages += said
        self._logs += [*logs, *effects_logs(outcome.effects, tool.name)]
        if has_effects(outcome.effects):
            self._effects.append((tool.name, outcome.effects))
        return self._returned_by(outcome)

    def _returned_by(self, outcome: ToolOutcome) -> object:
        """Do what a tool asks for, as if it had been the model; return what is for the model."""
        if outcome.handoff_calls:
            given = {k: v for k, v in outcome.handoff_calls[0].items() if v is not None}
            given.pop("sip_headers", None)
            self._close({"handoff": given})
            return {"status": "handoff requested"}
        moves = moves_read(outcome.effects.done, outcome.returned)
        if moves.flow in self._offer.flows:
            return self._start_flow(moves.flow)
        if moves.is_any:
            self.is_over = True
        if not isinstance(outcome.returned, dict):
            return outcome.returned
        read = answer_read(outcome.returned)
        self.messages += read.messages
        self._logs += read.logs
        if read.returned:
            self._close(dict(read.returned))
        if read.has_hung_up:
            self._has_hung_up = self.is_over = True
        if read.messages and outcome.returned.get("end_turn") is not False:
            self.is_over = True
        return outcome.returned.get("content") or {"status": "done"}

    def _run(self, tool: Tool, given: Mapping[str, Any]) -> ToolOutcome:
        """Run a tool as the built-in agent would, with the state that the one before has left."""
        place = self._tools or conv_place(
            self._place.conversation,
            until_sequence=self._turn.sequence,
            handoff_view=lambda: self._turn.handoff,
            services=self._place.services,
        )
        said = {name: str(value) for name, value in given.items()}
        outcome = tool_use(place.with_said(said), tool, given)
        self._tools = place.after(outcome)
        return outcome

    def _close(self, returned: dict[str, Any]) -> None:
        self._returned = returned
        self.is_over = True


class _BadCallError(Exception):
    """A call that cannot be run; the model is told why, and may try again."""


def _arguments(call: Call) -> Mapping[str, Any]:
    try:
        given = vendor_json((call.arguments or "{}").encode())
    except ValueError as error:
        raise _BadCallError("The arguments are not JSON, or were cut off.") from error
    if not isinstance(given, dict):
        raise _BadCallError("The arguments must be an object.")
    return given


def _checked(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as their types have them; raises _BadCallError with what to do."""
    parameters = tool_parameters(tool)
    found: dict[str, Any] = {}
    for one in parameters:
        if given.get(one.name) in (None, ""):
            continue
        value = value_fit(one, given[one.name])
        if value is None:
            wanted = ", ".join(one.options) if one.options else one.kind.label.lower()
            raise _BadCallError(f"{one.name} must be {wanted}: {one.what}.")
        found[one.name] = value
    if missing := missing_of(parameters, found):
        raise _BadCallError(f"{missing.name} is missing ({missing.what}): ask the end user for it.")
    return found


def _short(given: Mapping[str, Any], name: str, most: int) -> str:
    value = given.get(name) or ""
    if not isinstance(value, str):
        raise _BadCallError(f"{name} must be a text.")
    return value[:most]
