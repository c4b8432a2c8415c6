"""A pretend AWS account with one Connect instance, written from the vendor's contract alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, Fault
from integrations.simulators.simulator import DeskError, DeskWords, Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.vendors.amazon_connect.simulator import chats, directory
from integrations.vendors.amazon_connect.simulator.answers import (
    CONNECT_NAMES,
    PARTICIPANT_NAMES,
    STS_NAMES,
    json_error,
    storage_error,
    sts_error,
)
from integrations.vendors.amazon_connect.simulator.connection import SOCKET_PATH
from integrations.vendors.amazon_connect.simulator.extras import EXTRA_ACTIONS, EXTRA_FAULTS
from integrations.vendors.amazon_connect.simulator.files import file_answer, show_file
from integrations.vendors.amazon_connect.simulator.http import aws_app
from integrations.vendors.amazon_connect.simulator.instance import Instance
from integrations.vendors.amazon_connect.simulator.sockets import GOING_AWAY, INTERNAL_ERROR
from integrations.vendors.amazon_connect.simulator.state import Chat, StoredFile, named_id, new_id
from integrations.vendors.amazon_connect.simulator.switches import Switches
from integrations.vendors.amazon_connect.simulator.view import desk_view

TOLD = "The simulator was told to fail."


class AmazonConnectSimulator(Simulator):
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
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        super().__init__(state_file=state_file)
        self.instance = Instance(self.lock)
        self._first_switches = switches
        self.instance.switches.change(**switches)
        self.load_state()

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return aws_app(self, self.instance)

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

    def state_as_dict(self) -> dict[str, Any]:
        """Return the instance."""
        return self.instance.as_dict()

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take over a kept instance."""
        self.instance.restore(state)

    def forget(self) -> None:
        """Forget all records; switches go back to how the simulator was started."""
        self.instance.forget()
        self.instance.switches = Switches()
        self.instance.switches.change(**self._first_switches)

    # -- The desk -----------------------------------------------------------------------------

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all chats, oldest first."""
        with self.change():
            chats.end_overdue(self.instance)
            return [desk_view(self.instance, one) for one in self.instance.chats.values()]

    def desk_file(self, file_id: str) -> Response:
        """Return a file of a chat."""
        stored = self.instance.files.get(file_id)
        if stored is None or stored.content_base64 is None:
            raise DeskError(404, "There is no such file.")
        return file_answer(stored, "attachment")

    def configure(self, **switches: Any) -> None:
        """Change switches."""
        with self.change():
            self.instance.switches.change(**switches)

    def configuration(self) -> dict[str, Any]:
        """Return the switches, and the ids that follow from them."""
        switches = self.instance.switches
        return {
            **asdict(switches),
            "instance_arn": switches.instance_arn,
            "queue_id": named_id("queue", switches.queue),
            "hours_id": directory.hours_id(),
        }

    # -- The live agent -----------------------------------------------------------------------

    def live_agent_joins(self, conversation_id: str, *, agent_name: str) -> None:
        """Accept the waiting chat, or join the colleague who has it."""
        with self.change():
            chats.accept(self.instance, self.chat(conversation_id), agent_name)

    def live_agent_says(
        self, conversation_id: str, *, text: str, agent_name: str | None = None
    ) -> None:
        """Send a text."""
        with self.change():
            chat = self.chat(conversation_id)
            self.instance.say(chat, chats.find_agent(chat, agent_name), text)

    def live_agent_types(
        self, conversation_id: str, *, is_typing: bool = True, agent_name: str | None = None
    ) -> None:
        """Show that an agent types; there is no event for having stopped."""
        with self.change():
            chat = self.chat(conversation_id)
            agent = chats.find_agent(chat, agent_name)
            if is_typing:
                self.instance.happen(chat, "typing", agent)

    def live_agent_sends_file(
        self,
        conversation_id: str,
        *,
        name: str,
        mime_type: str,
        content: bytes,
        agent_name: str | None = None,
    ) -> None:
        """Send a file."""
        with self.change():
            chat = self.chat(conversation_id)
            agent = chats.find_agent(chat, agent_name)
            stored = StoredFile(
                attachment_id=new_id(),
                initial_contact_id=chat.initial_contact_id,
                name=name,
                content_type=mime_type,
                size=len(content),
                owner_id=agent.participant_id,
                content_base64=base64.b64encode(content).decode(),
                is_complete=True,
            )
            self.instance.files[stored.attachment_id] = stored
            show_file(self.instance, chat, agent, stored)

    def live_agent_reads(self, conversation_id: str) -> None:
        """Mark what the customer wrote as read."""
        with self.change():
            chats.read(self.instance, self.chat(conversation_id))

    def live_agent_transfers(
        self, conversation_id: str, *, queue: str | None = None, agent_name: str | None = None
    ) -> None:
        """Hand the chat to a queue, or to a colleague who accepts at once."""
        with self.change():
            chat = self.chat(conversation_id)
            chats.transfer(self.instance, chat, queue=queue, agent_name=agent_name)

    def live_agent_leaves(self, conversation_id: str, *, agent_name: str | None = None) -> None:
        """Leave; after the last agent the disconnect flow runs, or the chat ends."""
        with self.change():
            chats.leave(self.instance, self.chat(conversation_id), agent_name)

    def live_agent_ends(self, conversation_id: str) -> None:
        """Let every agent go; a chat in its disconnect flow ends altogether."""
        with self.change():
            chats.agent_ends(self.instance, self.chat(conversation_id))

    def chat(self, conversation_id: str) -> Chat:
        """Return a chat by the id of any of its contacts; raises DeskError for an unknown one."""
        found = self.instance.find_chat(conversation_id)
        if found is None:
            raise DeskError(404, "There is no such chat.")
        return found

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self, *, is_cut: bool = False) -> None:
        """Close every open socket; with `is_cut` as after an accident."""
        for socket in self.instance.sockets.open_sockets():
            socket.close(INTERNAL_ERROR if is_cut else GOING_AWAY)

    def close_streams(self) -> None:
        """Close every open socket because the server stops."""
        self.drop_streams()

    def stall_streams(self, *, seconds: float) -> None:
        """Let the open sockets be silent, heartbeats included; their frames wait."""
        for socket in self.instance.sockets.open_sockets():
            socket.stall(seconds)

    def expire_tokens(self) -> None:
        """Let every passing secret expire, those of assumed roles too; sockets close."""
        with self.change():
            self.instance.tokens.expire("connection", "socket", "upload", "download")
            self.instance.identities.expire_all()
            self.drop_streams()

    def duplicate_next(self) -> None:
        """Deliver the next frame twice."""
        self.instance.sockets.duplicate_next()

    def swap_next_two(self) -> None:
        """Deliver the next frame after the one that follows it."""
        self.instance.sockets.swap_next_two()

    def set_agents_offline(self, *, is_offline: bool) -> None:
        """Have nobody there to take a chat, or have them back."""
        self.configure(agents_offline=is_offline)
