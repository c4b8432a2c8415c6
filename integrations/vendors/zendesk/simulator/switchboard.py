"""Who controls a conversation: what becomes of it when control moves, and what is told of it.

Imitates the switchboard: one active integration or none, at most one pending, the rest on standby.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from integrations.simulators.answers import endpoint
from integrations.vendors.zendesk.simulator import tickets
from integrations.vendors.zendesk.simulator.app import APP, Answer, Endpoints
from integrations.vendors.zendesk.simulator.checks import CONTROL, TRANSFER, Check, VendorError
from integrations.vendors.zendesk.simulator.records import (
    DONE_STATUSES,
    Conversation,
    SwitchboardIntegration,
    Ticket,
)
from integrations.vendors.zendesk.simulator.world import WORKSPACE_ID, ZendeskWorld

CONVERSATION = APP + "/conversations/{conversation_id}"
NOT_FOUND = "switchboard_integration_not_found"
_INVALID_TARGET, _INVALID_ACTION = "switchboard_invalid_target", "switchboard_invalid_action"
Metadata = Mapping[str, Any]
NO_METADATA: Metadata = {}
ACTIVITY_TEXTS = {
    "ticket:closed": "The ticket was closed.",
    "ticket:transfer:email": "The conversation goes on by e-mail.",
    "conversation:endedByUser": "The end user ended the conversation.",
}


def give_control(
    world: ZendeskWorld,
    conversation: Conversation,
    target: SwitchboardIntegration,
    metadata: Metadata = NO_METADATA,
    *,
    reason: str | None = None,
    also: Iterable[str] = (),
) -> None:
    """Change the active integration; those who heard the conversation before hear of it."""
    heard = world.events.receivers(conversation).union(also)
    conversation.active = target.switchboard_integration_id
    conversation.pending = None
    tell_control(world, conversation, "passControl", metadata, also=heard, reason=reason)
    world.note(conversation, f"Control passed to {target.name}")
    if world.is_with_workspace(conversation):
        conversation.ended_by = None
        tickets.take_over(world, conversation, metadata)
    else:
        conversation.agents.clear()
        conversation.ended_by = conversation.ended_by or "switchboard"


def clear(
    world: ZendeskWorld,
    conversation: Conversation,
    metadata: Metadata = NO_METADATA,
    *,
    reason: str | None = None,
) -> None:
    """Clear the switchboard's state; those who heard the conversation before hear of it."""
    heard = world.events.receivers(conversation)
    conversation.active = conversation.pending = None
    conversation.agents.clear()
    tell_control(world, conversation, "releaseControl", metadata, also=heard, reason=reason)
    world.note(conversation, "Control released")


def tell_control(
    world: ZendeskWorld,
    conversation: Conversation,
    action: str,
    metadata: Metadata,
    *,
    also: Iterable[str],
    **more: Any,
) -> None:
    """Publish an event of the switchboard; what is None is left out."""
    payload = {"metadata": dict(metadata), **more}
    shown = {name: value for name, value in payload.items() if value is not None}
    told = {"conversation": world.truncated(conversation), **shown}
    world.events.publish(f"switchboard:{action}", told, conversation=conversation, also=also)


def set_status(world: ZendeskWorld, ticket: Ticket, status: str, *, actor_id: int) -> None:
    """Set a ticket's status; closing it says so in its conversation and moves control."""
    tickets.set_status(world, ticket, status, actor_id=actor_id)
    conversation = world.conversations.get(ticket.conversation_id)
    if conversation is None or not world.is_with_workspace(conversation):
        return
    if status in DONE_STATUSES:
        conversation.ended_by = "agent"
    if status == "CLOSED":
        leave_workspace(world, conversation, "ticket:closed", "ticketClosed")


def add_activity(world: ZendeskWorld, conversation: Conversation, activity_type: str) -> None:
    """Add a system message; a client renders its own text from the activity's type."""
    world.add_message(
        conversation,
        {"type": "business", "subtypes": ["activity"]},
        {"type": "text", "text": ACTIVITY_TEXTS[activity_type]},
        source=dict(tickets.SOURCE),
        activity={"type": activity_type, "data": {}},
    )


def leave_workspace(
    world: ZendeskWorld, conversation: Conversation, activity_type: str, reason: str
) -> None:
    """Tell that the ticket is gone from messaging, then move control as the account is set."""
    add_activity(world, conversation, activity_type)
    workspace = world.switchboard_integration(WORKSPACE_ID)
    target = world.switchboard_integration(workspace.next_id if workspace else None)
    control = world.switches.closed_control
    if control == "pass" and target and target.switchboard_integration_id != WORKSPACE_ID:
        give_control(world, conversation, target, reason=reason)
    elif control != "none":
        clear(world, conversation, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for by API: in which conversation, and the metadata that goes along."""

    action: str
    conversation: Conversation
    metadata: Metadata
    target: str = ""


class ControlEndpoints(Endpoints):
    """Moves control, for the portal's own integration."""

    @endpoint("POST", CONVERSATION + "/passControl")
    def pass_control(self, request: Request) -> Answer:
        """Make the target active at once."""
        asked = self._asked(request, "passControl", TRANSFER)
        if found := self._target(asked):
            also = (self._own_id,)
            give_control(self._world, asked.conversation, found, asked.metadata, also=also)
        return {}

    @endpoint("POST", CONVERSATION + "/offerControl")
    def offer_control(self, request: Request) -> Answer:
        """Make the target pending."""
        asked = self._asked(request, "offerControl", TRANSFER)
        found = self._target(asked)
        if found and found.switchboard_integration_id == asked.conversation.active:
            refusal = VendorError(400, "The target is active already")
            self._fail(asked, refusal, _INVALID_ACTION)
        elif found:
            asked.conversation.pending = found.switchboard_integration_id
            self._tell(asked, asked.action)
        return {}

    @endpoint("POST", CONVERSATION + "/acceptControl")
    def accept_control(self, request: Request) -> Answer:
        """Make the caller's own integration active; it must be pending."""
        asked = self._asked(request, "acceptControl", CONTROL)
        conversation = asked.conversation
        if not self._is_own(conversation.pending):
            self._tell_failure(asked, _INVALID_ACTION)
            raise VendorError(403, "The integration is not pending")
        heard = self._world.events.receivers(conversation)
        conversation.active, conversation.pending = conversation.pending, None
        conversation.agents.clear()
        conversation.ended_by = "switchboard"
        tell_control(self._world, conversation, asked.action, asked.metadata, also=heard)
        return {}

    @endpoint("POST", CONVERSATION + "/releaseControl")
    def release_control(self, request: Request) -> Answer:
        """Let nobody be active; the caller's own integration must be."""
        asked = self._asked(request, "releaseControl", CONTROL)
        if not self._is_own(asked.conversation.active):
            raise VendorError(403, "The integration is not active")
        clear(self._world, asked.conversation, asked.metadata)
        return {}

    @property
    def _own_id(self) -> str:
        return self._world.switches.integration_id

    def _is_own(self, identifier: str | None) -> bool:
        found = self._world.switchboard_integration(identifier)
        return found is not None and found.integration_id == self._own_id

    def _asked(self, request: Request, action: str, check: Check) -> Asked:
        body = self._body(request, check, is_needed=check is TRANSFER)
        return Asked(
            action=action,
            conversation=self._conversation(request),
            metadata=body.get("metadata") or {},
            target=body.get("switchboardIntegration", ""),
        )

    def _target(self, asked: Asked) -> SwitchboardIntegration | None:
        """Return the target: by id, then name, then type, or the word `next`."""
        world, target = self._world, asked.target
        if not world.switches.is_switchboard_enabled:
            raise VendorError(404, "Switchboard not found", code="switchboard_not_found")
        if target == "next":
            active = world.switchboard_integration(asked.conversation.active)
            target = (active.next_id if active else world.default_id) or ""
        refusal = VendorError(404, "Switchboard integration not found", code=NOT_FOUND)
        for name in ("switchboard_integration_id", "name", "integration_type"):
            known = world.switchboard_integrations()
            found = [one for one in known if getattr(one, name) == target]
            if len(found) == 1:
                return found[0]
            if found:
                refusal = VendorError(400, "The switchboard integration is ambiguous")
                break
        self._fail(asked, refusal, _INVALID_TARGET)
        return None

    def _fail(self, asked: Asked, refusal: VendorError, code: str) -> None:
        """Tell a failure as an event and, unless the account keeps quiet, refuse the call."""
        self._tell_failure(asked, code)
        if not self._world.switches.is_control_failure_quiet:
            raise refusal

    def _tell_failure(self, asked: Asked, code: str) -> None:
        error = {"code": code, "message": f"{asked.action} failed"}
        self._tell(asked, f"{asked.action}:failure", error=error)

    def _tell(self, asked: Asked, event: str, **more: object) -> None:
        also = {self._own_id}
        tell_control(self._world, asked.conversation, event, asked.metadata, also=also, **more)
