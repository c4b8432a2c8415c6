"""Tells an outside AI agent that a human has left it the conversation; repeated, and bounded."""

from __future__ import annotations

import logging

from conversations.ai_agent.outside.agent import (
    AgentFailedError,
    AgentPlace,
    HearsOfJoin,
    HearsOfReturn,
    Joined,
    Return,
)
from conversations.ai_agent.runtimes.runtime import (
    adapter_of,
    agent_client,
    conversation_told,
    outside_agent,
    own_session,
    session_epoch,
)
from conversations.event_loop.executor import run_sync
from handoffs.lifecycle.queueing import queue_agent_news
from handoffs.models import Handoff
from handoffs.starting.human_parts import human_part
from handoffs.starting.turns.outside import OUTSIDE_TURNS
from integrations.contract.errors import ConnectorError
from integrations.http.client import Session

logger = logging.getLogger(__name__)
# Then the next turn has to do.
PAUSES_SECONDS = (2, 10, 30, 120)


def agent_tell(handoff_id: str, tries: int = 0) -> None:
    """Tell the agent that its conversation is back, if it can be told; waits in no thread."""
    handoff = _handoff(handoff_id)
    conversation = handoff.conversation
    agent = outside_agent(conversation.project)
    if agent is None or handoff.ended_at is None:
        return
    adapter = adapter_of(agent, AgentPlace(conversation=conversation))
    if not isinstance(adapter, HearsOfReturn):
        return
    news = Return(
        id=f"{handoff.pk}:ended",
        conversation=conversation_told(conversation),
        human_part=human_part(handoff),
        session=own_session(agent.kind, conversation.agent_session),
        epoch=session_epoch(conversation.agent_session),
    )

    async def tell(session: Session) -> None:
        try:
            await adapter.human_left(news, agent_client(agent, session))
        except (AgentFailedError, ConnectorError) as error:
            await run_sync(_again, handoff_id, tries, error)

    OUTSIDE_TURNS.tell(tell)


def agent_tell_joined(handoff_id: str) -> None:
    """Tell the agent that a live agent is there, if it can be told and they still are."""
    handoff = _handoff(handoff_id)
    conversation = handoff.conversation
    agent = outside_agent(conversation.project)
    if agent is None or handoff.ended_at is not None:
        return
    adapter = adapter_of(agent, AgentPlace(conversation=conversation))
    if not isinstance(adapter, HearsOfJoin):
        return
    news = Joined(
        id=f"{handoff.pk}:joined",
        conversation=conversation_told(conversation),
        session=own_session(agent.kind, conversation.agent_session),
    )

    async def tell(session: Session) -> None:
        try:
            await adapter.human_joined(news, agent_client(agent, session))
        except (AgentFailedError, ConnectorError) as error:
            # Its return tells all that matters.
            logger.warning("An outside agent was not told of a live agent (%s)", error.code)

    OUTSIDE_TURNS.tell(tell)


def _handoff(handoff_id: str) -> Handoff:
    rows = Handoff.objects.select_related("conversation__end_user", "conversation__channel")
    return rows.get(pk=handoff_id)


def _again(handoff_id: str, tries: int, error: AgentFailedError | ConnectorError) -> None:
    is_last = tries >= len(PAUSES_SECONDS)
    logger.warning(
        "An outside agent was not told of its return (%s)%s",
        error.code,
        ": the next turn says it" if is_last else "",
        extra={"handoff": handoff_id},
    )
    if not is_last:
        queue_agent_news(handoff_id, tries + 1, seconds=PAUSES_SECONDS[tries])
