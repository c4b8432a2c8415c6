"""Turn a payload into an open handoff, or into a refusal that explains itself."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, cast

from django.db import transaction
from django.utils import timezone

from conversations.journal import publish
from conversations.journal.frames import EventType, error_frame
from conversations.journal.services import NewEvent, events_append, log_append
from conversations.models import Conversation, LogEntry
from conversations.webhooks.event_types import WebhookType
from handoffs.errors import HandoffError, InvalidPayloadError
from handoffs.lifecycle.deadlines import OPENING
from handoffs.lifecycle.locking import HEAVY
from handoffs.lifecycle.queueing import queue_open_handoff
from handoffs.lifecycle.services import handoff_end
from handoffs.lifecycle.webhooks import handoff_tell
from handoffs.models import Handoff, HandoffTransition
from handoffs.payload.reading import HandoffPayload
from handoffs.starting.addressing import payload_address
from handoffs.states import OPEN_STATES, EndReason, State, Trigger
from integrations.behaviour.sentences import sentence
from integrations.connections.destinations import integration_default
from integrations.models import Integration

# What a client hears that was asked for "a live agent" in a project without any connection.
NO_DESTINATION = "default"


def handoff_start(
    conversation: Conversation, payload: HandoffPayload, *, tool_call_id: str, source: str
) -> Handoff | None:
    """Open a handoff for a locked conversation; None when it was refused or already open.

    A refusal is journaled as HANDOFF_FAILED and explained in the project's log.
    """
    if handoff_open(conversation.pk) is not None:
        _warn(conversation, source, "handoff_already_active", "A handoff is already open.")
        return None
    if conversation.is_client_managed:
        return handoff_leave_to_client(
            conversation, payload, tool_call_id=tool_call_id, source=source
        )
    try:
        integration, payload = payload_address(
            conversation.project, conversation.environment, payload
        )
    except HandoffError as error:
        handoff_refuse(
            conversation, error, tool_call_id=tool_call_id, source=source, payload=payload
        )
        return None
    return handoff_begin(
        conversation, integration, payload, tool_call_id=tool_call_id, source=source
    )


def handoff_begin(
    conversation: Conversation,
    integration: Integration,
    payload: HandoffPayload,
    *,
    tool_call_id: str,
    source: str,
) -> Handoff:
    """Open a handoff for a locked conversation that has none, with a payload that is addressed."""
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


def handoff_leave_to_client(
    conversation: Conversation, payload: HandoffPayload, *, tool_call_id: str, source: str
) -> Handoff:
    """End a locked conversation whose client routes it by itself; no vendor is involved."""
    for warning in payload.warnings:
        _warn(conversation, source, "payload", f"{warning.path}: {warning.message}")
    payload = replace(payload, destination=_client_destination(conversation, payload))
    handoff = _create(conversation, payload, tool_call_id, None)
    events_append(
        conversation,
        [
            NewEvent(
                type=EventType.POLY_AGENT_TRIGGERED_HANDOFF, payload={"handoff_id": handoff.pk}
            ),
            NewEvent(type=EventType.POLY_AGENT_LEFT),
            NewEvent(
                type=EventType.CLIENT_HANDOFF_REQUIRED,
                payload={"reason": "AGENT_DECISION", "queue_name": payload.destination},
            ),
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
    text = sentence("handoff_failed", conversation.locale)
    frame = error_frame("handoff_invalid", text)
    publish.transient_publish(conversation.pk, frame)
    failed = NewEvent(type=EventType.HANDOFF_FAILED, payload={"reason": error.client_reason()})
    events_append(conversation, [failed])
    handoff_tell(handoff, WebhookType.HANDOFF_FAILED)


def handoff_open(conversation_id: str) -> Handoff | None:
    """Return the open handoff of a conversation, if there is one."""
    states = [state.value for state in OPEN_STATES]
    return (
        Handoff.objects.filter(conversation_id=conversation_id, state__in=states)
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
    now = timezone.now()
    state = State.FAILED if error else State.REQUESTED
    handoff = Handoff.objects.create(
        conversation=conversation,
        integration=integration,
        environment=conversation.environment,
        integration_key=_key(integration, payload, error),
        tool_call_id=tool_call_id,
        state=state.value,
        error_code=error.code if error else "",
        error_detail=str(error)[:400] if error else "",
        destination=payload.destination,
        reason=payload.reason or payload.destination,
        utterance=payload.utterance,
        routing=cast(Any, payload.hints),
        context_data=_context_data(conversation, payload),
        shared_id=_shared_id(conversation),
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


def _client_destination(conversation: Conversation, payload: HandoffPayload) -> str:
    """Return where the client is to send the conversation, as well as it can be named."""
    named = payload.destination or str(payload.hints.get("queue") or "") or payload.integration_key
    if named:
        return named
    default = integration_default(conversation.project, conversation.environment)
    return default.integration_key if default else NO_DESTINATION


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
