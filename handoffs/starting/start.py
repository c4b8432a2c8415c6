"""Turn a payload into an open handoff, or into a refusal that explains itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.destinations.selectors import destination_named, destinations_of
from conversations.journal import publish
from conversations.journal.frames import EventType, error_frame
from conversations.journal.services import NewEvent, events_append, log_append
from conversations.models import Conversation, Destination, LogEntry
from conversations.webhooks.event_types import WebhookType
from handoffs.errors import HandoffError, InvalidPayloadError
from handoffs.lifecycle.deadlines import OPENING
from handoffs.lifecycle.locking import HEAVY
from handoffs.lifecycle.queueing import queue_open_handoff
from handoffs.lifecycle.services import handoff_end
from handoffs.lifecycle.webhooks import handoff_tell
from handoffs.models import Handoff, HandoffTransition
from handoffs.payload.reading import HandoffPayload
from handoffs.starting.addressing import Address, ClientHandoff, client_reason, payload_address
from handoffs.starting.destination_hints import destination_merge
from handoffs.starting.variants import payload_of_variant
from handoffs.states import OPEN_VALUES, EndReason, State, Trigger
from integrations.behaviour.sentences import sentence
from integrations.connections.destinations import integration_default
from integrations.models import Integration
from integrations.projects.reasons import reason_code
from integrations.telemetry.correlation import correlation_id

# What a client hears that was asked for "a live agent" in a project without any connection.
NO_DESTINATION = "default"
AGENT_DECISION = Destination.ClientReason.AGENT_DECISION


def handoff_start(
    conversation: Conversation, payload: HandoffPayload, *, tool_call_id: str, source: str
) -> Handoff | None:
    """Open a handoff for a locked conversation; None when it was refused or already open.

    A refusal is journaled as HANDOFF_FAILED and explained in the project's log.
    """
    if handoff_open(conversation.pk) is not None:
        _warn(conversation, source, "handoff_already_active", "A handoff is already open.")
        return None
    try:
        address = handoff_address(conversation, payload)
    except HandoffError as error:
        handoff_refuse(
            conversation, error, tool_call_id=tool_call_id, source=source, payload=payload
        )
        return None
    return handoff_begin(conversation, address, tool_call_id=tool_call_id, source=source)


def handoff_address(conversation: Conversation, payload: HandoffPayload) -> Address:
    """Return where a payload goes in this conversation; raises HandoffError.

    A client that manages its handoffs itself gets every one of them, and decides what a name means.
    """
    rows = destinations_of(conversation)
    if conversation.is_client_managed:
        return _left_to_client(conversation, payload, rows)
    payload = payload_of_variant(conversation, payload)
    return payload_address(
        conversation.project,
        conversation.environment,
        payload,
        rows,
        variant=conversation.variant_id,
        channel=conversation.channel_kind,
    )


def handoff_begin(
    conversation: Conversation, address: Address, *, tool_call_id: str, source: str
) -> Handoff:
    """Open a handoff for a locked conversation that has none, with a payload that is addressed."""
    payload, integration = address.payload, address.integration
    if address.client is not None:
        return _leave_to_client(
            conversation, payload, address.client, tool_call_id=tool_call_id, source=source
        )
    for warning in payload.warnings:
        _warn(conversation, source, "payload", f"{warning.path}: {warning.message}")
    handoff = _create(conversation, payload, tool_call_id, integration)
    start = NewEvent(
        type=EventType.POLY_AGENT_TRIGGERED_HANDOFF, payload={"handoff_id": handoff.pk}
    )
    events_append(conversation, [start])
    conversation.state = Conversation.State.HANDOFF
    conversation.save(update_fields=["state"])
    handoff_tell(handoff, WebhookType.HANDOFF_REQUESTED)
    transaction.on_commit(partial(queue_open_handoff, handoff.pk))
    return handoff


def _leave_to_client(
    conversation: Conversation,
    payload: HandoffPayload,
    client: ClientHandoff,
    *,
    tool_call_id: str,
    source: str,
) -> Handoff:
    """End a locked conversation whose client carries the handoff out; no vendor is involved."""
    for warning in payload.warnings:
        _warn(conversation, source, "payload", f"{warning.path}: {warning.message}")
    handoff = _create(conversation, payload, tool_call_id, None)
    asked = {"reason": client.reason, "queue_name": client.queue_name}
    if client.route:
        asked["route"] = client.route
    triggered = EventType.POLY_AGENT_TRIGGERED_HANDOFF
    events_append(
        conversation,
        [
            NewEvent(type=triggered, payload={"handoff_id": handoff.pk}),
            NewEvent(type=EventType.POLY_AGENT_LEFT),
            NewEvent(type=EventType.CLIENT_HANDOFF_REQUIRED, payload=asked),
        ],
    )
    handoff_tell(handoff, WebhookType.HANDOFF_REQUESTED)
    handoff_end(handoff, EndReason.CLIENT_MANAGED)
    return handoff


def handoff_refuse(
    conversation: Conversation,
    error: HandoffError,
    *,
    tool_call_id: str,
    source: str,
    payload: HandoffPayload | None = None,
) -> None:
    """Record a handoff that opened nothing, tell the end user, and explain it in the log."""
    handoff = _create(conversation, payload or HandoffPayload(), tool_call_id, None, error)
    problems = error.problems if isinstance(error, InvalidPayloadError) else [("", str(error))]
    log_append(
        conversation,
        LogEntry.Level.ERROR,
        str(error),
        source=source,
        code=error.code,
        fields={"problems": [list(problem) for problem in problems], "handoff_id": handoff.pk},
    )
    text = sentence("handoff_failed", conversation.tongue)
    frame = error_frame("handoff_invalid", text)
    publish.transient_publish(conversation.pk, frame)
    failed = NewEvent(type=EventType.HANDOFF_FAILED, payload={"reason": error.client_reason()})
    events_append(conversation, [failed])
    handoff_tell(handoff, WebhookType.HANDOFF_FAILED)


def handoff_open(conversation_id: str) -> Handoff | None:
    """Return the open handoff of a conversation, if there is one."""
    return (
        Handoff.objects.filter(conversation_id=conversation_id, state__in=OPEN_VALUES)
        .select_related("integration")
        .defer(*HEAVY)
        .first()
    )


def _create(
    conversation: Conversation,
    payload: HandoffPayload,
    tool_call_id: str,
    integration: Integration | None,
    error: HandoffError | None = None,
) -> Handoff:
    now, reason = timezone.now(), payload.reason or payload.destination
    state = State.FAILED if error else State.REQUESTED
    handoff = Handoff.objects.create(
        conversation=conversation,
        project_id=conversation.project_id,
        channel_kind=conversation.channel_type.partition(".")[0],
        topic=(conversation.dialog.get("topics") or [""])[-1],
        queue=str(payload.queue or "")[:128],
        integration=integration,
        environment=conversation.environment,
        integration_key=_key(integration, payload, error),
        tool_call_id=tool_call_id,
        state=state.value,
        error_code=error.code if error else "",
        error_detail=str(error)[:400] if error else "",
        destination=payload.destination,
        reason=reason,
        reason_code=reason_code(conversation.project.handoff_reasons, reason),
        utterance=payload.utterance,
        routing=cast(Any, payload.hints),
        context_data=_context_data(conversation, payload),
        shared_id=_shared_id(conversation),
        correlation_id=correlation_id.get(),
        deadline_at=None if error else OPENING.from_now(),
        requested_at=now,
        ended_at=now if error else None,
    )
    HandoffTransition.objects.create(
        handoff=handoff,
        to_state=state.value,
        trigger=Trigger.FAIL.value if error else "requested",
        detail=error.code if error else "",
    )
    return handoff


def _key(
    integration: Integration | None, payload: HandoffPayload, error: HandoffError | None
) -> str:
    if integration is not None:
        return integration.integration_key
    return payload.integration_key or (error.integration_key if error else "")


def _left_to_client(
    conversation: Conversation, payload: HandoffPayload, rows: Sequence[Destination]
) -> Address:
    """Address a payload to the client, with the destination's words where it is one of ours."""
    place = None if payload.integration_key else destination_named(rows, payload.destination)
    if place is not None:
        payload = destination_merge(place, payload)
    named = payload.destination or payload.queue or payload.integration_key
    default = None
    if not named:
        default = integration_default(conversation.project, conversation.environment)
    queue_name = named or (default.integration_key if default else NO_DESTINATION)
    client = ClientHandoff(
        reason=client_reason(payload.reason, place.client_reason if place else AGENT_DECISION),
        queue_name=place.queue_name if place and place.queue_name else queue_name,
        route=place.route if place else "",
    )
    return Address(payload=replace(payload, destination=queue_name), client=client)


def _context_data(conversation: Conversation, payload: HandoffPayload) -> dict[str, object]:
    """Return the Handoff API's `data`: a snapshot of this moment (agent_api section 7)."""
    state, config = conversation.tool_state, conversation.project.handoff_api
    written = state.get("handoff")
    data = {**(written if isinstance(written, dict) else {}), **payload.data}
    aliases = config.get("aliases", {})
    for key in config.get("state_keys", []):
        data[aliases.get(key, key)] = state.get(key)
    return data


def _shared_id(conversation: Conversation) -> str:
    key = conversation.project.handoff_api.get("shared_id_state_key", "shared_id")
    return str(conversation.tool_state.get(key) or conversation.shared_id or "")[:255]


def _warn(conversation: Conversation, source: str, code: str, text: str) -> None:
    log_append(conversation, LogEntry.Level.WARNING, text, source=source, code=code)
