"""Sends a handoff where the conversation's variant sends it, unless the payload says otherwise."""

from __future__ import annotations

from dataclasses import replace

from conversations.models import Conversation
from conversations.releases.variants import variant_of
from handoffs.payload.reading import HandoffPayload
from integrations.connections.destinations import integration_default


def payload_of_variant(conversation: Conversation, payload: HandoffPayload) -> HandoffPayload:
    """Return the payload with the variant's integration and credential set where it names none.

    What the payload names wins, and so does a named destination.
    """
    if payload.destination or payload.hints.get("credential_set"):
        return payload
    variant = variant_of(conversation)
    if variant is None:
        return payload
    key = payload.integration_key or variant.integration_key
    if not key and variant.credential_set:
        default = integration_default(conversation.project, conversation.environment)
        key = default.integration_key if default else ""
    hints = dict(payload.hints)
    if key and variant.credential_set and key == (variant.integration_key or key):
        hints["credential_set"] = variant.credential_set
    return replace(payload, integration_key=key or None, hints=hints)
