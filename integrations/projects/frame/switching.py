"""Which projects the switcher offers: those opened last first, then the others by name."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, When
from django.http import HttpRequest

from integrations.models import Membership, Project
from integrations.projects.access import membership_of, projects_of

RECENT_MAX = 5
# Beyond so many a list is searched on its own page.
SHOWN_MAX = 50
SEARCHED_FROM = 9
_SESSION_KEY = "projects_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switcher:
    """What the switcher of one user offers."""

    recent: list[Project]
    others: list[Project]
    may_create: bool

    @property
    def is_searched(self) -> bool:
        """Say whether there are too many to look through."""
        return len(self.recent) + len(self.others) >= SEARCHED_FROM


def project_opened(request: HttpRequest, project: Project) -> None:
    """Remember that the user came to the project, as the last of a few."""
    before = _opened(request)
    now = [project.public_id, *(one for one in before if one != project.public_id)][:RECENT_MAX]
    if now != before:
        request.session[_SESSION_KEY] = now


def switcher_of(request: HttpRequest) -> Switcher:
    """Return the projects of the user, and whether they may make another one."""
    order = _opened(request)
    is_recent = Case(When(public_id__in=order, then=0), default=1)
    rows = list(projects_of(request.user).order_by(is_recent, "name", "pk")[:SHOWN_MAX])
    recent = [row for row in rows if row.public_id in order]
    recent.sort(key=lambda row: order.index(row.public_id))
    others = [row for row in rows if row.public_id not in order]
    return Switcher(recent=recent, others=others, may_create=_may_create(request))


def _may_create(request: HttpRequest) -> bool:
    """Say whether the user is an admin, of this project's workspace or of another."""
    if membership_of(request).is_admin:
        return True
    return Membership.objects.filter(user=request.user, is_admin=True).exists()  # type: ignore[misc]


def _opened(request: HttpRequest) -> list[str]:
    kept = request.session.get(_SESSION_KEY, [])
    return [str(one) for one in kept] if isinstance(kept, list) else []
