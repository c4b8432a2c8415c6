"""A pretend Zendesk account: Sunshine Conversations, Agent Workspace, tickets and both webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.zendesk.simulator.agents import WorkspaceAgents
from integrations.vendors.zendesk.simulator.app import zendesk_app
from integrations.vendors.zendesk.simulator.checks import CODES, VendorError
from integrations.vendors.zendesk.simulator.control import ControlEndpoints
from integrations.vendors.zendesk.simulator.conversations import (
    ConversationEndpoints,
    UserEndpoints,
)
from integrations.vendors.zendesk.simulator.faults import EXTRA_ACTIONS, EXTRA_FAULTS, end
from integrations.vendors.zendesk.simulator.messages import MessageEndpoints
from integrations.vendors.zendesk.simulator.records import Conversation
from integrations.vendors.zendesk.simulator.rich import RICH_MESSAGES
from integrations.vendors.zendesk.simulator.settings import SettingEndpoints
from integrations.vendors.zendesk.simulator.switches import AccountSwitches
from integrations.vendors.zendesk.simulator.ticketing import TicketEndpoints, TicketRefusedError
from integrations.vendors.zendesk.simulator.view import desk_conversations, desk_view
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

FAILURE_TEXT = "The simulator was told to fail."


class ZendeskSimulator(WorldSimulator[ZendeskWorld]):
    """One account with messaging on, one custom integration and one ticket webhook.

    Keyword arguments beyond the named ones are switches: see `AccountSwitches`.
    """

    agents: WorkspaceAgents
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
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES

    def __init__(
        self, *, path_prefix: str = "", state_file: str | Path | None = None, **switches: Any
    ) -> None:
        world = ZendeskWorld(AccountSwitches.of(**switches), path_prefix=path_prefix)
        super().__init__(world, WorkspaceAgents(world), state_file=state_file)

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        conversations = (UserEndpoints, ConversationEndpoints, MessageEndpoints, ControlEndpoints)
        return zendesk_app(self, self.world, (*conversations, SettingEndpoints, TicketEndpoints))

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure in the shape of the API it is meant for."""
        code = CODES.get(failure.status, "internal_error")
        error = VendorError(failure.status, FAILURE_TEXT, code=code)
        if failure.path_prefix.startswith(f"{self.world.path_prefix}/api/v2"):
            code = CODES.get(failure.status, "error")
            error = TicketRefusedError(failure.status, code, FAILURE_TEXT)
        error.retry_after = failure.retry_after
        return error.response()

    def desk_view(self, conversation: Conversation) -> dict[str, Any]:
        """Return a conversation that has a ticket."""
        return desk_view(self.world, conversation)

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all conversations Agent Workspace has seen, oldest first, and API tickets."""
        with self.lock:
            return desk_conversations(self.world)

    def live_agent_ends(self, conversation_id: str, *, how: str = "session") -> None:
        """End the session, solve or close the ticket, or move to e-mail."""
        end(self, conversation_id, how)

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return what both webhook systems sent, in order."""
        senders = (self.world.events.sender, self.world.ticket_events.sender)
        sent = [one for sender in senders for one in sender.deliveries()]
        sent += self.world.events.probes
        return sorted(sent, key=lambda one: float(one["posted_at"]))

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
        self.world.events.faults.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Deliver the next event (of this type) after the one that follows it."""
        self.world.events.faults.swap_next_two(event)
