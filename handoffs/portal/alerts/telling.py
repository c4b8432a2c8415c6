"""Raise, tell and clear alerts: once for each trouble, with a quiet time, by mail and webhook."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from conversations.webhooks.event_types import WebhookType
from conversations.webhooks.outbox import project_tell
from handoffs.portal.alerts.conditions import Condition, conditions
from integrations.models import Alert, Project
from integrations.projects.audit import audit_record
from integrations.telemetry.mail import mail_is_set_up, mail_send

logger = logging.getLogger(__name__)
QUIET_MINUTES = 240
KEPT = timedelta(days=90)
MOST_MAILS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Who is told by mail, and how long a trouble that comes again is kept quiet."""

    emails: tuple[str, ...] = ()
    quiet_minutes: int = QUIET_MINUTES


def alert_settings(project: Project) -> AlertSettings:
    """Return what was set, else what is usual."""
    kept = project.alerts
    return AlertSettings(
        emails=tuple(kept.get("emails", ())),
        quiet_minutes=int(kept.get("quiet_minutes", QUIET_MINUTES)),
    )


def alert_settings_set(*, project: Project, chosen: AlertSettings, actor: Any) -> list[str]:
    """Set it; return the names of what changed."""
    before = alert_settings(project)
    names = ("emails", "quiet_minutes")
    changed = [name for name in names if getattr(before, name) != getattr(chosen, name)]
    if changed:
        kept = {"emails": list(chosen.emails), "quiet_minutes": chosen.quiet_minutes}
        Project.objects.filter(pk=project.pk).update(alerts=kept)
        audit_record(
            project=project,
            actor=actor,
            action="alerts.changed",
            subject=project.name,
            fields=changed,
        )
    return changed


def alerts_run() -> None:
    """Compare what is wrong now with what was; tell of what is new, and of what is over."""
    now = timezone.now()
    found = {one.key: one for one in conditions(now)}
    known = {
        (row.project_id, row.kind, row.subject): row
        for row in Alert.objects.filter(cleared_at__isnull=True).select_related("project")
    }
    for key, condition in found.items():
        _keep(known.get(key) or _raised(condition), condition, now)
    for key, row in known.items():
        if key not in found:
            _clear(row, now)
    Alert.objects.filter(cleared_at__lt=now - KEPT).delete()


def _raised(condition: Condition) -> Alert:
    return Alert.objects.create(
        project_id=condition.project_id,
        kind=condition.kind,
        subject=condition.subject,
        environment=condition.environment,
        detail=condition.detail,
    )


def _keep(row: Alert, condition: Condition, now: datetime) -> None:
    """Tell of a trouble that nobody was told of, unless the same was told a short while ago."""
    if row.detail != condition.detail:
        Alert.objects.filter(pk=row.pk).update(detail=condition.detail)
        row.detail = condition.detail
    if row.told_at is None and not _is_quiet(row, now):
        _tell(row, is_over=False)


def _is_quiet(row: Alert, now: datetime) -> bool:
    since = now - timedelta(minutes=alert_settings(row.project).quiet_minutes)
    same = Alert.objects.filter(project=row.project, kind=row.kind, subject=row.subject)
    return same.filter(told_at__gt=since).exclude(pk=row.pk).exists()


def _clear(row: Alert, now: datetime) -> None:
    Alert.objects.filter(pk=row.pk).update(cleared_at=now)
    row.cleared_at = now
    if row.told_at is not None:
        _tell(row, is_over=True)


def _tell(row: Alert, *, is_over: bool) -> None:
    """Write the webhook's event, then mail; a mail that fails is tried again in a minute."""
    chosen = alert_settings(row.project)
    if chosen.emails and mail_is_set_up():
        try:
            _mail(row, chosen.emails, is_over=is_over)
        except OSError as error:
            logger.warning("An alert was not mailed: %s", type(error).__name__)
            if not is_over:
                return
    with transaction.atomic():
        if not is_over:
            Alert.objects.filter(pk=row.pk).update(told_at=timezone.now())
        kind = WebhookType.ALERTS_RESOLVED if is_over else WebhookType.ALERTS_TRIGGERED
        project_tell(
            row.project_id,
            kind,
            lambda: alert_data(row),
            environment=row.environment,
            lane=f"alert-{row.pk}",
        )


def _mail(row: Alert, emails: tuple[str, ...], *, is_over: bool) -> None:
    words = f"{'Over: ' if is_over else ''}{row.get_kind_display()} in {row.project.name}"
    page = settings.PUBLIC_URL + reverse("alerts", args=[row.project.public_id])
    since = row.raised_at.astimezone(row.project.zone)
    body = f"{row.detail}\n\nSince {since:%Y-%m-%d %H:%M} ({since:%Z}).\n{page}\n"
    mail_send(to=emails[:MOST_MAILS], subject=words, body=body)


def alert_data(row: Alert) -> Mapping[str, Any]:
    """Return what a webhook says of an alert."""
    return {
        "alert_id": row.pk,
        "kind": row.kind,
        "title": row.get_kind_display(),
        "detail": row.detail,
        "raised_at": row.raised_at.isoformat(),
        "cleared_at": row.cleared_at.isoformat() if row.cleared_at else None,
    }
