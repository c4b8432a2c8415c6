"""Walks through a flow for one turn: collects, runs, decides, and says what comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from conversations.ai_agent.conv.moves import Moves
from conversations.ai_agent.conv.parts import AgentMessage, TurnLog
from conversations.ai_agent.course import Course
from conversations.ai_agent.entities.reading import ENTITY_KINDS, entity_find
from conversations.ai_agent.flows.position import Position
from conversations.ai_agent.flows.runs import FlowTools, transfer
from conversations.ai_agent.flows.steps import Condition, Entity, FlowPlan, Step, plan_of
from conversations.ai_agent.phrases.wishes import wants_human
from conversations.ai_agent.topics.matching import TopicText, topic_match
from conversations.models import Flow
from conversations.releases.content import Content

# A flow that takes more steps without asking anything goes round in a circle.
STEPS_MAX = 25
TAKES_ALL = frozenset({"free_text", "name"})
_PLACE = re.compile(r"\$([A-Za-z_]\w*)|\{\{\s*(?:entity|vrbl)\s*:\s*([A-Za-z_]\w*)\s*\}\}")


class Walk:
    """One turn in a flow; what is said, asked for and logged gathers in `course`."""

    def __init__(
        self, content: Content, position: Position, state: Mapping[str, Any], tools: FlowTools
    ) -> None:
        """Stand where the conversation stands; `state` is conv.state."""
        self.position, self.state, self.course = position, dict(state), Course()
        self.returned: dict[str, Any] | None = None
        self.steps_taken: list[str] = []
        self._content, self._tools = content, tools
        self._plan = self._plan_named(position.flow)

    @property
    def step(self) -> Step | None:
        """Return the step that the conversation is at, if it still exists."""
        return self._plan.step(self.position.step) if self._plan else None

    def begin(self, flow: str) -> None:
        """Enter a flow at its first step; one that does not exist is logged."""
        plan = self._plan_named(flow)
        if plan is None or plan.step(plan.start_step) is None:
            self._warn(f"There is no flow “{flow}” with a first step.", "flow_unknown")
            return
        self._plan = plan
        self.position = Position(flow=flow)
        self.enter(plan.start_step)

    def hear(self, text: str) -> bool:
        """Go on with what the end user said; False where this step can do nothing with it."""
        step, self.position.failures = self.step, 0
        if step is None:
            self.leave()
            return False
        taken = self._collect(step, text)
        chosen = self._meant(step, text)
        if chosen is not None and not (taken and step.entity(self.position.asked)):
            self._follow(step, chosen)
        elif taken or not step.waits:
            self.position.misses = 0
            self._go_on(step)
        else:
            return False
        return True

    def again(self) -> None:
        """Ask anew, because what was said was no answer."""
        self.position.misses += 1
        step = self.step
        if step is None:
            return
        entity = step.entity(self.position.asked)
        if entity is not None:
            self._ask(step, entity)
        elif step.prompt:
            self._say(step.prompt, self._choices(step))

    def enter(self, name: str) -> None:
        """Go to a step, and on from there until somebody must answer."""
        while name:
            step = self._plan.step(name) if self._plan else None
            if step is None or len(self.steps_taken) >= STEPS_MAX:
                why = "takes too many steps in a row" if step else "does not exist"
                self._warn(f"Step “{name}” of flow “{self.position.flow}” {why}.", "flow_step")
                self.leave()
                return
            self.steps_taken.append(name)
            self.position.step, self.position.asked, self.position.misses = name, "", 0
            following = self._act(step)
            if following is None:
                return
            name = following
        self.leave()

    def fall_back(self, name: str) -> None:
        """Go to the step for a handoff that has failed; once, until the end user says something.

        A way that leads from there to the same handoff would go round for ever.
        """
        if self.position.failures:
            self._warn(
                f"Its way after a failed handoff leads to the next one: “{self.position.flow}” is "
                "left.",
                "flow_step",
            )
            self.leave()
            return
        self.position.failures += 1
        self.enter(name)

    def leave(self) -> None:
        """End the flow."""
        self.position = Position()
        self._plan = None

    def _act(self, step: Step) -> str | None:
        """Do what a step does; returns the next one, "" for the end, None where it waits."""
        missing = self._missing(step)
        if step.kind == "handoff":
            self._hand_off(step)
            return None
        if step.kind == "function":
            self._say(step.prompt)
            return self._run(step, step.next_step)
        if missing is not None:
            if missing.question or not step.prompt:
                self._say(step.prompt)
            self._ask(step, missing)
            return None
        self._say(step.prompt, self._choices(step))
        if any(one.phrases for one in step.conditions):
            return None
        return self._next(step)

    def _go_on(self, step: Step) -> None:
        """Ask for what is still missing, or take the way that is open now."""
        missing = self._missing(step)
        if missing is not None:
            self._ask(step, missing)
            return
        following = self._next(step)
        if following is not None:
            self.enter(following) if following else self.leave()

    def _follow(self, step: Step, chosen: Condition) -> None:
        """Take a way that was chosen by words, once what it needs is known."""
        missing = self._missing(step, chosen.required_entities)
        if missing is not None:
            self._ask(step, missing)
            return
        following = self._run(step, chosen.child_step) if step.tools else chosen.child_step
        if following is not None:
            self.enter(following) if following else self.leave()

    def _next(self, step: Step) -> str | None:
        """Run what an advanced step runs, and return where it leads."""
        following = next(
            (
                one.child_step
                for one in step.conditions
                if not one.phrases and self._knows(one.required_entities)
            ),
            step.next_step,
        )
        return self._run(step, following) if step.tools else following

    def _run(self, step: Step, following: str) -> str | None:
        """Run a step's tools; what they ask of the flow wins over `following`."""
        for name in step.tools:
            moves = self._tools.run(name, self.position, self.state, self.course)
            self.state = self._tools.state(self.state)
            if self.course.is_over:
                self._note_handoff(step)
                return self._moved(moves, following) if moves.is_any else None
            if moves.is_any:
                return self._moved(moves, following)
        return following

    def _moved(self, moves: Moves, following: str) -> str | None:
        if moves.flow:
            self.begin(moves.flow)
            return None
        if moves.exits:
            return ""
        return moves.step or following

    def _note_handoff(self, step: Step) -> None:
        self.position.has_handed_off = self.course.hands_off

    def _hand_off(self, step: Step) -> None:
        self._say(step.prompt)
        known = {name: value for name, value in self.position.entities.items() if value != ""}
        reason = step.reason or self.position.flow
        self.returned = {"handoff": transfer(step, reason, known)}
        self.position.has_handed_off = True
        if step.waiting_flow:
            self.position.waiting = {"flow": step.waiting_flow}

    def _collect(self, step: Step, text: str) -> list[str]:
        """Read what the step wants to know: what was asked for, and what shows by itself."""
        found = []
        for entity in step.entities:
            is_asked = entity.name == self.position.asked
            is_open = entity.name not in self.position.entities
            kind = ENTITY_KINDS.get(entity.kind)
            is_marked = kind is not None and kind.is_marked
            if not (is_asked or (is_open and is_marked)):
                continue
            if entity.kind in TAKES_ALL and wants_human(text):
                # Asking for a person is no answer to a question that takes any words.
                continue
            read = entity_find(entity.kind, text, entity.options)
            if read is not None:
                self.position.entities[entity.name] = self.state[entity.name] = read[0]
                self.position.said[entity.name] = read[1]
                found.append(entity.name)
        return found

    def _meant(self, step: Step, text: str) -> Condition | None:
        """Return the condition whose phrases are what was said."""
        spoken = [one for one in step.conditions if one.phrases]
        texts = [
            TopicText(id=number, name=one.phrases[0], example_queries=one.phrases[1:])
            for number, one in enumerate(spoken)
        ]
        match = topic_match(text, texts) if texts else None
        return spoken[match.topic_id] if match else None

    def _missing(self, step: Step, names: Sequence[str] | None = None) -> Entity | None:
        wanted = [one for one in step.entities if names is None or one.name in names]
        return next((one for one in wanted if one.name not in self.position.entities), None)

    def _knows(self, names: Sequence[str]) -> bool:
        return all(name in self.position.entities for name in names)

    def _ask(self, step: Step, entity: Entity) -> None:
        self.position.asked = entity.name
        self._say(entity.question or step.prompt, entity.options)

    def _choices(self, step: Step) -> list[str]:
        """Offer the ways out of a step that are chosen by words."""
        return [one.phrases[0] for one in step.conditions if one.phrases]

    def _say(self, text: str, choices: Sequence[str] = ()) -> None:
        said = _PLACE.sub(self._value, text).strip()
        if not said:
            return
        offered = [{"message_text": one, "payload": one} for one in choices]
        extra = {"response_suggestions": offered} if offered else {}
        self.course.say_message(AgentMessage(text=said, extra=extra))

    def _value(self, found: re.Match[str]) -> str:
        value = self.state.get(found[1] or found[2])
        return "" if value is None else str(value)

    def _plan_named(self, name: str) -> FlowPlan | None:
        found = self._content.named(Flow, [name]).get(name) if name else None
        return plan_of(found.name, found.start_step, found.steps) if found else None

    def _warn(self, content: str, code: str) -> None:
        self.course.logs.append(
            TurnLog(level="warning", content=content, source=self.position.flow, code=code)
        )
