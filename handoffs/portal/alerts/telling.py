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
# Whoever has begun to mail an alert holds it no longer than this.
MAILING_FOR = timedelta(minutes=5)


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
    _mails_send()
    Alert.objects.filter(cleared_at__lt=now - KEPT).delete()


def _raised(condition: Condition) -> Alert:
    row, _ = Alert.objects.get_or_create(
        project_id=condition.project_id,
        kind=condition.kind,
        subject=condition.subject,
        cleared_at=None,
        defaults={"environment": condition.environment, "detail": condition.detail},
    )
    return row


def _keep(row: Alert, condition: Condition, now: datetime) -> None:
    """Tell of a trouble that nobody was told of, unless the same was told a short while ago."""
    if row.detail != condition.detail:
        Alert.objects.filter(pk=row.pk).update(detail=condition.detail)
        row.detail = condition.detail
    if row.told_at is None and not _is_quiet(row, now):
        _tell(row, now)


def _is_quiet(row: Alert, now: datetime) -> bool:
    since = now - timedelta(minutes=alert_settings(row.project).quiet_minutes)
    same = Alert.objects.filter(project=row.project, kind=row.kind, subject=row.subject)
    return same.filter(told_at__gt=since).exclude(pk=row.pk).exists()


def _tell(row: Alert, now: datetime) -> None:
    """Tell of a trouble once, whoever else sees it at the same moment."""
    with transaction.atomic():
        if Alert.objects.filter(pk=row.pk, told_at=None).update(told_at=now, mail_due_at=now):
            _webhook(row, WebhookType.ALERTS_TRIGGERED)


def _clear(row: Alert, now: datetime) -> None:
    """Tell that a trouble is over, by mail to whom it was mailed."""
    is_mailed = row.told_at is not None and row.mail_due_at is None
    due = now if is_mailed else None
    with transaction.atomic():
        still_open = Alert.objects.filter(pk=row.pk, cleared_at=None)
        if still_open.update(cleared_at=now, mail_due_at=due) and row.told_at is not None:
            row.cleared_at = now
            _webhook(row, WebhookType.ALERTS_RESOLVED)


def _webhook(row: Alert, kind: WebhookType) -> None:
    project_tell(
        row.project_id,
        kind,
        lambda: alert_data(row),
        environment=row.environment,
        lane=f"alert-{row.pk}",
    )


def _mails_send() -> None:
    due = Alert.objects.filter(mail_due_at__lte=timezone.now()).select_related("project")
    for row in due:
        _mail_once(row)


def _mail_once(row: Alert) -> None:
    """Mail it, if nobody else is at it; a mail that fails is tried again in a minute."""
    until, due = timezone.now() + MAILING_FOR, None
    mine = Alert.objects.filter(pk=row.pk, mail_due_at=row.mail_due_at)
    if not mine.update(mail_due_at=until):
        return
    emails = alert_settings(row.project).emails
    try:
        if emails and mail_is_set_up():
            _mail(row, emails)
    except OSError as error:
        logger.warning("An alert was not mailed: %s", type(error).__name__)
        due = timezone.now()
    Alert.objects.filter(pk=row.pk, mail_due_at=until).update(mail_due_at=due)


def _mail(row: Alert, emails: tuple[str, ...]) -> None:
    over = "Over: " if row.cleared_at else ""
    words = f"{over}{row.get_kind_display()} in {row.project.name}"
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
