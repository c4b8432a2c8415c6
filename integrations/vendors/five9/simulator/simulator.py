"""A pretend Five9, written from the vendor's page alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import PostingSimulator
from integrations.vendors.five9.simulator.agents import EXTRA_ACTIONS, Agents
from integrations.vendors.five9.simulator.app import vendor_app
from integrations.vendors.five9.simulator.faults import FAULTS
from integrations.vendors.five9.simulator.refusals import refusal
from integrations.vendors.five9.simulator.world import (
    Conversation,
    Five9Switches,
    Five9World,
    desk_view,
)


class Five9Simulator(PostingSimulator[Five9World]):
    """One domain; keyword arguments are switches."""

    key: ClassVar[str] = "five9"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Five9 (demo)",
        inbox="Campaign",
        accept="Accept",
        end="Terminate",
        attributes="Variables",
        session="Conversation",
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    vendor_faults: ClassVar[Mapping[str, Fault]] = FAULTS

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        world = Five9World(Five9Switches.of(**switches))
        super().__init__(world, Agents(world), state_file=state_file)

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return vendor_app(self)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure in Five9's envelope."""
        wait = failure.retry_after
        if wait is None and failure.status == 429:
            wait = 1
        return refusal(failure.status, "The simulator was told to fail.", wait)

    def desk_view(self, conversation: Conversation) -> dict[str, Any]:
        """Return one conversation in the desk's shape."""
        return desk_view(conversation)

    def expire_tokens(self) -> None:
        """Let every session given so far be over."""
        with self.change():
            for session in self.world.sessions.values():
                session.is_expired = True
