"""Settings > Members: the workspace's sign-in rules, and help for a member who is locked out."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from integrations.entry.account.confirming import recently_confirmed
from integrations.entry.members.lookup import deny, member_in, refuse_over_admins
from integrations.entry.members.sign_in_services import (
    IDLE_MAX,
    member_factor_reset,
    member_unlock,
    sign_in_rules_set,
)
from integrations.entry.second_factor.kinds import has_factor
from integrations.entry.sessions.services import session_end, sessions_end_all, sessions_of
from integrations.kit.json_values import count_read
from integrations.models import Area, Project
from integrations.projects.access import membership_of, project_view

_view = project_view(Area.ACCOUNT)


class RulesForm(forms.Form):
    """What a workspace asks of its members when they sign in."""

    requires_second_factor = forms.BooleanField(
        label="Every member needs a second factor",
        required=False,
        help_text="Who has none is led to set it up before any page of this workspace opens.",
    )
    idle_minutes = forms.IntegerField(
        label="Sign out after minutes without activity",
        min_value=0,
        max_value=IDLE_MAX,
        required=False,
        help_text=f"5 to {IDLE_MAX}. 0 leaves it to the installation.",
        error_messages={"invalid": "Enter whole minutes, such as 30."},
    )

    def clean_idle_minutes(self) -> int:
        """Refuse a limit within which nobody could read a page."""
        minutes: int = self.cleaned_data["idle_minutes"] or 0
        if 0 < minutes < 5:
            raise forms.ValidationError("Less than 5 minutes is too short to read a page.")
        return minutes


@require_POST
@_view
@recently_confirmed
def sign_in_rules(request: HttpRequest, project: Project) -> HttpResponse:
    """Save the workspace's sign-in rules; only its admins may."""
    if not membership_of(request).is_admin:
        why = "Only an admin of the workspace sets its sign-in rules."
        deny(request, project.workspace.name, "sign_in_rules", why)
    form = RulesForm(request.POST)
    if not form.is_valid():
        messages.error(
            request, " ".join(str(text) for texts in form.errors.values() for text in texts)
        )
        return redirect("members", project_id=project.public_id)
    changed = sign_in_rules_set(
        workspace=project.workspace,
        requires_second_factor=form.cleaned_data["requires_second_factor"],
        idle_minutes=form.cleaned_data["idle_minutes"],
        actor=request.user,
    )
    messages.success(request, "Sign-in rules saved." if changed else "Nothing was changed.")
    if form.cleaned_data["requires_second_factor"] and not has_factor(request.user):
        return redirect("second_factor")
    return redirect("members", project_id=project.public_id)


@require_POST
@_view
@recently_confirmed
def member_reset(request: HttpRequest, project: Project, member_id: int) -> HttpResponse:
    """Take a member's lost second factor away."""
    row = member_in(project, member_id)
    refuse_over_admins(request, row)
    if member_factor_reset(membership=row, actor=request.user):
        messages.success(
            request,
            f"{row.user.get_username()} signs in with the password alone until a new second "
            "factor is set up, and is signed out everywhere.",
        )
    else:
        messages.info(request, f"{row.user.get_username()} has no second factor.")
    return redirect("member", project_id=project.public_id, member_id=row.pk)


@require_POST
@_view
def member_unlocked(request: HttpRequest, project: Project, member_id: int) -> HttpResponse:
    """Let a member try again at once."""
    row = member_in(project, member_id)
    refuse_over_admins(request, row)
    name = row.user.get_username()
    if member_unlock(membership=row, actor=request.user):
        messages.success(request, f"{name} can try again now.")
    else:
        messages.error(request, "Redis is away: wait until the time is over.")
    return redirect("member", project_id=project.public_id, member_id=row.pk)


@require_POST
@_view
@recently_confirmed
def member_sign_out(request: HttpRequest, project: Project, member_id: int) -> HttpResponse:
    """Sign a member out of one browser, or of all."""
    row = member_in(project, member_id)
    refuse_over_admins(request, row)
    chosen = request.POST.get("session", "")
    if chosen == "all":
        sessions_end_all(user=row.user, actor=request.user)
    else:
        session = sessions_of(row.user).filter(pk=count_read(chosen) or 0).first()
        if session is None:
            raise Http404("No such session.")
        session_end(row=session, actor=request.user)
    messages.success(request, f"{row.user.get_username()} is signed out there.")
    if row.user_id == request.user.pk and chosen == "all":
        return redirect("login")
    return redirect("member", project_id=project.public_id, member_id=row.pk)
