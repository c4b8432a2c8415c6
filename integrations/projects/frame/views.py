"""Where a user lands: their first project, or the page that makes one."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from integrations.models import MemberSettings, Membership, Project, Workspace
from integrations.projects import services
from integrations.projects.access import (
    SecondFactorMissing,
    admins_named,
    projects_of,
    second_factor_needed,
    some_admins,
)
from integrations.projects.forms import ProjectForm
from integrations.projects.frame.context import (
    KEYS_COOKIE,
    KEYS_OFF,
    THEME_COOKIE,
    THEMES,
    chosen_for,
)
from integrations.projects.frame.going_back import address_of_ours

_YEAR_SECONDS = 365 * 24 * 3600


def no_access(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say what is missing, and which admins of the workspace can give it."""
    if isinstance(exception, SecondFactorMissing):
        return redirect("second_factor")
    project = getattr(request, "project", None)
    context = {
        "reason": str(exception),
        "workspace": project and project.workspace,
        "admins": admins_named(project) if project else _admins_known(request),
    }
    return render(request, "403.html", context, status=403)


def _admins_known(request: HttpRequest) -> list[str]:
    """Name a few admins of the user's own workspaces; strangers learn none."""
    own = Workspace.objects.filter(members__user=request.user.pk)
    rows = Membership.objects.filter(workspace__in=own)
    return [user.get_username() for user in some_admins(rows)]


def _ask_text(admins: list[str]) -> str:
    whom = f"an admin ({', '.join(admins)})" if admins else "an admin"
    return f"You are not an admin of any workspace. Ask {whom} to add you to theirs."


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Send the user to their first project, or to the page that makes one."""
    project = projects_of(request.user).first()
    if project is None:
        return redirect("project_create")
    return redirect("project_home", project_id=project.public_id)


@login_required
def project_create(request: HttpRequest) -> HttpResponse:
    """Show and take the form of a new project; only admins of a workspace may send it."""
    memberships = Membership.objects.filter(user=request.user, is_admin=True)  # type: ignore[misc]
    membership = memberships.select_related("workspace").first()
    if membership and membership.workspace.requires_second_factor:
        second_factor_needed(request)
    form = ProjectForm(request.POST or None)
    if request.method == "POST":
        if membership is None:
            raise PermissionDenied("Only an admin of a workspace can make a project.")
        if form.is_valid():
            project: Project = services.project_create(
                workspace=membership.workspace,
                name=form.cleaned_data["name"],
                actor=request.user,
            )
            return redirect("project_home", project_id=project.public_id)
    context = {
        "form": form,
        "workspace": membership and membership.workspace,
        "ask_text": _ask_text(_admins_known(request)),
        "has_project": projects_of(request.user).exists(),
    }
    return render(request, "integrations/project_create.html", context)


@require_POST
def theme_set(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or neither, and go back."""
    theme = request.POST.get("theme", "")
    theme = theme if theme in THEMES else ""
    return _remembered(request, THEME_COOKIE, theme, theme=theme)


@require_POST
def keys_set(request: HttpRequest) -> HttpResponse:
    """Remember whether single keys act, and go back."""
    is_off = request.POST.get("keys") == KEYS_OFF
    return _remembered(request, KEYS_COOKIE, KEYS_OFF if is_off else "", has_single_keys=not is_off)


def _remembered(request: HttpRequest, cookie: str, value: str, **chosen: object) -> HttpResponse:
    """Keep a value with the member, and in this browser for its sign-in page; then go back."""
    if request.user.is_authenticated:
        before = chosen_for(request)
        kept = {"theme": before.theme, "has_single_keys": before.has_single_keys}
        MemberSettings.objects.update_or_create(
            user=request.user, defaults=chosen, create_defaults={**kept, **chosen}
        )
    # Not `redirect`, which takes what is no address for the name of a page.
    response = HttpResponseRedirect(address_of_ours(request, request.POST.get("next", "")))
    if value:
        response.set_cookie(cookie, value, max_age=_YEAR_SECONDS, samesite="Lax")
    else:
        response.delete_cookie(cookie)
    return response
