"""A pretend CXone tenant with one BYOC channel, written from the vendor's contract alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import PostingSimulator
from integrations.vendors.nice_byoc.simulator.agents import (
    EXTRA_ACTIONS,
    RICH_MESSAGES,
    NiceByocAgents,
)
from integrations.vendors.nice_byoc.simulator.app import byoc_app, refusal
from integrations.vendors.nice_byoc.simulator.faults import EXTRA_FAULTS
from integrations.vendors.nice_byoc.simulator.world import (
    NiceByocWorld,
    Switches,
    Thread,
    desk_view,
)


class NiceByocSimulator(PostingSimulator[NiceByocWorld]):
    """One tenant; keyword arguments are switches, see `Switches`."""

    key: ClassVar[str] = "nice_byoc"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated NICE CXone, own channel (demo)",
        inbox="Inbox",
        accept="Accept",
        end="Close contact",
        attributes="Contact custom fields",
        session="Contact",
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        """Make the tenant."""
        world = NiceByocWorld(Switches.of(**switches))
        super().__init__(world, NiceByocAgents(world), state_file=state_file)

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return byoc_app(self)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure."""
        code = failure.error_code or "told_to_fail"
        return refusal(failure.status, code, retry_after=failure.retry_after)

    def desk_view(self, conversation: Thread) -> dict[str, Any]:
        """Return a thread in the shape that all desks share."""
        return desk_view(conversation)

    def expire_tokens(self) -> None:
        """Let every token expire: those given out, and the one that the box has given."""
        with self.change():
            self.world.tokens.clear()
            self.world.outbox.token = "0.expired"  # noqa: S105 - no token at all
