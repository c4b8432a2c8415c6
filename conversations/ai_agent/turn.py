"""One turn of the built-in AI agent: match a topic, run its tool, return what to say and do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from conversations.ai_agent.actions import tool_targets
from conversations.ai_agent.conv.parts import AgentMessage, TurnLog
from conversations.ai_agent.conv.place import ConvPlace, conv_place, tool_use
from conversations.ai_agent.course import Course, ToolCall, Turn, return_log, tool_log
from conversations.ai_agent.prepared_topics import topic_find
from conversations.ai_agent.returned import silence_problem
from conversations.ai_agent.sandbox.host import Service
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import ToolOutcome
from conversations.models import Conversation, Event, Tool, Topic
from conversations.releases.content import Content, content_of
from integrations.behaviour.sentences import own_or, sentence

__all__ = ["AgentMessage", "Turn", "TurnLog", "tool_log", "turn_given_up", "turn_run"]

# A later tool of a turn waits so long for a slot.
SLOT_SECONDS = 3.0


def turn_run(
    conversation: Conversation,
    event: Event,
    handoff_view: dict[str, Any] | None,
    services: Mapping[str, Service] | None = None,
) -> Turn:
    """Let the AI agent think about one message; writes nothing and holds no transaction.

    `services` are what tools ask the portal for. Raises ToolError `busy` where no slot is free for
    the first tool: nothing has run then.
    """
    text = event.payload["text"]
    content = content_of(conversation)
    found = topic_find(content, text, without=conversation.disabled_topics)
    if found is None:
        log = TurnLog(level="info", content="No topic matches.", source="", code="no_match")
        return Turn(utterances=[_no_match(conversation)], logs=[log])
    topic = found[0]
    tools = _tools(content, topic)
    if not tools:
        return _content_turn(conversation, topic)
    place = conv_place(
        conversation,
        until_sequence=event.sequence,
        handoff_view=handoff_view,
        services=services,
    )
    return tools_run(place, topic, [ToolCall(tool=tool) for tool in tools])


def turn_given_up(conversation: Conversation, tries: int) -> Turn:
    """Return the turn that ends a message whose answer could not be carried out."""
    content = f"The answer failed {tries} times and was given up: see the portal's own log."
    return Turn(
        utterances=[_tool_failed(conversation)],
        logs=[TurnLog(level="error", content=content, source="", code="turn_given_up")],
    )


def _tools(content: Content, topic: Topic) -> list[Tool]:
    """Return the tools that the topic's actions name and that still exist, in their order."""
    names = tool_targets(topic.actions, topic.actions_text)
    tools = content.named(Tool, names)
    return [tools[name] for name in names if name in tools]


def _content_turn(conversation: Conversation, topic: Topic) -> Turn:
    if topic.content:
        return Turn(utterances=[topic.content])
    content = f"The topic “{topic.name}” has neither a content nor a tool that exists."
    log = TurnLog(level="warning", content=content, source="", code="topic_empty")
    return Turn(utterances=[_no_match(conversation)], logs=[log])


def tools_run(place: ConvPlace, topic: Topic, calls: Sequence[ToolCall]) -> Turn:
    """Run tools one after the other, each with the state that the one before has left.

    The first that hands off, hangs up, fails or ends the turn by `end_turn` is the last.
    """
    course = Course()
    for number, call in enumerate(calls):
        try:
            outcome = _patient_use(place, call, is_first=number == 0)
        except ToolError as error:
            if error.code == "busy" and number == 0:
                raise
            course.failed(_error_log(call.tool, error), _tool_failed(place.conversation))
            break
        course.add(call.tool, outcome)
        if course.is_over:
            break
        place = place.after(outcome)
    if course.is_silent:
        _speak(place.conversation, topic, course)
    return course.turn()


def _patient_use(place: ConvPlace, call: ToolCall, *, is_first: bool) -> ToolOutcome:
    """Run a tool; a later one waits a little for its slot, for the first ones have run already."""
    until = time.monotonic() + (0 if is_first else SLOT_SECONDS)
    while True:
        try:
            return tool_use(place, call.tool, call.arguments)
        except ToolError as error:
            if error.code != "busy" or time.monotonic() >= until:
                raise
            time.sleep(0.1)


def _speak(conversation: Conversation, topic: Topic, course: Course) -> None:
    """Say something where the tools say nothing, and log why, if that is not plain already."""
    returned = course.returned
    if course.has_problems:
        course.say(_tool_failed(conversation))
    elif topic.content and not isinstance(returned, dict):
        course.say(topic.content)
    else:
        course.say(topic.content or _no_match(conversation))
        course.logs.append(return_log(course.source, silence_problem(returned)))


def _no_match(conversation: Conversation) -> str:
    return own_or(content_of(conversation).text("no_match_text"), "no_match", conversation.locale)


def _tool_failed(conversation: Conversation) -> str:
    return sentence("tool_failed", conversation.locale)


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
