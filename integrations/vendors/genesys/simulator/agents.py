"""What a simulated live agent does: ring, accept, decline, talk, transfer, leave, end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.simulators.desk import (
    DEFAULT_AGENT_NAME,
    Action,
    DeskError,
    Fields,
    field_text,
)
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.world_simulator import deed
from integrations.vendors.genesys.simulator import flow, outbound
from integrations.vendors.genesys.simulator.outbound import queue_fields, tell, tell_end
from integrations.vendors.genesys.simulator.state import Conversation, Participant, named_id, now_ms
from integrations.vendors.genesys.simulator.world import Org


class Agents(LiveAgents[Conversation, Participant]):
    """All agents of the org."""

    def __init__(self, org: Org) -> None:
        self.org = org

    def those_in(self, conversation: Conversation) -> Mapping[str, Participant]:
        """Return who is in; refuses a conversation that is over."""
        _still_open(conversation)
        return {leg.name: leg for leg in conversation.agents}

    def join(self, conversation: Conversation, agent_name: str) -> None:
        """Take a waiting conversation, or join the colleagues who have it."""
        refuse_twice(agent_name, self.those_in(conversation))
        if conversation.agents:
            self._connect(conversation, self._ring(conversation, agent_name, conversation.queue))
            return
        ringing = conversation.alerting
        if ringing is not None and ringing.name != agent_name:
            raise DeskError(409, f"{ringing.name} is being called already.")
        self._connect(conversation, ringing or self.alert(conversation, agent_name))
        user_id = named_id("user", agent_name)
        flow.leave_queue(self.org, conversation, "ANSWERED", answeredUserId=user_id)

    def say(self, conversation: Conversation, agent: Participant, text: str) -> None:
        """Send a text."""
        outbound.say(self.org, conversation, agent, text=text)

    def post(self, conversation: Conversation, fields: Fields, **body: Any) -> None:
        """Send anything else, in the name of a bot unless the desk says otherwise."""
        outbound.say(
            self.org,
            conversation,
            self.present(conversation, fields.get("agent_name")),
            text=fields.get("text"),
            originating_entity=str(fields.get("originatingEntity", "Bot")),
            **body,
        )

    def show_typing(
        self, conversation: Conversation, agent: Participant, *, is_typing: bool
    ) -> None:
        """Show typing; the vendor has no way to say that it stopped."""
        if is_typing:
            outbound.show_typing(self.org, conversation)

    def send_file(self, conversation: Conversation, agent: Participant, stored: StoredFile) -> None:
        """Send a file: the portal gets a signed address that expires."""
        content = outbound.attachment_content(self.org, stored)
        outbound.say(self.org, conversation, agent, content=content)

    def read(self, conversation: Conversation, agent: Participant) -> None:
        """Mark what the end user wrote as read; Open Messaging tells nobody."""
        for message in conversation.messages:
            if message.direction == "inbound":
                message.is_read = True

    def transfer_to_queue(self, conversation: Conversation, queue: str) -> None:
        """Let the agents go and the conversation wait in a queue."""
        self.present(conversation)
        if queue not in self.org.queue_names():
            raise DeskError(404, f"There is no queue {queue!r}.")
        for leg in conversation.agents:
            self._go(conversation, leg, "transfer")
        flow.wait_in(self.org, conversation, queue)

    def transfer_to_agent(self, conversation: Conversation, agent_name: str) -> None:
        """Let the first agent go and a colleague accept at once, past the queue."""
        leg = self.present(conversation)
        refuse_twice(agent_name, self.those_in(conversation))
        self._require_agents()
        self._go(conversation, leg, "transfer")
        self._connect(conversation, self._ring(conversation, agent_name, leg.queue))

    def leave(
        self, conversation: Conversation, agent: Participant, *, is_session_kept: bool = False
    ) -> None:
        """Disconnect an agent; with the last one the customer is disconnected as well.

        With `is_session_kept` the customer's leg stays connected, with nobody at the other end.
        """
        self._go(conversation, agent, "client")
        if not conversation.agents and not is_session_kept:
            flow.end_customer(self.org, conversation, "peer")

    def end(self, conversation: Conversation, *, is_silent: bool = False) -> None:
        """End the conversation as the agent's End button does: both legs, at once."""
        self.present(conversation)
        flow.end_customer(self.org, conversation, "peer", agent_type="client", is_silent=is_silent)

    # -- What only this vendor's desk has -----------------------------------------------------

    def alert(self, conversation: Conversation, agent_name: str) -> Participant:
        """Let an agent's desktop ring for a waiting conversation."""
        _still_open(conversation)
        if conversation.waiting is None:
            raise DeskError(409, "Nothing waits here to be accepted.")
        self._require_agents()
        if conversation.alerting is not None:
            raise DeskError(409, f"{conversation.alerting.name} is being called already.")
        return self._ring(conversation, agent_name, conversation.queue)

    def decline(self, conversation: Conversation, agent_name: str) -> None:
        """Let an agent not answer; the conversation goes on waiting."""
        leg = conversation.alerting or self.alert(conversation, agent_name)
        flow.disconnect(leg, "transfer.noanswer")
        conversation.note(f"{leg.name} did not answer")
        # Nobody can end what was never told to begin.
        if self.org.switches.user_start_at == "alerting":
            tell_end(self.org, conversation, leg)

    def conference(self, conversation: Conversation, agent_name: str) -> None:
        """Join the colleagues who have it."""
        self.present(conversation)
        self.join(conversation, agent_name)

    def grow_idle(self, conversation: Conversation) -> None:
        """Let the queue's inactivity timer run out."""
        _still_open(conversation)
        flow.end_customer(self.org, conversation, "inactivity", agent_type="inactivity")

    def fail_message(self, conversation: Conversation, reason: str) -> None:
        """Tell late that the end user's last message did not reach the agent."""
        said = [one for one in conversation.messages if one.direction == "inbound"]
        if not said:
            raise DeskError(409, "The end user has said nothing.")
        self.org.refused.add(said[-1].id)
        outbound.post_receipt(self.org, conversation, said[-1].id, "Failed", reason)

    def fail_routing(self, conversation: Conversation) -> None:
        """Let the flow take the conversation out of its queue and end it."""
        if conversation.waiting is None:
            raise DeskError(409, "This conversation is not being routed.")
        flow.leave_queue(self.org, conversation, "FLOW_OUT")
        flow.end_customer(self.org, conversation, "system")

    # -- Legs ---------------------------------------------------------------------------------

    def _require_agents(self) -> None:
        if self.org.switches.agents_offline:
            raise DeskError(409, "All agents are offline.")

    def _ring(self, conversation: Conversation, agent_name: str, queue: str) -> Participant:
        leg = Participant(
            purpose="agent", name=agent_name, queue=queue, state="alerting", alerted_at=now_ms()
        )
        conversation.participants.append(leg)
        self._tell_start(conversation, leg)
        return leg

    def _connect(self, conversation: Conversation, leg: Participant) -> None:
        leg.state = "connected"
        leg.connected_at = now_ms()
        conversation.note(f"{leg.name} joined")
        self._tell_start(conversation, leg)

    def _tell_start(self, conversation: Conversation, leg: Participant) -> None:
        if self.org.switches.user_start_at == leg.state:
            tell(self.org, conversation, "user.start", leg, **queue_fields(leg))

    def _go(self, conversation: Conversation, leg: Participant, disconnect_type: str) -> None:
        flow.disconnect(leg, disconnect_type)
        conversation.note(f"{leg.name} left")
        tell_end(self.org, conversation, leg)


def _still_open(conversation: Conversation) -> None:
    if not conversation.is_connected:
        raise DeskError(409, "This conversation has ended.")


def _leave(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    agent = agents.present(conversation, fields.get("agent_name"))
    agents.leave(conversation, agent, is_session_kept=bool(fields.get("is_session_kept", False)))


def _name(fields: Fields) -> str:
    given = {"agent_name": DEFAULT_AGENT_NAME, **fields}
    return field_text(given, "agent_name")


ACTIONS: Mapping[str, Action] = {
    "leave": deed(_leave),
    "end": deed(lambda a, c, fields: a.end(c, is_silent=bool(fields.get("is_silent", False)))),
    "alert": deed(lambda a, c, fields: a.alert(c, _name(fields))),
    "decline": deed(lambda a, c, fields: a.decline(c, _name(fields))),
    "conference": deed(lambda a, c, fields: a.conference(c, field_text(fields, "agent_name"))),
    "fail_routing": deed(lambda a, c, _fields: a.fail_routing(c)),
    "fail_message": deed(
        lambda a, c, fields: a.fail_message(c, str(fields.get("reason", "GeneralError")))
    ),
    "idle": deed(lambda a, c, _fields: a.grow_idle(c)),
}
