"""How simulated work reaches live agents, and the events that tell of it.

The event sequences are those of the contract's canonical lifecycles (happy path, transfer,
conference, decline, inactivity, end). Salesforce documents no order for the events of one
acceptance: `order_shuffle` plays them in any.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from integrations.simulators.simulator import DeskError
from integrations.vendors.salesforce_messaging.simulator.state import (
    Conversation,
    LiveAgent,
    Session,
    named_record_id,
    new_record_id,
)
from integrations.vendors.salesforce_messaging.simulator.world import Org


def start_session(org: Org, conversation: Conversation, attributes: Mapping[str, str]) -> None:
    """Open a messaging session and route it to the channel's queue."""
    declared = org.switches.custom_parameters
    session = Session(
        queue=org.switches.queue,
        attributes=dict(attributes),
        fields={declared[name]: value for name, value in attributes.items() if name in declared},
    )
    conversation.sessions.append(session)
    if org.switches.agents_offline:
        session.routing_status = "NEEDS_ROUTING"
        emit_routing_result(org, conversation, "Initial", error="No agent is available")
        return
    emit_routing_result(org, conversation, "Initial")
    announce_positions(org, session.queue)
    if org.switches.auto_response:
        say_automatically(org, conversation, org.switches.auto_response)


def take_work(org: Org, conversation: Conversation, session: Session, agent: LiveAgent) -> None:
    """Let an agent have the work."""
    routing_type = session.routing_type
    session.work_item_id = new_record_id("0Bz")
    session.routing_status = "ROUTED"
    session.agents.append(agent)
    steps: list[Callable[[], None]] = [
        lambda: emit_work_result(org, conversation, agent, "Accepted", routing_type),
        lambda: _emit_participant(org, conversation, agent, "add"),
    ]
    if routing_type == "Initial":
        steps.insert(
            0, lambda: emit_work_result(org, conversation, agent, "Assigned", routing_type)
        )
    if session.status != "Active":
        steps.append(lambda: change_status(org, conversation, session, "Active"))
    if org.switches.order_shuffle:
        random.shuffle(steps)
    for step in steps:
        step()


def end_session(org: Org, conversation: Conversation, role: str) -> None:
    """End the open session for everybody; the conversation stays."""
    session = open_session(conversation)
    for agent in list(session.agents):
        remove_agent(org, conversation, agent)
    session.routing_status = "NEEDS_ROUTING"
    session.ended_by_role = role
    session.ended_at = int(time.time())
    change_status(org, conversation, session, "Ended")
    announce_positions(org, session.queue)


def wake_up(org: Org, conversation: Conversation) -> None:
    """Let a new message of the end user reactivate an inactive session."""
    session = conversation.session
    if session and session.status == "Inactive":
        change_status(org, conversation, session, "Active" if session.agents else "Waiting")


# -- Looking up -----------------------------------------------------------------------------------


def open_session(conversation: Conversation) -> Session:
    """Return the open session; raises DeskError when there is none."""
    if conversation.session is None:
        raise DeskError(409, "This messaging session has ended.")
    return conversation.session


def active_session(conversation: Conversation) -> Session:
    """Return the open session of which an agent is part; raises DeskError when there is none."""
    session = open_session(conversation)
    if not session.agents:
        raise DeskError(409, "No agent is in this conversation; accept it first.")
    return session


# -- Events ---------------------------------------------------------------------------------------


def change_status(org: Org, conversation: Conversation, session: Session, status: str) -> None:
    """Move the session to a status and tell the end user's clients."""
    previous, session.status = session.status, status
    org.emit(
        conversation,
        "SessionStatusChanged",
        {
            "sessionId": session.session_id,
            "sessionStatus": status,
            "sessionStatusPrev": previous,
            "sessionEndedByRole": session.ended_by_role,
            "sessionStartTime": session.started_at,
            "sessionEndTime": session.ended_at,
            "conversationIdentifier": conversation.conversation_id,
            "channelAddressIdentifier": org.channel_address_identifier,
        },
    )


def say_automatically(org: Org, conversation: Conversation, text: str) -> None:
    """Send one of the channel's automated responses."""
    identifier = str(uuid.uuid4())
    message = {
        "id": identifier,
        "messageType": "StaticContentMessage",
        "inReplyToMessageId": None,
        "staticContent": {"formatType": "Text", "text": text},
    }
    payload = {"abstractMessage": message, "messageReason": "AutomatedResponse"}
    org.emit(conversation, "Message", payload, identifier=identifier)


def announce_positions(org: Org, queue: str) -> None:
    """Tell everybody who waits in a queue which place they have."""
    if not org.switches.queue_positions:
        return
    for position, conversation in enumerate(org.queue_of(queue), start=1):
        announce_position(org, conversation, position)


def announce_position(org: Org, conversation: Conversation, position: int) -> None:
    """Tell one end user which place in the queue they have."""
    session = open_session(conversation)
    org.emit(
        conversation,
        "QueuePosition",
        {
            "pendingServiceRoutingId": session.pending_routing_id,
            "workItemId": session.work_item_id,
            "position": position,
        },
    )


def emit_routing_result(
    org: Org,
    conversation: Conversation,
    routing_type: str,
    *,
    error: str | None = None,
    agent_name: str | None = None,
) -> None:
    """Tell which queue or agent the work goes to, or why to none."""
    session = open_session(conversation)
    target = (
        {
            "routingConfigurationType": "AgentRoutingType",
            "agentId": named_record_id("005", agent_name),
        }
        if agent_name
        else {
            "routingConfigurationType": "QueueRoutingType",
            "queueId": named_record_id("00G", session.queue),
        }
    )
    payload: dict[str, Any] = {
        "routingType": routing_type,
        "failureType": "RoutingError" if error else "None",
        "errorMessages": [error] if error else [],
        "failureReason": error,
        "recordId": session.session_id,
        "pendingServiceRoutingId": None if error else session.pending_routing_id,
        "isExternallyRouted": False,
        "estimatedWaitTime": _estimated_wait(org, is_known=error is None),
        "routingConfigurationDetails": target,
    }
    org.emit(conversation, "RoutingResult", payload)


def _estimated_wait(org: Org, *, is_known: bool) -> dict[str, Any]:
    if not is_known or org.switches.ewt_seconds is None:
        return {"isEWTRequested": False}
    return {"isEWTRequested": True, "estimatedWaitTimeInSeconds": org.switches.ewt_seconds}


def emit_work_result(
    org: Org, conversation: Conversation, agent: LiveAgent, work_type: str, routing_type: str
) -> None:
    """Tell what an agent did with the work offered."""
    session = open_session(conversation)
    org.emit(
        conversation,
        "RoutingWorkResult",
        {
            "workId": session.work_item_id,
            "workTargetId": session.session_id,
            "workType": work_type,
            "errorMessages": [],
            "queueId": named_record_id("00G", session.queue),
            "agentGroupIds": [],
            "routingType": routing_type,
        },
        sender=agent.participant,
        sender_name=agent.name,
    )


def add_agent(org: Org, conversation: Conversation, agent: LiveAgent) -> None:
    """Let somebody come in beside those who are there."""
    active_session(conversation).agents.append(agent)
    _emit_participant(org, conversation, agent, "add")


def remove_agent(org: Org, conversation: Conversation, agent: LiveAgent) -> None:
    """Let somebody go."""
    open_session(conversation).agents.remove(agent)
    _emit_participant(org, conversation, agent, "remove")


def _emit_participant(
    org: Org, conversation: Conversation, agent: LiveAgent, operation: str
) -> None:
    changed = {
        "operation": operation,
        "participant": agent.participant,
        "displayName": agent.name,
        "menuMetadata": None,
    }
    org.emit(conversation, "ParticipantChanged", {"entries": [changed]})
