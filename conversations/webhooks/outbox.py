"""Write down what endpoints are to be told, in the transaction of what happened.

The statements of every message write the same rows by themselves (handoffs/sending/hot_path.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from conversations.models import Conversation, Event, WebhookDelivery, WebhookEndpoint
from conversations.webhooks.event_types import SENDERS, WebhookType
from conversations.webhooks.wake_up import wake_on_commit
from integrations.telemetry.correlation import correlation_id

Data = Callable[[], Mapping[str, Any]]


def conversation_tell(
    conversation: Conversation, event_type: str, data: Data, *, shared_id: str = ""
) -> None:
    """Tell endpoints of something that happened in a locked conversation.

    `data` is asked for its JSON only where somebody listens.
    """
    if not (endpoints := _listening(conversation.project_id, event_type)):
        return
    row = WebhookDelivery(
        event_id=uuid.uuid4(),
        type=event_type,
        conversation=conversation,
        environment=conversation.environment,
        shared_id=shared_id or conversation.shared_id,
        lane=conversation.pk,
        data=dict(data()),
    )
    _write(endpoints, [row])


def messages_tell(conversation: Conversation, lines: Sequence[Event]) -> None:
    """Tell endpoints of new lines of a journal that are messages; the journal keeps the text."""
    said = [line for line in lines if line.type in SENDERS]
    if not said:
        return
    if not (endpoints := _listening(conversation.project_id, WebhookType.MESSAGE_CREATED)):
        return
    rows = [
        WebhookDelivery(
            event_id=line.pk,
            type=WebhookType.MESSAGE_CREATED,
            conversation=conversation,
            environment=conversation.environment,
            shared_id=conversation.shared_id,
            lane=conversation.pk,
        )
        for line in said
    ]
    _write(endpoints, rows)


def project_tell(
    project_id: int, event_type: str, data: Data, *, environment: str, lane: str
) -> None:
    """Tell endpoints of something that belongs to no conversation."""
    if not (endpoints := _listening(project_id, event_type)):
        return
    row = WebhookDelivery(
        event_id=uuid.uuid4(),
        type=event_type,
        environment=environment,
        lane=lane,
        data=dict(data()),
    )
    _write(endpoints, [row])


def _listening(project_id: int, event_type: str) -> list[str]:
    """Return the endpoints that have chosen an event; most projects have none at all."""
    rows = WebhookEndpoint.objects.filter(project_id=project_id, is_enabled=True)
    return [pk for pk, chosen in rows.values_list("pk", "event_types") if event_type in chosen]


def _write(endpoints: Sequence[str], rows: Sequence[WebhookDelivery]) -> None:
    now = timezone.now()
    names = ("event_id", "type", "conversation_id", "environment", "shared_id", "lane", "data")
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint_id=endpoint,
            created_at=now,
            next_attempt_at=now,
            correlation_id=correlation_id.get(),
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
        for endpoint in endpoints
    )
    wake_on_commit()
