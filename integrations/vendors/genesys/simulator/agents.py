"""What a simulated live agent does: ring, accept, decline, transfer, leave, end."""

from __future__ import annotations

from integrations.simulators.simulator import DeskError
from integrations.vendors.genesys.simulator import flow
from integrations.vendors.genesys.simulator.events import queue_fields, tell, tell_end
from integrations.vendors.genesys.simulator.org import Org
from integrations.vendors.genesys.simulator.state import Conversation, Participant, named_id, now_ms


def alert(org: Org, conversation: Conversation, agent_name: str) -> Participant:
    """Let an agent's desktop ring for a waiting conversation."""
    _still_open(conversation)
    if conversation.waiting is None:
        raise DeskError(409, "Nothing waits here to be accepted.")
    if org.switches.agents_offline:
        raise DeskError(409, "All agents are offline.")
    if conversation.alerting is not None:
        raise DeskError(409, f"{conversation.alerting.name} is being called already.")
    return _ring(org, conversation, agent_name, conversation.queue)


def accept(org: Org, conversation: Conversation, agent_name: str) -> None:
    """Let an agent take a waiting conversation, or join the colleagues who have it."""
    _still_open(conversation)
    if agent_name in [one.name for one in conversation.agents]:
        raise DeskError(409, f"{agent_name} is in this conversation already.")
    if conversation.agents:
        _connect(org, conversation, _ring(org, conversation, agent_name, conversation.queue))
        return
    ringing = conversation.alerting
    if ringing is not None and ringing.name != agent_name:
        raise DeskError(409, f"{ringing.name} is being called already.")
    leg = ringing or alert(org, conversation, agent_name)
    _connect(org, conversation, leg)
    flow.leave_queue(org, conversation, "ANSWERED", answeredUserId=named_id("user", agent_name))


def decline(org: Org, conversation: Conversation, agent_name: str) -> None:
    """Let an agent not answer; the conversation goes on waiting."""
    leg = conversation.alerting or alert(org, conversation, agent_name)
    flow.disconnect(leg, "transfer.noanswer")
    conversation.note(f"{leg.name} did not answer")
    # Nobody can end what was never told to begin.
    if org.switches.user_start_at == "alerting":
        tell_end(org, conversation, leg)


def transfer_to_queue(org: Org, conversation: Conversation, queue: str) -> None:
    """Let the agents go and the conversation wait in a queue."""
    present(conversation)
    if queue not in org.queue_names():
        raise DeskError(404, f"There is no queue {queue!r}.")
    for leg in conversation.agents:
        _go(org, conversation, leg, "transfer")
    flow.wait_in(org, conversation, queue)


def transfer_to_agent(org: Org, conversation: Conversation, agent_name: str) -> None:
    """Let the first agent go and a colleague accept at once, past the queue."""
    leg = present(conversation)
    if agent_name in [one.name for one in conversation.agents]:
        raise DeskError(409, f"{agent_name} is in this conversation already.")
    if org.switches.agents_offline:
        raise DeskError(409, "All agents are offline.")
    _go(org, conversation, leg, "transfer")
    _connect(org, conversation, _ring(org, conversation, agent_name, leg.queue))


def leave(
    org: Org, conversation: Conversation, agent_name: str | None, *, is_session_kept: bool = False
) -> None:
    """Disconnect an agent; with the last one the customer is disconnected as well.

    With `is_session_kept` the customer's leg stays connected, with nobody at the other end.
    """
    leg = present(conversation, agent_name)
    _go(org, conversation, leg, "client")
    if not conversation.agents and not is_session_kept:
        flow.end_customer(org, conversation, "peer")


def end(org: Org, conversation: Conversation, *, is_silent: bool = False) -> None:
    """End the conversation as the agent's End button does: both legs, at once."""
    present(conversation)
    flow.end_customer(org, conversation, "peer", agent_type="client", is_silent=is_silent)


def grow_idle(org: Org, conversation: Conversation) -> None:
    """Let the queue's inactivity timer run out."""
    _still_open(conversation)
    flow.end_customer(org, conversation, "inactivity", agent_type="inactivity")


def present(conversation: Conversation, agent_name: str | None = None) -> Participant:
    """Return an agent who is in, the first without a name; raises DeskError when there is none."""
    _still_open(conversation)
    if not conversation.agents:
        raise DeskError(409, "No agent is in this conversation; accept it first.")
    for leg in conversation.agents:
        if agent_name in (None, leg.name):
            return leg
    raise DeskError(409, f"{agent_name} is not in this conversation.")


def _still_open(conversation: Conversation) -> None:
    if not conversation.is_connected:
        raise DeskError(409, "This conversation has ended.")


def _ring(org: Org, conversation: Conversation, agent_name: str, queue: str) -> Participant:
    leg = Participant(
        purpose="agent", name=agent_name, queue=queue, state="alerting", alerted_at=now_ms()
    )
    conversation.participants.append(leg)
    if org.switches.user_start_at == "alerting":
        tell(org, conversation, "user.start", leg, **queue_fields(leg))
    return leg


def _connect(org: Org, conversation: Conversation, leg: Participant) -> None:
    leg.state = "connected"
    leg.connected_at = now_ms()
    conversation.note(f"{leg.name} joined")
    if org.switches.user_start_at == "connected":
        tell(org, conversation, "user.start", leg, **queue_fields(leg))


def _go(org: Org, conversation: Conversation, leg: Participant, disconnect_type: str) -> None:
    flow.disconnect(leg, disconnect_type)
    conversation.note(f"{leg.name} left")
    tell_end(org, conversation, leg)
