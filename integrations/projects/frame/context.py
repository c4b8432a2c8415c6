"""What every portal page needs to draw its frame."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.http import HttpRequest

from integrations.models import Access, Area, MemberSettings, Membership, Project
from integrations.projects.access import admins_named
from integrations.projects.frame.address import ignored
from integrations.projects.frame.menu import menu_of
from integrations.projects.frame.switching import switcher_of

THEME_COOKIE = "theme"
THEMES = ("light", "dark")
# Which groups of the menu are folded: of this browser.
FOLDED_COOKIE = "folded"
KEYS_COOKIE = "keys"
KEYS_OFF = "off"


def portal(request: HttpRequest) -> dict[str, object]:
    """Return the template variables of the frame.

    `may_read` and `may_edit` tell by area what the user may do in the current project.
    """
    chosen = chosen_for(request)
    variables: dict[str, object] = {
        "allow_local_vendors": settings.ALLOW_LOCAL_VENDORS,
        "theme": chosen.theme,
        "has_single_keys": chosen.has_single_keys,
    }
    if project := getattr(request, "project", None):
        variables["project"] = project
        variables["ignored"] = partial(ignored, request)
        # Only pages that draw the frame ask for these.
        variables["switcher"] = partial(switcher_of, request)
        variables |= _rights(request.membership)  # type: ignore[attr-defined]
        variables["admins"] = partial(admins_named, project)
        variables["menu"] = partial(_menu, request, project)
    return variables


def chosen_for(request: HttpRequest) -> MemberSettings:
    """Return what the member chose; what this browser remembers for anybody else."""
    user = getattr(request, "user", None)
    kept: MemberSettings | None = getattr(user, "portal_settings", None)
    if kept is not None:
        return kept
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return MemberSettings(
        theme=theme if theme in THEMES else "",
        has_single_keys=request.COOKIES.get(KEYS_COOKIE) != KEYS_OFF,
    )


def _menu(request: HttpRequest, project: Project) -> object:
    folded = frozenset(request.COOKIES.get(FOLDED_COOKIE, "").split("."))
    membership: Membership = request.membership  # type: ignore[attr-defined]
    return menu_of(project, membership, path=request.path, folded=folded)


def _rights(membership: Membership) -> dict[str, object]:
    given = {area.value: membership.access(area) for area in Area}
    return {
        "may_read": {area: access >= Access.READ for area, access in given.items()},
        "may_edit": {area: access >= Access.EDIT for area, access in given.items()},
    }
