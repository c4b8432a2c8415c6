"""What an adapter implements: a turn goes out, an answer comes back, in the maker's own words.

An adapter is a pure mapping over one call. Deadlines, retries, the address guard, signing, the
journal and everything about handoffs stay on this side (runtime.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from conversations.ai_agent.sandbox.effects import ConvEffects
from conversations.ai_agent.sandbox.host import Service
from conversations.ai_agent.turn import AgentMessage, TurnLog
from conversations.models import Conversation
from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanPart:
    """What happened while the agent was out of the conversation.

    `status` is ended or failed, `reason` why; `lines` are {role, text, at}, oldest first.
    """

    handoff_id: str
    status: str
    reason: str
    started_at: str
    ended_at: str
    agent_name: str = field(default="", repr=False)
    summary: str = field(default="", repr=False)
    lines: Sequence[Mapping[str, Any]] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """The news that the agent is in charge again; `id` makes it recognisable when repeated."""

    id: str
    conversation: Mapping[str, Any] = field(repr=False)
    human_part: HumanPart = field(repr=False)
    session: Mapping[str, Any] = field(default_factory=dict, repr=False)
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The news that a live agent has joined; `id` makes it recognisable when repeated."""

    id: str
    conversation: Mapping[str, Any] = field(repr=False)
    session: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTurn:
    """What the agent is told of one turn, as JSON (agent_api section 22).

    `conversation` is {id, env, channel_type, language, state, user}, `message` {id, text,
    attachments, payload?}, `history` up to 50 of {role, text, at}, without the message itself.
    `human_parts` are the times when a live agent was asked for, oldest first (HumanPart);
    `is_back` in the first turn after one of them. `session` is what the adapter kept of this
    conversation, and `epoch` grows with each return: an agent that cannot be told what happened
    begins anew with it. `id` stays the same when the turn is tried again.
    """

    id: str
    conversation: Mapping[str, Any] = field(repr=False)
    message: Mapping[str, Any] = field(repr=False)
    history: Sequence[Mapping[str, Any]] = field(repr=False)
    handoff: Mapping[str, Any] | None = field(default=None, repr=False)
    human_parts: Sequence[HumanPart] = field(default=(), repr=False)
    is_back: bool = False
    session: Mapping[str, Any] = field(default_factory=dict, repr=False)
    epoch: int = 0
    # The message's place in the journal; None in a test turn.
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAnswer:
    """What the agent wants said and done.

    `returned` is the dict of a tool (agent_api 2.1) where the agent asks for a handoff. An answer
    that says and asks nothing is a miss, unless it `comes_later` by REST. `state` is merged into
    the conversation's, `session` replaces what the adapter kept.
    """

    messages: Sequence[AgentMessage] = ()
    returned: Mapping[str, Any] | None = None
    state: Mapping[str, Any] | None = None
    has_hung_up: bool = False
    comes_later: bool = False
    session: Mapping[str, Any] | None = None
    effects: Sequence[tuple[str, ConvEffects]] = ()
    logs: Sequence[TurnLog] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlace:
    """What an adapter may use of the portal while it answers.

    `destinations` are the names that a handoff may go to, each with what it is. `is_available`
    says whether somebody would answer there, None where nobody can tell. `show` draws a text that
    is still growing: it gets the message's id, the new piece, and whether it was the last one.
    `services` are what the project's tools may ask of the portal.
    """

    conversation: Conversation = field(repr=False)
    destinations: Mapping[str, str] = field(default_factory=dict)
    is_available: Callable[[str], Awaitable[bool | None]] | None = None
    show: Callable[[uuid.UUID, str, bool], None] | None = None
    services: Mapping[str, Service] = field(default_factory=dict, repr=False)


class AgentFailedError(Exception):
    """The agent gave no answer that can be used; `code` and the text are for the project's log."""

    def __init__(
        self, code: str, message: str, *, session: Mapping[str, Any] | None = None
    ) -> None:
        """Neither quotes what was said, nor a credential.

        `session` is what the adapter keeps all the same; None leaves what was kept before.
        """
        super().__init__(message)
        self.code, self.session = code, session

    @classmethod
    def of(cls, error: ConnectorError) -> AgentFailedError:
        """Return the failure of a call."""
        return cls(f"agent_{error.code}", str(error))


class Adapter(Protocol):
    """One way to drive an agent."""

    async def answer(self, turn: AgentTurn, http: HttpClient) -> AgentAnswer:
        """Ask the agent; raises AgentFailedError or ConnectorError."""


@runtime_checkable
class HearsOfReturn(Protocol):
    """What an adapter implements beside it whose agent can be told when a live agent has left."""

    async def human_left(self, news: Return, http: HttpClient) -> None:
        """Tell the agent; raises AgentFailedError or ConnectorError, and is then repeated."""


@runtime_checkable
class HearsOfJoin(Protocol):
    """What an adapter implements beside it whose agent can be told that a live agent is there."""

    async def human_joined(self, news: Joined, http: HttpClient) -> None:
        """Tell the agent; raises AgentFailedError or ConnectorError; it is not repeated."""
