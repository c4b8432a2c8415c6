"""The three numbers beside the menu: open handoffs, tiles that need attention, today's errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from conversations.models import LogEntry
from handoffs.models import Handoff
from handoffs.states import OPEN_VALUES
from integrations.models import Integration, Project

KEPT_SECONDS = 10
COUNTED_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuCount:
    """A number beside an entry of the menu: `shown` for the eye, `words` for the ear."""

    shown: str
    words: str
    tone: str


def _open_handoffs(count: int, shown: str) -> MenuCount:
    words = f"{shown} open handoff{'' if count == 1 else 's'}"
    return MenuCount(shown=shown, words=words, tone="plain")


def _need_attention(count: int, shown: str) -> MenuCount:
    words = f"{shown} need{'s' if count == 1 else ''} attention"
    return MenuCount(shown=shown, words=words, tone="error")


def _errors_today(count: int, shown: str) -> MenuCount:
    words = f"{shown} error{'' if count == 1 else 's'} today"
    return MenuCount(shown=shown, words=words, tone="error")


_WORDS: dict[str, Callable[[int, str], MenuCount]] = {
    "live": _open_handoffs,
    "integrations": _need_attention,
    "project_log": _errors_today,
}


def menu_counts_get(project: Project, *, sees_personal_data: bool) -> dict[str, MenuCount]:
    """Return what stands beside the menu, by page; nothing where the number is none."""
    key = f"menu_counts:{project.pk}:{sees_personal_data:d}"
    counts = cache.get(key)
    if counts is None:
        counts = _counted(project, sees_personal_data=sees_personal_data)
        cache.set(key, counts, KEPT_SECONDS)
    return {
        page: _WORDS[page](count, str(count) if count < COUNTED_MAX else f"{COUNTED_MAX - 1}+")
        for page, count in counts.items()
        if count
    }


def open_and_red(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Tell of each project how many handoffs are open and how many tiles need attention."""
    return projects.annotate(
        open_handoffs=how_many(
            Handoff.objects.filter(project=OuterRef("pk"), state__in=OPEN_VALUES)
        ),
        red_tiles=how_many(
            Integration.objects.filter(
                project=OuterRef("pk"), status=Integration.Status.NEEDS_ATTENTION
            )
        ),
    )


def how_many(rows: QuerySet[Any]) -> Coalesce:
    """Count the rows of another table that belong to a project, within its statement."""
    counted = rows.order_by().values("project").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def _counted(project: Project, *, sees_personal_data: bool) -> dict[str, int]:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    errors = LogEntry.objects.filter(
        project=OuterRef("pk"), level=LogEntry.Level.ERROR, at__gte=midnight
    )
    if not sees_personal_data:
        errors = errors.filter(is_pii=False)
    row = open_and_red(Project.objects.filter(pk=project.pk)).annotate(errors=how_many(errors))
    live, integrations, log = row.values_list("open_handoffs", "red_tiles", "errors").get()
    return {"live": live, "integrations": integrations, "project_log": log}
