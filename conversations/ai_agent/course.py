"""What the tools of one turn come to, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.ai_agent.conv.effects import effects_logs, has_effects, with_offers
from conversations.ai_agent.conv.moves import Moves, moves_read
from conversations.ai_agent.conv.parts import AgentMessage, TurnLog
from conversations.ai_agent.returned import (
    ReturnProblem,
    acts,
    handoff_misplaced,
    hangs_up,
    return_problems,
    spoken,
    wants_handoff,
)
from conversations.ai_agent.sandbox.effects import ConvEffects
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import ToolOutcome
from conversations.models import Conversation, Tool
from integrations.behaviour.sentences import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the AI agent wants: messages to say, then perhaps a handoff or the end.

    `effects` is what each tool asked of conv, by the tool's name. `agent_session` is what the
    adapter of an outside agent keeps of the conversation, and `agent_error` how it failed: empty
    where it answered, None where none was asked. `promised_seconds` is the time that an agent has
    which answers later.
    """

    messages: Sequence[AgentMessage] = ()
    source: str = ""
    returned: Mapping[str, Any] | None = None
    handoff_calls: Sequence[Mapping[str, Any]] = ()
    state: dict[str, Any] | None = None
    logs: Sequence[TurnLog] = ()
    effects: Sequence[tuple[str, ConvEffects]] = ()
    has_hung_up: bool = False
    # A tool came to no end: nothing else happens then.
    is_broken: bool = False
    # The built-in agent's Dialog of after the turn, as it is stored; None leaves what there is.
    dialog: dict[str, Any] | None = None
    # Where the conversation stands in a flow from now on; None leaves it where it is.
    flow: Mapping[str, Any] | None = None
    # The flow that a topic begins.
    begins_flow: str = ""
    # How the turn came about, for the test panel.
    trace: Mapping[str, Any] = field(default_factory=dict, repr=False)
    agent_session: dict[str, Any] | None = None
    agent_error: str | None = None
    promised_seconds: int | None = None

    @property
    def moves(self) -> Moves:
        """Return where its tools want the conversation to go."""
        done = [one for _, effects in self.effects for one in effects.done]
        return moves_read(done, self.returned)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool that a turn runs, and what it is given beside conv."""

    tool: Tool
    arguments: Mapping[str, object] = field(default_factory=dict)


class Course:
    """Adds tool after tool to a turn; `is_over` once no other may follow."""

    def __init__(self) -> None:
        """Begin with nothing said and nothing asked for."""
        self.is_over = self.has_problems = self._is_broken = False
        self.source = ""
        self.returned: object = None
        self.logs: list[TurnLog] = []
        self._messages: list[AgentMessage] = []
        self._calls: Sequence[Mapping[str, Any]] = ()
        self._effects: list[tuple[str, ConvEffects]] = []
        self._state: dict[str, Any] | None = None

    def add(self, tool: Tool, outcome: ToolOutcome) -> None:
        """Add what a tool returned, said and asked for."""
        self.source, self.returned = tool.name, outcome.returned
        self._calls, self._state = outcome.handoff_calls, outcome.state
        problems = return_problems(outcome.returned)
        if not outcome.handoff_calls:
            # This one is refused as a handoff, and explained there.
            misplaced = handoff_misplaced(outcome.returned)
            problems = [problem for problem in problems if problem != misplaced]
        self.has_problems |= any(problem.severity == "error" for problem in problems)
        self.logs += [tool_log(tool, entry) for entry in outcome.logs]
        self.logs += [return_log(tool.name, problem) for problem in problems]
        said = [AgentMessage(text=text) for text in spoken(outcome.said, outcome.returned)]
        said, logs = with_offers(said, outcome.effects, tool.name)
        self._messages += said
        self.logs += [*logs, *effects_logs(outcome.effects, tool.name)]
        if has_effects(outcome.effects):
            self._effects.append((tool.name, outcome.effects))
        ends = isinstance(outcome.returned, dict) and outcome.returned.get("end_turn") is True
        self.is_over = ends or bool(outcome.handoff_calls) or acts(outcome.returned)

    def failed(self, log: TurnLog, text: str) -> None:
        """End with a tool that came to no end: nothing that it asked for is kept."""
        self.logs.append(log)
        self.say(text)
        self.is_over = self._is_broken = True

    def say_message(self, message: AgentMessage) -> None:
        """Say something with what else its line holds."""
        self._messages.append(message)

    @property
    def hands_off(self) -> bool:
        """Say whether a tool has asked for a live agent."""
        return bool(self._calls) or wants_handoff(self.returned)

    def say(self, text: str) -> None:
        """Say something in the tools' place."""
        self._messages.append(AgentMessage(text=text))

    @property
    def is_silent(self) -> bool:
        """Say whether the end user would hear nothing of it."""
        return not (self._messages or self._calls or acts(self.returned))

    def turn(self) -> Turn:
        """Return the whole."""
        returned = None if self._is_broken else self.returned
        return Turn(
            messages=self._messages,
            source=self.source,
            returned=returned if isinstance(returned, dict) else None,
            handoff_calls=() if self._is_broken else self._calls,
            state=self._state,
            effects=self._effects,
            logs=self.logs,
            is_broken=self._is_broken,
            has_hung_up=hangs_up(returned),
        )


def tool_log(tool: Tool, entry: Mapping[str, Any]) -> TurnLog:
    """Return what a tool wrote as a line for the project's log."""
    return TurnLog(
        level=entry["level"],
        content=entry["content"],
        source=tool.name,
        fields=dict(entry.get("fields", {})),
        is_pii=bool(entry.get("is_pii")),
    )


def return_log(source: str, problem: ReturnProblem) -> TurnLog:
    """Return what is wrong with a returned value as a line for the project's log."""
    content = f"{problem.key}: {problem.message}".removeprefix(": ")
    return TurnLog(level=problem.severity, content=content, source=source, code="returned")


def tool_failed_text(conversation: Conversation) -> str:
    """Return what the end user reads where a tool has failed."""
    return sentence("tool_failed", conversation.tongue)


def error_log(tool: Tool, error: ToolError) -> TurnLog:
    """Return a tool's failure as a line for the project's log."""
    place = f" (line {error.line})" if error.line else ""
    return TurnLog(
        level="error",
        content=f"{error.message}{place}",
        source=tool.name,
        code=f"tool_{error.code}",
        fields={"line": error.line},
        # The message may quote what the tool had in its hands.
        is_pii=error.code == "runtime",
    )
