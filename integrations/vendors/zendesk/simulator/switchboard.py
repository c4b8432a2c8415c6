"""Who controls a conversation: what becomes of it when control moves, and what is told of it.

Imitates the switchboard: one active integration or none, at most one pending, the rest on standby.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.vendors.zendesk.simulator import tickets
from integrations.vendors.zendesk.simulator.records import (
    DONE_STATUSES,
    Conversation,
    SwitchboardIntegration,
    Ticket,
)
from integrations.vendors.zendesk.simulator.world import WORKSPACE_ID, ZendeskWorld

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
