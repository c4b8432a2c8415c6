"""The periods of a health page, and the steps into which a chart cuts them.

Steps begin at whole hours of the project's time zone, which the page has taken up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models.functions import TruncHour, TruncMinute
from django.utils import timezone


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """How far back one looks; the database cuts by `trunc`, a chart by `step`."""

    key: str
    label: str
    length: timedelta
    step: timedelta
    trunc: type[TruncHour] | type[TruncMinute]
    shown_as: str

    def begin(self, now: datetime) -> datetime:
        """Return when it begins: at a whole step, so that no column is a part of one."""
        return self.at(now - self.length + self.step)

    def at(self, moment: datetime) -> datetime:
        """Return the beginning of the step in which a moment lies."""
        zero = datetime(2020, 1, 6, tzinfo=timezone.get_current_timezone()).astimezone(UTC)
        return zero + (moment - zero) // self.step * self.step

    def steps(self, now: datetime) -> Iterator[datetime]:
        """Return the beginning of every step, the oldest first."""
        moment = self.begin(now)
        while moment <= now:
            yield moment
            moment += self.step

    def name(self, step: datetime) -> str:
        """Write the beginning of a step as a chart and its table do."""
        return timezone.localtime(step).strftime(self.shown_as)


def _period(
    key: str, label: str, *, hours: int, step_minutes: int, shown_as: str = "%H:%M"
) -> Period:
    is_fine = step_minutes < 60
    return Period(
        key=key,
        label=label,
        length=timedelta(hours=hours),
        step=timedelta(minutes=step_minutes),
        trunc=TruncMinute if is_fine else TruncHour,
        shown_as=shown_as,
    )


PERIODS = {
    period.key: period
    for period in (
        _period("1h", "1 hour", hours=1, step_minutes=5),
        _period("24h", "24 hours", hours=24, step_minutes=60),
        _period("7d", "7 days", hours=7 * 24, step_minutes=6 * 60, shown_as="%d %b %H:%M"),
        _period("14d", "14 days", hours=14 * 24, step_minutes=12 * 60, shown_as="%d %b %H:%M"),
    )
}
USUAL = "24h"
