"""Run a tool with a made-up conversation and say what it would lead to; nothing is carried out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from conversations.ai_agent.entities.parameters import takes_flow
from conversations.ai_agent.returned import (
    ReturnProblem,
    acts,
    return_problems,
    silence_problem,
    spoken,
    wants_handoff,
)
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import (
    FLOW,
    ConvSnapshot,
    ToolLimits,
    ToolOutcome,
    tool_run,
)
from conversations.ai_agent.tools.check import Problem
from conversations.ai_agent.tools.payload_lint import PayloadFinding
from handoffs.payload.reading import HandoffPayload, has_handoff
from handoffs.starting.judging import Judgement, call_judge, returned_judge
from integrations.behaviour.sentences import sentence
from integrations.contract.integration_keys import vendor_name
from integrations.models import Environment, Project

_HISTORY = [
    {"role": "agent", "text": "Hello. How can I help you today?"},
    {"role": "user", "text": "My order has not arrived."},
    {"role": "agent", "text": "I can see it left our warehouse. Anything else?"},
    {"role": "user", "text": "I want to talk to a human"},
]
_SENDERS = {"agent": "bot", "user": "user"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadReading:
    """How a handoff that the tool asked for reads."""

    title: str
    pairs: list[tuple[str, str]]
    problems: list[PayloadFinding]
    warnings: list[PayloadFinding]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReport:
    """What a trial run shows; `error` is empty when the tool came to its end."""

    says: list[str]
    returned: str
    readings: list[PayloadReading]
    problems: list[ReturnProblem]
    logs: list[dict[str, object]]
    prints: str
    state: str
    duration: str = ""
    error: str = ""
    error_line: int | None = None


def tool_try(
    *,
    project: Project,
    name: str,
    source: str,
    timeout_seconds: int,
    arguments: Mapping[str, object] | None = None,
) -> ToolReport:
    """Run the source in the sandbox, as the AI agent would, with a sample conversation."""
    try:
        outcome = tool_run(
            source=source,
            function_name=name,
            conv=replace(_sample(project), entities=_said(arguments or {})),
            arguments=_with_flow(source, name, arguments or {}),
            limits=ToolLimits(timeout_seconds=timeout_seconds),
            project_key=project.public_id,
        )
    except ToolError as error:
        return _failed(error)
    returned = outcome.returned
    return ToolReport(
        says=_says(outcome),
        returned=_pretty(returned),
        readings=_readings(project, outcome)[:1],
        problems=_problems(outcome),
        logs=outcome.logs,
        prints=outcome.prints,
        state=_pretty(outcome.state) if outcome.state else "",
        duration=f"{outcome.duration_ms:.0f} ms",
    )


def arguments_refused(problems: Sequence[str]) -> ToolReport:
    """Return a report of arguments with which nothing can be run."""
    return _failed(ToolError("syntax", f"Not run. {' '.join(problems)}"))


def tool_refused(problems: Sequence[Problem]) -> ToolReport | None:
    """Return a report of what keeps a source from being saved, and so from being run; or None."""
    errors = [one for one in problems if one.severity == "error"]
    if not errors:
        return None
    named = "; ".join(f"line {one.line}: {one.message}" for one in errors)
    what = "an error" if len(errors) == 1 else f"{len(errors)} errors"
    error = ToolError("syntax", f"Not run, because of {what}: {named}", line=errors[0].line)
    return _failed(error)


def _said(arguments: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in arguments.items()}


def _with_flow(source: str, name: str, arguments: Mapping[str, object]) -> dict[str, object]:
    """Add the flow where the function takes one, as a step of a flow would."""
    return {**arguments, **({"flow": FLOW} if takes_flow(source, name) else {})}


def _sample(project: Project) -> ConvSnapshot:
    lines = [
        {"ts": f"2026-01-05T09:0{n}:00Z", "sender": _SENDERS[turn["role"]], "text": turn["text"]}
        for n, turn in enumerate(_HISTORY)
    ]
    return ConvSnapshot(
        id="CONV-sample",
        account_id=project.workspace.public_id,
        project_id=project.public_id,
        env=Environment.SANDBOX.value,
        language="en",
        history=_HISTORY,
        transcript=[line | {"attachments": []} for line in lines],
    )


def _says(outcome: ToolOutcome) -> list[str]:
    """Return what the end user would read of the tool's own."""
    texts = spoken(outcome.said, outcome.returned)
    if texts or outcome.handoff_calls or acts(outcome.returned):
        return texts
    has_failed = any(one.severity == "error" for one in return_problems(outcome.returned))
    return [sentence("tool_failed", "")] if has_failed else []


def _problems(outcome: ToolOutcome) -> list[ReturnProblem]:
    """List what is wrong beside the handoff: a turn opens one, whatever else is called for."""
    returned, calls = outcome.returned, outcome.handoff_calls
    found = return_problems(returned)
    refused = len(calls) - (0 if wants_handoff(returned) else 1)
    if refused > 0:
        message = f"a turn opens one handoff; {refused} more would be refused"
        found.append(ReturnProblem("warning", "conv.call_handoff", message))
    is_silent = not (spoken(outcome.said, returned) or calls or acts(returned))
    if is_silent and isinstance(returned, dict) and not found:
        found.append(silence_problem(returned))
    return found


def _readings(project: Project, outcome: ToolOutcome) -> list[PayloadReading]:
    """Judge the returned handoff and each conv.call_handoff, as a real turn would take them."""
    found = []
    if has_handoff(outcome.returned):
        found.append(("Returned handoff", returned_judge(project, outcome.returned)))
    for call in outcome.handoff_calls:
        found.append(("conv.call_handoff", call_judge(project, dict(call))))
    return [_reading(title, judgement) for title, judgement in found]


def _reading(title: str, found: Judgement) -> PayloadReading:
    """Show where it goes; what keeps it from going anywhere is a problem, all else a warning."""
    problems: list[PayloadFinding] = []
    if found.address is None:
        problems = [one for one in found.findings if one.severity == "error" or one.page]
    warnings = [one for one in found.findings if one not in problems]
    return PayloadReading(title=title, pairs=_pairs(found), problems=problems, warnings=warnings)


def _pairs(found: Judgement) -> list[tuple[str, str]]:
    if found.address is None:
        return []
    payload, client = found.address.payload, found.address.client
    goes_to = f"the client: {client.queue_name}" if client else vendor_name(_key(payload))
    pairs = [
        ("Goes to", goes_to),
        ("Destination", payload.destination if payload.destination != goes_to else ""),
        ("Queue", payload.queue),
        ("Reason", payload.reason),
    ]
    hints = {k: v for k, v in sorted(payload.hints.items()) if k not in ("queue", "reason")}
    pairs += [(f"Hint {name}", _short(value)) for name, value in hints.items()]
    pairs += [(f"Data {name}", _short(value)) for name, value in sorted(payload.data.items())]
    return [(label, value) for label, value in pairs if value]


def _key(payload: HandoffPayload) -> str:
    return payload.integration_key or ""


def _failed(error: ToolError) -> ToolReport:
    return ToolReport(
        says=[],
        returned="",
        readings=[],
        problems=[],
        logs=error.logs,
        prints=error.prints,
        state="",
        error=error.message,
        error_line=error.line,
    )


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
