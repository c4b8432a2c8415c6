"""What is wrong at this moment, in all projects, by a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from handoffs.models import Delivery, Handoff
from handoffs.relay.leases import workers_alive
from handoffs.states import OPEN_VALUES, State
from integrations.connections.destinations import connection_title
from integrations.contract.connector import ROTATING
from integrations.models import ApiKey, Integration, Project, VendorToken
from integrations.models.alert import Alert

# Handoffs fail: so many of those asked for lately, and at least that share of them.
WINDOW = timedelta(minutes=15)
LEAST_FAILED = 3
FAILED_SHARE = 0.2
# A message that the vendor has not got by then.
LAG = timedelta(seconds=60)
EXPIRES_WITHIN = timedelta(days=7)
_Kind = Alert.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One trouble that is there now."""

    project_id: int
    kind: str
    subject: str
    detail: str
    environment: str = ""

    @property
    def key(self) -> tuple[int, str, str]:
        """Tell it from others."""
        return self.project_id, self.kind, self.subject


def conditions(now: datetime) -> Iterator[Condition]:
    """Yield every trouble."""
    yield from _connections()
    yield from _failing(now)
    yield from _lagging(now)
    yield from _without_worker()
    yield from _expiring(now)


def _connections() -> Iterator[Condition]:
    red = Integration.objects.filter(status=Integration.Status.NEEDS_ATTENTION)
    for row in red.defer("credentials", "draft"):
        yield Condition(
            project_id=row.project_id,
            kind=_Kind.CONNECTION,
            subject=str(row.pk),
            environment=row.environment,
            detail=f"{connection_title(row)} in {row.get_environment_display()}: "
            f"{row.last_error_message or row.last_error_code}"[:400],
        )


def _failing(now: datetime) -> Iterator[Condition]:
    lately = Handoff.objects.filter(requested_at__gte=now - WINDOW).order_by()
    failed = Count("pk", filter=Q(state=State.FAILED.value))
    rows = lately.values("conversation__project", "environment").annotate(
        failed=failed, asked=Count("pk")
    )
    for row in rows.filter(failed__gte=LEAST_FAILED):
        if row["failed"] >= row["asked"] * FAILED_SHARE:
            minutes = int(WINDOW.total_seconds() // 60)
            yield Condition(
                project_id=row["conversation__project"],
                kind=_Kind.FAILING,
                subject=row["environment"],
                environment=row["environment"],
                detail=f"{row['failed']} of {row['asked']} handoffs of the last {minutes} minutes "
                "have failed. Operate > Handoffs says why, each with its cure.",
            )


def _lagging(now: datetime) -> Iterator[Condition]:
    late = Delivery.objects.filter(
        status=Delivery.Status.PENDING,
        created_at__lt=now - LAG,
        handoff__state__in=[State.QUEUED.value, State.ACTIVE.value],
    )
    rows = late.order_by().values("handoff__conversation__project", "handoff__environment")
    for row in rows.annotate(waiting=Count("pk")):
        yield Condition(
            project_id=row["handoff__conversation__project"],
            kind=_Kind.LAG,
            subject=row["handoff__environment"],
            environment=row["handoff__environment"],
            detail=f"{row['waiting']} messages have waited for longer than "
            f"{int(LAG.total_seconds())} seconds. Operate > Live shows whose, and what to do.",
        )


def _without_worker() -> Iterator[Condition]:
    if workers_alive().exists():
        return
    waiting = Handoff.objects.filter(state__in=OPEN_VALUES)
    for row in waiting.order_by().values("conversation__project").annotate(number=Count("pk")):
        yield Condition(
            project_id=row["conversation__project"],
            kind=_Kind.NO_WORKER,
            subject="relay",
            detail=f"{row['number']} handoffs are open and no relay worker runs: nothing reaches "
            "the vendor. Start one (docs/operators.md).",
        )


def _expiring(now: datetime) -> Iterator[Condition]:
    yield from _keys_ending(now)
    yield from _sign_ins_ending(now)


def _sign_ins_ending(now: datetime) -> Iterator[Condition]:
    """Yield vendors' refresh tokens near their end: each use renews them, so nobody used them."""
    soon = VendorToken.objects.filter(
        name__startswith=ROTATING, expires_at__gt=now, expires_at__lt=now + EXPIRES_WITHIN
    ).exclude(name__endswith=":claim")
    for token in soon.select_related("integration__project").defer("value"):
        row = token.integration
        yield Condition(
            project_id=row.project_id,
            kind=_Kind.EXPIRY,
            subject=f"sign-in {row.pk}",
            environment=row.environment,
            detail=f"{connection_title(row)} in {row.get_environment_display()}: what it signs in "
            f"with ends on {_day(token.expires_at, row.project)}. Test the connection, which "
            "renews it; where that fails, enter a new refresh token."[:400],
        )


def _keys_ending(now: datetime) -> Iterator[Condition]:
    soon = ApiKey.objects.filter(
        revoked_at__isnull=True, expires_at__gt=now, expires_at__lt=now + EXPIRES_WITHIN
    )
    for key in soon.select_related("project"):
        yield Condition(
            project_id=key.project_id,
            kind=_Kind.EXPIRY,
            subject=f"api key {key.pk}",
            detail=f"The API key {key.name} ends on {_day(key.expires_at, key.project)}. "
            "Rotate it under Settings > API keys.",
        )


def _day(moment: datetime | None, project: Project) -> str:
    assert moment is not None
    return f"{moment.astimezone(project.zone):%Y-%m-%d}"
