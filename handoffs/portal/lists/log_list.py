"""One filter and one list of log entries, for the page, its count and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from django.db.models import Q, QuerySet

from conversations.models import LogEntry
from integrations.models import Project
from integrations.projects.lists.filters import (
    PERIODS,
    Chip,
    ListFilter,
    asked_read,
    chips,
    span_read,
)
from integrations.projects.lists.paging import newest_chunks

NAMES = ("q", "period", "from", "to", "level", "source", "code", "conversation")
COLUMNS = ("at", "level", "source", "code", "content", "fields", "is_pii", "conversation_id")
_EXACT = ("level", "source", "code", "conversation")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter(ListFilter):
    """What the list is narrowed to, as it stands in the address."""

    @classmethod
    def read(cls, asked: Mapping[str, str], zone: tzinfo = UTC) -> LogFilter:
        """Take what an address asks for; a choice that nobody offers narrows nothing."""
        given = asked_read(asked, NAMES, {"level": LogEntry.Level.values, "period": PERIODS})
        return cls(given=given, span=span_read(given, zone), zone=zone)


def log_list(project: Project, wanted: LogFilter, sees_personal_data: bool) -> QuerySet[LogEntry]:
    """Return log entries; those marked personal only for who may see them."""
    entries = LogEntry.objects.filter(project=project)
    if not sees_personal_data:
        entries = entries.filter(is_pii=False)
    entries = entries.filter(**{name: wanted.given[name] for name in _EXACT if wanted.given[name]})
    for word in wanted.given["q"].split():
        entries = entries.filter(
            Q(content__icontains=word)
            | Q(source__icontains=word)
            | Q(code__icontains=word)
            | Q(conversation__id__icontains=word)
        )
    return entries.filter(wanted.within_days("at"))


def log_chips(wanted: LogFilter) -> list[Chip]:
    """Return what is on, each with the address without it."""
    given = wanted.given
    shown = {name: (name.capitalize(), given[name]) for name in NAMES}
    shown |= {
        "q": ("Search", given["q"]),
        "period": ("Written", PERIODS.get(given["period"], ("", 0))[0]),
        "level": ("Level", dict(LogEntry.Level.choices).get(given["level"], "")),
    }
    return chips(shown, wanted.query)


def exported_log(
    entries: QuerySet[LogEntry], project: Project, limit: int
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of the log, the newest first."""
    for chunk in newest_chunks(entries, "at", limit):
        for entry in chunk:
            row = {name: getattr(entry, name) for name in COLUMNS}
            yield row | {"at": entry.at.isoformat()}
