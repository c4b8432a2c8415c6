"""A pretend organization with a channel of its own, written from the vendor's contract alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault, Fields
from integrations.simulators.simulator import Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.salesforce_byoc.simulator.agents import (
    EXTRA_ACTIONS,
    RICH_MESSAGES,
    Agents,
)
from integrations.vendors.salesforce_byoc.simulator.app import byoc_app
from integrations.vendors.salesforce_byoc.simulator.cometd import Cometd
from integrations.vendors.salesforce_byoc.simulator.service import refusal
from integrations.vendors.salesforce_byoc.simulator.world import (
    ByocSwitches,
    ByocWorld,
    Conversation,
    desk_view,
)

_CODES = {401: 10004, 403: 10003, 404: 10018, 500: 500, 503: 10019}


def _open_ones(simulator: Simulator) -> Iterator[tuple[ByocWorld, Conversation]]:
    own = cast("SalesforceByocSimulator", simulator)
    with own.change():
        for one in own.world.conversations.values():
            if one.status != "ended":
                yield own.world, one


def _unknown_event(simulator: Simulator, fields: Fields) -> None:
    """Tell each conversation an entry of a type that no client knows, and an event of another."""
    for world, one in _open_ones(simulator):
        world.tell(one, "SomethingNew", {"isNew": True})
        world.publish_raw("SomethingElse", json.dumps({"recipient": {"subject": one.subject}}))


def _malformed_event(simulator: Simulator, fields: Fields) -> None:
    """Publish payloads that do not parse, or hold things of the wrong types."""
    for world, one in _open_ones(simulator):
        world.publish_raw("Interaction", '{"conversationIdentifier": "')
        odd = {"conversationIdentifier": one.conversation_id, "payload": {"entryPayload": "x"}}
        world.publish_raw("Interaction", json.dumps(odd))
        wrong = {"entryType": "Message", "entryPayload": {"abstractMessage": 7}, "sender": "me"}
        body = {"conversationIdentifier": one.conversation_id, "payload": wrong}
        world.publish_raw("Interaction", json.dumps(body))


def _replay_oldest(simulator: Simulator, fields: Fields) -> None:
    """Publish the oldest messages of each conversation's live agents again, ids and all."""
    for world, one in _open_ones(simulator):
        said = [row for row in one.entries if row["entryType"] == "Message"]
        of_agents = [row for row in said if row["sender"]["role"] == "Agent"]
        for entry in of_agents[: int(fields.get("count", 5))]:
            world.publish(one, entry)


def _forget_clients(simulator: Simulator, fields: Fields) -> None:
    """Let the server know no CometD client any more."""
    own = cast("SalesforceByocSimulator", simulator)
    own.cometd.drop()
    own.cometd.clients.clear()


class SalesforceByocSimulator(WorldSimulator[ByocWorld]):
    """One organization with one channel; keyword arguments are switches."""

    key: ClassVar[str] = "salesforce_byoc"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Salesforce, channel of your own (demo)",
        inbox="Omni-Channel inbox",
        accept="Accept",
        end="End chat",
        attributes="Routing attributes",
        session="Messaging session",
    )
    cors_methods: ClassVar[tuple[str, ...]] = ("GET", "POST", "PATCH", "DELETE")
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES
    vendor_faults: ClassVar[Mapping[str, Fault]] = {
        "unknown_event": _unknown_event,
        "malformed_event": _malformed_event,
        "replay_oldest": _replay_oldest,
        "forget_clients": _forget_clients,
    }

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        world = ByocWorld(ByocSwitches.of(**switches))
        self.cometd = Cometd(world)
        super().__init__(world, Agents(world), state_file=state_file)

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return byoc_app(self.world, self.cometd)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure with a code of its status."""
        answer = refusal(
            failure.status, _CODES.get(failure.status, 0), "The simulator was told to fail."
        )
        if failure.retry_after is not None:
            answer.headers["Retry-After"] = str(failure.retry_after)
        return answer

    def desk_view(self, conversation: Conversation) -> dict[str, Any]:
        """Return one conversation in the desk's shape."""
        return desk_view(self.world, conversation)

    def configuration(self) -> dict[str, Any]:
        """Return the switches, and what the partner says that it can draw."""
        return {**super().configuration(), "capabilities": self.world.capabilities}

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self) -> None:
        """Break every poll that is held in the middle of its answer."""
        self.cometd.drop()

    def close_streams(self) -> None:
        """Answer every poll that is held because the server stops."""
        self.cometd.close()

    def stall_streams(self, *, seconds: float) -> None:
        """Let polls be silent for a while; events wait."""
        self.cometd.silent_until = time.monotonic() + seconds

    def expire_tokens(self) -> None:
        """Let every access token expire, in the middle of polls too."""
        with self.change():
            self.world.tokens.clear()
        self.cometd.wake()

    def duplicate_next(self) -> None:
        """Deliver the next event twice, under the number that it has."""
        self.world.faults.duplicate_next()

    def swap_next_two(self) -> None:
        """Do nothing: the event bus delivers in the order of its numbers, one after the other."""
