"""A pretend CXone environment with one chat channel, written from the vendor's contract alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.nice_chat.simulator.agents import (
    EXTRA_ACTIONS,
    RICH_MESSAGES,
    NiceChatAgents,
)
from integrations.vendors.nice_chat.simulator.app import nice_app, refusal
from integrations.vendors.nice_chat.simulator.faults import EXTRA_FAULTS
from integrations.vendors.nice_chat.simulator.world import (
    NiceChatWorld,
    Switches,
    Thread,
    desk_view,
)

GOING_AWAY = 1001


class NiceChatSimulator(WorldSimulator[NiceChatWorld]):
    """One brand with one channel; keyword arguments are switches, see `Switches`."""

    key: ClassVar[str] = "nice_chat"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated NICE CXone (demo)",
        inbox="Inbox",
        accept="Accept",
        end="Close contact",
        attributes="Contact custom fields",
        session="Contact",
    )
    cors_headers: ClassVar[tuple[str, ...]] = ("*",)
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        """Make the tenant."""
        world = NiceChatWorld(Switches.of(**switches))
        # Events that were too large for a socket, by their id.
        self.stored_events: dict[str, dict[str, Any]] = {}
        super().__init__(world, NiceChatAgents(world), state_file=state_file)

    def is_this_environment(self, path: Mapping[str, str]) -> bool:
        """Say whether an address is below this environment, or below none."""
        wanted = self.world.switches.environment.lower()
        return path.get("env", wanted).lower() == wanted

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return nice_app(self)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure."""
        code = failure.error_code or "InternalError"
        return refusal(failure.status, code, "The simulator was told to fail.", failure.retry_after)

    def desk_view(self, conversation: Thread) -> dict[str, Any]:
        """Return a thread in the shape that all desks share."""
        return desk_view(conversation)

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self, *, is_cut: bool = False) -> None:
        """Close every socket; with `is_cut` without a word."""
        for socket in self.world.sockets.all():
            socket.shut(GOING_AWAY, is_cut=is_cut)

    def close_streams(self) -> None:
        """Close every socket because the server stops."""
        self.drop_streams()

    def stall_streams(self, *, seconds: float) -> None:
        """Let the open sockets be silent, pongs included."""
        for socket in self.world.sockets.all():
            socket.stall(seconds)

    def expire_tokens(self) -> None:
        """Let every token expire; sockets that were opened with one close."""
        with self.change():
            self.world.tokens.forget()
            if self.world.switches.secured_sessions:
                self.drop_streams()

    def duplicate_next(self, *, event: str | None = None) -> None:
        """Push the next event (of this type) twice."""
        self.world.sockets.faults.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Push the next event (of this type) after the one that follows it."""
        self.world.sockets.faults.swap_next_two(event)
