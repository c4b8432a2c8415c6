"""A pretend service behind the custom connector, written from the public contract alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.simulator import Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import PostingSimulator
from integrations.vendors.custom.simulator.agents import (
    EXTRA_ACTIONS,
    RICH_MESSAGES,
    CustomAgents,
)
from integrations.vendors.custom.simulator.app import custom_app, refusal
from integrations.vendors.custom.simulator.world import CustomWorld, Handoff, Switches, desk_view

DEFAULT_RETRY_AFTER = 1
TOO_OLD_SECONDS = 3600


def _world(simulator: Simulator) -> CustomWorld:
    return cast("CustomSimulator", simulator).world


def _each_open(simulator: Simulator, raw: bytes, label: str, age: int = 0) -> None:
    world = _world(simulator)
    for handoff in list(world.conversations.values()):
        url = world.switches.events_url or handoff.callback_url
        lane, body = handoff.external_id, raw.replace(b"EXTERNAL", handoff.external_id.encode())
        world.post_bytes(url, body, lane=lane, label=label, age=age)


def _unknown_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post an event of a type that the contract does not know, for each handoff."""
    raw = b'{"event_id":"new-EXTERNAL","type":"applause","external_id":"EXTERNAL","data":{}}'
    _each_open(simulator, raw, "unknown")


def _malformed_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post signed bytes that are not JSON, and fields of the wrong types."""
    _each_open(simulator, b'{"event_id":"broken', "malformed")
    odd = b'{"event_id":"odd-EXTERNAL","type":"message","external_id":"EXTERNAL","data":[1]}'
    _each_open(simulator, odd, "malformed")


def _old_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post an event whose signature is an hour old."""
    raw = b'{"event_id":"old-EXTERNAL","type":"closed","external_id":"EXTERNAL","data":{}}'
    _each_open(simulator, raw, "old", TOO_OLD_SECONDS)


def _replay_oldest(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Post each handoff's oldest messages again in their turn: old ids and times, signed anew."""
    _world(simulator).outbox.post_oldest("message", int(fields.get("count", 5)))


EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _unknown_event,
    "malformed_event": _malformed_event,
    "old_event": _old_event,
    "replay_oldest": _replay_oldest,
}


class CustomSimulator(PostingSimulator[CustomWorld]):
    """A small desk with one inbox; keyword arguments are switches, as in `POST /_desk/config`."""

    key: ClassVar[str] = "custom"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated custom connector (demo)",
        inbox="Inbox",
        accept="Accept",
        end="Close",
        attributes="Attributes",
        session="Handoff",
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        """Make the desk and its people."""
        world = CustomWorld(Switches.of(**switches))
        super().__init__(world, CustomAgents(world), state_file=state_file)

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return custom_app(self)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure in the contract's shape."""
        wait = failure.retry_after
        if wait is None and failure.status == 429:
            wait = DEFAULT_RETRY_AFTER
        code = failure.error_code or "told_to_fail"
        return refusal(failure.status, code, "The simulator was told to fail.", wait)

    # -- The desk -----------------------------------------------------------------------------

    def desk_view(self, conversation: Handoff) -> dict[str, Any]:
        """Return a handoff in the shape that all desks share."""
        return desk_view(conversation)

    def expire_tokens(self) -> None:
        """Do nothing: the contract has no token."""
