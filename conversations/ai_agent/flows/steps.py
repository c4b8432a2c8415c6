"""What a flow is made of, read from its JSON: steps, entities to collect, conditions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

StepKind = Literal["default", "advanced", "function", "handoff"]
# Of what exists, so many are named in a problem.
_NAMED_MAX = 8
STEP_KINDS: Mapping[StepKind, str] = {
    "default": "Say and ask",
    "advanced": "Ask, then run tools",
    "function": "Run a function",
    "handoff": "Agent transfer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A value to collect; without a question of its own the step's prompt asks for it."""

    name: str
    kind: str = "free_text"
    question: str = ""
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Where the flow goes on: to a step, or out of the flow where `child_step` is empty.

    It holds once its entities are known and, where it has phrases, one of them was meant.
    """

    description: str = ""
    child_step: str = ""
    phrases: Sequence[str] = ()
    required_entities: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a flow."""

    name: str
    kind: StepKind = "default"
    prompt: str = ""
    entities: Sequence[Entity] = ()
    conditions: Sequence[Condition] = ()
    tools: Sequence[str] = ()
    # Of an agent transfer: where to, and why; empty is the default agent system.
    destination: str = ""
    reason: str = ""
    # What the live agent alone is told.
    note: str = ""
    # Where the flow goes on: after a function or a live agent, and where no handoff came of it.
    next_step: str = ""
    on_failed: str = ""
    # The flow that answers while the end user waits in the queue.
    waiting_flow: str = ""

    @property
    def waits(self) -> bool:
        """Say whether it needs an answer of the end user."""
        return bool(self.entities) or any(one.phrases for one in self.conditions)

    def entity(self, name: str) -> Entity | None:
        """Return one of its entities."""
        return next((one for one in self.entities if one.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a flow; `step` is empty where it concerns the whole."""

    step: str
    message: str
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlan:
    """A flow as it is run."""

    name: str
    start_step: str
    steps: Mapping[str, Step] = field(repr=False)

    def step(self, name: str) -> Step | None:
        """Return a step by its name, case and all."""
        return self.steps.get(name)


def plan_of(name: str, start_step: str, steps: object) -> FlowPlan:
    """Read a flow; what no editor would have written is left out."""
    found = [step_read(one) for one in _list(steps) if isinstance(one, dict) and one.get("name")]
    first = found[0].name if found else ""
    return FlowPlan(
        name=name, start_step=start_step or first, steps={step.name: step for step in found}
    )


def step_read(raw: Mapping[str, Any]) -> Step:
    """Read one step."""
    kind = raw.get("kind")
    return Step(
        name=str(raw["name"]),
        kind=cast(StepKind, kind if kind in STEP_KINDS else "default"),
        prompt=_text(raw, "prompt"),
        entities=tuple(_entities(raw)),
        conditions=tuple(_conditions(raw)),
        tools=_texts(raw, "tools"),
        destination=_text(raw, "destination"),
        reason=_text(raw, "reason"),
        note=_text(raw, "note"),
        next_step=_text(raw, "next_step"),
        on_failed=_text(raw, "on_failed"),
        waiting_flow=_text(raw, "waiting_flow"),
    )


def step_links(step: Step) -> list[tuple[str, str]]:
    """Return where a step leads, each with its label; an empty name is the end of the flow."""
    found = [(one.child_step, one.description) for one in step.conditions]
    if step.kind == "handoff":
        found = [(step.next_step, "after the live agent")]
    elif step.kind == "function" or not step.conditions:
        found.append((step.next_step, ""))
    if step.on_failed:
        found.append((step.on_failed, "handoff failed"))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What steps may name: tools, flows, and places of a handoff in any spelling of letters.

    `tools` maps each to the parameters that it cannot run without.
    """

    tools: Mapping[str, Collection[str]]
    flows: Collection[str]
    places: Collection[str]

    def has_place(self, name: str) -> bool:
        """Say whether a handoff can go there; without a name it goes to the default one."""
        return not name or name.casefold() in {one.casefold() for one in self.places}


def plan_problems(plan: FlowPlan, known: Known) -> list[Problem]:
    """List what would go wrong in a flow, step by step."""
    found: list[Problem] = []
    if not plan.steps:
        found.append(Problem(step="", message="The flow has no step yet.", field="steps"))
    elif plan.start_step not in plan.steps:
        message = f"The first step is “{plan.start_step}”, which does not exist."
        found.append(Problem(step="", message=message, field="start_step"))
    for step in plan.steps.values():
        found += _step_problems(plan, step, known)
    reached = _reached(plan)
    found += [
        Problem(step=name, message="No way leads here.")
        for name in plan.steps
        if name not in reached
    ]
    return found


def _there_are(names: Collection[str]) -> str:
    """Say what could have been named: what exists here, never all that there could be."""
    found = sorted(names, key=str.casefold)
    if not found:
        return " This project has none yet."
    more = " and others" if len(found) > _NAMED_MAX else ""
    return f" This project has {', '.join(found[:_NAMED_MAX])}{more}."


def _step_problems(plan: FlowPlan, step: Step, known: Known) -> Iterator[Problem]:
    for target, _ in step_links(step):
        if target and target not in plan.steps:
            yield Problem(step=step.name, message=f"Leads to “{target}”, which does not exist.")
    collected = {one.name for other in plan.steps.values() for one in other.entities}
    for tool in step.tools:
        if tool not in known.tools:
            yield Problem(
                step=step.name,
                message=f"There is no tool {tool}.{_there_are(known.tools)}",
                field="tools",
            )
        for name in known.tools.get(tool, ()):
            if name not in collected:
                message = f"The tool {tool} needs “{name}”, which no step collects."
                yield Problem(step=step.name, message=message, field="tools")
    if step.kind == "function" and not step.tools:
        yield Problem(step=step.name, message="Pick the function to run.", field="tools")
    if step.waiting_flow and step.waiting_flow not in known.flows:
        message = f"There is no flow “{step.waiting_flow}”.{_there_are(known.flows)}"
        yield Problem(step=step.name, message=message, field="waiting_flow")
    if step.kind == "handoff" and not known.has_place(step.destination):
        there_are = _there_are(known.places)
        message = f"Hands over to “{step.destination}”, which does not exist.{there_are}"
        yield Problem(step=step.name, message=message, field="destination")
    for condition in step.conditions:
        for name in condition.required_entities:
            if name not in collected:
                message = f"A condition needs “{name}”, which no step collects."
                yield Problem(step=step.name, message=message, field="conditions")


def _reached(plan: FlowPlan) -> set[str]:
    """Return the steps to which a way leads; a function may go to any by its own code."""
    if any(step.tools for step in plan.steps.values()):
        return set(plan.steps)
    seen: set[str] = set()
    waiting = [plan.start_step]
    while waiting:
        step = plan.steps.get(waiting.pop())
        if step is not None and step.name not in seen:
            seen.add(step.name)
            waiting += [target for target, _ in step_links(step)]
    return seen


def _entities(raw: Mapping[str, Any]) -> Iterator[Entity]:
    for one in _list(raw.get("entities")):
        if isinstance(one, dict) and one.get("name"):
            yield Entity(
                name=str(one["name"]),
                kind=_text(one, "kind") or "free_text",
                question=_text(one, "question"),
                options=_texts(one, "options"),
            )


def _conditions(raw: Mapping[str, Any]) -> Iterator[Condition]:
    for one in _list(raw.get("conditions")):
        if isinstance(one, dict):
            yield Condition(
                description=_text(one, "description"),
                child_step=_text(one, "child_step"),
                phrases=_texts(one, "phrases"),
                required_entities=_texts(one, "required_entities"),
            )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""


def _texts(raw: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(one for one in _list(raw.get(name)) if isinstance(one, str) and one)
