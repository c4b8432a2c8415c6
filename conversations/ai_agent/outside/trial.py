"""A test turn: asks a project's outside agent as a conversation would, and changes nothing."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

from django.conf import settings

from conversations.ai_agent.outside.agent import (
    AgentAnswer,
    AgentFailedError,
    AgentPlace,
    AgentTurn,
)
from conversations.ai_agent.outside.runtime import answer_ask
from conversations.models import Channel, Conversation, EndUser, OutsideAgent
from integrations.connections.building import vendor_route
from integrations.http.client import open_session
from integrations.models import Environment
from integrations.models.identifiers import conversation_id

# What an admin reads about a failure: the cause, then the cure.
CURES = {
    "agent_cannot_connect": (
        "No usable answer came in time.",
        "Check that the agent runs, that Baton can reach its address, and how long it takes.",
    ),
    "agent_rate_limited": (
        "The agent asked to slow down.",
        "Raise its limit, or check that its quota is not used up.",
    ),
    "agent_invalid_auth": (
        "The agent did not accept the key or the signature.",
        "Enter the key again, or check how the agent verifies the signature.",
    ),
    "agent_missing_permission": (
        "The agent refused the call.",
        "Check what the key may do, and whether the agent's host lets Baton in.",
    ),
    "agent_rejected": (
        "The agent refused the request.",
        "Check the address, and the name of the model if there is one.",
    ),
    "agent_answer": (
        "The answer cannot be read.",
        "Answer with a JSON object as docs/ai_agents.md shows it.",
    ),
    "agent_silent": ("The answer is empty.", "Answer with an utterance, a handoff or an end."),
}
_UNKNOWN = ("The agent failed.", "Look into the log of the conversation.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestTurn:
    """What came back, and how long it took."""

    said: str = field(repr=False)
    milliseconds: int
    answer: AgentAnswer | None = field(default=None, repr=False)
    error: AgentFailedError | None = None

    @property
    def cure(self) -> tuple[str, str]:
        """Return cause and cure of a failure."""
        return cure_of(self.error.code if self.error else "")


def cure_of(code: str) -> tuple[str, str]:
    """Return cause and cure of a failure, for an admin."""
    return CURES.get(code, _UNKNOWN)


async def agent_try(agent: OutsideAgent, text: str) -> TestTurn:
    """Ask the agent one thing; touches no database."""
    place, turn = AgentPlace(conversation=_conversation(agent)), _turn(agent, text)
    began = time.monotonic()
    answer: AgentAnswer | None = None
    failure: AgentFailedError | None = None
    session = open_session(allow_local=settings.ALLOW_LOCAL_AGENTS, route=vendor_route())
    async with session:
        try:
            answer = await answer_ask(agent, place, turn, session)
        except AgentFailedError as error:
            failure = error
    took = int((time.monotonic() - began) * 1000)
    return TestTurn(said=text, milliseconds=took, answer=answer, error=failure)


def _conversation(agent: OutsideAgent) -> Conversation:
    """Return a conversation that is stored nowhere."""
    return Conversation(
        id=conversation_id(),
        project=agent.project,
        channel=Channel(project=agent.project, kind=Channel.Kind.WEBCHAT),
        end_user=EndUser(project=agent.project, external_id="test"),
        environment=Environment.SANDBOX,
        state=Conversation.State.BOT,
    )


def _turn(agent: OutsideAgent, text: str) -> AgentTurn:
    return AgentTurn(
        id=str(uuid.uuid4()),
        conversation={
            "id": conversation_id(),
            "env": Environment.SANDBOX.value,
            "channel_type": "webchat.polyai",
            "language": "en",
            "state": {},
            "user": {"id": "test", "is_verified": False, "name": "", "email": ""},
            "is_test": True,
        },
        message={"id": str(uuid.uuid4()), "text": text, "attachments": []},
        history=[],
    )
