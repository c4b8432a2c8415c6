"""The figures of analytics, by the tab on which they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handoffs.portal.analytics.counting import counted
from handoffs.portal.analytics.counting.figure import Figure
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.tabs.failures import failures
from handoffs.portal.analytics.tabs.overview import overview
from handoffs.portal.analytics.tabs.quality import quality
from handoffs.portal.analytics.tabs.waiting import waiting
from handoffs.portal.analytics.tabs.why import why
from handoffs.portal.analytics.totals import reading


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of figures: its label, how it is written, and the names of its figures."""

    name: str
    label: str
    write: Callable[[Scope, Any], list[Figure]]
    figures: tuple[str, ...]

    def read(self, scope: Scope) -> list[Figure]:
        """Return its figures: a long range from the totals of its days, else from facts."""
        days = reading.days_read(scope, self.name)
        if days is None:
            return self.write(scope, counted.COUNTED[self.name](scope))
        return self.write(scope, reading.READ[self.name](days))


TABS = {
    tab.name: tab
    for tab in (
        Tab("overview", "Overview", overview, ("summary", "outcomes", "by_day")),
        Tab(
            "waiting",
            "Waiting",
            waiting,
            ("times", "service_level", "wait_bins", "handle_bins", "wait_by_day", "hours"),
        ),
        Tab("why", "Why and where", why, ("reason", "topic", "vendor", "queue")),
        Tab(
            "quality",
            "Quality",
            quality,
            ("containment", "settled", "returns", "ratings_ai_agent", "ratings_live_agent"),
        ),
        Tab("failures", "Failures", failures, ("classes", "codes", "refused")),
    )
}


def tab_of(figure: str) -> Tab | None:
    """Return the tab on which a figure stands."""
    return next((tab for tab in TABS.values() if figure in tab.figures), None)
