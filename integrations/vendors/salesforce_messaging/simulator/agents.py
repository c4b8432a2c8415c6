"""What a live agent does in the simulated org: accept, say, transfer, leave, end, and the rest."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from integrations.simulators.desk import DEFAULT_AGENT_NAME, Action, DeskError, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.world_simulator import deed
from integrations.vendors.salesforce_messaging.simulator import messages, rich, routing
from integrations.vendors.salesforce_messaging.simulator.state import (
    Conversation,
    Entry,
    LiveAgent,
    Session,
)
from integrations.vendors.salesforce_messaging.simulator.world import Org

Json = Mapping[str, Any]
OFFLINE = "No agent is available"


class Agents(LiveAgents[Conversation, LiveAgent]):
    """The org's agents and supervisors."""

    def __init__(self, org: Org) -> None:
        self.org = org

    def those_in(self, conversation: Conversation) -> Mapping[str, LiveAgent]:
        """Return who is part of the open session; the owner is first."""
        return {agent.name: agent for agent in routing.open_session(conversation).agents}

    def join(self, conversation: Conversation, agent_name: str) -> None:
        """Take waiting work, or join the colleagues who have it."""
        refuse_twice(agent_name, self.those_in(conversation))
        session, agent = routing.open_session(conversation), LiveAgent(name=agent_name)
        if session.agents:
            routing.emit_routing_result(self.org, conversation, "Conference")
            routing.add_agent(self.org, conversation, agent)
        else:
            _waiting(conversation)
            if self.org.switches.agents_offline:
                raise DeskError(409, "All agents are offline.")
            routing.take_work(self.org, conversation, session, agent)
            routing.announce_positions(self.org, session.queue)
        messages.deliver_pending(self.org, conversation)

    def say(self, conversation: Conversation, agent: LiveAgent, text: str) -> None:
        """Send a text."""
        self.send(conversation, agent, messages.static_text(text))

    def send(self, conversation: Conversation, agent: LiveAgent, message: Json) -> None:
        """Send a message of any type, given as the abstract message without its id."""
        identifier = str(uuid.uuid4())
        abstract = {"id": identifier, "inReplyToMessageId": None, **message}
        self.org.emit(
            conversation,
            "Message",
            {"abstractMessage": abstract, "messageReason": None},
            sender=agent.participant,
            sender_name=agent.name,
            identifier=identifier,
        )

    def show_typing(self, conversation: Conversation, agent: LiveAgent, *, is_typing: bool) -> None:
        """Start or stop the typing indicator."""
        messages.show_typing(self.org, conversation, agent, is_typing=is_typing)

    def send_file(self, conversation: Conversation, agent: LiveAgent, stored: StoredFile) -> None:
        """Send a file; the end user's client gets an address without a token."""
        url = self.org.file_url(stored.file_id)
        self.send(conversation, agent, messages.attachments(stored, url))

    def read(self, conversation: Conversation, agent: LiveAgent) -> None:
        """Read all that the end user wrote."""
        messages.mark_read(self.org, conversation, agent)

    def transfer_to_queue(self, conversation: Conversation, queue: str) -> None:
        """Let the owner go and the work wait in a queue; the session stays as it is."""
        session = routing.active_session(conversation)
        if self._is_transfer_refused(conversation):
            return
        session.queue = queue
        routing.emit_routing_result(self.org, conversation, "Transfer")
        session.routing_status = "TRANSFER"
        for agent in list(session.agents):
            routing.remove_agent(self.org, conversation, agent)
        routing.announce_positions(self.org, queue)

    def transfer_to_agent(self, conversation: Conversation, agent_name: str) -> None:
        """Let the owner go and a colleague accept at once."""
        session = routing.active_session(conversation)
        refuse_twice(agent_name, self.those_in(conversation))
        if self._is_transfer_refused(conversation):
            return
        routing.emit_routing_result(self.org, conversation, "Transfer", agent_name=agent_name)
        session.routing_status = "TRANSFER"
        routing.remove_agent(self.org, conversation, session.agents[0])
        routing.take_work(self.org, conversation, session, LiveAgent(name=agent_name))

    def leave(
        self, conversation: Conversation, agent: LiveAgent, *, is_session_kept: bool = False
    ) -> None:
        """Go; when the last one has gone nobody owns the work and the session ends.

        With `is_session_kept` the end of the session is never told: only the routing status
        says so.
        """
        session = routing.active_session(conversation)
        routing.remove_agent(self.org, conversation, agent)
        if [one for one in session.agents if one.role == "Agent"]:
            return
        session.routing_status = "NEEDS_ROUTING"
        if not is_session_kept:
            routing.end_session(self.org, conversation, "Agent")

    def end(self, conversation: Conversation) -> None:
        """End the messaging session."""
        routing.active_session(conversation)
        routing.end_session(self.org, conversation, "Agent")

    def bot(self, conversation: Conversation, fields: Fields) -> LiveAgent:
        """Return the org's bot, which speaks whether or not somebody has accepted."""
        routing.open_session(conversation)
        name = fields.get("bot_name") or self.org.switches.bot_name
        return LiveAgent(name=str(name), role="Chatbot")

    def sender(self, conversation: Conversation, fields: Fields) -> LiveAgent:
        """Return who sends what is more than text: a live agent who is in, else the bot."""
        if fields.get("by") == "bot" or not routing.open_session(conversation).agents:
            return self.bot(conversation, fields)
        return self.present(conversation, fields.get("agent_name"))

    def _is_transfer_refused(self, conversation: Conversation) -> bool:
        is_refused = self.org.switches.agents_offline
        if is_refused:
            routing.emit_routing_result(self.org, conversation, "Transfer", error=OFFLINE)
        return is_refused


# -- What only this desk can do --------------------------------------------------------------------


def _leave(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    agent = agents.present(conversation, fields.get("agent_name"))
    is_session_kept = bool(fields.get("is_session_kept", False))
    agents.leave(conversation, agent, is_session_kept=is_session_kept)


def _decline(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    """Refuse the work offered; it goes on waiting."""
    kind = _waiting(conversation).routing_type
    agent = LiveAgent(name=fields.get("agent_name") or DEFAULT_AGENT_NAME)
    for work_type in ("Assigned", "Declined"):
        routing.emit_work_result(agents.org, conversation, agent, work_type, kind)


def _fail_routing(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    """Give up looking for an agent: nobody with the skill is there."""
    session = _waiting(conversation)
    kind, session.routing_status = session.routing_type, "NEEDS_ROUTING"
    error = fields.get("message") or "No skilled agent"
    routing.emit_routing_result(agents.org, conversation, kind, error=error)


def _waiting(conversation: Conversation) -> Session:
    session = routing.open_session(conversation)
    if not session.is_waiting:
        raise DeskError(409, "Nothing waits here for an agent.")
    return session


def _supervise(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    """Let a supervisor join the agent's conversation."""
    supervisor = LiveAgent(name=fields.get("agent_name") or "Ruth Abara", role="Supervisor")
    routing.add_agent(agents.org, conversation, supervisor)


def _grow_idle(agents: Agents, conversation: Conversation, _fields: Fields) -> None:
    """Let the customer-inactivity timeout pass: warned first, ended when it passes again."""
    session = routing.open_session(conversation)
    if session.status == "Inactive":
        routing.end_session(agents.org, conversation, "System")
        return
    routing.active_session(conversation)
    warning = "Are you still there? This chat will end soon."
    routing.say_automatically(agents.org, conversation, warning)
    routing.change_status(agents.org, conversation, session, "Inactive")


def _let_flow_end(agents: Agents, conversation: Conversation, _fields: Fields) -> None:
    """Have the flow end what waits: outside its hours, or with an error."""
    _waiting(conversation)
    routing.end_session(agents.org, conversation, "System")


def _lose_session(_agents: Agents, conversation: Conversation, _fields: Fields) -> None:
    """Let the session be over without a word, as one that timed out unseen."""
    session = routing.open_session(conversation)
    session.agents.clear()
    session.status, session.routing_status = "Ended", "NEEDS_ROUTING"


def _send_any(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    message = fields.get("message")
    if not isinstance(message, Mapping) or not isinstance(message.get("messageType"), str):
        raise DeskError(400, "message must be an abstract message without id.")
    agents.send(conversation, agents.sender(conversation, fields), message)


def _send_rich(kind: str) -> Action:
    return deed(
        lambda agents, one, fields: agents.send(
            one, agents.sender(one, fields), rich.KINDS[kind](agents.org, fields)
        )
    )


def _bot_says(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    message = messages.static_text(str(fields.get("text") or "How can I help?"))
    agents.send(conversation, agents.bot(conversation, fields), message)


def _edit(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    entry = _latest(conversation, lambda one: not one.is_from_end_user and one.is_static, fields)
    messages.revise(agents.org, conversation, entry, text=str(fields["text"]))


def _fail_delivery(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    entry = _latest(conversation, lambda one: one.is_from_end_user, fields)
    code = str(fields.get("error_code") or "DELIVERY_FAILED")
    messages.fail_delivery(agents.org, conversation, entry, code)


def _fail_upload(agents: Agents, conversation: Conversation, fields: Fields) -> None:
    entry = _latest(conversation, lambda one: one.is_from_end_user and one.has_files, fields)
    error_type = str(fields.get("error_type") or "InternalServerError")
    messages.fail_upload(agents.org, conversation, entry, error_type)


def _latest(conversation: Conversation, is_meant: Callable[[Entry], bool], fields: Fields) -> Entry:
    """Return a message by its id, or the latest one of a kind; raises DeskError."""
    wanted = fields.get("message_id")
    for one in reversed(conversation.messages()):
        if is_meant(one) and wanted in (None, one.identifier):
            return one
    raise DeskError(409, "There is no such message in this conversation.")


ACTIONS: dict[str, Action] = {
    "leave": deed(_leave),
    "conference": deed(lambda agents, one, f: agents.join(one, f["agent_name"])),
    "decline": deed(_decline),
    "fail_routing": deed(_fail_routing),
    "supervise": deed(_supervise),
    "idle": deed(_grow_idle),
    "flow_ends": deed(_let_flow_end),
    "position": deed(
        lambda agents, one, f: routing.announce_position(agents.org, one, int(f["position"]))
    ),
    "message": deed(_send_any),
    "bot": deed(_bot_says),
    "edit": deed(_edit),
    "fail_delivery": deed(_fail_delivery),
    "fail_upload": deed(_fail_upload),
    "lose_session": deed(_lose_session),
}
RICH_MESSAGES: dict[str, Action] = {kind: _send_rich(kind) for kind in rich.KINDS}
