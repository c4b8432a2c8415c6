"""How simulated work reaches live agents: queue, accept, transfer, conference, end.

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
from integrations.vendors.salesforce_messaging.simulator.org import Org
from integrations.vendors.salesforce_messaging.simulator.state import (
    Conversation,
    LiveAgent,
    Session,
    named_record_id,
    new_record_id,
)


def start_session(org: Org, conversation: Conversation, attributes: Mapping[str, str]) -> None:
    """Open a messaging session and route it to the channel's queue."""
    declared = org.switches.custom_parameters
    session = Session(
        queue=org.switches.queue,
        fields={declared[name]: value for name, value in attributes.items() if name in declared},
    )
    conversation.sessions.append(session)
    if org.switches.agents_offline:
        session.routing_status = "NEEDS_ROUTING"
        _emit_routing_result(org, conversation, "Initial", error="No agent is available")
        return
    _emit_routing_result(org, conversation, "Initial")
    announce_positions(org, session.queue)
    if org.switches.auto_response:
        say_automatically(org, conversation, org.switches.auto_response)


def accept(org: Org, conversation: Conversation, agent_name: str) -> None:
    """Let an agent take waiting work, or join the colleagues who have it."""
    session = open_session(conversation)
    if agent_name in [agent.name for agent in session.agents]:
        raise DeskError(409, f"{agent_name} is in this conversation already.")
    if session.agents:
        _emit_routing_result(org, conversation, "Conference")
        _add_agent(org, conversation, LiveAgent(name=agent_name))
        return
    if not session.is_waiting:
        raise DeskError(409, "Nothing waits here to be accepted.")
    if org.switches.agents_offline:
        raise DeskError(409, "All agents are offline.")
    _take_work(org, conversation, session, LiveAgent(name=agent_name))
    announce_positions(org, session.queue)


def _take_work(org: Org, conversation: Conversation, session: Session, agent: LiveAgent) -> None:
    routing_type = "Transfer" if session.routing_status == "TRANSFER" else "Initial"
    session.work_item_id = new_record_id("0Bz")
    session.routing_status = "ROUTED"
    session.agents.append(agent)
    steps: list[Callable[[], None]] = [
        lambda: _emit_work_result(org, conversation, agent, "Accepted", routing_type),
        lambda: _emit_participant(org, conversation, agent, "add"),
    ]
    if routing_type == "Initial":
        steps.insert(
            0, lambda: _emit_work_result(org, conversation, agent, "Assigned", routing_type)
        )
    if session.status != "Active":
        steps.append(lambda: change_status(org, conversation, session, "Active"))
    if org.switches.order_shuffle:
        random.shuffle(steps)
    for step in steps:
        step()


def decline(org: Org, conversation: Conversation, agent_name: str) -> None:
    """Let an agent refuse the work offered; it goes on waiting."""
    session = open_session(conversation)
    if not session.is_waiting:
        raise DeskError(409, "Nothing waits here to be declined.")
    agent = LiveAgent(name=agent_name)
    routing_type = "Transfer" if session.routing_status == "TRANSFER" else "Initial"
    for work_type in ("Assigned", "Declined"):
        _emit_work_result(org, conversation, agent, work_type, routing_type)


def fail_routing(org: Org, conversation: Conversation, message: str) -> None:
    """Give up looking for an agent: nobody with the skill is there."""
    session = open_session(conversation)
    if not session.is_waiting:
        raise DeskError(409, "This conversation is not being routed.")
    routing_type = "Transfer" if session.routing_status == "TRANSFER" else "Initial"
    session.routing_status = "NEEDS_ROUTING"
    _emit_routing_result(org, conversation, routing_type, error=message)


def transfer_to_queue(org: Org, conversation: Conversation, queue: str) -> None:
    """Let the owner go and the work wait in a queue; the session stays as it is."""
    session = active_session(conversation)
    if _is_transfer_refused(org, conversation):
        return
    session.queue = queue
    _emit_routing_result(org, conversation, "Transfer")
    session.routing_status = "TRANSFER"
    for agent in list(session.agents):
        _remove_agent(org, conversation, agent)
    announce_positions(org, queue)


def transfer_to_agent(org: Org, conversation: Conversation, agent_name: str) -> None:
    """Let the owner go and a colleague accept at once."""
    session = active_session(conversation)
    if agent_name in [agent.name for agent in session.agents]:
        raise DeskError(409, f"{agent_name} is in this conversation already.")
    if _is_transfer_refused(org, conversation):
        return
    _emit_routing_result(org, conversation, "Transfer", agent_name=agent_name)
    session.routing_status = "TRANSFER"
    _remove_agent(org, conversation, session.agents[0])
    _take_work(org, conversation, session, LiveAgent(name=agent_name))


def _is_transfer_refused(org: Org, conversation: Conversation) -> bool:
    if org.switches.agents_offline:
        _emit_routing_result(org, conversation, "Transfer", error="No agent is available")
    return org.switches.agents_offline


def join_as_supervisor(org: Org, conversation: Conversation, name: str) -> None:
    """Let a supervisor join the agent's conversation."""
    active_session(conversation)
    _add_agent(org, conversation, LiveAgent(name=name, role="Supervisor"))


def leave(
    org: Org, conversation: Conversation, agent_name: str | None, *, is_session_kept: bool = False
) -> None:
    """Remove an agent; when the last one goes nobody owns the work and the session ends.

    With `is_session_kept` the end of the session is never told: only the routing status says so.
    """
    session = active_session(conversation)
    _remove_agent(org, conversation, find_agent(session, agent_name))
    if [agent for agent in session.agents if agent.role == "Agent"]:
        return
    session.routing_status = "NEEDS_ROUTING"
    if not is_session_kept:
        end_session(org, conversation, "Agent")


def end_session(org: Org, conversation: Conversation, role: str) -> None:
    """End the open session for everybody; the conversation stays."""
    session = open_session(conversation)
    for agent in list(session.agents):
        _remove_agent(org, conversation, agent)
    session.routing_status = "NEEDS_ROUTING"
    session.ended_by_role = role
    session.ended_at = int(time.time())
    change_status(org, conversation, session, "Ended")
    announce_positions(org, session.queue)


def grow_idle(org: Org, conversation: Conversation) -> None:
    """Let the customer-inactivity timeout pass: warned first, ended when it passes again."""
    session = open_session(conversation)
    if session.status == "Inactive":
        end_session(org, conversation, "System")
        return
    active_session(conversation)
    say_automatically(org, conversation, "Are you still there? This chat will end soon.")
    change_status(org, conversation, session, "Inactive")


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


def find_agent(session: Session, agent_name: str | None) -> LiveAgent:
    """Return an agent by name; without a name the owner, who is first."""
    for agent in session.agents:
        if agent_name in (None, agent.name):
            return agent
    raise DeskError(409, f"{agent_name} is not in this conversation.")


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


def _emit_routing_result(
    org: Org,
    conversation: Conversation,
    routing_type: str,
    *,
    error: str | None = None,
    agent_name: str | None = None,
) -> None:
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


def _emit_work_result(
    org: Org, conversation: Conversation, agent: LiveAgent, work_type: str, routing_type: str
) -> None:
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


def _add_agent(org: Org, conversation: Conversation, agent: LiveAgent) -> None:
    active_session(conversation).agents.append(agent)
    _emit_participant(org, conversation, agent, "add")


def _remove_agent(org: Org, conversation: Conversation, agent: LiveAgent) -> None:
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
