"""Who is in a task: who a live agent is, and what their coming and going means."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from integrations.contract.connector import VendorSession
from integrations.contract.errors import (
    ConnectorError,
    InvalidRoutingError,
    MissingPermissionError,
    RejectedError,
)
from integrations.contract.events import LiveAgentJoined, LiveAgentLeft, VendorEvent
from integrations.kit.json_values import Json, as_text
from integrations.kit.recent import Recent
from integrations.vendors.webex.client import WebexClient
from integrations.vendors.webex.connector.tasks import agents_in, owner_in, with_agents

Step = tuple[VendorSession, VendorEvent]
SOMEBODY = "Agent"
_KEPT_SECONDS, _MAX_PEOPLE = 3600.0, 2000
# Nobody of this id, or no permission to look: another way may know.
_NOT_HERE = (InvalidRoutingError, MissingPermissionError, RejectedError)


class People:
    """Names by id, as the calls name an id alone; a name is never worth a message."""

    def __init__(self, client: WebexClient, note: Callable[[str, str], None]) -> None:
        """Take `note` for remarks about a look-up that failed: operation, error code."""
        self._client = client
        self._note = note
        self._names: Recent[tuple[str, float]] = Recent(_MAX_PEOPLE)

    async def name_of(self, agent_id: str, owner_name: Callable[[], Awaitable[str]]) -> str:
        """Return a live agent's name: of the user, or of the task's owner, or just "Agent"."""
        name, until = self._names.get(agent_id) or ("", 0.0)
        if name and until > time.monotonic():
            return name
        found = await self._looked_up(agent_id) or await self._owner(owner_name)
        if found:
            self._names.put(agent_id, (found, time.monotonic() + _KEPT_SECONDS))
        return found or SOMEBODY

    async def _looked_up(self, agent_id: str) -> str:
        for ask in (self._client.user, self._client.user_by_ci_id):
            try:
                return _full_name(await ask(agent_id))
            except _NOT_HERE:
                continue
            except ConnectorError as error:
                self._note("user", error.code)
                return ""
        return ""

    async def _owner(self, owner_name: Callable[[], Awaitable[str]]) -> str:
        try:
            return await owner_name()
        except ConnectorError as error:
            self._note("list_tasks", error.code)
            return ""


def known_as(session: VendorSession, agent_id: str, name: str) -> str:
    """Return under which id somebody is there already: list and messages may use different ones."""
    agents = agents_in(session)
    if agent_id in agents:
        return agent_id
    return next((one for one, called in agents.items() if called == name != SOMEBODY), "")


def taken_by(
    session: VendorSession, agent_id: str, name: str, at: datetime, event_id: str
) -> list[Step]:
    """Let the new owner join, and the one before leave; nothing if they are the same."""
    owner, known = owner_in(session), known_as(session, agent_id, name)
    if known and known == owner:
        return []
    steps = left(session, at, event_id) if owner else []
    session = steps[-1][0] if steps else session
    if not known:
        return [*steps, joined(session, agent_id, name, at, f"{event_id}:joined")]
    # A colleague who was there already has it now: only the one before has left.
    return [(with_agents(session, agents_in(session), known), event) for _, event in steps]


def joined(session: VendorSession, agent_id: str, name: str, at: datetime, event_id: str) -> Step:
    """Let a live agent in; the first one has the task."""
    owner = owner_in(session) or agent_id
    session = with_agents(session, {**agents_in(session), agent_id: name}, owner)
    base = base_of(session, at, event_id)
    return session, LiveAgentJoined(**base, agent_id=agent_id, agent_name=name)


def left(session: VendorSession, at: datetime, event_id: str) -> list[Step]:
    """Let the owner go."""
    agents, owner = agents_in(session), owner_in(session)
    name = agents.pop(owner, "")
    base = base_of(session, at, f"{event_id}:left")
    event = LiveAgentLeft(**base, agent_id=owner, agent_name=name)
    return [(with_agents(session, agents, ""), event)]


def base_of(session: VendorSession, at: datetime, event_id: str) -> dict[str, Any]:
    """Return what every event of a session has."""
    named = {"vendor_event_id": event_id, "vendor_conversation_id": session.vendor_conversation_id}
    return {**named, "occurred_at": at}


def _full_name(user: Json) -> str:
    names = (as_text(user.get(part)).strip() for part in ("firstName", "lastName"))
    return " ".join(filter(None, names))
