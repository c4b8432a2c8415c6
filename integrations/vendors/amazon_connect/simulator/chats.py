"""The life of a chat: connected, in its flow, queued, with agents, transferred, over.

The sequences of items are those of the contract's lifecycle table.
"""

from __future__ import annotations

from integrations.simulators.desk import DeskError
from integrations.vendors.amazon_connect.simulator.instance import Instance
from integrations.vendors.amazon_connect.simulator.state import (
    AGENT,
    CREATED,
    ENDED,
    IN_FLOW,
    QUEUED,
    SYSTEM_NAME,
    WRAP,
    Chat,
    Contact,
    Participant,
    named_id,
    new_id,
)

UNSTAFFED = "Nobody is available at the moment. Please try again later."


def connect_customer(instance: Instance, chat: Chat) -> None:
    """Let the flow begin because the customer is there; later connections change nothing."""
    if chat.state != CREATED:
        return
    chat.state = IN_FLOW
    for item in chat.items:
        instance.publish(chat, item)
    instance.happen(chat, "participant.joined", chat.customer)
    switches = instance.switches
    if switches.agents_offline and switches.ends_unstaffed_chats:
        say_automatically(instance, chat, UNSTAFFED)
        end(instance, chat, "CONTACT_FLOW_DISCONNECT")
        return
    if switches.greeting:
        say_automatically(instance, chat, switches.greeting)
    enqueue(instance, chat, switches.queue)


def enqueue(instance: Instance, chat: Chat, queue: str) -> None:
    """Put a chat into a queue; an agent who waited for it takes it at once."""
    chat.state = QUEUED
    chat.contact.queue = queue
    chat.contact.enqueued_at = instance.now()
    waiting, chat.waiting_agent = chat.waiting_agent, ""
    if waiting and not instance.switches.agents_offline:
        _join(instance, chat, waiting)


def say_automatically(instance: Instance, chat: Chat, text: str) -> None:
    """Say something in the flow's name."""
    system = Participant(
        name=SYSTEM_NAME,
        role="SYSTEM",
        participant_id=named_id("system", chat.initial_contact_id),
    )
    instance.say(chat, system, text)


def accept(instance: Instance, chat: Chat, agent_name: str) -> None:
    """Let an agent take a waiting chat, or join the colleagues who have it.

    Before the flow has queued the chat nothing can be accepted; the agent then waits for it.
    """
    _check_open(chat)
    if chat.state == WRAP:
        raise DeskError(409, "Only the disconnect flow is left in this chat.")
    if agent_name in [agent.name for agent in chat.agents]:
        raise DeskError(409, f"{agent_name} is in this chat already.")
    if not chat.agents and instance.switches.agents_offline:
        raise DeskError(409, "All agents are offline.")
    if chat.state in (CREATED, IN_FLOW):
        chat.waiting_agent = agent_name
        return
    _join(instance, chat, agent_name)


def _join(instance: Instance, chat: Chat, agent_name: str) -> None:
    agent = Participant(name=agent_name, role="AGENT")
    chat.state = AGENT
    chat.agents.append(agent)
    if len(chat.agents) == 1:
        chat.contact.agent_name = agent_name
        chat.contact.connected_at = instance.now()
    instance.happen(chat, "participant.joined", agent)
    if instance.switches.auto_delivered and len(chat.agents) == 1:
        deliver_pending(instance, chat, agent)


def join_as_supervisor(instance: Instance, chat: Chat, name: str) -> None:
    """Let a supervisor barge in."""
    _check_staffed(chat)
    supervisor = Participant(name=name, role="SUPERVISOR")
    chat.agents.append(supervisor)
    instance.happen(chat, "participant.joined", supervisor)


def deliver_pending(instance: Instance, chat: Chat, agent: Participant) -> None:
    """Have the agent's client confirm what the customer wrote; not with more than two people."""
    if len(chat.participants()) > 2:
        return
    for item in chat.items:
        if not item.is_said or item.sender != chat.customer:
            continue
        receipt = item.receipt_of(agent.participant_id)
        if receipt.delivered_at is None:
            receipt.delivered_at = instance.now() * 1000
            instance.publish_receipt(chat, item, receipt)


def read(instance: Instance, chat: Chat) -> None:
    """Mark what the customer wrote as read; not with more than two people."""
    agent = find_agent(chat, None)
    if len(chat.participants()) > 2:
        raise DeskError(409, "There are no receipts with more than two people.")
    for item in chat.items:
        if not item.is_said or item.sender != chat.customer:
            continue
        receipt = item.receipt_of(agent.participant_id)
        if receipt.read_at is None:
            receipt.read_at = instance.now() * 1000
            receipt.delivered_at = receipt.delivered_at or receipt.read_at
            instance.publish_receipt(chat, item, receipt)


def find_agent(chat: Chat, agent_name: str | None) -> Participant:
    """Return an agent of the chat, the first by default; raises DeskError without one."""
    _check_staffed(chat)
    for agent in chat.agents:
        if agent_name in (None, agent.name):
            return agent
    raise DeskError(409, f"{agent_name} is not in this chat.")


def leave(instance: Instance, chat: Chat, agent_name: str | None) -> None:
    """Let one agent go; after the last one the disconnect flow runs, or the chat ends."""
    agent = find_agent(chat, agent_name)
    _depart(instance, chat, agent)
    if chat.agents:
        return
    if instance.switches.disconnect_flow:
        chat.state = WRAP
        say_automatically(instance, chat, instance.switches.survey)
        return
    end(instance, chat, "AGENT_DISCONNECT")


def agent_ends(instance: Instance, chat: Chat) -> None:
    """Let all agents go; a chat in its disconnect flow ends altogether."""
    if chat.state == WRAP:
        end(instance, chat, "AGENT_DISCONNECT")
        return
    _check_staffed(chat)
    for agent in [*chat.agents]:
        leave(instance, chat, agent.name)


def _depart(instance: Instance, chat: Chat, agent: Participant) -> None:
    chat.agents.remove(agent)
    instance.happen(chat, "participant.left", agent)


def transfer(instance: Instance, chat: Chat, *, queue: str | None, agent_name: str | None) -> None:
    """Hand the chat to a queue, or to a colleague; it goes on under another contact id."""
    _check_staffed(chat)
    for agent in [*chat.agents]:
        _depart(instance, chat, agent)
    left = chat.contact
    left.disconnected_at = instance.now()
    left.disconnect_reason = "CONTACT_FLOW_DISCONNECT" if queue else "AGENT_DISCONNECT"
    chat.contacts.append(
        Contact(
            contact_id=new_id(),
            initiated_at=instance.now(),
            method="QUEUE_TRANSFER" if queue else "TRANSFER",
            queue=queue or left.queue,
        )
    )
    instance.happen(chat, "transfer.succeeded")
    enqueue(instance, chat, queue or left.queue)
    if agent_name:
        accept(instance, chat, agent_name)


def fail_transfer(instance: Instance, chat: Chat) -> None:
    """Let a transfer come to nothing; everybody stays."""
    _check_staffed(chat)
    instance.happen(chat, "transfer.failed")


def customer_leaves(instance: Instance, chat: Chat) -> None:
    """End the customer's part; without them the chat is over."""
    instance.happen(chat, "participant.left", chat.customer)
    if chat.ends_agent_on_exit:
        for agent in [*chat.agents]:
            _depart(instance, chat, agent)
    end(instance, chat, "CUSTOMER_DISCONNECT")


def end(instance: Instance, chat: Chat, reason: str) -> None:
    """End a chat for everybody; the only end there is."""
    chat.agents.clear()
    chat.state = ENDED
    chat.waiting_agent = ""
    chat.contact.disconnected_at = instance.now()
    chat.contact.disconnect_reason = reason
    instance.happen(chat, "chat.ended")


def end_overdue(instance: Instance) -> None:
    """End the chats whose customer never connected, and those that have lasted long enough."""
    now = instance.now()
    for chat in instance.open_chats():
        is_late = now >= chat.created_at + instance.switches.connect_within_seconds
        is_over = now >= chat.created_at + chat.duration_minutes * 60
        if is_over or (is_late and chat.state == CREATED):
            end(instance, chat, "OTHER")


def grow_idle(instance: Instance, chat: Chat) -> None:
    """Let the customer's idle timer run out."""
    _check_staffed(chat)
    instance.happen(chat, "participant.idle", chat.customer)


def disconnect_idle(instance: Instance, chat: Chat) -> None:
    """Let the customer's disconnect timer run out."""
    _check_staffed(chat)
    instance.happen(chat, "participant.autodisconnection", chat.customer)
    customer_leaves(instance, chat)


def _check_open(chat: Chat) -> None:
    if chat.has_ended:
        raise DeskError(409, "The chat is over.")


def _check_staffed(chat: Chat) -> None:
    _check_open(chat)
    if not chat.agents:
        raise DeskError(409, "No agent is in this chat.")
