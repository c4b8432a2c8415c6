"""What a project's agent hears on its sockets: the events of webhooks, in one order with a cursor.

An event gets its place once it is committed, under the stream's lock: so what has a place is
complete up to there, and a cursor passes nothing that is written later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Min, OuterRef
from django.utils import timezone

from conversations.models import WebhookDelivery, WebhookEndpoint
from conversations.webhooks.bodies import NothingToTellError, delivery_body
from conversations.webhooks.endpoints import event_types_all
from integrations.kit.json_values import count_read
from integrations.models import Project

PLACED_AT_ONCE = 500
# A stream that nobody reads is given up some day (endpoints.deliveries_purge).
READ_NOTED_EVERY = timedelta(hours=1)
_SOCKET = WebhookEndpoint.Kind.SOCKET
# Nothing is signed: the key lets in who reads.
_NO_SECRETS: Any = {}


class CursorUnknownError(Exception):
    """The cursor is none of this stream."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("The cursor is none of this stream. Connect without one, or with 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLine:
    """One event in its place; `body` is None where what happened is not kept any more."""

    position: int
    type: str
    environment: str
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStart:
    """Where a reader begins: after `position`. `has_missed` where older events are gone."""

    stream: WebhookEndpoint
    position: int
    has_missed: bool


def stream_start(project: Project, cursor: str) -> StreamStart:
    """Open a project's stream, first made here: after a cursor, or from now on without one.

    Raises CursorUnknownError.
    """
    stream = _stream_of(project)
    stream_number(stream.pk)
    stream.refresh_from_db(fields=["last_position"])
    after = _position(stream, cursor)
    rows = WebhookDelivery.objects.filter(endpoint=stream, position__isnull=False)
    oldest = rows.aggregate(oldest=Min("position"))["oldest"] or stream.last_position + 1
    # From the beginning means: from the oldest that is kept.
    has_missed = 0 < after < oldest - 1
    return StreamStart(stream=stream, position=max(after, oldest - 1), has_missed=has_missed)


def stream_read(stream: WebhookEndpoint, after: int, limit: int) -> Sequence[StreamLine]:
    """Return the next events, oldest first; gives places to what has none yet."""
    stream_number(stream.pk)
    rows = WebhookDelivery.objects.filter(endpoint=stream, position__gt=after)
    return [_line(stream, row) for row in rows.order_by("position")[:limit]]


def streams_number() -> list[str]:
    """Give places to all that has none; return the streams that have grown."""
    fresh = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), status="pending")
    streams = WebhookEndpoint.objects.filter(Exists(fresh), kind=_SOCKET)
    return [pk for pk in streams.values_list("pk", flat=True) if stream_number(pk)]


def stream_number(stream_id: str) -> int:
    """Give places to committed events, oldest first; return how many there were."""
    fresh = WebhookDelivery.objects.filter(endpoint_id=stream_id, status="pending")
    if not fresh.exists():
        return 0
    with transaction.atomic():
        streams = WebhookEndpoint.objects.select_for_update(of=("self",))
        stream = streams.filter(pk=stream_id).first()
        if stream is None:
            return 0
        rows = list(fresh.order_by("pk")[:PLACED_AT_ONCE])
        for row in rows:
            stream.last_position += 1
            row.position, row.status = stream.last_position, WebhookDelivery.Status.DELIVERED
        WebhookDelivery.objects.bulk_update(rows, ["position", "status"])
        WebhookEndpoint.objects.filter(pk=stream_id).update(last_position=stream.last_position)
        return len(rows)


def stream_noted(stream: WebhookEndpoint) -> None:
    """Note that somebody reads a stream, now and then."""
    now = timezone.now()
    WebhookEndpoint.objects.filter(pk=stream.pk, updated_at__lt=now - READ_NOTED_EVERY).update(
        updated_at=now
    )


def cursor_text(stream: WebhookEndpoint, position: int) -> str:
    """Return a cursor: nothing that a client should read."""
    return f"{stream.pk.removeprefix('whe_')[:8]}-{position}"


def _position(stream: WebhookEndpoint, cursor: str) -> int:
    if cursor in ("", "0"):
        return stream.last_position if cursor == "" else 0
    name, _, digits = cursor.rpartition("-")
    position = count_read(digits)
    if position is None or cursor_text(stream, position) != f"{name}-{digits}":
        raise CursorUnknownError
    if position > stream.last_position:
        raise CursorUnknownError
    return position


def _stream_of(project: Project) -> WebhookEndpoint:
    stream, _ = WebhookEndpoint.objects.select_related("project__workspace").get_or_create(
        project=project,
        kind=_SOCKET,
        defaults={"name": "Sockets", "event_types": event_types_all(), "secrets": _NO_SECRETS},
    )
    if stream.event_types != event_types_all():
        stream.event_types = event_types_all()
        stream.save(update_fields=["event_types", "updated_at"])
    return stream


def _line(stream: WebhookEndpoint, row: WebhookDelivery) -> StreamLine:
    row.endpoint = stream
    try:
        body = delivery_body(row)
    except NothingToTellError:
        body = None
    assert row.position is not None
    return StreamLine(position=row.position, type=row.type, environment=row.environment, body=body)
