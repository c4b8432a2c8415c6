"""Who may do what: every portal view asks here for its project."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone

from integrations.models import Access, Area, Membership, Project
from integrations.projects.proofs import factor_proved

NAMED_ADMINS = 5
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

View = Callable[..., HttpResponseBase]


class SecondFactorMissing(PermissionDenied):
    """The workspace asks for a second factor, and this session has shown none."""


class PortalRequest(HttpRequest):
    """A request whose project and membership have been found."""

    project: Project
    membership: Membership


def projects_of(user: Any) -> QuerySet[Project]:
    """Return the projects of every workspace in which the user is a member."""
    return Project.objects.filter(workspace__members__user=user).select_related("workspace")


def own_zone_activate(user: Any) -> None:
    """Show a page that belongs to no project in the zone of the user's first one."""
    first = projects_of(user).first()
    if first is not None:
        timezone.activate(first.zone)


def project_entry(user: Any, project_id: str) -> tuple[Project, Membership] | None:
    """Return a project and by which membership a user enters it; None where it is not theirs."""
    rows = projects_of(user).filter(public_id=project_id)
    project = rows.annotate(**_MEMBER_COLUMNS).first()
    return None if project is None else (project, _membership(project, user))


def project_for(request: HttpRequest, project_id: str, area: Area, access: Access) -> Project:
    """Return the project if the signed-in user may enter this area of it.

    A project of another workspace does not exist for the user (Http404); too little access is
    PermissionDenied. The project is also put on the request, for the frame of the page, and what
    the page shows is in the project's time zone.
    """
    found = project_entry(request.user, project_id)
    if found is None:
        raise Http404("No such project.")
    project, membership = found
    timezone.activate(project.zone)
    portal_request = cast(PortalRequest, request)
    portal_request.project, portal_request.membership = project, membership
    if project.workspace.requires_second_factor:
        second_factor_needed(request)
    if membership.access(area) < access:
        missing = "may only read" if membership.access(area) else "have no access to"
        raise PermissionDenied(f"You {missing} {area.label} in {project.name}.")
    return project


_MEMBER = ("id", "is_admin", "areas", "sees_personal_data", "first_steps_dismissed")
_MEMBER_COLUMNS = {f"member_{name}": F(f"workspace__members__{name}") for name in _MEMBER}


def _membership(project: Project, user: Any) -> Membership:
    """Return the membership that was read with the project, in the same statement."""
    values = {name: getattr(project, f"member_{name}") for name in _MEMBER}
    membership = Membership(workspace=project.workspace, user=user, **values)
    membership._state.adding, membership._state.db = False, project._state.db
    return membership


def second_factor_needed(request: HttpRequest) -> None:
    """Raise SecondFactorMissing unless this session has shown a second factor."""
    if not factor_proved(request.session):
        raise SecondFactorMissing("A second factor is required here.")


def project_view(
    area: Area, *, to_read: Access = Access.READ, to_change: bool = True
) -> Callable[[View], View]:
    """Decorate a view of one area: signs in first; reading needs `to_read`, all else Edit.

    `to_change` False: a POST that changes nothing, such as an export, needs no more than reading.

    The view gets the project in place of `project_id`: `def topics(request, project)`.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, project_id: str, **kwargs: Any) -> HttpResponseBase:
            is_reading = request.method in _READING or not to_change
            needed = to_read if is_reading else Access.EDIT
            return view(request, project_for(request, project_id, area, needed), **kwargs)

        return cast(View, guarded)

    return decorate


def membership_of(request: HttpRequest) -> Membership:
    """Return the membership by which the user entered the request's project."""
    return cast(PortalRequest, request).membership


def may_read(request: HttpRequest, area: Area) -> bool:
    """Say whether the user may look at an area of the request's project."""
    return cast(PortalRequest, request).membership.access(area) >= Access.READ


def may_see_personal_data(request: HttpRequest) -> bool:
    """Say whether the user may see what people of the request's project wrote and are called."""
    return cast(PortalRequest, request).membership.may_see_personal_data


def may_edit(request: HttpRequest, area: Area) -> bool:
    """Say whether the user may change things in an area of the request's project."""
    return cast(PortalRequest, request).membership.access(area) >= Access.EDIT


def admins_named(project: Project) -> list[str]:
    """Name a few of those who can give a member more access."""
    rows = Membership.objects.filter(workspace=project.workspace_id)
    return [user.get_username() for user in some_admins(rows)]


def some_admins(rows: QuerySet[Membership]) -> list[Any]:
    """Return a few users who are admins by these memberships, each once."""
    active = rows.filter(is_admin=True, user__is_active=True).select_related("user")
    users = {row.user_id: row.user for row in active.order_by("pk")[: 4 * NAMED_ADMINS]}
    return [*users.values()][:NAMED_ADMINS]
