"""A pretend Genesys Cloud org with Open Messaging, written from its contract alone."""

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
from integrations.vendors.genesys.simulator import agents, outbound
from integrations.vendors.genesys.simulator.channels import INTERNAL_ERROR
from integrations.vendors.genesys.simulator.errors import error_answer
from integrations.vendors.genesys.simulator.extras import EXTRA_ACTIONS, EXTRA_FAULTS
from integrations.vendors.genesys.simulator.http import genesys_app
from integrations.vendors.genesys.simulator.http_admin import TOKEN_PATH, login_refusal
from integrations.vendors.genesys.simulator.org import SETUP_NAMES, Org
from integrations.vendors.genesys.simulator.state import Conversation, StoredFile, new_id
from integrations.vendors.genesys.simulator.switches import Switches
from integrations.vendors.genesys.simulator.view import desk_view

# What the planned faults on events call notifications; everything else is a webhook's type.
NOTIFICATIONS = "notification"
DEFAULT_RETRY_AFTER = 1


class GenesysSimulator(Simulator):
    """One org with one OAuth client, one open messaging integration and one inbound message flow.

    Keyword arguments are switches (see `Switches`) or parts of the set-up (see `Setup`), as in
    `POST /_desk/config`.
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
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(self, *, state_file: str | Path | None = None, **settings: Any) -> None:
        super().__init__(state_file=state_file)
        self.org = Org(self.lock)
        self._first_switches = {k: v for k, v in settings.items() if k not in SETUP_NAMES}
        # Not by `configure`, which would keep this beginning over the state it is to go on from.
        self._apply(settings)
        self.load_state()

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return genesys_app(self, self.org)

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

    def state_as_dict(self) -> dict[str, Any]:
        """Return the org."""
        return self.org.as_dict()

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take over a kept org."""
        self.org.restore(state)

    def forget(self) -> None:
        """Forget all records and switches; what the admin set up with the portal stays."""
        self.org.forget()
        self.org.switches = Switches()
        self.org.switches.change(**self._first_switches)
        self.org.apply_setup()

    # -- The desk -----------------------------------------------------------------------------

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all conversations, oldest first."""
        with self.lock:
            return [desk_view(self.org, one) for one in self.org.conversations.values()]

    def desk_file(self, file_id: str) -> Response:
        """Return a file of a conversation."""
        stored = self.org.files.get(file_id)
        if stored is not None:
            return _download(base64.b64decode(stored.content_base64), stored.mime_type, stored.name)
        if file_id not in self.org.fetched:
            raise DeskError(404, "There is no such file.")
        return _download(self.org.fetched[file_id], "application/octet-stream", "file")

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return the webhooks posted to the portal."""
        return self.org.sender.deliveries()

    def configure(self, **switches: Any) -> None:
        """Change switches, and what the admin agreed with the portal: ids, secrets, webhook."""
        with self.change():
            self._apply(switches)

    def _apply(self, switches: Mapping[str, Any]) -> None:
        agreed = {name: value for name, value in switches.items() if name in SETUP_NAMES}
        others = {name: value for name, value in switches.items() if name not in SETUP_NAMES}
        before = self.org.setup.integration_id
        self.org.switches.change(**others)
        self.org.setup.change(agreed)
        if before != self.org.setup.integration_id:
            self.org.integrations[before].is_deleted = True
        self.org.apply_setup()

    def configuration(self) -> dict[str, Any]:
        """Return switches and set-up, the secrets included: this is a pretence."""
        return {
            **asdict(self.org.switches),
            **asdict(self.org.setup),
            "recipient_id": self.org.integrations[self.org.setup.integration_id].recipient_id,
        }

    # -- The live agent -----------------------------------------------------------------------

    def live_agent_joins(self, conversation_id: str, *, agent_name: str) -> None:
        """Answer the waiting conversation, or join the colleague who has it."""
        with self.change():
            agents.accept(self.org, self.conversation(conversation_id), agent_name)

    def live_agent_says(
        self, conversation_id: str, *, text: str, agent_name: str | None = None
    ) -> None:
        """Send a text."""
        with self.change():
            conversation = self.conversation(conversation_id)
            speaker = agents.present(conversation, agent_name)
            outbound.say(self.org, conversation, speaker, text=text)

    def live_agent_types(
        self, conversation_id: str, *, is_typing: bool = True, agent_name: str | None = None
    ) -> None:
        """Show typing; the vendor has no way to say that it stopped."""
        with self.change():
            conversation = self.conversation(conversation_id)
            agents.present(conversation, agent_name)
            if is_typing:
                outbound.show_typing(self.org, conversation)

    def live_agent_sends_file(
        self,
        conversation_id: str,
        *,
        name: str,
        mime_type: str,
        content: bytes,
        agent_name: str | None = None,
    ) -> None:
        """Send a file: the portal gets a signed address that expires."""
        with self.change():
            conversation = self.conversation(conversation_id)
            speaker = agents.present(conversation, agent_name)
            stored = StoredFile(
                file_id=new_id(),
                name=name,
                mime_type=mime_type,
                content_base64=base64.b64encode(content).decode(),
                size=len(content),
            )
            self.org.files[stored.file_id] = stored
            self.org.base_url = self.base_url
            attachment = outbound.attachment_content(self.org, stored)
            outbound.say(self.org, conversation, speaker, content=attachment)

    def live_agent_reads(self, conversation_id: str) -> None:
        """Mark what the end user wrote as read; Open Messaging tells nobody."""
        with self.change():
            conversation = self.conversation(conversation_id)
            agents.present(conversation)
            for message in conversation.messages:
                if message.direction == "inbound":
                    message.is_read = True

    def live_agent_transfers(
        self, conversation_id: str, *, queue: str | None = None, agent_name: str | None = None
    ) -> None:
        """Hand the conversation to a queue, or to a colleague who answers at once."""
        with self.change():
            conversation = self.conversation(conversation_id)
            if agent_name is not None:
                agents.transfer_to_agent(self.org, conversation, agent_name)
            elif queue is not None:
                agents.transfer_to_queue(self.org, conversation, queue)

    def live_agent_leaves(self, conversation_id: str, *, agent_name: str | None = None) -> None:
        """Leave; with the last agent the conversation ends."""
        with self.change():
            agents.leave(self.org, self.conversation(conversation_id), agent_name)

    def live_agent_ends(self, conversation_id: str) -> None:
        """End the conversation; nothing of it is posted to the webhook."""
        with self.change():
            agents.end(self.org, self.conversation(conversation_id))

    def conversation(self, conversation_id: str) -> Conversation:
        """Return a conversation; raises DeskError for an unknown id."""
        if conversation_id not in self.org.conversations:
            raise DeskError(404, "There is no such conversation.")
        return self.org.conversations[conversation_id]

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self, *, is_cut: bool = False) -> None:
        """Close every notification socket; with `is_cut` as a server does that broke."""
        for socket in self.org.channels.sockets():
            socket.close(*((INTERNAL_ERROR,) if is_cut else ()))

    def close_streams(self) -> None:
        """Close every socket and stop posting because the server stops."""
        self.drop_streams()
        self.org.sender.close()

    def stall_streams(self, *, seconds: float) -> None:
        """Let the open sockets be silent, heartbeats included; their events wait."""
        for socket in self.org.channels.sockets():
            socket.stall(seconds)

    def expire_tokens(self) -> None:
        """Let every token issued so far expire, and the channels made with them."""
        with self.change():
            self.org.tokens.expire_all()
            self.org.channels.end_all()

    def duplicate_next(self, *, event: str | None = None) -> None:
        """Deliver the next webhook (of this type) twice; `notification` means the next event."""
        if event == NOTIFICATIONS:
            self.org.channels.duplicate_next()
        else:
            self.org.sender.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Deliver the next webhook (of this type) after the one that follows; or `notification`."""
        if event == NOTIFICATIONS:
            self.org.channels.swap_next_two()
        else:
            self.org.sender.swap_next_two(event)

    def set_agents_offline(self, *, is_offline: bool) -> None:
        """Have nobody in any queue."""
        self.configure(agents_offline=is_offline)


def _download(content: bytes, mime_type: str, name: str) -> Response:
    shown = name.replace('"', "").encode("ascii", "replace").decode()
    return Response(
        content,
        media_type=mime_type,
        headers={
            "Content-Disposition": f'attachment; filename="{shown}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
