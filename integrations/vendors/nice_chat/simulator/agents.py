"""What the pretend tenant's agents and bots do, and what their customers hear of it."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.world_simulator import deed
from integrations.vendors.nice_chat.simulator import events
from integrations.vendors.nice_chat.simulator.customer import file_view
from integrations.vendors.nice_chat.simulator.rich import KINDS, content_of
from integrations.vendors.nice_chat.simulator.world import NiceChatWorld, Thread, moment


class NiceChatAgents(LiveAgents[Thread, str]):
    """The people of one queue, by their names; a contact has one of them at a time."""

    def __init__(self, world: NiceChatWorld) -> None:
        self.world = world

    def those_in(self, conversation: Thread) -> Mapping[str, str]:
        """Return who has the contact."""
        if conversation.is_over:
            raise DeskError(409, "The contact is closed.")
        return {name: name for name in conversation.agents}

    def join(self, conversation: Thread, agent_name: str) -> None:
        """Accept the contact, or take it over."""
        refuse_twice(agent_name, self.those_in(conversation))
        previous = next(iter(conversation.agents), None)
        conversation.agents = [agent_name]
        events.push_assignee(self.world, conversation, previous)
        events.push_status(self.world, conversation, "open")
        events.push_positions(self.world)

    def say(self, conversation: Thread, agent: str, text: str) -> None:
        """Send a text."""
        self._send(conversation, _text(text), agent)

    def show_typing(self, conversation: Thread, agent: str, *, is_typing: bool) -> None:
        """Start or stop the typing indicator."""
        name = "SenderTypingStarted" if is_typing else "SenderTypingEnded"
        data = {"thread": events.thread_view(conversation), "user": events.user(agent)}
        events.push(self.world, conversation, name, {**data, "direction": "outbound"})

    def send_file(self, conversation: Thread, agent: str, stored: StoredFile) -> None:
        """Send a file."""
        files = [file_view(self.world, stored)]
        made = events.message(conversation, _text(""), author=events.user(agent), attachments=files)
        events.push_message(self.world, conversation, made)

    def read(self, conversation: Thread, agent: str) -> None:
        """Mark what the customer wrote as read, and tell of each message."""
        for one in conversation.messages:
            if one["direction"] == "inbound" and not one["userStatistics"]["readAt"]:
                one["userStatistics"]["readAt"] = moment()
                told = {"contact": events.case(conversation), "message": one}
                events.push(self.world, conversation, "MessageReadChanged", told)

    def transfer_to_queue(self, conversation: Thread, queue: str) -> None:
        """Give the contact back, to a queue."""
        previous = self.present(conversation)
        conversation.agents, conversation.queue = [], queue
        events.push_assignee(self.world, conversation, previous)
        told = {"case": events.case(conversation), "routingQueue": events.queue(queue)}
        events.push(self.world, conversation, "CaseToRoutingQueueAssignmentChanged", told)
        events.push_positions(self.world)

    def transfer_to_agent(self, conversation: Thread, agent_name: str) -> None:
        """Give the contact to a colleague."""
        self.present(conversation)
        self.join(conversation, agent_name)

    def leave(self, conversation: Thread, agent: str) -> None:
        """Give the contact up, and close it: nobody else is there."""
        self.unassign(conversation)
        self.end(conversation)

    def end(self, conversation: Thread) -> None:
        """Close the contact."""
        self.finish(conversation, "closed")

    # -- What only CXone's agents do -----------------------------------------------------------

    def unassign(self, conversation: Thread) -> None:
        """Give the contact up; that alone ends nothing."""
        previous = self.present(conversation)
        conversation.agents = []
        events.push_assignee(self.world, conversation, previous)

    def finish(self, conversation: Thread, status: str) -> None:
        """Give the contact a status: resolved, closed, trashed, or an open one again."""
        self.those_in(conversation)
        if status in ("closed", "trashed"):
            conversation.ended_by = "agent"
        if status in ("resolved", "closed", "trashed"):
            conversation.agents = []
        events.push_status(self.world, conversation, status)

    def offer(self, conversation: Thread, fields: Fields, kind: str) -> None:
        """Send a message of a content type, by the agent who has it, else by the bot."""
        agent = next(iter(self.those_in(conversation)), None)
        self._send(conversation, content_of(kind, self.world.base_url), agent)

    def edit(self, conversation: Thread, fields: Fields) -> None:
        """Change the newest message of an agent's, or take it back."""
        said = [one for one in conversation.messages if one["direction"] == "outbound"]
        if not said:
            raise DeskError(409, "No agent has said anything.")
        if fields.get("is_deleted"):
            said[-1]["isDeletedOnExternalPlatform"] = True
        else:
            said[-1]["messageContent"] = _text(str(fields.get("text") or "Edited."))
        events.push_message(self.world, conversation, said[-1], "MessageUpdated")

    def say_as_bot(self, conversation: Thread, fields: Fields) -> None:
        """Send a text of the flow's bot, or of the system, which has no user at all."""
        self.those_in(conversation)
        is_system = bool(fields.get("is_system"))
        author = None if is_system else events.user(events.BOT, is_bot=True)
        text = str(fields.get("text") or "How may we help?")
        made = events.message(conversation, _text(text), author=author)
        events.push_message(self.world, conversation, made)

    def _send(self, thread: Thread, content: Mapping[str, object], agent: str | None) -> None:
        author = events.user(agent) if agent else events.user(events.BOT, is_bot=True)
        made = events.message(thread, content, author=author)
        events.push_message(self.world, thread, made)


def _text(text: str) -> dict[str, object]:
    return {"type": "TEXT", "payload": {"text": text}, "text": text, "fallbackText": ""}


def _status(status: str) -> Action:
    return deed(lambda agents, one, fields: agents.finish(one, status))


def _position(agents: NiceChatAgents, thread: Thread, fields: Fields) -> None:
    """Tell a place in the queue, whatever the truth is."""
    agents.those_in(thread)
    events.push_position(agents.world, thread, int(fields.get("position", 1)))


EXTRA_ACTIONS: dict[str, Action] = {
    "resolve": _status("resolved"),
    "trash": _status("trashed"),
    "reopen": _status("open"),
    "unassign": deed(lambda agents, one, fields: agents.unassign(one)),
    "edit": deed(lambda agents, one, fields: agents.edit(one, fields)),
    "bot": deed(lambda agents, one, fields: agents.say_as_bot(one, fields)),
    "queue": deed(_position),
}


def _sender(kind: str) -> Action:
    return deed(lambda agents, one, fields: agents.offer(one, fields, kind))


RICH_MESSAGES: dict[str, Action] = {kind: _sender(kind) for kind in KINDS}
