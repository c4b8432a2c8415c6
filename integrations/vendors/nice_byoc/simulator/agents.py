"""What the pretend tenant's agents do; CXone calls the box with messages and typing alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.world_simulator import deed
from integrations.vendors.nice_byoc.simulator.box import Call
from integrations.vendors.nice_byoc.simulator.rich import KINDS, content_of
from integrations.vendors.nice_byoc.simulator.world import NiceByocWorld, Thread, user

BOT = "Help bot"


class NiceByocAgents(LiveAgents[Thread, str]):
    """The people of one queue, by their names; a contact has one of them at a time."""

    def __init__(self, world: NiceByocWorld) -> None:
        self.world = world

    def those_in(self, conversation: Thread) -> Mapping[str, str]:
        """Return who has the contact."""
        if conversation.is_over:
            raise DeskError(409, "The contact is closed.")
        return {name: name for name in conversation.agents}

    def join(self, conversation: Thread, agent_name: str) -> None:
        """Accept the contact, or take it over."""
        refuse_twice(agent_name, self.those_in(conversation))
        conversation.agents = [agent_name]
        conversation.contact.status = "open"

    def say(self, conversation: Thread, agent: str, text: str) -> None:
        """Send a text."""
        self.world.say(conversation, _text(text), author=user(agent))

    def show_typing(self, conversation: Thread, agent: str, *, is_typing: bool) -> None:
        """Start or stop the typing indicator."""
        channel, thread = self.world.switches.channel_id, conversation.external_id
        action = {"action": "isTypingOn" if is_typing else "isTypingOff"}
        self.world.outbox.call(
            Call(
                path=f"/1.0/channel/{channel}/thread/{thread}/sender-action",
                body={"brand": {"id": 4711}, "senderAction": action, "authorUser": user(agent)},
                lane=thread,
                label="typing",
            ),
            self.world.took,
        )

    def send_file(self, conversation: Thread, agent: str, stored: StoredFile) -> None:
        """Send a file."""
        url = f"{self.world.base_url}/files/{stored.file_id}"
        file = {
            "id": stored.file_id,
            "friendlyName": stored.name,
            "url": url,
            "securedPermanentUrl": url,
            "mimeType": stored.mime_type,
            "isInline": False,
        }
        self.world.say(conversation, _text(""), author=user(agent), files=[file])

    def read(self, conversation: Thread, agent: str) -> None:
        """Read: a BYOC channel is told nothing of it."""

    def transfer_to_queue(self, conversation: Thread, queue: str) -> None:
        """Give the contact back, to a queue."""
        self.present(conversation)
        conversation.agents, conversation.queue = [], queue

    def transfer_to_agent(self, conversation: Thread, agent_name: str) -> None:
        """Give the contact to a colleague."""
        self.present(conversation)
        self.join(conversation, agent_name)

    def leave(self, conversation: Thread, agent: str) -> None:
        """Give the contact up, and close it: nobody else is there."""
        self.end(conversation)

    def end(self, conversation: Thread) -> None:
        """Close the contact."""
        self.finish(conversation, "closed")

    # -- What only CXone's agents do -----------------------------------------------------------

    def finish(self, conversation: Thread, status: str) -> None:
        """Give the contact a status."""
        self.those_in(conversation)
        conversation.contact.status = status
        conversation.agents = []
        if conversation.is_over:
            conversation.ended_by = "agent"

    def offer(self, conversation: Thread, fields: Fields, kind: str) -> None:
        """Send a message of a content type, by the agent who has it, else by the bot."""
        agent = next(iter(self.those_in(conversation)), None)
        author = user(agent) if agent else user(BOT, is_bot=True)
        self.world.say(conversation, content_of(kind, self.world.base_url), author=author)


def _text(text: str) -> dict[str, Any]:
    return {"type": "TEXT", "payload": {"text": text}, "fallbackText": ""}


def _sender(kind: str) -> Action:
    return deed(lambda agents, one, fields: agents.offer(one, fields, kind))


EXTRA_ACTIONS: dict[str, Action] = {
    "resolve": deed(lambda agents, one, fields: agents.finish(one, "resolved")),
    "trash": deed(lambda agents, one, fields: agents.finish(one, "trashed")),
}
RICH_MESSAGES: dict[str, Action] = {kind: _sender(kind) for kind in KINDS}
