"""What analytics is narrowed to: days in one zone, an environment, and what handoffs were about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone

from conversations.models import ConversationFact, HandoffFact
from handoffs.portal.conversations.listing import CHANNELS
from handoffs.portal.one_handoff.outcomes import OUTCOME_LABELS
from integrations.contract.integration_keys import key_named, vendor_name
from integrations.models import Environment, Project
from integrations.projects.lists.filters import (
    PERIODS,
    Chip,
    Span,
    asked_read,
    asked_unused,
    chips,
    span_read,
)
from integrations.projects.lists.time_zones import time_zones

DAYS_MAX = 366
DEFAULT_PERIOD = "7d"
NAMES = (
    *("period", "from", "to", "tz", "environment", "channel", "vendor", "queue", "topic"),
    *("reason", "outcome"),
)
_EXACT = ("channel", "vendor", "queue", "topic", "reason", "outcome")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The filter of every figure; one that names nothing is the last seven days of Live."""

    project: Project
    given: Mapping[str, str]
    zone: ZoneInfo
    span: Span
    # What of the address narrows nothing, in sentences.
    ignored: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, project: Project, asked: Mapping[str, str]) -> Scope:
        """Take what an address asks for; a choice that nobody offers narrows nothing."""
        offered: dict[str, Any] = {
            "environment": Environment.values,
            "channel": CHANNELS,
            "outcome": OUTCOME_LABELS,
            "period": PERIODS,
        }
        kept = asked_read(asked, NAMES, offered)
        ignored = asked_unused(asked, kept)
        if kept["tz"] and kept["tz"] not in time_zones():
            ignored.append(f"“{kept['tz'][:40]}” is ignored: it is no time zone.")
        kept["environment"] = kept["environment"] or Environment.LIVE.value
        kept["tz"] = kept["tz"] if kept["tz"] in time_zones() else project.time_zone
        kept["vendor"] = key_named(kept["vendor"]) or kept["vendor"]
        zone = ZoneInfo(kept["tz"])
        span = _whole(span_read(kept, zone, default=DEFAULT_PERIOD), zone)
        return cls(project=project, given=kept, zone=zone, span=span, ignored=ignored)

    @cached_property
    def bounds(self) -> tuple[datetime, datetime]:
        """Return the first moment, and the first that is not counted."""
        start, end = self.span.bounds(self.zone)
        assert start is not None and end is not None
        return start, end

    @property
    def days(self) -> list[date]:
        """Return every day of the range."""
        first, last = self.span.start, self.span.end
        assert first is not None and last is not None
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    @property
    def query(self) -> dict[str, str]:
        """Return what is on, as parameters of an address."""
        usual = {"environment": Environment.LIVE.value, "tz": self.project.time_zone}
        return {n: text for n, text in self.given.items() if text and usual.get(n) != text}

    @property
    def is_narrowed(self) -> bool:
        """Say whether handoffs are chosen by anything beside days and environment."""
        return any(self.given[name] for name in _EXACT)

    def handoffs(self) -> QuerySet[HandoffFact]:
        """Return the facts of handoffs that were asked for in the range, refused ones too."""
        start, end = self.bounds
        exact = {name: self.given[name] for name in _EXACT if self.given[name]}
        return HandoffFact.objects.filter(
            project=self.project,
            environment=self.given["environment"],
            requested_at__gte=start,
            requested_at__lt=end,
            **exact,
        ).order_by()

    def conversations(self) -> QuerySet[ConversationFact]:
        """Return the facts of conversations that began in the range; what is over is counted."""
        start, end = self.bounds
        rows = ConversationFact.objects.filter(
            project=self.project,
            environment=self.given["environment"],
            started_at__gte=start,
            started_at__lt=end,
        )
        rows = rows.filter(channel=self.given["channel"]) if self.given["channel"] else rows
        return rows.order_by()

    def chips(self) -> list[Chip]:
        """Return what is on, each with the address without it."""
        given = self.given
        shown = {name: (name.capitalize(), given[name]) for name in NAMES}
        shown |= {
            "tz": ("Time zone", given["tz"]),
            "period": ("Asked for", PERIODS.get(given["period"], ("", 0))[0]),
            "environment": ("Environment", dict(Environment.choices)[given["environment"]]),
            "channel": ("Channel", CHANNELS.get(given["channel"], "")),
            "outcome": ("Outcome", OUTCOME_LABELS.get(given["outcome"], "")),
            "vendor": ("Vendor", vendor_name(given["vendor"])),
        }
        return chips(shown, self.query)


def _whole(span: Span, zone: ZoneInfo) -> Span:
    """Close a range that is open, or longer than a year."""
    today = timezone.now().astimezone(zone).date()
    end = min(max(span.end or today, date(1970, 1, 2)), date(2999, 1, 1))
    longest = end - timedelta(days=DAYS_MAX - 1)
    start = span.start or longest
    return Span(start=min(max(start, longest), end), end=end)
