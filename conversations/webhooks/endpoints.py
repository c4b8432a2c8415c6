"""The only writers of endpoints; what is sent again, tried out and thrown away."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from conversations.models import WebhookDelivery, WebhookEndpoint
from conversations.webhooks.event_types import TEST, WebhookType
from conversations.webhooks.wake_up import wake_on_commit
from integrations.http.url_guard import url_problem
from integrations.models import Project, Workspace
from integrations.projects.audit import audit_record
from integrations.telemetry.correlation import HEADER, correlation_id

PER_ACCOUNT = 10
TIMEOUT_MIN_MS, TIMEOUT_MAX_MS = 1000, 30_000
OVERLAP = timedelta(hours=24)
OVERLAP_MAX = timedelta(days=7)
NAME_MAX, URL_MAX = 255, 2048
HEADERS_MAX, HEADER_VALUE_MAX = 20, 2000
PURGE_BATCH = 5000
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# What a call says by itself.
_OWN_HEADERS = frozenset(
    {
        *("host", "content-type", "content-length", "transfer-encoding", "connection", "accept"),
        *("idempotency-key", "user-agent", "expect", "upgrade", "te", "trailer", HEADER.lower()),
    }
)
_OWN_PREFIX = "x-handoff-"
_FIELDS = ("name", "url", "event_types", "timeout_ms", "is_enabled")


class TooManyEndpointsError(Exception):
    """The account has as many endpoints as it may have."""

    def __init__(self) -> None:
        """Say how many, and the cure."""
        super().__init__(
            f"An account has at most {PER_ACCOUNT} webhook endpoints. Delete one that is not used."
        )


class NotFailedError(Exception):
    """Only what is over, or waits after an attempt, can be sent again."""

    def __init__(self) -> None:
        """Say what happens to it by itself."""
        super().__init__("It waits already, and is sent by itself.")


def endpoints_called(project: Project) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints that the project's people and programs manage."""
    return project.webhook_endpoints.filter(kind=WebhookEndpoint.Kind.CALLED)


def endpoint_url_problem(url: str) -> str | None:
    """Say what is wrong with an address somebody typed, or None."""
    if len(url) > URL_MAX:
        return f"The address has more than {URL_MAX} characters."
    return url_problem(url, allow_local=settings.ALLOW_LOCAL_AGENTS)


def headers_problem(headers: Mapping[str, str]) -> str | None:
    """Say what is wrong with the headers that the owner wants sent along, or None."""
    if len(headers) > HEADERS_MAX:
        return f"At most {HEADERS_MAX} headers are sent along."
    for name, value in headers.items():
        folded = name.lower()
        if not _HEADER.fullmatch(name):
            return "A header's name is made of letters, digits and hyphens."
        if folded in _OWN_HEADERS or folded.startswith(_OWN_PREFIX):
            return f"Baton itself sets the header {name}. Leave it out."
        if len(value) > HEADER_VALUE_MAX or not (value.isascii() and value.isprintable()):
            return f"The value of {name} must be printable ASCII of up to {HEADER_VALUE_MAX}."
    return None


@transaction.atomic
def endpoint_create(
    *,
    project: Project,
    actor: Any,
    values: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint; the second value is its secret, which cannot be had again.

    Raises TooManyEndpointsError.
    """
    # Under the account's lock: two at once must not both be the tenth.
    Workspace.objects.select_for_update(of=("self",)).get(pk=project.workspace_id)
    known = WebhookEndpoint.objects.filter(
        project__workspace_id=project.workspace_id, kind=WebhookEndpoint.Kind.CALLED
    )
    if known.count() >= PER_ACCOUNT:
        raise TooManyEndpointsError
    secret = secret_make()
    endpoint = WebhookEndpoint.objects.create(
        project=project, secrets=_kept(secret, "", headers or {}), **values
    )
    _audit(endpoint, actor, "webhook.created")
    return endpoint, secret


@transaction.atomic
def endpoint_update(
    *,
    endpoint: WebhookEndpoint,
    actor: Any,
    values: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> WebhookEndpoint:
    """Change what is given of an endpoint; its secret stays. What waits for it goes on."""
    row = WebhookEndpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    changed = [name for name in _FIELDS if name in values and getattr(row, name) != values[name]]
    for name in changed:
        setattr(row, name, values[name])
    if headers is not None and dict(headers) != row.secrets.get("headers", {}):
        row.secrets = {**row.secrets, "headers": dict(headers)}
        changed.append("headers")
    if changed:
        row.save()
        _audit(row, actor, "webhook.changed", changed)
        wake_on_commit()
    return row


@transaction.atomic
def secret_rotate(
    *, endpoint: WebhookEndpoint, actor: Any, overlap: timedelta = OVERLAP
) -> tuple[WebhookEndpoint, str]:
    """Give an endpoint a new secret; for `overlap` the one before signs as well."""
    row = WebhookEndpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    secret = secret_make()
    previous = row.secrets["current"] if overlap else ""
    row.secrets = _kept(secret, previous, row.secrets.get("headers", {}))
    row.previous_until = timezone.now() + overlap if overlap else None
    row.save(update_fields=["secrets", "previous_until", "updated_at"])
    _audit(row, actor, "webhook.secret_rotated")
    return row, secret


@transaction.atomic
def endpoint_delete(*, endpoint: WebhookEndpoint, actor: Any) -> None:
    """Delete an endpoint and everything that waits for it."""
    _audit(endpoint, actor, "webhook.deleted")
    endpoint.delete()


@transaction.atomic
def trial_send(*, endpoint: WebhookEndpoint, actor: Any) -> WebhookDelivery:
    """Send an event that means nothing, to see whether the receiver takes it."""
    event_id = uuid.uuid4()
    _audit(endpoint, actor, "webhook.tested")
    wake_on_commit()
    return WebhookDelivery.objects.create(
        endpoint=endpoint,
        event_id=event_id,
        type=TEST,
        lane=f"test:{event_id}",
        data={"message": "This is a test. Nothing has happened."},
        correlation_id=correlation_id.get(),
    )


@transaction.atomic
def delivery_resend(*, delivery: WebhookDelivery, actor: Any) -> None:
    """Send an event again that is over, with all its attempts; raises NotFailedError.

    One that waits for its next attempt has it now: the receiver may be well again long before. Its
    id stays, so that a receiver which has it already knows.
    """
    row = WebhookDelivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
    is_pending, now = row.status == WebhookDelivery.Status.PENDING, timezone.now()
    if is_pending and not (row.attempts and row.next_attempt_at > now):
        raise NotFailedError
    row.attempts = row.attempts if is_pending else 0
    row.status, row.next_attempt_at = WebhookDelivery.Status.PENDING, now
    row.save(update_fields=["status", "attempts", "next_attempt_at"])
    _audit(row.endpoint, actor, "webhook.sent_again")
    wake_on_commit()


def deliveries_purge() -> None:
    """Delete deliveries that were kept long enough, sent or not, and streams nobody reads."""
    kept_since = timezone.now() - timedelta(days=settings.WEBHOOK_DELIVERY_KEEP_DAYS)
    old = WebhookDelivery.objects.filter(created_at__lt=kept_since).order_by("created_at")
    while batch := list(old.values_list("pk", flat=True)[:PURGE_BATCH]):
        WebhookDelivery.objects.filter(pk__in=batch).delete()
    streams = WebhookEndpoint.objects.filter(kind=WebhookEndpoint.Kind.SOCKET)
    streams.filter(updated_at__lt=kept_since).delete()


def event_types_all() -> list[str]:
    """Return every event that can be chosen."""
    return [one.value for one in WebhookType]


def secret_make() -> str:
    """Return a new signing secret, shown once."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def _kept(current: str, previous: str, headers: Mapping[str, str]) -> Any:
    return {"current": current, "previous": previous, "headers": dict(headers)}


def _audit(
    endpoint: WebhookEndpoint, actor: Any, action: str, fields: list[str] | None = None
) -> None:
    audit_record(
        project=endpoint.project,
        actor=actor,
        action=action,
        subject=endpoint.name[:120],
        fields=fields or [],
    )
