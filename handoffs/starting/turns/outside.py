"""Turns of outside AI agents: they wait on one event loop of the process, in no thread."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable

from django.conf import settings

from conversations.ai_agent.outside.agent import AgentPlace, AgentTurn
from conversations.ai_agent.runtimes.runtime import turn_ask
from conversations.ai_agent.turn import Turn
from conversations.event_loop.background import BackgroundLoop
from conversations.models import OutsideAgent
from integrations.connections.building import vendor_route
from integrations.http.client import Session, open_session

# Gets None where asking broke in our own code.
Finish = Callable[[Turn | None], Awaitable[None]]


class OutsideTurns:
    """Owns the loop and its session; thread-safe, but for after a fork."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._lock = threading.Lock()
        self.loop = BackgroundLoop("outside agents", closing=self._close)
        self._session: Session | None = None
        self._going_on = 0

    def try_take(self) -> bool:
        """Book a place; False where so many turns are under way that one more would only wait."""
        with self._lock:
            if self._going_on >= settings.OUTSIDE_TURNS_AT_ONCE:
                return False
            self._going_on += 1
            return True

    def begin(
        self, agent: OutsideAgent, place: AgentPlace, turn: AgentTurn, finish: Finish
    ) -> None:
        """Ask the agent in the booked place, and hand the turn to `finish` on the loop."""
        self.loop.begin(self._run(agent, place, turn, finish))

    def tell(self, work: Callable[[Session], Awaitable[None]]) -> None:
        """Run what tells an agent something, beside the turns."""

        async def run() -> None:
            await work(self._open_session())

        self.loop.begin(run())

    async def _run(
        self, agent: OutsideAgent, place: AgentPlace, turn: AgentTurn, finish: Finish
    ) -> None:
        found: Turn | None = None
        try:
            found = await turn_ask(agent, place, turn, self._open_session())
        finally:
            with self._lock:
                self._going_on -= 1
            await finish(found)

    def _open_session(self) -> Session:
        """Return the loop's session; called on the loop."""
        if self._session is None or self._session.closed:
            self._session = agent_session()
        return self._session

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.close()


def agent_session() -> Session:
    """Make a session that reaches outside AI agents, on the loop that uses it."""
    return open_session(allow_local=settings.ALLOW_LOCAL_AGENTS, route=vendor_route())


OUTSIDE_TURNS = OutsideTurns()
