"""One turn of an outside AI agent: ask it within its deadlines, and say so when it fails."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from conversations.ai_agent.conv.moves import moves_read
from conversations.ai_agent.outside.agent import (
    Adapter,
    AgentAnswer,
    AgentFailedError,
    AgentPlace,
    AgentTurn,
    HumanPart,
)
from conversations.ai_agent.outside.answers import SOURCE
from conversations.ai_agent.outside.options import (
    FAILURES_IN_A_ROW,
    AgentOptions,
    agent_options,
)
from conversations.ai_agent.runtimes.kinds import kind_of
from conversations.ai_agent.turn import AgentMessage, Turn, TurnLog
from conversations.journal.selectors import TranscriptEntry, transcript_get
from conversations.models import Conversation, Event, OutsideAgent
from integrations.behaviour.sentences import own_or
from integrations.contract.errors import CannotConnectError, ConnectorError, RateLimitedError
from integrations.http.client import HttpClient, Session
from integrations.models import Project

logger = logging.getLogger(__name__)
HISTORY_MAX = 50
_ROLES = {"user": "user", "bot": "agent", "live_agent": "live_agent"}
# Ours, inside what an adapter keeps of a conversation: its failures in a row, whether it was handed
# off for them, how often a human has given it back, of which time the agent knows, and its
# kind.
_FAILURES, _ESCALATED, _EPOCH, _TOLD_EPOCH = "failures", "has_escalated", "epoch", "told_epoch"
_KIND = "kind"
_OURS = (_FAILURES, _ESCALATED, _EPOCH, _TOLD_EPOCH, _KIND)


def outside_agent(project: Project) -> OutsideAgent | None:
    """Return the project's outside agent; None where the built-in one answers."""
    return getattr(project, "outside_agent", None)


def is_asked(agent: OutsideAgent) -> bool:
    """Say whether we ask this agent for each turn; else it drives by itself."""
    kind = kind_of(agent.kind)
    return kind is not None and kind.adapter is not None


def own_session(kind: str, session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a conversation, without what an agent of another kind has left."""
    is_own = session.get(_KIND, kind) == kind
    kept = session if is_own else {name: session[name] for name in _OURS if name in session}
    return {**kept, _KIND: kind}


def session_after_return(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a conversation that comes back from a human."""
    return {**session, _EPOCH: session.get(_EPOCH, 0) + 1}


def session_epoch(session: Mapping[str, Any]) -> int:
    """Return how often the conversation has come back from a human."""
    return int(session.get(_EPOCH, 0))


def was_away(session: Mapping[str, Any]) -> bool:
    """Say whether a human was asked for since the agent came into this conversation."""
    return session_epoch(session) > 0


def agent_turn(
    conversation: Conversation,
    events: Sequence[Event],
    handoff_view: Mapping[str, Any] | None,
    human_parts: Sequence[HumanPart] = (),
) -> AgentTurn:
    """Return what the agent is told of messages, as of one that is named after the last of them.

    `conversation` with its project and user.
    """
    first, last = events[0], events[-1]
    said = transcript_get(conversation, unanswered_from=first.sequence, limit=HISTORY_MAX)
    agent = outside_agent(conversation.project)
    session = own_session(agent.kind if agent else "", conversation.agent_session)
    return AgentTurn(
        id=str(last.pk),
        conversation=conversation_told(conversation),
        message={
            "id": last.payload["message_id"],
            "text": "\n".join(filter(None, (one.payload["text"] for one in events))),
            "attachments": [it for one in events for it in one.payload.get("attachments", [])],
        },
        history=lines_told(said),
        handoff=handoff_view,
        human_parts=human_parts,
        is_back=session_epoch(session) > session.get(_TOLD_EPOCH, 0),
        session=session,
        epoch=session_epoch(session),
        sequence=last.sequence,
    )


def conversation_told(conversation: Conversation) -> dict[str, Any]:
    """Return what the agent is told of a conversation, with its channel and its user."""
    user = conversation.end_user
    return {
        "id": conversation.pk,
        "env": conversation.environment,
        "channel_type": conversation.channel_type,
        "language": conversation.locale or "en",
        "state": conversation.tool_state,
        "user": {
            "id": user.external_id,
            "is_verified": user.is_verified,
            "name": user.name,
            "email": user.email,
        },
    }


def lines_told(said: Sequence[TranscriptEntry]) -> list[dict[str, Any]]:
    """Return what people and the agent have said, as the agent reads it."""
    return [
        {"role": _ROLES[line["sender"]], "text": line["text"], "at": line["ts"].isoformat()}
        for line in said
        if line["sender"] in _ROLES
    ]


async def turn_ask(
    agent: OutsideAgent, place: AgentPlace, turn: AgentTurn, session: Session
) -> Turn:
    """Ask the agent; whatever it does, a turn comes back and nothing is raised for it."""
    conversation, options = place.conversation, agent_options(agent.options)
    try:
        answer = await answer_ask(agent, place, turn, session)
    except AgentFailedError as error:
        kept = turn.session if error.session is None else error.session
        return turn_failed(conversation, options, kept, error, kind=agent.kind)
    found = _turn_of(conversation, answer, turn.session)
    return replace(found, promised_seconds=options.whole_seconds) if answer.comes_later else found


async def answer_ask(
    agent: OutsideAgent, place: AgentPlace, turn: AgentTurn, session: Session
) -> AgentAnswer:
    """Return the agent's answer within its deadlines; raises AgentFailedError."""
    options, adapter = agent_options(agent.options), adapter_of(agent, place)
    if adapter is None:
        raise AgentFailedError("agent_unknown", "This kind of agent cannot be asked.")
    http, seconds = agent_client(agent, session), options.whole_seconds
    try:
        async with asyncio.timeout(seconds):
            answer = await _ask_twice(
                adapter, turn, http, repeats=may_repeat(agent), seconds=seconds
            )
    except TimeoutError as error:
        raise _too_late(seconds) from error
    except ConnectorError as error:
        raise AgentFailedError.of(error) from error
    _check_answered(answer)
    return answer


def adapter_of(agent: OutsideAgent, place: AgentPlace) -> Adapter | None:
    """Return what speaks to an agent; None where it drives by itself, or its kind is gone."""
    kind = kind_of(agent.kind)
    if kind is None or kind.adapter is None:
        return None
    return kind.adapter(agent, agent_options(agent.options), place)


def may_repeat(agent: OutsideAgent) -> bool:
    """Say whether a call whose answer is missing may be made again."""
    kind = kind_of(agent.kind)
    return kind is not None and kind.repeats


def agent_client(agent: OutsideAgent, session: Session) -> HttpClient:
    """Return what calls this agent, and nothing else inside this network."""
    return HttpClient(
        session,
        allow_local=settings.ALLOW_LOCAL_AGENTS,
        secrets=[value for value in agent.secrets.values() if value],
        tells_correlation=True,
    )


async def _ask_twice(
    adapter: Adapter, turn: AgentTurn, http: HttpClient, *, repeats: bool, seconds: float
) -> AgentAnswer:
    """Ask once more where the first call may be repeated: it did not get through, or has an id.

    A pause that the agent asks for is kept; one that ends after the turn's `seconds` is a failure
    at once, so that the end user is not left waiting for nothing.
    """
    until = time.monotonic() + seconds
    try:
        return await adapter.answer(turn, http)
    except (CannotConnectError, RateLimitedError) as error:
        if isinstance(error, CannotConnectError) and error.is_in_doubt and not repeats:
            raise
        pause = error.retry_after or (1.0 if isinstance(error, RateLimitedError) else 0.0)
        if time.monotonic() + pause >= until:
            raise
        logger.info("An outside agent is asked again: %s", error.code)
        await asyncio.sleep(pause)
        return await adapter.answer(turn, http)


def _check_answered(answer: AgentAnswer) -> None:
    """Raise AgentFailedError for an answer that says nothing and asks for nothing."""
    says = answer.messages or answer.returned or answer.has_hung_up or answer.comes_later
    moves = any(moves_read(one.done, None).is_any for _, one in answer.effects)
    if not says and not moves:
        raise AgentFailedError("agent_silent", "The agent's answer is empty.")


def _turn_of(conversation: Conversation, answer: AgentAnswer, session: Mapping[str, Any]) -> Turn:
    ours = {name: session[name] for name in _OURS if name in session}
    kept = {**(session if answer.session is None else answer.session), **ours}
    if not answer.comes_later:
        kept[_FAILURES] = 0
    if was_away(session):
        kept[_TOLD_EPOCH] = session[_EPOCH]
    state = None
    if answer.state is not None:
        state = {**conversation.tool_state, **answer.state}
    return Turn(
        messages=answer.messages,
        source=SOURCE,
        returned=answer.returned,
        state=state,
        logs=answer.logs,
        effects=answer.effects,
        has_hung_up=answer.has_hung_up,
        agent_session=kept,
        agent_error="",
    )


def answer_seconds(agent: OutsideAgent) -> int:
    """Return how long an agent has that answers by REST; 0 where it may take for ever."""
    options = agent_options(agent.options)
    return options.whole_seconds if is_asked(agent) else options.answer_seconds


def turn_left(agent: OutsideAgent) -> Turn:
    """Return the turn of an agent that drives by itself: nothing yet, and the time that it has."""
    return Turn(promised_seconds=answer_seconds(agent) or None)


def turn_broken_promise(conversation: Conversation, agent: OutsideAgent) -> Turn:
    """Return the turn of an agent that was to answer by REST, and did not."""
    session = own_session(agent.kind, conversation.agent_session)
    code = "agent_cannot_connect" if is_asked(agent) else "agent_no_answer"
    error = _too_late(answer_seconds(agent), code)
    return turn_failed(conversation, agent_options(agent.options), session, error, kind=agent.kind)


def session_answered(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a conversation whose agent has answered by REST."""
    return {**session, _FAILURES: 0} if session.get(_FAILURES) else dict(session)


def _too_late(seconds: int, code: str = "agent_cannot_connect") -> AgentFailedError:
    return AgentFailedError(code, f"The agent did not answer within {seconds} seconds.")


def turn_failed(
    conversation: Conversation,
    options: AgentOptions,
    session: Mapping[str, Any],
    error: AgentFailedError,
    *,
    kind: str,
) -> Turn:
    """Return the turn of an agent that gave no answer: a text, and after three a live agent.

    A conversation is handed off for this once: a failing agent must not bounce it for ever.
    """
    failures = int(session.get(_FAILURES, 0)) + 1
    escalates = options.escalates and failures >= FAILURES_IN_A_ROW and not session.get(_ESCALATED)
    text = own_or(options.failure_text, "tool_failed", conversation.tongue)
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
            _KIND: kind,
            _FAILURES: failures,
            _ESCALATED: bool(session.get(_ESCALATED)) or escalates,
        },
        agent_error=error.code,
    )
