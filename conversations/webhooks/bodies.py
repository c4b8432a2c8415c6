"""What an endpoint reads: the same bytes at every attempt, with personal data in `data` alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conversations.models import Conversation, Event, WebhookDelivery
from conversations.webhooks.event_types import SENDERS


class NothingToTellError(Exception):
    """What happened is not kept any more."""


def delivery_body(delivery: WebhookDelivery) -> bytes:
    """Return the body of a delivery, whose endpoint comes with its project and workspace.

    Raises NothingToTellError.
    """
    project = delivery.endpoint.project
    body = {
        "id": str(delivery.event_id),
        "type": delivery.type,
        "created_at": moment(delivery.created_at),
        "account_id": project.workspace.public_id,
        "project_id": project.public_id,
        "client_env": delivery.environment or None,
        "conversation_id": delivery.conversation_id,
        "shared_id": delivery.shared_id or None,
        "data": _message(delivery) if delivery.data is None else delivery.data,
    }
    return json.dumps(body, ensure_ascii=False).encode()


def started_data(conversation: Conversation) -> Mapping[str, Any]:
    """Return what conversation.started tells."""
    return {**_about(conversation), "started_at": moment(conversation.started_at)}


def ended_data(conversation: Conversation, reason: str, detail: str) -> Mapping[str, Any]:
    """Return what conversation.ended tells."""
    return {
        **_about(conversation),
        "started_at": moment(conversation.started_at),
        "ended_at": moment(conversation.ended_at),
        "reason": reason,
        "detail": detail,
    }


def moment(at: datetime | None) -> str | None:
    """Return a time as it goes over the wire."""
    return at.isoformat(timespec="milliseconds") if at else None


def _about(conversation: Conversation) -> dict[str, Any]:
    user = conversation.end_user
    return {
        "session_id": str(conversation.session_id),
        "channel_type": conversation.channel_type,
        "language": conversation.locale,
        "variant_id": conversation.variant_id,
        "user": {
            "id": user.external_id,
            "is_verified": user.is_verified,
            "name": user.name,
            "email": user.email,
        },
    }


def _message(delivery: WebhookDelivery) -> dict[str, Any]:
    line = Event.objects.filter(pk=delivery.event_id).first()
    if line is None:
        raise NothingToTellError(str(delivery.event_id))
    said = {"sender": SENDERS[line.type], "sequence": line.sequence}
    return {**said, **line.payload, "created_at": moment(line.created_at)}
