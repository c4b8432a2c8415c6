"""A pretend Zendesk account: Sunshine Conversations, Agent Workspace, tickets and both webhooks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, Fault
from integrations.simulators.simulator import DeskError, DeskWords, Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.vendors.zendesk.simulator import workspace
from integrations.vendors.zendesk.simulator.account import Account
from integrations.vendors.zendesk.simulator.answers import error_answer
from integrations.vendors.zendesk.simulator.checks import CODES
from integrations.vendors.zendesk.simulator.events import EventOffice
from integrations.vendors.zendesk.simulator.extras import EXTRA_ACTIONS, EXTRA_FAULTS, end
from integrations.vendors.zendesk.simulator.http import zendesk_app
from integrations.vendors.zendesk.simulator.state import Conversation, StoredFile, Ticket
from integrations.vendors.zendesk.simulator.switches import Switches
from integrations.vendors.zendesk.simulator.ticket_events import TicketEventOffice
from integrations.vendors.zendesk.simulator.view import desk_conversations
from integrations.vendors.zendesk.simulator.world import World

FAILURE_TEXT = "The simulator was told to fail."


class ZendeskSimulator(Simulator):
    """One account with messaging on, one custom integration and one ticket webhook.

    Keyword arguments beyond the named ones are switches: see `Switches`.
    """

    key: ClassVar[str] = "zendesk"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Zendesk (demo)",
        inbox="Agent Workspace",
        accept="Accept",
        end="End session",
        attributes="Metadata of the handover",
        session="Ticket",
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(
        self, *, path_prefix: str = "", state_file: str | Path | None = None, **switches: Any
    ) -> None:
        super().__init__(state_file=state_file)
        self.account = Account(
            self.lock, lambda: self.base_url + path_prefix, path_prefix=path_prefix
        )
        self.world = World(
            account=self.account,
            events=EventOffice(self.account),
            ticket_events=TicketEventOffice(self.account),
        )
        self._first_switches = switches
        self.account.switches.change(**switches)
        self.load_state()

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return zendesk_app(self, self.world)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure in the shape of the API it is meant for."""
        if failure.path_prefix.startswith(f"{self.account.path_prefix}/api/v2"):
            headers = {"Retry-After": str(failure.retry_after)} if failure.retry_after else {}
            body = {"error": CODES.get(failure.status, "error"), "description": FAILURE_TEXT}
            return JSONResponse(body, status_code=failure.status, headers=headers)
        code = CODES.get(failure.status, "internal_error")
        return error_answer(failure.status, code, FAILURE_TEXT, retry_after=failure.retry_after)

    def state_as_dict(self) -> dict[str, Any]:
        """Return the account."""
        return self.account.as_dict()

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take over a kept account."""
        self.account.restore(state)

    def forget(self) -> None:
        """Forget all records; switches go back to how the simulator was started."""
        self.account.forget()
        self.world.events.forget()
        self.world.ticket_events.sender.forget()
        self.account.switches = Switches()
        self.account.switches.change(**self._first_switches)

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return what both webhook systems sent, in order."""
        offices = (self.world.events.sender, self.world.ticket_events.sender)
        sent = [one for sender in offices for one in sender.deliveries()]
        sent += self.world.events.probes
        return sorted(sent, key=lambda one: float(one["posted_at"]))

    # -- The desk -----------------------------------------------------------------------------

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all conversations Agent Workspace has seen, oldest first."""
        with self.lock:
            return desk_conversations(self.account)

    def desk_file(self, file_id: str) -> Response:
        """Return a file of a conversation."""
        stored = self.account.files.get(file_id)
        if stored is None:
            raise DeskError(404, "There is no such file.")
        name = stored.name.replace('"', "").encode("ascii", "replace").decode()
        return Response(
            base64.b64decode(stored.content_base64),
            media_type=stored.mime_type,
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    def configure(self, **switches: Any) -> None:
        """Change keys, ids, webhook targets, secrets and behaviour."""
        with self.change():
            self.account.switches.change(**switches)

    def configuration(self) -> dict[str, Any]:
        """Return the switches."""
        return asdict(self.account.switches)

    # -- The live agent -----------------------------------------------------------------------

    def live_agent_joins(self, conversation_id: str, *, agent_name: str) -> None:
        """Take the waiting ticket, or join the colleague who has it."""
        with self.change():
            workspace.accept(self.world, self.conversation(conversation_id), agent_name)

    def live_agent_says(
        self, conversation_id: str, *, text: str, agent_name: str | None = None
    ) -> None:
        """Send a text."""
        with self.change():
            content = {"type": "text", "text": text}
            workspace.say(self.world, self.conversation(conversation_id), agent_name, content)

    def live_agent_types(
        self, conversation_id: str, *, is_typing: bool = True, agent_name: str | None = None
    ) -> None:
        """Start or stop the typing indicator."""
        with self.change():
            conversation = self.conversation(conversation_id)
            workspace.show_typing(self.world, conversation, agent_name, is_typing=is_typing)

    def live_agent_sends_file(
        self,
        conversation_id: str,
        *,
        name: str,
        mime_type: str,
        content: bytes,
        agent_name: str | None = None,
    ) -> None:
        """Send a file; the message carries its address."""
        with self.change():
            conversation = self.conversation(conversation_id)
            speaker = workspace.find_agent(conversation, agent_name)
            stored = StoredFile(
                name=name,
                mime_type=mime_type,
                content_base64=base64.b64encode(content).decode(),
                conversation_id=conversation_id,
            )
            self.account.files[stored.file_id] = stored
            shown = workspace.file_content(self.world, stored)
            workspace.say(self.world, conversation, speaker, shown)

    def live_agent_reads(self, conversation_id: str) -> None:
        """Mark what the end user wrote as read."""
        with self.change():
            workspace.read(self.world, self.conversation(conversation_id))

    def live_agent_transfers(
        self, conversation_id: str, *, queue: str | None = None, agent_name: str | None = None
    ) -> None:
        """Hand the ticket to a group, or to a colleague who has it at once."""
        with self.change():
            conversation = self.conversation(conversation_id)
            if agent_name is not None:
                workspace.transfer_to_agent(self.world, conversation, agent_name)
            elif queue is not None:
                workspace.transfer_to_group(self.world, conversation, queue)

    def live_agent_leaves(self, conversation_id: str, *, agent_name: str | None = None) -> None:
        """Leave; the last one to leave ends the messaging session."""
        with self.change():
            workspace.leave(self.world, self.conversation(conversation_id), agent_name)

    def live_agent_ends(self, conversation_id: str, *, how: str = "session") -> None:
        """End the session, solve or close the ticket, or move to e-mail."""
        end(self, conversation_id, how)

    def conversation(self, conversation_id: str) -> Conversation:
        """Return a conversation; raises DeskError for an unknown id."""
        if self.ticket_by_api(conversation_id) is not None:
            raise DeskError(409, "Nobody chats in this ticket; only its status can be set.")
        if conversation_id not in self.account.conversations:
            raise DeskError(404, "There is no such conversation.")
        return self.account.conversations[conversation_id]

    def ticket_by_api(self, identifier: str) -> Ticket | None:
        """Return a ticket that is no conversation, by its number."""
        found = self.account.tickets.get(int(identifier)) if identifier.isdigit() else None
        return found if found and found.conversation_id is None else None

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self) -> None:
        """Do nothing: Zendesk keeps no stream open to the portal."""

    def close_streams(self) -> None:
        """Stop sending webhooks because the server stops."""
        self.world.events.close()
        self.world.ticket_events.sender.close()

    def stall_streams(self, *, seconds: float) -> None:
        """Deliver webhooks this much later from now on; 0 ends it."""
        self.world.events.sender.delay_seconds = seconds
        self.world.ticket_events.sender.delay_seconds = seconds

    def expire_tokens(self) -> None:
        """Do nothing: Zendesk issues no tokens, its keys do not expire; see `revoke_keys`."""

    def duplicate_next(self, *, event: str | None = None) -> None:
        """Deliver the next event (of this type) twice."""
        self.world.events.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Deliver the next event (of this type) after the one that follows it."""
        self.world.events.swap_next_two(event)

    def set_agents_offline(self, *, is_offline: bool) -> None:
        """Have no agent accept a ticket."""
        self.configure(agents_offline=is_offline)
