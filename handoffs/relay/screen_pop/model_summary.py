"""Lets the project's model write the summary, within a bound: the handoff never waits longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from conversations.ai_agent.chat_model.summary import summary_ask
from conversations.ai_agent.outside.agent import AgentFailedError
from conversations.ai_agent.runtimes.runtime import agent_client, outside_agent
from conversations.ai_agent.streaming import STREAMING_KIND
from conversations.models import OutsideAgent
from handoffs.models import Handoff
from handoffs.relay.screen_pop.summary import BY_MODEL, BY_SENTENCES
from handoffs.sending.masking import masked
from handoffs.starting.turns.outside import agent_session
from integrations.contract.connector import HandoffRequest, TranscriptLine
from integrations.contract.errors import ConnectorError

_SPEAKERS = {"end_user": "End user", "ai_agent": "AI agent", "live_agent": "Live agent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryWish:
    """What the model is asked about; `head` stands before the summary in any case."""

    agent: OutsideAgent = field(repr=False)
    transcript: Sequence[TranscriptLine] = field(repr=False)
    language: str
    head: str = field(default="", repr=False)
    masks: frozenset[str] = frozenset()


def summary_model(handoff: Handoff) -> OutsideAgent | None:
    """Return the model of a handoff's project; None where it has none."""
    agent = outside_agent(handoff.conversation.project)
    return agent if agent is not None and agent.kind == STREAMING_KIND else None


async def request_summarised(
    request: HandoffRequest, wish: SummaryWish
) -> tuple[HandoffRequest, dict[str, Any]]:
    """Return the request with the model's summary, and what is kept of how it came about.

    Where the model gives none in time, the request's own summary stays.
    """
    seconds: float = settings.MODEL_SUMMARY_SECONDS
    began, why = time.monotonic(), ""
    try:
        async with asyncio.timeout(seconds):
            text = masked(await _ask(wish, seconds), wish.masks)
    except TimeoutError:
        why = f"The model did not answer within {seconds:g} seconds."
    except (AgentFailedError, ConnectorError) as error:
        why = f"The model gave no summary: {error}"[:300]
    took = round((time.monotonic() - began) * 1000)
    if why:
        return request, kept_summary(request.routing, by=BY_SENTENCES, why=why, milliseconds=took)
    routing = {**request.routing, "summary": f"{wish.head}{text}"}
    summarised = replace(request, routing=routing)
    return summarised, kept_summary(routing, by=BY_MODEL, milliseconds=took)


def kept_summary(
    routing: Mapping[str, Any], *, by: str, why: str = "", milliseconds: int = 0
) -> dict[str, Any]:
    """Return what a handoff keeps of its summary: by whom, its text, and why no other."""
    text = str(routing.get("summary") or "")
    return {"by": by, "text": text, "why": why, "milliseconds": milliseconds} if text else {}


async def _ask(wish: SummaryWish, seconds: float) -> str:
    lines = [f"{_SPEAKERS.get(one.speaker, 'System')}: {one.text}" for one in wish.transcript]
    async with agent_session() as session:
        return await summary_ask(
            wish.agent,
            agent_client(wish.agent, session),
            lines,
            language=wish.language,
            # The bound above is the one that counts.
            seconds=seconds + 1,
        )
