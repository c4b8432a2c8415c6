"""Agent Workspace: what a live agent does with a messaging ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.simulators.desk import DeskError
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.vendors.zendesk.simulator import switchboard, tickets
from integrations.vendors.zendesk.simulator.records import (
    AGENT_WORKSPACE,
    ANSWER_BOT,
    DONE_STATUSES,
    Conversation,
    Message,
    SwitchboardIntegration,
    Ticket,
    new_id,
)
from integrations.vendors.zendesk.simulator.world import (
    DEFAULTS,
    OWN_SWITCHBOARD_ID,
    ZendeskWorld,
)

SOURCE = {"type": AGENT_WORKSPACE}
AUTOMATIC_NAME = "Automated Response"
TRIGGER_AGENT_ID = "__trigger"
ACTIVITY_TEXTS = {
    "ticket:closed": "The ticket was closed.",
    "ticket:transfer:email": "The conversation goes on by e-mail.",
    "conversation:endedByUser": "The end user ended the conversation.",
}


class WorkspaceAgents(LiveAgents[Conversation, str]):
    """The account's live agents; each is known by name."""

    def __init__(self, world: ZendeskWorld) -> None:
        """Take the account they work in."""
        self.world = world

    def those_in(self, conversation: Conversation) -> Mapping[str, str]:
        """Return who is in, the assignee first; refuses a ticket that is not in work."""
        open_ticket(self.world, conversation)
        return {name: name for name in conversation.agents}

    def join(self, conversation: Conversation, agent_name: str) -> None:
        """Take the waiting ticket, or join the colleague who has it."""
        ticket = open_ticket(self.world, conversation)
        refuse_twice(agent_name, conversation.agents)
        if self.world.switches.agents_offline:
            raise DeskError(409, "All agents are offline.")
        is_first = not conversation.agents
        conversation.agents.append(agent_name)
        self.world.note(conversation, f"{agent_name} joined")
        if is_first:
            agent_id = self.world.support_user_id(agent_name)
            tickets.assign(self.world, ticket, agent_id, actor_id=agent_id)
            tickets.set_status(self.world, ticket, "OPEN", actor_id=agent_id)

    def say(self, conversation: Conversation, agent: str, text: str) -> None:
        """Send a text."""
        self.say_content(conversation, agent, {"type": "text", "text": text})

    def say_content(
        self, conversation: Conversation, agent: str, content: Mapping[str, Any]
    ) -> None:
        """Send any content to the end user."""
        ticket = open_ticket(self.world, conversation)
        agent_id = str(self.world.support_user_id(agent))
        name = "" if self.world.switches.agents_are_nameless else agent
        speak(self.world, conversation, content, name, agent_id)
        text = str(content.get("text") or content.get("altText") or "")
        actor = {"id": agent_id, "name": agent, "type": "agent"}
        last = {"id": conversation.messages[-1].message_id, "body": text}
        self.world.ticket_events.message_added(ticket, actor, last)

    def show_typing(self, conversation: Conversation, agent: str, *, is_typing: bool) -> None:
        """Start or stop typing; whether the webhook hears of it is a switch."""
        if self.world.switches.agent_typing_events:
            author = {"type": "business", "displayName": agent}
            kind = "typing:start" if is_typing else "typing:stop"
            self.world.tell_activity(conversation, kind, author, dict(SOURCE))

    def send_file(self, conversation: Conversation, agent: str, stored: StoredFile) -> None:
        """Send a file; the message carries its address."""
        kept = self.world.keep_file(stored, conversation.conversation_id)
        content = {
            "type": "image" if kept.mime_type.startswith("image/") else "file",
            "mediaUrl": self.world.file_url(kept),
            "mediaType": kept.mime_type,
            "mediaSize": kept.size,
            "altText": kept.name,
        }
        self.say_content(conversation, agent, content)

    def read(self, conversation: Conversation, agent: str) -> None:
        """Mark what the end user wrote as read."""
        for message in conversation.messages:
            message.is_read = message.is_read or message.is_from_user
        if self.world.switches.agent_read_events:
            author = {"type": "business"}
            self.world.tell_activity(conversation, "conversation:read", author, dict(SOURCE))

    def transfer_to_queue(self, conversation: Conversation, queue: str) -> None:
        """Let the assignee go and the ticket wait in a group."""
        ticket = open_ticket(self.world, conversation)
        actor_id = self.world.support_user_id(self.present(conversation))
        ticket.group_id = self.world.group_id(queue)
        conversation.agents.clear()
        self.world.note(conversation, f"Transferred to {queue}")
        tickets.assign(self.world, ticket, None, actor_id=actor_id)

    def transfer_to_agent(self, conversation: Conversation, agent_name: str) -> None:
        """Make a colleague the assignee; they have the ticket at once."""
        ticket, previous = open_ticket(self.world, conversation), self.present(conversation)
        refuse_twice(agent_name, conversation.agents)
        conversation.agents.remove(previous)
        conversation.agents.insert(0, agent_name)
        self.world.note(conversation, f"{previous} left")
        self.world.note(conversation, f"{agent_name} joined")
        actor_id = self.world.support_user_id(previous)
        agent_id = self.world.support_user_id(agent_name)
        tickets.assign(self.world, ticket, agent_id, actor_id=actor_id)

    def leave(self, conversation: Conversation, agent: str) -> None:
        """Leave; the last one to leave ends the messaging session."""
        ticket = open_ticket(self.world, conversation)
        conversation.agents.remove(agent)
        self.world.note(conversation, f"{agent} left")
        if not conversation.agents:
            self.end(conversation)
            return
        agent_id = self.world.support_user_id(conversation.agents[0])
        actor_id = self.world.support_user_id(agent)
        tickets.assign(self.world, ticket, agent_id, actor_id=actor_id)

    def end(self, conversation: Conversation) -> None:
        """End the messaging session: the ticket's status stays, the end user is not told."""
        open_ticket(self.world, conversation)
        conversation.ticket_id = None
        conversation.ended_by = "agent"
        switchboard.clear(self.world, conversation, {})

    def pass_back(self, conversation: Conversation) -> None:
        """Hand the conversation back to the portal's integration."""
        open_ticket(self.world, conversation)
        target = _integration(self.world, OWN_SWITCHBOARD_ID)
        switchboard.give_control(self.world, conversation, target, {})


def respond_automatically(world: ZendeskWorld, conversation: Conversation, text: str) -> None:
    """Send what a Zendesk trigger says; no person is behind it."""
    speak(world, conversation, {"type": "text", "text": text})


def speak(
    world: ZendeskWorld,
    conversation: Conversation,
    content: Mapping[str, Any],
    name: str = AUTOMATIC_NAME,
    agent_id: str = TRIGGER_AGENT_ID,
) -> None:
    """Write from the Agent Workspace: a live agent or, unless one is named, a trigger."""
    open_ticket(world, conversation)
    metadata = {
        "__zendesk_msg.agent.id": agent_id,
        "__zendesk_msg.client_message_id": new_id(),
        "__zendesk_msg.id": new_id(),
        "__zendesk_msg.source_type": AGENT_WORKSPACE,
    }
    subtype = "bot" if agent_id == TRIGGER_AGENT_ID else "agent"
    author = {"displayName": name, "subtypes": [subtype]}
    _write(world, conversation, content, author, source=SOURCE, metadata=metadata)


def speak_as_bot(
    world: ZendeskWorld, conversation: Conversation, content: Mapping[str, Any]
) -> None:
    """Write as the account's AI agent, or one of its flows."""
    author = {"displayName": world.switches.bot_name, "subtypes": ["bot"]}
    _write(world, conversation, content, author, source={"type": ANSWER_BOT})


def _write(
    world: ZendeskWorld,
    conversation: Conversation,
    content: Mapping[str, Any],
    author: Mapping[str, Any],
    *,
    source: Mapping[str, Any],
    metadata: dict[str, Any] | None = None,
) -> None:
    given = {name: value for name, value in author.items() if value}
    message = Message(
        received_ms=world.now_ms(),
        order=conversation.next_order(),
        author={"type": "business", **given},
        content=dict(content),
        source=dict(source),
        metadata=metadata,
    )
    world.add_message(conversation, message)


def change_status(world: ZendeskWorld, conversation: Conversation, status: str) -> None:
    """Set the ticket's status; closing it says so in the conversation and moves control."""
    ticket = _ticket(world, conversation)
    actor_id = ticket.assignee_id or ticket.requester_id
    tickets.set_status(world, ticket, status, actor_id=actor_id)
    if status in DONE_STATUSES:
        conversation.ended_by = "agent"
    if status == "CLOSED":
        leave_workspace(world, conversation, "ticket:closed", "ticketClosed")


def move_to_email(world: ZendeskWorld, conversation: Conversation) -> None:
    """Go on by e-mail: the ticket stays open, the messaging conversation is over."""
    open_ticket(world, conversation)
    conversation.ended_by = "agent"
    leave_workspace(world, conversation, "ticket:transfer:email", "transferToEmail")
    conversation.ticket_id = None


def end_by_user(world: ZendeskWorld, conversation: Conversation) -> None:
    """Have the end user end the conversation, as multi-conversation accounts allow."""
    open_ticket(world, conversation)
    conversation.ended_by = "end_user"
    conversation.ticket_id = None
    add_activity(world, conversation, "conversation:endedByUser")
    switchboard.clear(world, conversation, {})


def add_activity(world: ZendeskWorld, conversation: Conversation, activity_type: str) -> None:
    """Add a system message; a client renders its own text from the activity's type."""
    message = Message(
        received_ms=world.now_ms(),
        order=conversation.next_order(),
        author={"type": "business", "subtypes": ["activity"]},
        content={"type": "text", "text": ACTIVITY_TEXTS[activity_type]},
        source=dict(SOURCE),
        activity={"type": activity_type, "data": {}},
    )
    world.add_message(conversation, message)


def leave_workspace(
    world: ZendeskWorld, conversation: Conversation, activity_type: str, reason: str
) -> None:
    """Tell that the ticket is gone from messaging, then move control as the account is set."""
    add_activity(world, conversation, activity_type)
    control = world.switches.closed_control
    if control == "release":
        switchboard.clear(world, conversation, {}, reason=reason)
    elif control == "pass":
        identifier = DEFAULTS["agent_workspace"]
        own = _integration(world, identifier)
        target = _integration(world, own.next_id or world.default_id)
        if target.switchboard_integration_id == identifier:
            switchboard.clear(world, conversation, {}, reason=reason)
        else:
            switchboard.give_control(world, conversation, target, {}, reason=reason)


def _integration(world: ZendeskWorld, identifier: str) -> SwitchboardIntegration:
    found = world.switchboard_integration(identifier)
    if found is None:
        raise DeskError(409, "There is no such switchboard integration.")
    return found


def open_ticket(world: ZendeskWorld, conversation: Conversation) -> Ticket:
    """Return the ticket in work; raises DeskError when Agent Workspace has none."""
    ticket = _ticket(world, conversation)
    if ticket.status in DONE_STATUSES:
        raise DeskError(409, "This ticket is solved.")
    return ticket


def _ticket(world: ZendeskWorld, conversation: Conversation) -> Ticket:
    ticket = tickets.open_ticket_of(world, conversation)
    if ticket is None or not world.is_with_workspace(conversation):
        raise DeskError(409, "This conversation is not with Agent Workspace any more.")
    return ticket
