"""One turn of the built-in AI agent: match a topic, run its tool, return what to say and do."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from conversations.ai_agent.actions import tool_targets
from conversations.ai_agent.prepared_topics import topic_find
from conversations.ai_agent.returned import (
    ReturnProblem,
    acts,
    handoff_misplaced,
    hangs_up,
    return_problems,
    silence_problem,
    spoken,
)
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import ConvSnapshot, ToolLimits, ToolOutcome, tool_run
from conversations.journal.selectors import transcript_get
from conversations.models import Conversation, Event, Tool, Topic
from conversations.releases.content import Content, content_of
from integrations.behaviour.sentences import own_or, sentence

_ROLES = {"user": "user", "bot": "agent", "live_agent": "live_agent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLog:
    """A line for the project's log."""

    level: str
    content: str
    source: str
    code: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    is_pii: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMessage:
    """A text, and what else its line in the journal holds: suggestions, attachments, calls.

    It has an `id` where it was shown before, while it was growing.
    """

    text: str = field(repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the AI agent wants: messages to say, then perhaps a handoff or the end.

    `agent_session` is what the adapter of an outside agent keeps of the conversation, and
    `agent_error` how it failed: empty where it answered, None where none was asked.
    """

    utterances: Sequence[str] = ()
    messages: Sequence[AgentMessage] = ()
    source: str = ""
    returned: Mapping[str, Any] | None = None
    handoff_calls: Sequence[Mapping[str, Any]] = ()
    state: dict[str, Any] | None = None
    logs: Sequence[TurnLog] = ()
    has_hung_up: bool = False
    agent_session: dict[str, Any] | None = None
    agent_error: str | None = None

    @property
    def said(self) -> list[AgentMessage]:
        """Return all that is to be said, in order."""
        return [*(AgentMessage(text=text) for text in self.utterances), *self.messages]


def turn_run(conversation: Conversation, event: Event, handoff_view: dict[str, Any] | None) -> Turn:
    """Let the AI agent think about one message; writes nothing and holds no transaction.

    Raises ToolError `busy` where no slot is free for the tool: nothing has run then.
    """
    text = event.payload["text"]
    content = content_of(conversation)
    found = topic_find(content, text)
    if found is None:
        return Turn(utterances=[_no_match(conversation)])
    topic = found[0]
    tool = _tool(content, topic)
    if tool is None:
        return Turn(utterances=[topic.content or _no_match(conversation)])
    snapshot = _snapshot(conversation, event, handoff_view)
    if not connection.in_atomic_block:
        # The tool may take its time; the connection is for somebody else meanwhile.
        connection.close()
    try:
        outcome = tool_run(
            source=tool.source,
            function_name=tool.name,
            conv=snapshot,
            arguments={},
            limits=ToolLimits(timeout_seconds=tool.timeout_seconds),
            project_key=conversation.project.public_id,
        )
    except ToolError as error:
        if error.code == "busy":
            raise
        return Turn(utterances=[_tool_failed(conversation)], logs=[_error_log(tool, error)])
    return _turn_of(conversation, topic, tool, outcome)


def turn_given_up(conversation: Conversation, tries: int) -> Turn:
    """Return the turn that ends a message whose answer could not be carried out."""
    content = f"The answer failed {tries} times and was given up: see the portal's own log."
    return Turn(
        utterances=[_tool_failed(conversation)],
        logs=[TurnLog(level="error", content=content, source="", code="turn_given_up")],
    )


def _tool(content: Content, topic: Topic) -> Tool | None:
    """Return the first tool that the topic's actions name and that still exists."""
    names = tool_targets(topic.actions, topic.actions_text)
    tools = content.named(Tool, names)
    return next((tools[name] for name in names if name in tools), None)


def _snapshot(
    conversation: Conversation, event: Event, handoff_view: dict[str, Any] | None
) -> ConvSnapshot:
    project = conversation.project
    transcript = transcript_get(conversation, until_sequence=event.sequence)
    return ConvSnapshot(
        id=conversation.pk,
        account_id=project.workspace.public_id,
        project_id=project.public_id,
        env=conversation.environment,
        channel_type=conversation.channel_type,
        language=conversation.locale or "en",
        state=conversation.tool_state,
        history=[
            {"role": _ROLES[line["sender"]], "text": line["text"]}
            for line in transcript
            if line["sender"] in _ROLES
        ],
        transcript=[_line(line["ts"], line["sender"], line["text"]) for line in transcript],
        handoff=handoff_view,
        variant_name=conversation.variant_id or None,
        integration_attributes=conversation.integration_attributes,
        caller_number=conversation.end_user.email or None,
    )


def _line(at: datetime, sender: str, text: str) -> dict[str, Any]:
    return {"ts": at.isoformat(), "sender": sender, "text": text, "attachments": []}


def _turn_of(conversation: Conversation, topic: Topic, tool: Tool, outcome: ToolOutcome) -> Turn:
    returned = outcome.returned
    texts, problems = spoken(outcome.said, returned), return_problems(returned)
    if not outcome.handoff_calls:
        # This one is refused as a handoff, and explained there.
        misplaced = handoff_misplaced(returned)
        problems = [problem for problem in problems if problem != misplaced]
    if not texts and not outcome.handoff_calls and not acts(returned):
        texts, more = _instead(conversation, topic, returned, problems)
        problems += more
    return Turn(
        utterances=texts,
        source=tool.name,
        returned=returned if isinstance(returned, dict) else None,
        handoff_calls=outcome.handoff_calls,
        state=outcome.state,
        logs=[
            *(tool_log(tool, entry) for entry in outcome.logs),
            *(_return_log(tool, problem) for problem in problems),
        ],
        has_hung_up=hangs_up(returned),
    )


def _instead(
    conversation: Conversation, topic: Topic, returned: object, problems: Sequence[ReturnProblem]
) -> tuple[list[str], list[ReturnProblem]]:
    """Return what to say where the tool says nothing, and why, if that is not plain already."""
    if any(problem.severity == "error" for problem in problems):
        return [_tool_failed(conversation)], []
    if topic.content and not isinstance(returned, dict):
        return [topic.content], []
    return [topic.content or _no_match(conversation)], [silence_problem(returned)]


def _no_match(conversation: Conversation) -> str:
    return own_or(content_of(conversation).text("no_match_text"), "no_match", conversation.locale)


def _tool_failed(conversation: Conversation) -> str:
    return sentence("tool_failed", conversation.locale)


def tool_log(tool: Tool, entry: Mapping[str, Any]) -> TurnLog:
    """Return what a tool wrote as a line for the project's log."""
    return TurnLog(
        level=entry["level"],
        content=entry["content"],
        source=tool.name,
        fields=dict(entry.get("fields", {})),
        is_pii=bool(entry.get("is_pii")),
    )


def _return_log(tool: Tool, problem: ReturnProblem) -> TurnLog:
    content = f"{problem.key}: {problem.message}".removeprefix(": ")
    return TurnLog(level=problem.severity, content=content, source=tool.name, code="returned")


def _error_log(tool: Tool, error: ToolError) -> TurnLog:
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
