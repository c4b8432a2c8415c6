"""What live agents do in the console; a chat has one at a time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.world_simulator import deed
from integrations.vendors.salesforce_live_chat.simulator.world import (
    LiveChat,
    LiveChatWorld,
    agent_id,
)


class Agents(LiveAgents[LiveChat, str]):
    """The people behind the button, who are no more than their names."""

    def __init__(self, world: LiveChatWorld) -> None:
        """Take what they work on."""
        self.world = world

    def those_in(self, conversation: LiveChat) -> Mapping[str, str]:
        """Return who is in; a chat that is over has nobody."""
        if conversation.status == "ended":
            raise DeskError(409, "The chat has ended.")
        return {name: name for name in conversation.agents}

    def join(self, conversation: LiveChat, agent_name: str) -> None:
        """Accept the waiting chat."""
        present = self.those_in(conversation)
        refuse_twice(agent_name, present)
        if present:
            raise DeskError(409, "Live Agent has one live agent in a chat; transfer it.")
        self._take(conversation, agent_name, "ChatEstablished")
        self.world.tell_places()

    def say(self, conversation: LiveChat, agent: str, text: str) -> None:
        """Send a text."""
        self.world.say(conversation, agent, text)

    def show_typing(self, conversation: LiveChat, agent: str, *, is_typing: bool) -> None:
        """Start or stop the typing indicator."""
        self.world.tell(conversation, "AgentTyping" if is_typing else "AgentNotTyping")

    def send_file(self, conversation: LiveChat, agent: str, stored: StoredFile) -> None:
        """Paste a link to a file: Live Agent has no files from live agents."""
        url = f"{self.world.base_url}/files/{stored.file_id}"
        self.world.say(conversation, agent, f"{stored.name}: {url}")

    def read(self, conversation: LiveChat, agent: str) -> None:
        """Look at what the visitor wrote; nobody is told of it."""
        for message in conversation.messages:
            message["read"] = message["read"] or message["from"] == "end_user"

    def transfer_to_queue(self, conversation: LiveChat, queue: str) -> None:
        """Hand the chat to a queue; the visitor hears of it from the next live agent."""
        self.present(conversation)
        conversation.agents.clear()
        conversation.status = "queued"

    def transfer_to_agent(self, conversation: LiveChat, agent_name: str) -> None:
        """Hand the chat to a colleague who accepts at once."""
        self.present(conversation)
        conversation.remember("OperatorTransferred", agent_name, "")
        self._take(conversation, agent_name, "ChatTransferred")

    def leave(self, conversation: LiveChat, agent: str) -> None:
        """Lose the connection: another live agent may accept."""
        conversation.agents.remove(agent)
        conversation.status = "queued"
        self.world.tell(conversation, "AgentDisconnect")

    def end(self, conversation: LiveChat) -> None:
        """End the chat."""
        self.those_in(conversation)
        self.world.finish(conversation, "agent", "agent")

    def ask_for_file(self, conversation: LiveChat, fields: Fields) -> None:
        """Ask for a file: it may come once, until this is taken back."""
        self.present(conversation)
        conversation.file_token = secrets.token_hex(8)
        self.world.tell(
            conversation,
            "FileTransfer",
            {
                "type": "Requested",
                "uploadServletUrl": f"{self.world.base_url}/servlet/upload",
                "fileToken": conversation.file_token,
                "cdmServletUrl": f"{self.world.base_url}/servlet/cdm",
            },
        )

    def take_request_back(self, conversation: LiveChat, fields: Fields) -> None:
        """Take the request for a file back."""
        conversation.file_token = ""
        self.world.tell(conversation, "FileTransfer", {"type": "Canceled"})

    def warn_idle(self, conversation: LiveChat, fields: Fields) -> None:
        """Let the console warn that the visitor is silent, or say that they are back."""
        word = "cleared" if fields.get("is_cleared") else "triggered"
        body = {"idleTimeoutWarningEvent": word}
        self.world.tell(conversation, "ChasitorIdleTimeoutWarningEvent", body)

    def _take(self, chat: LiveChat, agent_name: str, kind: str) -> None:
        chat.agents[:] = [agent_name]
        chat.status = "active"
        idle = {"isEnabled": False, "timeout": 0, "warningTime": 0}
        body = {"name": agent_name, "userId": agent_id(agent_name), "sneakPeekEnabled": True}
        self.world.tell(chat, kind, {**body, "chasitorIdleTimeout": idle})


EXTRA_ACTIONS: Mapping[str, Action] = {
    "ask_for_file": deed(lambda agents, one, fields: agents.ask_for_file(one, fields)),
    "take_request_back": deed(lambda agents, one, fields: agents.take_request_back(one, fields)),
    "idle": deed(lambda agents, one, fields: agents.warn_idle(one, fields)),
}
