"""What every portal page needs to draw its frame."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from integrations.models import Access, Area, Membership
from integrations.projects.access import projects_of

THEME_COOKIE = "theme"
THEMES = ("light", "dark")


def portal(request: HttpRequest) -> dict[str, object]:
    """Return the template variables of the frame.

    `may_read` and `may_edit` tell by area what the user may do in the current project.
    """
    theme = request.COOKIES.get(THEME_COOKIE, "")
    variables: dict[str, object] = {
        "allow_local_vendors": settings.ALLOW_LOCAL_VENDORS,
        "theme": theme if theme in THEMES else "",
    }
    if project := getattr(request, "project", None):
        variables["project"] = project
        variables["own_projects"] = projects_of(request.user)
        variables |= _rights(request.membership)  # type: ignore[attr-defined]
        admins = Membership.objects.filter(user=request.user, is_admin=True)  # type: ignore[misc]
        variables["may_create_project"] = admins.exists()
    return variables


def _rights(membership: Membership) -> dict[str, object]:
    given = {area.value: membership.access(area) for area in Area}
    return {
        "may_read": {area: access >= Access.READ for area, access in given.items()},
        "may_edit": {area: access >= Access.EDIT for area, access in given.items()},
    }
