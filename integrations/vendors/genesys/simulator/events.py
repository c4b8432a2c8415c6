"""What the simulated org tells listeners: the fourteen kinds of conversation detail events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.vendors.genesys.simulator.rest import conversation_object
from integrations.vendors.genesys.simulator.state import Conversation, Participant, named_id, now_ms
from integrations.vendors.genesys.simulator.world import Org

DETAIL_PREFIX = "v2.detail.events.conversation"
DETAIL_NAMES = (
    "customer.start",
    "customer.end",
    "acd.start",
    "acd.end",
    "user.start",
    "user.end",
    "acw",
    "wrapup",
    "attributes",
    "contact",
    "flow.start",
    "flow.end",
    "flow.outcome",
    "outbound",
)
# Spelling of a disconnect type in REST objects -> in events, where they differ by more than case.
EVENT_SPELLINGS = {
    "transfer": "TRANSFER",
    "transfer.noanswer": "NO_ANSWER_TRANSFER",
    "transfer.notavailable": "NOT_AVAILABLE_TRANSFER",
    "transport.failure": "TRANSPORT_FAILURE",
    "session.expired": "SESSION_EXPIRED",
}


def tell(
    org: Org,
    conversation: Conversation,
    name: str,
    participant: Participant,
    **fields: Any,
) -> None:
    """Publish one detail event, and the conversation as it is now to its queue and users."""
    body = {**_common(org, conversation, participant), **fields}
    org.channels.publish(f"{DETAIL_PREFIX}.{conversation.id}.{name}", body)
    _tell_whole(org, conversation)


def tell_attributes(org: Org, conversation: Conversation, participant: Participant) -> None:
    """Publish a leg's participant data."""
    body = {
        "eventTime": now_ms(),
        "conversationId": conversation.id,
        "participantId": participant.id,
        "attributes": participant.attributes,
    }
    org.channels.publish(f"{DETAIL_PREFIX}.{conversation.id}.attributes", body)


def tell_end(org: Org, conversation: Conversation, participant: Participant) -> None:
    """Publish that an agent's or the customer's leg ended."""
    name = "user.end" if participant.purpose == "agent" else "customer.end"
    tell(
        org,
        conversation,
        name,
        participant,
        disconnectType=event_spelling(participant.disconnect_type),
        **(_agent_times(participant) if name == "user.end" else _customer_times(participant)),
    )


def event_spelling(disconnect_type: str | None) -> str:
    """Return a disconnect type as events spell it."""
    spelt = disconnect_type or "unknown"
    return EVENT_SPELLINGS.get(spelt, spelt.upper())


def queue_fields(participant: Participant) -> dict[str, str]:
    """Return the queue of a leg, and the user where it is an agent's."""
    fields = {"queueId": named_id("queue", participant.queue)} if participant.queue else {}
    if participant.user_id:
        fields["userId"] = participant.user_id
    return fields


def _agent_times(participant: Participant) -> Mapping[str, Any]:
    end = participant.ended_at or now_ms()
    talked = end - participant.connected_at if participant.connected_at else 0
    rang = (participant.connected_at or end) - (participant.alerted_at or participant.started_at)
    return {
        **queue_fields(participant),
        "interactingDurationMs": talked,
        "alertingDurationMs": max(0, rang),
        "heldDurationMs": 0,
    }


def _customer_times(participant: Participant) -> Mapping[str, Any]:
    return {"interactingDurationMs": (participant.ended_at or now_ms()) - participant.started_at}


def _common(org: Org, conversation: Conversation, participant: Participant) -> dict[str, Any]:
    integration = org.integrations[conversation.integration_id]
    return {
        "eventTime": now_ms(),
        "conversationId": conversation.id,
        "participantId": participant.id,
        "sessionId": participant.session_id,
        "mediaType": "MESSAGE",
        "messageType": "OPEN",
        "provider": "PureCloud Messaging",
        "direction": "INBOUND",
        "addressTo": integration.recipient_id,
        "addressFrom": conversation.external_id,
        "ani": conversation.external_id,
        "dnis": integration.recipient_id,
        "divisionId": org.division_id,
        "conversationExternalContactIds": [],
    }


def _tell_whole(org: Org, conversation: Conversation) -> None:
    body = conversation_object(org, conversation)
    topics = [
        f"v2.routing.queues.{named_id('queue', name)}.conversations.messages"
        for name in dict.fromkeys(one.queue for one in conversation.participants if one.queue)
    ]
    topics += [f"v2.users.{one.user_id}.conversations.messages" for one in conversation.of("agent")]
    for topic in dict.fromkeys(topics):
        org.channels.publish(topic, body)
