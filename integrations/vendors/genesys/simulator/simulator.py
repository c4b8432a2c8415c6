"""A pretend Genesys Cloud org with Open Messaging, written from its contract alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault, Fields
from integrations.simulators.records import file_download
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator, mishap
from integrations.vendors.genesys.simulator import (
    admin,
    conversations,
    inbound,
    notifications,
    outbound,
)
from integrations.vendors.genesys.simulator.agents import ACTIONS, Agents
from integrations.vendors.genesys.simulator.app import genesys_app
from integrations.vendors.genesys.simulator.checks import error_answer, rate_limit_answer
from integrations.vendors.genesys.simulator.notifications import (
    DETAIL_PREFIX,
    closing_frame,
    event_frame,
)
from integrations.vendors.genesys.simulator.rich import ANY_MESSAGE, RICH_MESSAGES
from integrations.vendors.genesys.simulator.state import Conversation
from integrations.vendors.genesys.simulator.view import desk_view
from integrations.vendors.genesys.simulator.world import Org, OrgSwitches

# What the planned faults on events call notifications; everything else is a webhook's type.
NOTIFICATIONS = "notification"
DEFAULT_RETRY_AFTER = 1
TOLD_TO_FAIL = "The simulator was told to fail."


def _post_nonsense(org: Org, _fields: Fields) -> None:
    """Post a body of an unknown type, and publish an unknown detail event."""
    for conversation in org.talking():
        outbound.post_unknown(org, conversation)
    org.channels.broadcast(event_frame(f"{DETAIL_PREFIX}.new.kind", {"new": True}))


def _post_half(org: Org, _fields: Fields) -> None:
    """Post a body that is signed and is not JSON."""
    for conversation in org.talking():
        outbound.post_bytes(org, conversation, b'{"type":"Text","chan', label="malformed")


def _post_again(org: Org, fields: Fields) -> None:
    """Post the oldest messages of each conversation's live agents again, signed anew."""
    for conversation in org.talking():
        outbound.post_oldest(org, conversation, int(fields.get("count", 5)))


FAULTS: Mapping[str, Fault] = {
    "unknown_event": mishap(_post_nonsense),
    # JSON that makes no sense, to every socket.
    "malformed_event": mishap(lambda org, _fields: org.channels.broadcast({"eventBody": None})),
    "malformed_webhook": mishap(_post_half),
    "replay_oldest": mishap(_post_again),
    # Every socket is warned that it will be closed within a minute.
    "socket_closing": mishap(lambda org, _fields: org.channels.broadcast(closing_frame())),
    # Sockets are told 404.
    "expire_channels": mishap(lambda org, _fields: org.channels.end_all()),
    # The next events are sent to nobody.
    "lose_notifications": mishap(
        lambda org, fields: org.channels.faults.lose_next(int(fields.get("count", 1)))
    ),
    "delay_webhooks": mishap(
        lambda org, fields: setattr(org.sender, "delay_seconds", float(fields["seconds"]))
    ),
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
    vendor_actions: ClassVar[Mapping[str, Action]] = {**ACTIONS, "message": ANY_MESSAGE}
    vendor_faults: ClassVar[Mapping[str, Fault]] = FAULTS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        org = Org(OrgSwitches.of(**switches))
        super().__init__(org, Agents(org), state_file=state_file)

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        groups = (admin, inbound, conversations, notifications)
        operations = [one for group in groups for one in group.OPERATIONS]
        listen = partial(notifications.listen, self.world)
        return genesys_app(
            self, self.world, operations, [WebSocketRoute("/channels/{channel_id}", listen)]
        )

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure as an ErrorBody."""
        if failure.status == 429:
            switches, wait = self.world.switches, failure.retry_after or DEFAULT_RETRY_AFTER
            return rate_limit_answer(wait, switches.rate_limit_per_minute, switches.wait_told)
        return error_answer(failure.status, TOLD_TO_FAIL, retry_after=failure.retry_after)

    def failure_response_at(self, failure: PlannedFailure, path: str) -> Response:
        """Let the login host fail in its own shape."""
        if path == admin.TOKEN_PATH:
            return admin.login_refusal("server_error", TOLD_TO_FAIL, failure.status)
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
            socket.close_with(notifications.INTERNAL_ERROR if is_cut else notifications.GOING_AWAY)

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
