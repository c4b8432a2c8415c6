"""One turn of the built-in AI agent: match a topic, run its tool, return what to say and do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from conversations.ai_agent.conv.moves import Moves
from conversations.ai_agent.conv.parts import AgentMessage, TurnLog, texts_said
from conversations.ai_agent.conv.place import ConvPlace, HandoffView, conv_place, tool_use
from conversations.ai_agent.course import (
    Course,
    ToolCall,
    Turn,
    error_log,
    return_log,
    tool_failed_text,
    tool_log,
)
from conversations.ai_agent.returned import acts, silence_problem
from conversations.ai_agent.sandbox.host import Service
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import ToolOutcome
from conversations.ai_agent.topics.deciding import decide, forbidden_decide
from conversations.ai_agent.topics.decision import Decision
from conversations.models import Conversation, Event, Flow, Tool, Topic
from conversations.releases.content import content_of
from integrations.behaviour.sentences import own_or, sentence

__all__ = [
    "AgentMessage",
    "Turn",
    "TurnLog",
    "forbidden_turn",
    "tool_log",
    "turn_given_up",
    "turn_run",
]

# A later tool of a turn waits so long for a slot.
SLOT_SECONDS = 3.0


def turn_run(
    conversation: Conversation,
    event: Event,
    handoff_view: HandoffView | None,
    services: Mapping[str, Service] | None = None,
) -> Turn:
    """Let the AI agent think about one message; writes nothing and holds no transaction.

    `services` are what tools ask the portal for. Raises ToolError `busy` where no slot is free for
    the first tool: nothing has run then.
    """
    content = content_of(conversation)
    text, without = event.payload["text"], conversation.disabled_topics
    decision = decide(conversation, content, text, without=without)
    known = content.named(Tool, [one.target for one in decision.tools])
    calls = [
        ToolCall(tool=tool, arguments=one.named)
        for one in decision.tools
        if (tool := known.get(one.target)) is not None
    ]
    if calls and decision.topic is not None:
        place = conv_place(
            conversation,
            until_sequence=event.sequence,
            handoff_view=handoff_view,
            services=services,
        ).with_said(decision.dialog.said)
        hands_over = decision.handoff is not None or bool(decision.goes_to_flow)
        turn = tools_run(place, decision.topic, calls, hands_over=hands_over)
    else:
        turn = _said_turn(conversation, decision)
    return _with_decision(conversation, turn, decision)


def forbidden_turn(conversation: Conversation, event: Event) -> Turn | None:
    """Return the handoff of a message that no AI agent may answer, whoever answers the others."""
    content = content_of(conversation)
    decision = forbidden_decide(conversation, content, event.payload["text"])
    if decision is None:
        return None
    return _with_decision(conversation, _said_turn(conversation, decision), decision)


def _with_decision(conversation: Conversation, turn: Turn, decision: Decision) -> Turn:
    """Add the handoff that the topic's own actions ask for, unless a tool has ended the turn."""
    is_ended = acts(turn.returned) or turn.handoff_calls or turn.is_broken
    if decision.handoff is not None and not is_ended:
        turn = replace(turn, returned={"handoff": decision.handoff}, source=_source(decision))
        has_own = isinstance(decision.handoff, Mapping) and decision.handoff.get("utterance")
        if not turn.messages and not has_own:
            turn = replace(turn, messages=texts_said(sentence("handing_over", conversation.tongue)))
    return replace(
        turn,
        dialog=decision.dialog.stored(),
        begins_flow=decision.goes_to_flow,
        trace=_traced(decision),
    )


def _traced(decision: Decision) -> dict[str, Any]:
    """Return how the decision came about, for the test panel."""
    found: dict[str, Any] = {
        "topic": decision.topic.name if decision.topic else "",
        "score": round(decision.score, 3) if decision.topic else "",
        "why": decision.why,
        "tools": [one.target for one in decision.tools],
    }
    return {name: value for name, value in found.items() if value not in ("", [])}


def _source(decision: Decision) -> str:
    return f"topic {decision.topic.name}"[:120] if decision.topic else "handoff rules"


def _said_turn(conversation: Conversation, decision: Decision) -> Turn:
    """Return the turn of a decision that runs no tool."""
    if decision.says:
        logs = [_miss_log(decision)] if decision.is_miss else []
        return Turn(messages=_offered(texts_said(*decision.says), decision.offers), logs=logs)
    if decision.handoff is None and not decision.goes_to_flow:
        name = decision.topic.name if decision.topic else ""
        content = f"The topic “{name}” has neither a content nor a tool that exists."
        log = TurnLog(level="warning", content=content, source="", code="topic_empty")
        return Turn(messages=texts_said(_no_match(conversation)), logs=[log])
    return Turn()


def _offered(messages: list[AgentMessage], offers: Sequence[str]) -> list[AgentMessage]:
    """Put answers to choose from under the last message."""
    if not offers:
        return messages
    extra = {"response_suggestions": [{"message_text": one, "payload": one} for one in offers]}
    return [*messages[:-1], replace(messages[-1], extra=extra)]


def _miss_log(decision: Decision) -> TurnLog:
    content = f"No topic matches: {decision.dialog.misses} in a row."
    return TurnLog(level="info", content=content, source="", code="no_match")


def turn_given_up(conversation: Conversation, tries: int) -> Turn:
    """Return the turn that ends a message whose answer could not be carried out."""
    content = f"The answer failed {tries} times and was given up: see the portal's own log."
    return Turn(
        messages=texts_said(tool_failed_text(conversation)),
        logs=[TurnLog(level="error", content=content, source="", code="turn_given_up")],
    )


def tools_run(
    place: ConvPlace, topic: Topic, calls: Sequence[ToolCall], *, hands_over: bool = False
) -> Turn:
    """Run tools one after the other, each with the state that the one before has left.

    The first that hands off, hangs up, fails or ends the turn by `end_turn` is the last. Where the
    topic itself `hands_over` behind them, they need not say anything.
    """
    course = Course()
    for number, call in enumerate(calls):
        try:
            outcome = _patient_use(place, call, is_first=number == 0)
        except ToolError as error:
            if error.code == "busy" and number == 0:
                raise
            course.failed(error_log(call.tool, error), tool_failed_text(place.conversation))
            break
        course.add(call.tool, outcome)
        if course.is_over:
            break
        place = place.after(outcome)
    is_told = hands_over or _leads_on(place.conversation, course.turn().moves)
    if course.is_silent and (course.has_problems or not is_told):
        _speak(place.conversation, topic, course)
    return course.turn()


def _leads_on(conversation: Conversation, moves: Moves) -> bool:
    """Say whether something speaks where tools want to go: a flow that exists, or its step."""
    if moves.flow:
        return bool(content_of(conversation).named(Flow, [moves.flow]))
    return moves.exits or bool(moves.step and conversation.flow.get("flow"))


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
        course.say(tool_failed_text(conversation))
    elif topic.content and not isinstance(returned, dict):
        course.say(topic.content)
    else:
        course.say(topic.content or _no_match(conversation))
        course.logs.append(return_log(course.source, silence_problem(returned)))


def _no_match(conversation: Conversation) -> str:
    return own_or(content_of(conversation).text("no_match_text"), "no_match", conversation.tongue)
