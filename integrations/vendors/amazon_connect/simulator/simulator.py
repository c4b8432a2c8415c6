"""A pretend AWS account with one Connect instance, written from the vendor's contract alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.amazon_connect.simulator import directory
from integrations.vendors.amazon_connect.simulator.agents import (
    EXTRA_ACTIONS,
    ConnectAgents,
    desk_view,
)
from integrations.vendors.amazon_connect.simulator.app import aws_app
from integrations.vendors.amazon_connect.simulator.faults import EXTRA_FAULTS
from integrations.vendors.amazon_connect.simulator.identity import SOCKET_PATH
from integrations.vendors.amazon_connect.simulator.protocol import (
    CONNECT_NAMES,
    PARTICIPANT_NAMES,
    STS_NAMES,
    json_error,
    storage_error,
    sts_error,
)
from integrations.vendors.amazon_connect.simulator.rich import RICH_MESSAGES
from integrations.vendors.amazon_connect.simulator.state import Chat, Switches, named_id
from integrations.vendors.amazon_connect.simulator.world import (
    GOING_AWAY,
    INTERNAL_ERROR,
    Instance,
    end_overdue,
)

TOLD = "The simulator was told to fail."


class AmazonConnectSimulator(WorldSimulator[Instance]):
    """One account with one instance, one published inbound flow and one assumable role.

    Keyword arguments are switches: see `Switches`.
    """

    key: ClassVar[str] = "amazon_connect"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Amazon Connect (demo)",
        inbox="Contact Control Panel",
        accept="Accept chat",
        end="End chat",
        attributes="Contact attributes",
        session="Contact",
    )
    cors_headers: ClassVar[tuple[str, ...]] = (
        *("authorization", "content-type", "x-amz-bearer", "x-amz-date", "x-amz-user-agent"),
        *("x-amz-security-token", "x-amz-content-sha256", "amz-sdk-invocation-id"),
        *("amz-sdk-request", "x-amzn-connect-authentication-mode"),
    )
    cors_methods: ClassVar[tuple[str, ...]] = ("GET", "POST", "PUT")
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        """Make the account and its instance."""
        world = Instance(Switches.of(**switches))
        super().__init__(world, ConnectAgents(world), state_file=state_file)

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return aws_app(self, self.world)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure as the connect service shapes it."""
        return self.failure_response_at(failure, "/contact/chat")

    def failure_response_at(self, failure: PlannedFailure, path: str) -> Response:
        """Return a planned failure in the shape of the service that owns the path."""
        status = failure.status
        if path == "/":
            name = failure.error_code or STS_NAMES.get(status, "InternalFailure")
            answer = sts_error(name, TOLD, status)
        elif path.startswith("/attachment-storage/"):
            answer = storage_error(failure.error_code or "InternalError", TOLD, status)
        else:
            is_participant = path.startswith(("/participant/", SOCKET_PATH))
            names = PARTICIPANT_NAMES if is_participant else CONNECT_NAMES
            answer = json_error(failure.error_code or names.get(status, names[500]), TOLD, status)
        if failure.retry_after is not None:
            answer.headers["Retry-After"] = str(failure.retry_after)
        return answer

    # -- The desk -----------------------------------------------------------------------------

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all chats, oldest first, once those that are overdue have ended."""
        with self.change():
            end_overdue(self.world)
            return super().desk_conversations()

    def desk_view(self, conversation: Chat) -> dict[str, Any]:
        """Return one chat for the desk."""
        return desk_view(self.world, conversation)

    def configuration(self) -> dict[str, Any]:
        """Return the switches, and the ids that follow from them."""
        switches = self.world.switches
        return {
            **super().configuration(),
            "instance_arn": switches.instance_arn,
            "queue_id": named_id("queue", switches.queue),
            "hours_id": directory.hours_id(),
        }

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self, *, is_cut: bool = False) -> None:
        """Close every open socket; with `is_cut` as after an accident."""
        for socket in self.world.sockets.open_sockets():
            socket.close_with(INTERNAL_ERROR if is_cut else GOING_AWAY)

    def close_streams(self) -> None:
        """Close every open socket because the server stops."""
        self.drop_streams()

    def stall_streams(self, *, seconds: float) -> None:
        """Let the open sockets be silent, heartbeats included; their frames wait."""
        for socket in self.world.sockets.open_sockets():
            socket.stall(seconds)

    def expire_tokens(self) -> None:
        """Let every passing secret expire, those of assumed roles too; sockets close."""
        with self.change():
            self.world.tokens.expire("connection", "socket", "upload", "download")
            self.world.identities.expire_all()
            self.drop_streams()

    def duplicate_next(self) -> None:
        """Deliver the next frame twice."""
        self.world.sockets.faults.duplicate_next()

    def swap_next_two(self) -> None:
        """Deliver the next frame after the one that follows it."""
        self.world.sockets.faults.swap_next_two()
