"""What live agents do in the Service Console, and what the channel's partner hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.world_simulator import deed
from integrations.vendors.salesforce_byoc.simulator.rich import (
    KINDS,
    offered,
    rich_message,
    shown_options,
    shown_text,
)
from integrations.vendors.salesforce_byoc.simulator.world import (
    QUEUE_ID,
    ByocWorld,
    Conversation,
    agent_subject,
    text_message,
)

BOT = {"role": "Chatbot", "appType": "chatbot", "subject": "0Xx8Y0000001bot"}
BOT_NAME = "Order bot"


class Agents(LiveAgents[Conversation, str]):
    """The people behind the queue, who are no more than their names."""

    def __init__(self, world: ByocWorld) -> None:
        """Take what they work on."""
        self.world = world

    def those_in(self, conversation: Conversation) -> Mapping[str, str]:
        """Return who is in; a session that is over has nobody."""
        self.world.require_open(conversation)
        return {name: name for name in conversation.agents}

    def join(self, conversation: Conversation, agent_name: str) -> None:
        """Accept the waiting session, or join the colleague who has it."""
        refuse_twice(agent_name, self.those_in(conversation))
        self.world.tell(
            conversation,
            "RoutingWorkResult",
            {
                "workId": "0Bz8Y0000000001",
                "workTargetId": conversation.session_id,
                "workType": "Accepted",
                "errorMessages": [],
            },
        )
        subject = agent_subject(agent_name)
        conversation.agents[agent_name] = subject
        self.world.tell_participant(conversation, "add", agent_name, subject)
        if conversation.status != "active":
            conversation.status, conversation.had_agent = "active", True
            conversation.sessions[-1]["status"] = "Active"
            self.world.tell_status(conversation, "Waiting", "Active")

    def say(self, conversation: Conversation, agent: str, text: str) -> None:
        """Send a text."""
        self._send(conversation, agent, text_message(text), text)

    def show_typing(self, conversation: Conversation, agent: str, *, is_typing: bool) -> None:
        """Start or stop the typing indicator."""
        kind = "TypingStartedIndicator" if is_typing else "TypingStoppedIndicator"
        sender, stamp = sender_of(conversation, agent), self.world.now()
        self.world.tell(conversation, kind, {"timestamp": stamp}, sender=sender, name=agent)

    def send_file(self, conversation: Conversation, agent: str, stored: StoredFile) -> None:
        """Send a file, under an address on a public host."""
        shown = {"id": stored.file_id, "name": stored.name, "mime_type": stored.mime_type}
        on_desk = {**shown, "url": f"/_desk/files/{stored.file_id}"}
        message = text_message("")
        message["staticContent"] = {
            "formatType": "Attachments",
            "text": "",
            "attachments": [
                {
                    "id": stored.file_id,
                    "name": stored.name,
                    "mimeType": stored.mime_type,
                    "url": f"{self.world.base_url}/sfc/dist/version/download/{stored.file_id}",
                }
            ],
        }
        self._send(conversation, agent, message, "", attachments=[on_desk])

    def read(self, conversation: Conversation, agent: str) -> None:
        """Mark what the end user wrote as read."""
        unread = [m for m in conversation.messages if m["from"] == "end_user" and not m["read"]]
        for message in unread:
            message["read"] = True
        if unread:
            self._acknowledge(conversation, agent, "ReadAcknowledgement", unread[-1]["id"])

    def transfer_to_queue(self, conversation: Conversation, queue: str) -> None:
        """Hand the session to a queue; where the partner routes, ask it to."""
        leaving = self.present(conversation)
        if self.world.switches.routing_owner == "Partner":
            self.world.ask_for_routing(conversation, {"queueId": QUEUE_ID})
        else:
            self.world.route(conversation, queue, "Transfer")
        self._depart(conversation, leaving)
        conversation.status = "queued"

    def transfer_to_agent(self, conversation: Conversation, agent_name: str) -> None:
        """Hand the session to a colleague who accepts at once."""
        leaving = self.present(conversation)
        if self.world.switches.routing_owner == "Partner":
            self.world.ask_for_routing(conversation, {"userId": agent_subject(agent_name)})
            self._depart(conversation, leaving)
            conversation.status = "queued"
            return
        result = {"routingType": "Transfer", "failureType": "None", "errorMessages": []}
        self.world.tell(conversation, "RoutingResult", result)
        self._depart(conversation, leaving)
        self.join(conversation, agent_name)

    def leave(self, conversation: Conversation, agent: str) -> None:
        """Leave; with the last agent the session ends."""
        self._depart(conversation, agent)
        if not conversation.agents:
            self.world.finish(conversation, "Agent")

    def end(self, conversation: Conversation) -> None:
        """End the session."""
        self.world.require_open(conversation)
        self.world.finish(conversation, "Agent")

    def offer(self, conversation: Conversation, fields: Fields, kind: str) -> None:
        """Send a message with rich content, by the live agent who is in, else by the bot."""
        name = str(fields.get("agent_name") or next(iter(self.those_in(conversation)), ""))
        message = rich_message(kind, base_url=self.world.base_url)
        conversation.offers[message["id"]] = offered(message)
        options = shown_options(message)
        if name:
            self._send(conversation, name, message, shown_text(message), options=options)
            return
        self.world.tell_message(conversation, BOT, BOT_NAME, message)
        conversation.add("bot", BOT_NAME, shown_text(message), options=options, id=message["id"])

    def fail_message(self, conversation: Conversation, fields: Fields) -> None:
        """Tell that the newest message of the end user reached nobody after all."""
        said = [m for m in conversation.messages if m["from"] == "end_user"]
        if not said:
            raise DeskError(409, "The end user has said nothing.")
        self.world.tell(
            conversation,
            "MessageDeliveryFailed",
            {
                "errorCode": "DELIVERY_FAILED",
                "failedConversationEntryIdentifier": said[-1]["id"],
                "recipient": {"role": "Agent", "appType": "agent", "subject": "005"},
            },
        )

    def idle(self, conversation: Conversation, fields: Fields) -> None:
        """Let the session become inactive, or end it because of that."""
        self.world.require_open(conversation)
        if fields.get("is_over"):
            self.world.tell_status(conversation, "Inactive", "Ended", "System")
            conversation.status, conversation.ended_by = "ended", "System"
            conversation.agents.clear()
        else:
            self.world.tell_status(conversation, "Active", "Inactive")

    def tell_place(self, conversation: Conversation, fields: Fields) -> None:
        """Tell the place in the queue."""
        place = {"pendingServiceRoutingId": "0JR8Y0000001QqQ", "workItemId": "0Bz8Y0000000001"}
        position = int(fields.get("position", 3))
        self.world.tell(conversation, "QueuePosition", {**place, "position": position})

    def _send(
        self,
        conversation: Conversation,
        agent: str,
        message: dict[str, Any],
        text: str,
        **more: Any,
    ) -> None:
        sender = sender_of(conversation, agent)
        entry = self.world.tell_message(conversation, sender, agent, message)
        conversation.add("live_agent", agent, text, id=entry["identifier"], **more)

    def _acknowledge(
        self, conversation: Conversation, agent: str, kind: str, message_id: str
    ) -> None:
        payload = {
            "acknowledgedConversationEntryIdentifier": message_id,
            "acknowledgementTimestamp": self.world.now(),
        }
        sender = sender_of(conversation, agent)
        self.world.tell(conversation, kind, payload, sender=sender, name=agent)

    def _depart(self, conversation: Conversation, agent: str) -> None:
        subject = conversation.agents.pop(agent)
        self.world.tell_participant(conversation, "remove", agent, subject)


def sender_of(conversation: Conversation, agent: str) -> dict[str, str]:
    """Return a live agent as entries name them."""
    subject = conversation.agents.get(agent, agent_subject(agent))
    return {"role": "Agent", "appType": "agent", "subject": subject}


def _sender(kind: str) -> Action:
    return deed(lambda agents, one, fields: agents.offer(one, fields, kind))


EXTRA_ACTIONS: dict[str, Action] = {
    "fail": deed(lambda agents, one, fields: agents.fail_message(one, fields)),
    "idle": deed(lambda agents, one, fields: agents.idle(one, fields)),
    "place": deed(lambda agents, one, fields: agents.tell_place(one, fields)),
}
RICH_MESSAGES: dict[str, Action] = {kind: _sender(kind) for kind in KINDS}
