"""Take deliveries for sending, and write down what came of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from conversations.models import WebhookDelivery, WebhookEndpoint
from conversations.webhooks.bodies import NothingToTellError, delivery_body
from integrations.telemetry.correlation import HEADER
from integrations.telemetry.metrics import WEBHOOK_DELIVERY_AGE, WEBHOOKS_SENT

Status = WebhookDelivery.Status
# Before each attempt: since what happened, then since the attempt before.
DELAYS = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 5, 15, 60, 240))
RETRIED = frozenset({408, 429})
# A slow receiver holds so many places, and no others.
PER_ENDPOINT = 10
# Beyond its timeout, for what an attempt needs beside the call.
CLAIM_SLACK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One delivery that this process may send now; `until` is the claim's mark."""

    delivery_id: int
    event_id: uuid.UUID
    until: datetime
    url: str
    timeout_seconds: float
    secrets: tuple[str, ...] = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an attempt; no status means that no answer came."""

    status: int | None
    error_code: str = ""
    retry_after: float = 0.0
    duration_ms: int = 0

    @property
    def is_delivered(self) -> bool:
        """Say whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300 and not self.error_code

    @property
    def may_repeat(self) -> bool:
        """Say whether it may go better next time."""
        if self.status is None or 200 <= self.status < 300:
            return True
        return self.status in RETRIED or self.status >= 500


def deliveries_claim(room: int) -> list[Attempt]:
    """Take what is due for sending: up to `room`, the first of each lane, fairly by endpoint."""
    attempts: list[Attempt] = []
    for endpoint in _endpoints_due():
        if room <= len(attempts):
            break
        attempts += _claim(endpoint, min(PER_ENDPOINT, room - len(attempts)))
    return attempts


def _endpoints_due() -> QuerySet[WebhookEndpoint]:
    """Return endpoints with something due, in no order that would favour one for ever."""
    due = _due(timezone.now()).filter(endpoint=OuterRef("pk"))
    endpoints = WebhookEndpoint.objects.filter(
        Exists(due), is_enabled=True, kind=WebhookEndpoint.Kind.CALLED
    )
    return endpoints.select_related("project__workspace").order_by("?")


def _due(now: datetime) -> QuerySet[WebhookDelivery]:
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    return WebhookDelivery.objects.filter(free, status=Status.PENDING, next_attempt_at__lte=now)


@transaction.atomic
def _claim(endpoint: WebhookEndpoint, room: int) -> list[Attempt]:
    now = timezone.now()
    pending = WebhookDelivery.objects.filter(endpoint=endpoint, status=Status.PENDING)
    room = min(room, PER_ENDPOINT - pending.filter(claimed_until__gte=now).count())
    if room <= 0:
        return []
    earlier = pending.filter(lane=OuterRef("lane"), pk__lt=OuterRef("pk"))
    firsts = _due(now).filter(~Exists(earlier), endpoint=endpoint).order_by("next_attempt_at", "pk")
    rows = list(firsts.select_for_update(skip_locked=True, of=("self",))[:room])
    until = now + timedelta(milliseconds=endpoint.timeout_ms) + CLAIM_SLACK
    WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_until=until)
    return [made for row in rows if (made := _attempt(row, endpoint, until)) is not None]


def _attempt(row: WebhookDelivery, endpoint: WebhookEndpoint, until: datetime) -> Attempt | None:
    row.endpoint = endpoint
    try:
        body = delivery_body(row)
    except NothingToTellError:
        row.status, row.error_code, row.claimed_until = Status.FAILED, "gone", None
        row.save(update_fields=["status", "error_code", "claimed_until"])
        _let_followers_go(row)
        return None
    return Attempt(
        delivery_id=row.pk,
        event_id=row.event_id,
        until=until,
        url=endpoint.url,
        timeout_seconds=endpoint.timeout_ms / 1000,
        secrets=signing_secrets(endpoint),
        headers={**endpoint.secrets.get("headers", {}), **_correlation(row)},
        body=body,
    )


def _correlation(row: WebhookDelivery) -> dict[str, str]:
    return {HEADER: row.correlation_id} if row.correlation_id else {}


def signing_secrets(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """Return what signs at this moment, the current secret first."""
    current, previous = endpoint.secrets["current"], endpoint.secrets.get("previous", "")
    is_overlap = endpoint.previous_until is not None and endpoint.previous_until > timezone.now()
    return (current, previous) if previous and is_overlap else (current,)


@transaction.atomic
def attempt_settle(attempt: Attempt, outcome: Outcome) -> None:
    """Write down what came of an attempt, and let the next of its lane go or wait.

    Changes nothing where the claim was lost: another attempt decides then.
    """
    rows = WebhookDelivery.objects.select_for_update(of=("self",))
    row = rows.filter(
        pk=attempt.delivery_id, status=Status.PENDING, claimed_until=attempt.until
    ).first()
    if row is None:
        return
    now = timezone.now()
    row.attempts += 1
    row.attempted_at, row.claimed_until = now, None
    row.response_status, row.error_code = outcome.status, outcome.error_code
    row.duration_ms = outcome.duration_ms
    if outcome.is_delivered:
        row.status = Status.DELIVERED
        WEBHOOK_DELIVERY_AGE.observe((now - row.created_at).total_seconds())
    elif outcome.may_repeat and row.attempts < len(DELAYS):
        wait = max(DELAYS[row.attempts], timedelta(seconds=outcome.retry_after))
        row.next_attempt_at = now + wait
    else:
        row.status = Status.FAILED
    WEBHOOKS_SENT.labels("retried" if row.status == Status.PENDING else row.status).inc()
    row.save()
    if row.status == Status.PENDING:
        _followers(row).update(next_attempt_at=row.next_attempt_at)
    else:
        _let_followers_go(row)


def _let_followers_go(row: WebhookDelivery) -> None:
    now = timezone.now()
    _followers(row).filter(next_attempt_at__gt=now).update(next_attempt_at=now)


def _followers(row: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    """Return what waits behind a delivery: it need not be looked at before that one's time."""
    return WebhookDelivery.objects.filter(
        endpoint_id=row.endpoint_id, lane=row.lane, status=Status.PENDING, pk__gt=row.pk
    )
