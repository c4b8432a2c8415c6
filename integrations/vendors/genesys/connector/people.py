"""The names of live agents, looked up once a day each."""

from __future__ import annotations

import time
from dataclasses import replace

from integrations.contract.errors import ConnectorError
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.mapping.events import Agent
from integrations.vendors.genesys.mapping.json import as_text
from integrations.vendors.genesys.mapping.presence import Participant

KEEP_SECONDS = 24 * 3600.0


class People:
    """Fills in the names that a conversation leaves out."""

    def __init__(self, client: GenesysClient) -> None:
        """Know nobody."""
        self._client = client
        self._known: dict[str, tuple[str, float]] = {}

    async def named(self, participants: list[Participant]) -> list[Participant]:
        """Return the participants, every live agent among them with a name if there is one."""
        return [
            replace(item, agent=await self._named(item.agent))
            if item.is_agent and item.has_been_present
            else item
            for item in participants
        ]

    async def _named(self, agent: Agent) -> Agent:
        if agent.name:
            return agent
        name, until = self._known.get(agent.agent_id, ("", 0.0))
        if until < time.monotonic():
            try:
                name = as_text((await self._client.user(agent.agent_id)).get("name"))
            except ConnectorError:
                return agent  # a live agent without a name is better than none
            self._known[agent.agent_id] = (name, time.monotonic() + KEEP_SECONDS)
        return replace(agent, name=name)
