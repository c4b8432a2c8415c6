"""Agent Workspace: what a live agent does with a messaging ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.simulators.desk import DeskError
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.vendors.zendesk.simulator import switchboard, tickets
from integrations.vendors.zendesk.simulator.records import DONE_STATUSES, Conversation, Ticket
from integrations.vendors.zendesk.simulator.world import OWN_SWITCHBOARD_ID, ZendeskWorld


class WorkspaceAgents(LiveAgents[Conversation, str]):
    """The account's live agents; each is known by name."""

    def __init__(self, world: ZendeskWorld) -> None:
        """Take the account they work in."""
        self.world = world

    def those_in(self, conversation: Conversation) -> Mapping[str, str]:
        """Return who is in, the assignee first; refuses a ticket that is not in work."""
        self.open_ticket(conversation)
        return {name: name for name in conversation.agents}

    def join(self, conversation: Conversation, agent_name: str) -> None:
        """Take the waiting ticket, or join the colleague who has it."""
        ticket = self.open_ticket(conversation)
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
        ticket = self.open_ticket(conversation)
        agent_id = str(self.world.support_user_id(agent))
        name = "" if self.world.switches.agents_are_nameless else agent
        message = tickets.speak(self.world, conversation, content, name, agent_id)
        actor = {"id": agent_id, "name": agent, "type": "agent"}
        self.world.ticket_events.message_added(ticket, actor, message)

    def show_typing(self, conversation: Conversation, agent: str, *, is_typing: bool) -> None:
        """Start or stop typing; whether the webhook hears of it is a switch."""
        if self.world.switches.agent_typing_events:
            author = {"type": "business", "displayName": agent}
            kind = "typing:start" if is_typing else "typing:stop"
            self.world.tell_activity(conversation, kind, author, dict(tickets.SOURCE))

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
            author, source = {"type": "business"}, dict(tickets.SOURCE)
            self.world.tell_activity(conversation, "conversation:read", author, source)

    def transfer_to_queue(self, conversation: Conversation, queue: str) -> None:
        """Let the assignee go and the ticket wait in a group."""
        ticket = self.open_ticket(conversation)
        actor_id = self.world.support_user_id(self.present(conversation))
        ticket.group_id = self.world.group_id(queue)
        conversation.agents.clear()
        self.world.note(conversation, f"Transferred to {queue}")
        tickets.assign(self.world, ticket, None, actor_id=actor_id)

    def transfer_to_agent(self, conversation: Conversation, agent_name: str) -> None:
        """Make a colleague the assignee; they have the ticket at once."""
        ticket, previous = self.open_ticket(conversation), self.present(conversation)
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
        ticket = self.open_ticket(conversation)
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
        self.open_ticket(conversation)
        conversation.ticket_id = None
        conversation.ended_by = "agent"
        switchboard.clear(self.world, conversation)

    # -- Beyond what all desks have -----------------------------------------------------------

    def pass_back(self, conversation: Conversation) -> None:
        """Hand the conversation back to the portal's integration."""
        self.open_ticket(conversation)
        own = self.world.switchboard_integration(OWN_SWITCHBOARD_ID)
        assert own is not None
        switchboard.give_control(self.world, conversation, own)

    def respond_automatically(self, conversation: Conversation, text: str) -> None:
        """Send what a Zendesk trigger says; no person is behind it."""
        self.open_ticket(conversation)
        tickets.speak(self.world, conversation, {"type": "text", "text": text})

    def change_status(self, conversation: Conversation, status: str) -> None:
        """Set the ticket's status; closing it says so in the conversation and moves control."""
        ticket = self._ticket(conversation)
        actor_id = ticket.assignee_id or ticket.requester_id
        switchboard.set_status(self.world, ticket, status, actor_id=actor_id)

    def move_to_email(self, conversation: Conversation) -> None:
        """Go on by e-mail: the ticket stays open, the messaging conversation is over."""
        self.open_ticket(conversation)
        conversation.ended_by = "agent"
        activity, reason = "ticket:transfer:email", "transferToEmail"
        switchboard.leave_workspace(self.world, conversation, activity, reason)
        conversation.ticket_id = None

    def end_by_user(self, conversation: Conversation) -> None:
        """Have the end user end the conversation, as multi-conversation accounts allow."""
        self.open_ticket(conversation)
        conversation.ended_by = "end_user"
        conversation.ticket_id = None
        switchboard.add_activity(self.world, conversation, "conversation:endedByUser")
        switchboard.clear(self.world, conversation)

    def open_ticket(self, conversation: Conversation) -> Ticket:
        """Return the ticket in work; raises DeskError when Agent Workspace has none."""
        ticket = self._ticket(conversation)
        if ticket.status in DONE_STATUSES:
            raise DeskError(409, "This ticket is solved.")
        return ticket

    def _ticket(self, conversation: Conversation) -> Ticket:
        ticket = tickets.open_ticket_of(self.world, conversation)
        if ticket is None or not self.world.is_with_workspace(conversation):
            raise DeskError(409, "This conversation is not with Agent Workspace any more.")
        return ticket
