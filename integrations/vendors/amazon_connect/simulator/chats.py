"""The life of a chat: connected, in its flow, queued, with agents, over.

The sequences of items are those of the contract's lifecycle table.
"""

from __future__ import annotations

from integrations.vendors.amazon_connect.simulator.state import (
    AGENT,
    CREATED,
    ENDED,
    IN_FLOW,
    QUEUED,
    SYSTEM_NAME,
    Chat,
    Participant,
    named_id,
)
from integrations.vendors.amazon_connect.simulator.world import Instance

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
        join(instance, chat, waiting)


def say_automatically(instance: Instance, chat: Chat, text: str) -> None:
    """Say something in the flow's name."""
    system = Participant(
        name=SYSTEM_NAME,
        role="SYSTEM",
        participant_id=named_id("system", chat.initial_contact_id),
    )
    instance.say(chat, system, text)


def join(instance: Instance, chat: Chat, agent_name: str) -> None:
    """Let an agent come in."""
    agent = Participant(name=agent_name, role="AGENT")
    chat.state = AGENT
    chat.agents.append(agent)
    if len(chat.agents) == 1:
        chat.contact.agent_name = agent_name
        chat.contact.connected_at = instance.now()
    instance.happen(chat, "participant.joined", agent)
    if instance.switches.auto_delivered and len(chat.agents) == 1:
        deliver_pending(instance, chat, agent)


def deliver_pending(instance: Instance, chat: Chat, agent: Participant) -> None:
    """Have the agent's client confirm what the customer wrote; not with more than two people."""
    if len(chat.participants()) > 2:
        return
    for item in chat.said_by_customer():
        receipt = item.receipt_of(agent.participant_id)
        if receipt.delivered_at is None:
            receipt.delivered_at = instance.now() * 1000
            instance.publish_receipt(chat, item, receipt)


def depart(instance: Instance, chat: Chat, agent: Participant) -> None:
    """Let an agent go."""
    chat.agents.remove(agent)
    instance.happen(chat, "participant.left", agent)


def customer_leaves(instance: Instance, chat: Chat) -> None:
    """End the customer's part; without them the chat is over."""
    instance.happen(chat, "participant.left", chat.customer)
    if chat.ends_agent_on_exit:
        for agent in [*chat.agents]:
            depart(instance, chat, agent)
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
