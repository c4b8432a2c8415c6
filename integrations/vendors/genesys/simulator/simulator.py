"""A pretend Genesys Cloud org with Open Messaging, written from its contract alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.records import file_download
from integrations.simulators.simulator import Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.genesys.simulator import outbound
from integrations.vendors.genesys.simulator.agents import ACTIONS, Agents
from integrations.vendors.genesys.simulator.channels import INTERNAL_ERROR, closing_frame
from integrations.vendors.genesys.simulator.checks import error_answer
from integrations.vendors.genesys.simulator.events import DETAIL_PREFIX
from integrations.vendors.genesys.simulator.http import genesys_app
from integrations.vendors.genesys.simulator.http_admin import TOKEN_PATH, login_refusal
from integrations.vendors.genesys.simulator.rest import desk_view
from integrations.vendors.genesys.simulator.rich import RICH_MESSAGES
from integrations.vendors.genesys.simulator.state import Conversation
from integrations.vendors.genesys.simulator.world import Org, OrgSwitches

# What the planned faults on events call notifications; everything else is a webhook's type.
NOTIFICATIONS = "notification"
DEFAULT_RETRY_AFTER = 1


def _own(simulator: Simulator) -> GenesysSimulator:
    return cast("GenesysSimulator", simulator)


def _unknown_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post a body of an unknown type, and publish an unknown detail event."""
    own = _own(simulator)
    with own.change():
        for conversation in own.world.talking():
            outbound.post_unknown(own.world, conversation)
        own.world.channels.broadcast(
            {"topicName": f"{DETAIL_PREFIX}.new.kind", "version": "9", "eventBody": {"new": True}}
        )


def _malformed_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Send every socket a frame that is JSON and makes no sense."""
    _own(simulator).world.channels.broadcast({"eventBody": None})


def _malformed_webhook(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post a body that is signed and is not JSON."""
    own = _own(simulator)
    with own.change():
        for conversation in own.world.talking():
            outbound.post_bytes(own.world, conversation, b'{"type":"Text","chan', label="malformed")


def _replay_oldest(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Post the oldest messages of each conversation's live agents again, signed anew."""
    own, count = _own(simulator), int(fields.get("count", 5))
    with own.change():
        for conversation in own.world.talking():
            outbound.post_oldest(own.world, conversation, count)


def _socket_closing(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Warn every socket that it will be closed within a minute."""
    _own(simulator).world.channels.broadcast(closing_frame())


def _expire_channels(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Let all notification channels be gone: sockets are told 404."""
    _own(simulator).world.channels.end_all()


def _lose_notifications(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Send the next events to nobody."""
    _own(simulator).world.channels.faults.lose_next(int(fields.get("count", 1)))


def _delay_webhooks(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Deliver webhooks late."""
    _own(simulator).world.sender.delay_seconds = float(fields["seconds"])


FAULTS: Mapping[str, Fault] = {
    "unknown_event": _unknown_event,
    "malformed_event": _malformed_event,
    "malformed_webhook": _malformed_webhook,
    "replay_oldest": _replay_oldest,
    "socket_closing": _socket_closing,
    "expire_channels": _expire_channels,
    "lose_notifications": _lose_notifications,
    "delay_webhooks": _delay_webhooks,
}


class GenesysSimulator(WorldSimulator[Org]):
    """One org with one OAuth client, one open messaging integration and one inbound message flow.

    Keyword arguments are switches (see `OrgSwitches`), as in `POST /_desk/config`.
    """

    key: ClassVar[str] = "genesys"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Genesys Cloud (demo)",
        inbox="Interactions",
        accept="Answer",
        end="End",
        attributes="Participant data",
        session="Interaction",
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = ACTIONS
    vendor_faults: ClassVar[Mapping[str, Fault]] = FAULTS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        org = Org(OrgSwitches.of(**switches))
        super().__init__(org, Agents(org), state_file=state_file)

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return genesys_app(self, self.world)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure as an ErrorBody."""
        wait = failure.retry_after
        if wait is None and failure.status == 429:
            wait = DEFAULT_RETRY_AFTER
        return error_answer(failure.status, "The simulator was told to fail.", retry_after=wait)

    def failure_response_at(self, failure: PlannedFailure, path: str) -> Response:
        """Let the login host fail in its own shape."""
        if path == TOKEN_PATH:
            return login_refusal("server_error", "The simulator was told to fail.", failure.status)
        return self.failure_response(failure)

    # -- The desk -----------------------------------------------------------------------------

    def desk_view(self, conversation: Conversation) -> dict[str, Any]:
        """Return one conversation in the desk's shape."""
        return desk_view(self.world, conversation)

    def desk_file(self, file_id: str) -> Response:
        """Return a file of a conversation; an end user's was fetched from the portal."""
        if file_id not in self.world.fetched:
            return super().desk_file(file_id)
        content = self.world.fetched[file_id]
        return file_download(content, name="file", mime_type="application/octet-stream")

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return the webhooks posted to the portal."""
        return self.world.sender.deliveries()

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self, *, is_cut: bool = False) -> None:
        """Close every notification socket; with `is_cut` as a server does that broke."""
        for socket in self.world.channels.sockets():
            socket.close(*((INTERNAL_ERROR,) if is_cut else ()))

    def close_streams(self) -> None:
        """Close every socket and stop posting because the server stops."""
        self.drop_streams()
        self.world.sender.close()

    def stall_streams(self, *, seconds: float) -> None:
        """Let the open sockets be silent, heartbeats included; their events wait."""
        for socket in self.world.channels.sockets():
            socket.stall(seconds)

    def expire_tokens(self) -> None:
        """Let every token issued so far expire, and the channels made with them."""
        with self.change():
            self.world.tokens.expire_all()
            self.world.channels.end_all()

    def duplicate_next(self, *, event: str | None = None) -> None:
        """Deliver the next webhook (of this type) twice; `notification` means the next event."""
        if event == NOTIFICATIONS:
            self.world.channels.faults.duplicate_next()
        else:
            self.world.sender.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Deliver the next webhook (of this type) after the one that follows; or `notification`."""
        if event == NOTIFICATIONS:
            self.world.channels.faults.swap_next_two()
        else:
            self.world.sender.swap_next_two(event)
