"""The few numbers on a project's home, each a link to the page that it counts."""

from __future__ import annotations

from dataclasses import dataclass

from handoffs.portal.overview.menu_counts import menu_counts_get
from integrations.models import Access, Area, Membership, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with what it counts and where that is listed."""

    label: str
    page: str
    query: str
    shown: str
    tone: str


_FIGURES = (
    ("Open handoffs", "live", "", Area.CONVERSATIONS),
    ("Integrations that need attention", "integrations", "", Area.INTEGRATIONS),
    ("Errors today", "project_log", "?level=error&period=today", Area.CONVERSATIONS),
)


def glance(project: Project, membership: Membership) -> list[Figure]:
    """Return the numbers that the member may look at."""
    counts = menu_counts_get(project, sees_personal_data=membership.may_see_personal_data)
    found = []
    for label, page, query, area in _FIGURES:
        if membership.access(area) >= Access.READ:
            count = counts.get(page)
            shown, tone = (count.shown, count.tone) if count else ("0", "plain")
            found.append(Figure(label=label, page=page, query=query, shown=shown, tone=tone))
    return found
