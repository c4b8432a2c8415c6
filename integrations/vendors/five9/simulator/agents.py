"""What live agents of the pretend Five9 do, and what the portal hears of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.world_simulator import deed
from integrations.vendors.five9.simulator.world import Conversation, Five9World


class Agents(LiveAgents[Conversation, str]):
    """Each deed changes the world and tells the portal as the vendor does."""

    def __init__(self, world: Five9World) -> None:
        """Take what they work on."""
        self.world = world

    def those_in(self, conversation: Conversation) -> Mapping[str, str]:
        """Return who is in; what is terminated has nobody."""
        if conversation.status == "ended":
            raise DeskError(409, "The conversation is terminated.")
        return {name: name for name in conversation.agents}

    def join(self, conversation: Conversation, agent_name: str) -> None:
        """Accept the waiting conversation, or join the colleague who has it."""
        refuse_twice(agent_name, self.those_in(conversation))
        conversation.status, conversation.is_open = "active", True
        conversation.agents.append(agent_name)
        self._tell(conversation, agent_name, "accept", "agent_connected")

    def say(self, conversation: Conversation, agent: str, text: str) -> None:
        """Send a text to the end user."""
        message = conversation.add("live_agent", agent, text, f"m-{uuid.uuid4()}")
        self.world.tell(
            conversation,
            "message",
            "agent_message",
            **{"displayName": agent, "from": agent, "text": text},
            messageId=message["id"],
            userId=300000000777001,
        )

    def show_typing(self, conversation: Conversation, agent: str, *, is_typing: bool) -> None:
        """Start the typing indicator; that it stops is told in `type` alone."""
        if is_typing:
            self._tell(conversation, agent, "typing", "agent_typing")
        elif self.world.switches.callback_style != "path":
            self._tell(conversation, agent, "typing", "agent_typing_stop")

    def send_file(self, conversation: Conversation, agent: str, stored: StoredFile) -> None:
        """Send a file's address as text: the callbacks are known to carry nothing else."""
        address = f"{self.world.base_url}/_desk/files/{stored.file_id}"
        self.say(conversation, agent, f"{stored.name}: {address}")

    def read(self, conversation: Conversation, agent: str) -> None:
        """Mark what the end user wrote as read; the portal hears nothing of it."""
        for message in conversation.messages:
            message["read"] |= message["from"] == "end_user"

    def transfer_to_queue(self, conversation: Conversation, queue: str) -> None:
        """Hand the conversation to another campaign's live agents."""
        agent = self.present(conversation)
        conversation.agents.clear()
        conversation.status, conversation.campaign = "queued", queue
        self._tell(conversation, agent, "transfer", "agent_disconnected")

    def transfer_to_agent(self, conversation: Conversation, agent_name: str) -> None:
        """Hand the conversation to a colleague who accepts at once."""
        self.transfer_to_queue(conversation, conversation.campaign)
        self.join(conversation, agent_name)

    def leave(self, conversation: Conversation, agent: str) -> None:
        """Leave; with the last live agent the conversation is terminated."""
        conversation.agents.remove(agent)
        if not conversation.agents:
            self.end(conversation)

    def end(self, conversation: Conversation) -> None:
        """Terminate the conversation."""
        self.those_in(conversation)
        self.world.close(conversation, "agent")

    def _tell(self, conversation: Conversation, agent: str, event: str, told: str) -> None:
        self.world.tell(conversation, event, told, displayName=agent)


def _queue(agents: Agents, conversation: Conversation, _fields: Fields) -> None:
    """Let a conversation open that was told to open late."""
    conversation.is_open = True
    agents.world.tell(conversation, "create", "conversation_queued")


EXTRA_ACTIONS: dict[str, Action] = {"queue": deed(_queue)}
