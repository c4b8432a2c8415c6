"""Let the AI agent join: the project's start_function runs first, and may word the greeting."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from conversations.ai_agent.conv.effects import (
    effects_apply,
    effects_logs,
    turn_logs_append,
    with_offers,
)
from conversations.ai_agent.conv.messages import agent_message_event
from conversations.ai_agent.conv.parts import AgentMessage, TurnLog
from conversations.ai_agent.conv.place import conv_place, tool_use
from conversations.ai_agent.course import error_log, return_log, tool_log
from conversations.ai_agent.returned import ReturnProblem, acts, return_problems, spoken
from conversations.ai_agent.sandbox.host import Service
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import ToolOutcome
from conversations.journal.services import NewEvent, agent_join
from conversations.models import Conversation, Event, Tool
from conversations.releases.content import content_of

ServicesOf = Callable[[Conversation], Mapping[str, Service]]
START = "start_function"
# The greeting waits so long for a slot in the sandbox.
SLOT_SECONDS = 3.0
_NOT_HERE = ReturnProblem(
    "warning", "", "a start_function can neither hand off nor hang up: nobody has said anything yet"
)


def agent_begin(conversation_id: str, services_of: ServicesOf | None = None) -> list[Event]:
    """Let the AI agent join and greet, after the start_function where the project has one.

    `services_of` says what that may ask of the portal above this app.
    One that fails costs nothing but its words: the usual greeting is said, and the log says why.
    Raises ClientFaultError when the AI agent has joined before.
    """
    conversation = Conversation.objects.select_related(
        "project__workspace", "end_user", "channel"
    ).get(pk=conversation_id)
    tool = content_of(conversation).named(Tool, [START]).get(START)
    if tool is None or conversation.state != Conversation.State.CREATED:
        return agent_join(conversation_id)
    try:
        outcome = _run(conversation, tool, services_of(conversation) if services_of else {})
    except ToolError as error:
        return agent_join(conversation_id, opening=partial(_failed, log=error_log(tool, error)))
    return agent_join(conversation_id, opening=partial(_opening, tool=tool, outcome=outcome))


def _run(conversation: Conversation, tool: Tool, services: Mapping[str, Service]) -> ToolOutcome:
    place = conv_place(conversation, services=services)
    until = time.monotonic() + SLOT_SECONDS
    while True:
        try:
            return tool_use(place, tool)
        except ToolError as error:
            if error.code != "busy" or time.monotonic() >= until:
                raise
            time.sleep(0.1)


def _failed(conversation: Conversation, *, log: TurnLog) -> list[NewEvent]:
    turn_logs_append(conversation, [log])
    return []


def _opening(conversation: Conversation, *, tool: Tool, outcome: ToolOutcome) -> list[NewEvent]:
    """Keep what the function asked for, and return what is said instead of the greeting."""
    conversation.tool_state = outcome.state
    conversation.save(update_fields=["tool_state"])
    said = [AgentMessage(text=text) for text in spoken(outcome.said, outcome.returned)]
    logs = [tool_log(tool, entry) for entry in outcome.logs]
    if said:
        said, more = with_offers(said, outcome.effects, tool.name)
        logs += more
    problems = return_problems(outcome.returned)
    if outcome.handoff_calls or acts(outcome.returned):
        problems.append(_NOT_HERE)
    logs += [return_log(tool.name, problem) for problem in problems]
    logs += effects_logs(outcome.effects, tool.name)
    logs += effects_apply(conversation, outcome.effects, tool.name)
    turn_logs_append(conversation, logs)
    return [agent_message_event(message) for message in said]
