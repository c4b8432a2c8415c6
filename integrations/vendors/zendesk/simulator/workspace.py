"""Agent Workspace: what a live agent does with a messaging ticket."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from integrations.simulators.simulator import DeskError
from integrations.vendors.zendesk.simulator import switchboard, tickets
from integrations.vendors.zendesk.simulator.account import DEFAULTS, OWN_SWITCHBOARD_ID
from integrations.vendors.zendesk.simulator.state import (
    AGENT_WORKSPACE,
    DONE_STATUSES,
    Conversation,
    Message,
    StoredFile,
    SwitchboardIntegration,
    Ticket,
    new_id,
)
from integrations.vendors.zendesk.simulator.world import World

SOURCE = {"type": AGENT_WORKSPACE}
AUTOMATIC_NAME = "Automated Response"
TRIGGER_AGENT_ID = "__trigger"
ACTIVITY_TEXTS = {
    "ticket:closed": "The ticket was closed.",
    "ticket:transfer:email": "The conversation goes on by e-mail.",
    "conversation:endedByUser": "The end user ended the conversation.",
}


def accept(world: World, conversation: Conversation, agent_name: str) -> None:
    """Take the waiting ticket, or join the colleague who has it."""
    ticket = open_ticket(world, conversation)
    if agent_name in conversation.agents:
        raise DeskError(409, f"{agent_name} is in this conversation already.")
    if world.account.switches.agents_offline:
        raise DeskError(409, "All agents are offline.")
    is_first = not conversation.agents
    conversation.agents.append(agent_name)
    world.note(conversation, f"{agent_name} joined")
    if is_first:
        agent_id = world.account.support_user_id(agent_name)
        tickets.assign(world, ticket, agent_id, actor_id=agent_id)
        tickets.set_status(world, ticket, "OPEN", actor_id=agent_id)


def say(
    world: World, conversation: Conversation, agent_name: str | None, content: Mapping[str, Any]
) -> None:
    """Send any content to the end user."""
    ticket = open_ticket(world, conversation)
    name = find_agent(conversation, agent_name)
    agent_id = world.account.support_user_id(name)
    _speak(world, conversation, name, str(agent_id), content)
    text = str(content.get("text") or content.get("altText") or "")
    actor = {"id": str(agent_id), "name": name, "type": "agent"}
    last = {"id": conversation.messages[-1].message_id, "body": text}
    world.ticket_events.message_added(ticket, actor, last)


def respond_automatically(world: World, conversation: Conversation, text: str) -> None:
    """Send what a Zendesk trigger says; no person is behind it."""
    open_ticket(world, conversation)
    content = {"type": "text", "text": text}
    _speak(world, conversation, AUTOMATIC_NAME, TRIGGER_AGENT_ID, content)


def _speak(
    world: World,
    conversation: Conversation,
    name: str,
    agent_id: str,
    content: Mapping[str, Any],
) -> None:
    message = Message(
        received_ms=world.account.now_ms(),
        order=conversation.next_order(),
        author={
            "type": "business",
            "displayName": name,
            "subtypes": ["bot" if agent_id == TRIGGER_AGENT_ID else "agent"],
        },
        content=dict(content),
        source=dict(SOURCE),
        metadata={
            "__zendesk_msg.agent.id": agent_id,
            "__zendesk_msg.client_message_id": new_id(),
            "__zendesk_msg.id": new_id(),
            "__zendesk_msg.source_type": AGENT_WORKSPACE,
        },
    )
    world.add_message(conversation, message)


def file_content(world: World, stored: StoredFile) -> dict[str, Any]:
    """Return the content with which an agent's upload is sent."""
    return {
        "type": "image" if stored.mime_type.startswith("image/") else "file",
        "mediaUrl": world.account.file_url(stored),
        "mediaType": stored.mime_type,
        "mediaSize": len(base64.b64decode(stored.content_base64)),
        "altText": stored.name,
    }


def show_typing(
    world: World, conversation: Conversation, agent_name: str | None, *, is_typing: bool
) -> None:
    """Start or stop typing; whether the webhook hears of it is a switch."""
    open_ticket(world, conversation)
    name = find_agent(conversation, agent_name)
    if world.account.switches.agent_typing_events:
        author = {"type": "business", "displayName": name}
        kind = "typing:start" if is_typing else "typing:stop"
        world.tell_activity(conversation, kind, author, dict(SOURCE))


def read(world: World, conversation: Conversation) -> None:
    """Mark what the end user wrote as read."""
    open_ticket(world, conversation)
    find_agent(conversation, None)
    for message in conversation.messages:
        message.is_read = message.is_read or message.is_from_user
    if world.account.switches.agent_read_events:
        world.tell_activity(conversation, "conversation:read", {"type": "business"}, dict(SOURCE))


def transfer_to_group(world: World, conversation: Conversation, group: str) -> None:
    """Let the assignee go and the ticket wait in a group."""
    ticket = open_ticket(world, conversation)
    actor_id = world.account.support_user_id(find_agent(conversation, None))
    ticket.group_id = world.account.group_id(group)
    conversation.agents.clear()
    world.note(conversation, f"Transferred to {group}")
    tickets.assign(world, ticket, None, actor_id=actor_id)


def transfer_to_agent(world: World, conversation: Conversation, agent_name: str) -> None:
    """Make a colleague the assignee; they have the ticket at once."""
    ticket = open_ticket(world, conversation)
    previous = find_agent(conversation, None)
    if agent_name in conversation.agents:
        raise DeskError(409, f"{agent_name} is in this conversation already.")
    conversation.agents.remove(previous)
    conversation.agents.insert(0, agent_name)
    world.note(conversation, f"{previous} left")
    world.note(conversation, f"{agent_name} joined")
    actor_id = world.account.support_user_id(previous)
    agent_id = world.account.support_user_id(agent_name)
    tickets.assign(world, ticket, agent_id, actor_id=actor_id)


def leave(world: World, conversation: Conversation, agent_name: str | None) -> None:
    """Remove an agent; the last one to leave ends the messaging session."""
    ticket = open_ticket(world, conversation)
    name = find_agent(conversation, agent_name)
    conversation.agents.remove(name)
    world.note(conversation, f"{name} left")
    if not conversation.agents:
        end_session(world, conversation)
        return
    agent_id = world.account.support_user_id(conversation.agents[0])
    tickets.assign(world, ticket, agent_id, actor_id=world.account.support_user_id(name))


def end_session(world: World, conversation: Conversation) -> None:
    """End the messaging session: the ticket's status stays, the end user is not told."""
    open_ticket(world, conversation)
    conversation.ticket_id = None
    conversation.ended_by = "agent"
    switchboard.clear(world, conversation, {})


def change_status(world: World, conversation: Conversation, status: str) -> None:
    """Set the ticket's status; closing it says so in the conversation and moves control."""
    ticket = _ticket(world, conversation)
    actor_id = ticket.assignee_id or ticket.requester_id
    tickets.set_status(world, ticket, status, actor_id=actor_id)
    if status in DONE_STATUSES:
        conversation.ended_by = "agent"
    if status == "CLOSED":
        leave_workspace(world, conversation, "ticket:closed", "ticketClosed")


def move_to_email(world: World, conversation: Conversation) -> None:
    """Go on by e-mail: the ticket stays open, the messaging conversation is over."""
    open_ticket(world, conversation)
    conversation.ended_by = "agent"
    leave_workspace(world, conversation, "ticket:transfer:email", "transferToEmail")
    conversation.ticket_id = None


def pass_back(world: World, conversation: Conversation) -> None:
    """Hand the conversation back to the portal's integration."""
    open_ticket(world, conversation)
    switchboard.give_control(world, conversation, _integration(world, OWN_SWITCHBOARD_ID), {})


def end_by_user(world: World, conversation: Conversation) -> None:
    """Have the end user end the conversation, as multi-conversation accounts allow."""
    open_ticket(world, conversation)
    conversation.ended_by = "end_user"
    conversation.ticket_id = None
    add_activity(world, conversation, "conversation:endedByUser")
    switchboard.clear(world, conversation, {})


def add_activity(world: World, conversation: Conversation, activity_type: str) -> None:
    """Add a system message; a client renders its own text from the activity's type."""
    message = Message(
        received_ms=world.account.now_ms(),
        order=conversation.next_order(),
        author={"type": "business", "subtypes": ["activity"]},
        content={"type": "text", "text": ACTIVITY_TEXTS[activity_type]},
        source=dict(SOURCE),
        activity={"type": activity_type, "data": {}},
    )
    world.add_message(conversation, message)


def leave_workspace(
    world: World, conversation: Conversation, activity_type: str, reason: str
) -> None:
    """Tell that the ticket is gone from messaging, then move control as the account is set."""
    add_activity(world, conversation, activity_type)
    control = world.account.switches.closed_control
    if control == "release":
        switchboard.clear(world, conversation, {}, reason=reason)
    elif control == "pass":
        identifier = DEFAULTS["agent_workspace"]
        own = _integration(world, identifier)
        target = _integration(world, own.next_id or world.account.default_id)
        if target.switchboard_integration_id == identifier:
            switchboard.clear(world, conversation, {}, reason=reason)
        else:
            switchboard.give_control(world, conversation, target, {}, reason=reason)


def _integration(world: World, identifier: str) -> SwitchboardIntegration:
    found = world.account.switchboard_integration(identifier)
    if found is None:
        raise DeskError(409, "There is no such switchboard integration.")
    return found


def open_ticket(world: World, conversation: Conversation) -> Ticket:
    """Return the ticket in work; raises DeskError when Agent Workspace has none."""
    ticket = _ticket(world, conversation)
    if ticket.status in DONE_STATUSES:
        raise DeskError(409, "This ticket is solved.")
    return ticket


def _ticket(world: World, conversation: Conversation) -> Ticket:
    ticket = tickets.open_ticket_of(world, conversation)
    if ticket is None or not world.account.is_with_workspace(conversation):
        raise DeskError(409, "This conversation is not with Agent Workspace any more.")
    return ticket


def find_agent(conversation: Conversation, agent_name: str | None) -> str:
    """Return an agent by name; without a name the assignee, who is first."""
    if not conversation.agents:
        raise DeskError(409, "No agent is in this conversation; accept it first.")
    if agent_name is None:
        return conversation.agents[0]
    if agent_name not in conversation.agents:
        raise DeskError(409, f"{agent_name} is not in this conversation.")
    return agent_name
