"""Make the totals of the days that have changed, off every path that somebody waits for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat, TruncDate
from django.utils import timezone

from conversations.models import ConversationFact, DayTotal, HandoffFact
from handoffs.portal.analytics.totals.making import Totals, day_totals
from integrations.models import Project
from integrations.projects.lists.filters import Span

TICK_SECONDS = 5.0
# Whether somebody came back is known after a week; until then a day is counted again.
MOVES_FOR = timedelta(days=9)
COUNTED_AGAIN_AFTER = timedelta(hours=6)
_TABS = ("overview", "waiting", "why", "quality", "failures")


def totals_basis(project: Project) -> str:
    """Return what totals depend on beside the facts; they are made anew when it changes."""
    return f"{project.time_zone} {project.service_level_seconds}"


def totals_mark(facts: Iterable[HandoffFact | ConversationFact]) -> None:
    """Note that the days of these facts are due."""
    found = list(facts)
    projects = Project.objects.filter(pk__in={fact.project_id for fact in found})
    zones = dict(projects.values_list("pk", "time_zone"))
    days = {
        (fact.project_id, fact.environment, _day(fact, zones[fact.project_id])) for fact in found
    }
    _mark(sorted(days))


def _day(fact: HandoffFact | ConversationFact, zone: str) -> date:
    at = fact.requested_at if isinstance(fact, HandoffFact) else fact.started_at
    return at.astimezone(ZoneInfo(zone)).date()


def _mark(days: Sequence[tuple[int, str, date]]) -> None:
    """Mark days in their order, so that two who mark do not wait for each other."""
    rows = [DayTotal(project_id=pk, environment=env, day=day) for pk, env, day in days]
    DayTotal.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["project", "environment", "day"],
        update_fields=["is_due"],
        batch_size=500,
    )


def totals_catch_up(*, seconds: float = TICK_SECONDS) -> int:
    """Make what is due, newest day first; return how many days it were."""
    for project in _begin_anew():
        totals_begin(project)
    until, made = time.monotonic() + seconds, 0
    due = DayTotal.objects.filter(is_due=True).order_by("-day")
    for pk in list(due.values_list("pk", flat=True)[:1000]):
        made += total_make(pk)
        if time.monotonic() > until:
            break
    return made


def _begin_anew() -> Iterable[Project]:
    """Return the projects whose zone or target is no longer that of their totals."""
    seconds = Cast("service_level_seconds", CharField())
    basis = Concat("time_zone", Value(" "), seconds, output_field=CharField())
    return Project.objects.alias(basis=basis).exclude(totals_basis=basis)


@transaction.atomic
def totals_begin(project: Project) -> None:
    """Throw a project's totals away, and mark every day of which there are facts."""
    row = Project.objects.select_for_update().get(pk=project.pk)
    DayTotal.objects.filter(project=row).delete()
    zone = ZoneInfo(row.time_zone)
    days: set[tuple[int, str, date]] = set()
    for model, field in ((HandoffFact, "requested_at"), (ConversationFact, "started_at")):
        facts: Any = model.objects.filter(project=row).order_by()
        found = facts.annotate(day=TruncDate(field, tzinfo=zone))
        days |= {(row.pk, *pair) for pair in found.values_list("environment", "day").distinct()}
    _mark(sorted(days))
    Project.objects.filter(pk=row.pk).update(totals_basis=totals_basis(row))


@transaction.atomic
def total_make(pk: int) -> bool:
    """Count one day; who marks it meanwhile waits, and it is counted again."""
    row = DayTotal.objects.select_for_update(skip_locked=True).filter(pk=pk, is_due=True).first()
    if row is None:
        return False
    for tab, numbers in _counted(row).items():
        setattr(row, tab, numbers)
    row.made_at, row.is_due = timezone.now(), False
    row.save(update_fields=[*_TABS, "made_at", "is_due"])
    return True


def _counted(row: DayTotal) -> Totals:
    project = Project.objects.get(pk=row.project_id)
    zone = ZoneInfo(project.time_zone)
    start, end = Span(start=row.day, end=row.day).bounds(zone)
    of = {"project": project, "environment": row.environment}
    return day_totals(
        list(HandoffFact.objects.filter(**of, requested_at__gte=start, requested_at__lt=end)),
        list(ConversationFact.objects.filter(**of, started_at__gte=start, started_at__lt=end)),
        zone=zone,
        target_seconds=project.service_level_seconds,
        now=timezone.now(),
    )


def totals_renew(now: datetime | None = None) -> int:
    """Mark the days of which more is known by now: who came back within a week."""
    now = now or timezone.now()
    rows = DayTotal.objects.filter(
        day__gte=(now - MOVES_FOR).date(), is_due=False, made_at__lt=now - COUNTED_AGAIN_AFTER
    )
    return rows.update(is_due=True)
