"""How a simulated conversation begins and waits: threading, the Architect flow, the queue, ends.

The flow is the one the set-up guide describes: greet if told to, read the queue's name from
participant data, Transfer to ACD.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from integrations.vendors.genesys.simulator import outbound
from integrations.vendors.genesys.simulator.app import Change
from integrations.vendors.genesys.simulator.outbound import (
    queue_fields,
    tell,
    tell_attributes,
    tell_end,
)
from integrations.vendors.genesys.simulator.state import Conversation, Participant, now_ms
from integrations.vendors.genesys.simulator.world import Org

FLOW_NAME = "Inbound message flow"
FLOW_TYPE = "INBOUNDSHORTMESSAGE"


def conversation_for(
    org: Org, integration_id: str, sender: Mapping[str, str], attributes: Mapping[str, str]
) -> tuple[Conversation, bool]:
    """Return the conversation an inbound message belongs to, and whether a flow must begin."""
    latest = org.latest(integration_id, sender["id"])
    if latest is not None and latest.is_connected:
        return latest, False
    if latest is None or not _is_in_window(org, latest):
        latest = new_conversation(org, integration_id, sender)
    join(org, latest, attributes)
    return latest, True


def new_conversation(org: Org, integration_id: str, sender: Mapping[str, str]) -> Conversation:
    """Make a conversation without any participant."""
    conversation = Conversation(
        integration_id=integration_id,
        external_id=sender["id"],
        id_type=sender.get("idType", "Opaque"),
        nickname=sender.get("nickname", ""),
        email=sender.get("email", ""),
    )
    org.conversations[conversation.id] = conversation
    return conversation


def join(org: Org, conversation: Conversation, attributes: Mapping[str, str]) -> Participant:
    """Add a customer's leg; what a reopened conversation knew of them stays behind."""
    customer = Participant(
        purpose="customer",
        name=conversation.nickname or conversation.external_id,
        attributes=dict(attributes),
        connected_at=now_ms(),
    )
    conversation.participants.append(customer)
    tell(org, conversation, "customer.start", customer)
    if attributes:
        tell_attributes(org, conversation, customer)
    return customer


def _is_in_window(org: Org, conversation: Conversation) -> bool:
    window = org.switches.threading_minutes * 60_000
    return now_ms() - (conversation.customer.ended_at or 0) < window


# -- The flow -------------------------------------------------------------------------------------


def begin_flow(org: Org, conversation: Conversation, change: Change) -> None:
    """Run the flow attached to the integration's address; without one nothing happens."""
    integration = org.integrations[conversation.integration_id]
    if integration.flow_id is None:
        conversation.note("No flow is attached: the message is swallowed")
        return
    workflow = Participant(purpose="workflow", name=FLOW_NAME, connected_at=now_ms())
    conversation.participants.append(workflow)
    fields = {"flowId": integration.flow_id, "flowType": FLOW_TYPE, "flowVersion": "1.0"}
    tell(org, conversation, "flow.start", workflow, **fields)
    if org.switches.flow_delay_seconds:
        _later(org, conversation, workflow, change)
    else:
        finish_flow(org, conversation, workflow)


def _later(org: Org, conversation: Conversation, workflow: Participant, change: Change) -> None:
    def finish() -> None:
        with change():
            # A reset may have come in between.
            if org.conversations.get(conversation.id) is conversation and workflow.is_live:
                finish_flow(org, conversation, workflow)

    timer = threading.Timer(org.switches.flow_delay_seconds, finish)
    timer.daemon = True
    timer.start()


def finish_flow(org: Org, conversation: Conversation, workflow: Participant) -> None:
    """Greet, then hand the conversation to its queue, or end it without an agent."""
    switches = org.switches
    if switches.flow_greeting:
        outbound.say(
            org, conversation, workflow, text=switches.flow_greeting, originating_entity="Bot"
        )
    if switches.flow_exit:
        _leave_flow(org, conversation, workflow, "client", exitReason=switches.flow_exit)
        conversation.note("The flow ended without an agent")
        end_customer(org, conversation, "system")
        return
    wanted = conversation.customer.attributes.get(switches.queue_attribute, "")
    queue = wanted if wanted in org.queue_names() else switches.queue
    _leave_flow(org, conversation, workflow, "transfer", exitReason="TRANSFER", transferType="ACD")
    wait_in(org, conversation, queue)


def _leave_flow(
    org: Org, conversation: Conversation, workflow: Participant, how: str, **fields: str
) -> None:
    disconnect(workflow, how)
    flow_id = org.integrations[conversation.integration_id].flow_id
    times = {"connectedDurationMs": now_ms() - workflow.started_at, "disconnectType": how.upper()}
    fixed: dict[str, Any] = {"flowId": flow_id, "flowType": FLOW_TYPE, **times}
    tell(org, conversation, "flow.end", workflow, **fixed, **fields)


# -- The queue ------------------------------------------------------------------------------------


def wait_in(org: Org, conversation: Conversation, queue: str) -> None:
    """Put the conversation into a queue."""
    leg = Participant(purpose="acd", name=queue, queue=queue, connected_at=now_ms())
    conversation.participants.append(leg)
    conversation.note(f"Waiting in {queue}")
    tell(org, conversation, "acd.start", leg, **queue_fields(leg))


def leave_queue(org: Org, conversation: Conversation, outcome: str, **fields: Any) -> None:
    """End the queue's leg: somebody answered, the customer left, or the flow took over."""
    leg = conversation.waiting
    if leg is None:
        return
    how = "transfer" if outcome == "ANSWERED" else "client"
    disconnect(leg, how)
    times = {"connectedDurationMs": now_ms() - leg.started_at, "disconnectType": how.upper()}
    known = {**queue_fields(leg), "acdOutcome": outcome, **times}
    tell(org, conversation, "acd.end", leg, **known, **fields)


# -- Ends -----------------------------------------------------------------------------------------


def disconnect(participant: Participant, disconnect_type: str) -> None:
    """Let a leg be over."""
    participant.state = "disconnected"
    participant.ended_at = now_ms()
    participant.disconnect_type = disconnect_type


def end_customer(
    org: Org,
    conversation: Conversation,
    disconnect_type: str,
    *,
    agent_type: str = "peer",
    is_silent: bool = False,
) -> None:
    """End the conversation for everybody; nothing of it is posted to the webhook.

    With `is_silent` the customer's end is not told to listeners: only the REST object knows.
    """
    for leg in conversation.of("agent"):
        if leg.is_live:
            # Nobody can end what was never told to begin.
            is_told = leg.state == "connected" or org.switches.user_start_at == "alerting"
            disconnect(leg, agent_type)
            if is_told:
                tell_end(org, conversation, leg)
    leave_queue(org, conversation, "ABANDON")
    for leg in conversation.participants:
        if leg.is_live and leg is not conversation.customer:
            disconnect(leg, "peer")
    customer = conversation.customer
    disconnect(customer, disconnect_type)
    conversation.note(f"The conversation ended ({disconnect_type})")
    if not is_silent:
        tell_end(org, conversation, customer)
