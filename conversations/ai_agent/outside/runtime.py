"""One turn of an outside AI agent: ask it within its deadlines, and say so when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from conversations.ai_agent.outside.agent import (
    Adapter,
    AgentAnswer,
    AgentFailedError,
    AgentPlace,
    AgentTurn,
)
from conversations.ai_agent.outside.answers import SOURCE
from conversations.ai_agent.outside.kinds import kind_of
from conversations.ai_agent.outside.options import (
    FAILURES_IN_A_ROW,
    AgentOptions,
    agent_options,
)
from conversations.ai_agent.turn import AgentMessage, Turn, TurnLog
from conversations.journal.selectors import transcript_get
from conversations.models import Conversation, Event, OutsideAgent
from integrations.behaviour.sentences import own_or
from integrations.contract.errors import CannotConnectError, ConnectorError, RateLimitedError
from integrations.http.client import HttpClient, Session

logger = logging.getLogger(__name__)
HISTORY_MAX = 50
# No end user waits longer for an agent that asks for a pause.
WAIT_SECONDS_MAX = 5.0
_ROLES = {"user": "user", "bot": "agent", "live_agent": "live_agent"}
# Ours, inside what an adapter keeps of a conversation.
_FAILURES, _ESCALATED = "failures", "has_escalated"


def outside_agent(project_id: int) -> OutsideAgent | None:
    """Return the project's outside agent; None where the built-in one answers."""
    return OutsideAgent.objects.filter(project_id=project_id).first()


def is_asked(agent: OutsideAgent) -> bool:
    """Say whether we ask this agent for each turn; else it drives by itself."""
    kind = kind_of(agent.kind)
    return kind is not None and kind.adapter is not None


def agent_turn(
    conversation: Conversation, event: Event, handoff_view: Mapping[str, Any] | None
) -> AgentTurn:
    """Return what the agent is told of one message; `conversation` with its project and user."""
    said = transcript_get(conversation, until_sequence=event.sequence - 1, limit=HISTORY_MAX)
    return AgentTurn(
        id=str(event.pk),
        conversation=conversation_told(conversation),
        message={
            "id": event.payload["message_id"],
            "text": event.payload["text"],
            "attachments": event.payload.get("attachments", []),
        },
        history=[
            {"role": _ROLES[line["sender"]], "text": line["text"], "at": line["ts"].isoformat()}
            for line in said
            if line["sender"] in _ROLES
        ],
        handoff=handoff_view,
        session=conversation.agent_session,
    )


def conversation_told(conversation: Conversation) -> dict[str, Any]:
    """Return what the agent is told of a conversation, with its channel and its user."""
    user = conversation.end_user
    return {
        "id": conversation.pk,
        "env": conversation.environment,
        "channel_type": f"{conversation.channel.kind}.polyai",
        "language": conversation.locale or "en",
        "state": conversation.tool_state,
        "user": {
            "id": user.external_id,
            "is_verified": user.is_verified,
            "name": user.name,
            "email": user.email,
        },
    }


async def turn_ask(
    agent: OutsideAgent, place: AgentPlace, turn: AgentTurn, session: Session
) -> Turn:
    """Ask the agent; whatever it does, a turn comes back and nothing is raised for it."""
    conversation, options = place.conversation, agent_options(agent.options)
    try:
        answer = await answer_ask(agent, place, turn, session)
    except AgentFailedError as error:
        return turn_failed(conversation, options, turn.session, error)
    return _turn_of(conversation, answer, turn.session)


async def answer_ask(
    agent: OutsideAgent, place: AgentPlace, turn: AgentTurn, session: Session
) -> AgentAnswer:
    """Return the agent's answer within its deadlines; raises AgentFailedError."""
    options, kind = agent_options(agent.options), kind_of(agent.kind)
    if kind is None or kind.adapter is None:
        raise AgentFailedError("agent_unknown", "This kind of agent cannot be asked.")
    adapter = kind.adapter(agent, options, place)
    try:
        async with asyncio.timeout(options.whole_seconds):
            answer = await _ask_twice(adapter, turn, agent_client(agent, session), kind.repeats)
    except TimeoutError as error:
        text = f"The agent did not answer within {options.whole_seconds} seconds."
        raise AgentFailedError("agent_cannot_connect", text) from error
    except ConnectorError as error:
        raise AgentFailedError.of(error) from error
    _check_answered(answer)
    return answer


def agent_client(agent: OutsideAgent, session: Session) -> HttpClient:
    """Return what calls this agent, and nothing else inside this network."""
    return HttpClient(
        session,
        allow_local=settings.ALLOW_LOCAL_AGENTS,
        secrets=[value for value in agent.secrets.values() if value],
    )


async def _ask_twice(
    adapter: Adapter, turn: AgentTurn, http: HttpClient, repeats: bool
) -> AgentAnswer:
    """Ask once more where the first call may be repeated: it did not get through, or has an id."""
    try:
        return await adapter.answer(turn, http)
    except (CannotConnectError, RateLimitedError) as error:
        if isinstance(error, CannotConnectError) and error.is_in_doubt and not repeats:
            raise
        logger.info("An outside agent is asked again: %s", error.code)
        if isinstance(error, RateLimitedError):
            await asyncio.sleep(min(error.retry_after or 1.0, WAIT_SECONDS_MAX))
        return await adapter.answer(turn, http)


def _check_answered(answer: AgentAnswer) -> None:
    """Raise AgentFailedError for an answer that says nothing and asks for nothing."""
    is_something = answer.messages or answer.returned or answer.has_hung_up or answer.comes_later
    if not is_something:
        raise AgentFailedError("agent_silent", "The agent's answer is empty.")


def _turn_of(conversation: Conversation, answer: AgentAnswer, session: Mapping[str, Any]) -> Turn:
    kept = {**(session if answer.session is None else answer.session), _FAILURES: 0}
    if session.get(_ESCALATED):
        kept[_ESCALATED] = True
    state = None
    if answer.state is not None:
        state = {**conversation.tool_state, **answer.state}
    return Turn(
        messages=answer.messages,
        source=SOURCE,
        returned=answer.returned,
        state=state,
        logs=answer.logs,
        has_hung_up=answer.has_hung_up,
        agent_session=kept,
        agent_error="",
    )


def turn_failed(
    conversation: Conversation,
    options: AgentOptions,
    session: Mapping[str, Any],
    error: AgentFailedError,
) -> Turn:
    """Return the turn of an agent that gave no answer: a text, and after three a live agent.

    A conversation is handed off for this once: a failing agent must not bounce it for ever.
    """
    failures = int(session.get(_FAILURES, 0)) + 1
    escalates = options.escalates and failures >= FAILURES_IN_A_ROW and not session.get(_ESCALATED)
    text = own_or(options.failure_text, "tool_failed", conversation.locale)
    log = TurnLog(
        level="error",
        content=f"{error} ({failures} in a row)",
        source=SOURCE,
        code=error.code,
        fields={"failures": failures},
    )
    return Turn(
        messages=[] if escalates else [AgentMessage(text=text)],
        source=SOURCE,
        returned={"handoff": True} if escalates else None,
        logs=[log],
        agent_session={
            **session,
            _FAILURES: failures,
            _ESCALATED: bool(session.get(_ESCALATED)) or escalates,
        },
        agent_error=error.code,
    )
