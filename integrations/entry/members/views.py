"""Settings > Members: who may do what in the workspace, and who is invited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.entry.account.confirming import asked_before_export, recently_confirmed
from integrations.entry.lockout import locked_seconds
from integrations.entry.members.forms import InvitationForm, RightsForm
from integrations.entry.members.invitations import (
    invitation_link,
    invitation_mail,
    invitation_make,
    invitation_renew,
    invitation_revoke,
)
from integrations.entry.members.listing import (
    COLUMNS,
    exported_members,
    member_chips,
    member_fields,
    members_fitting,
    members_listed,
    name_of,
    rights_of,
    role_words,
    wanted_read,
)
from integrations.entry.members.lookup import deny, member_in, refusal_note, refuse_over_admins
from integrations.entry.members.roles import Rights
from integrations.entry.members.services import member_change, member_remove
from integrations.entry.members.sign_in_views import RulesForm
from integrations.entry.second_factor.kinds import factor_kinds
from integrations.entry.sessions.services import sessions_of
from integrations.models import Area, Invitation, Membership, Project
from integrations.projects.access import may_edit, membership_of, project_view
from integrations.projects.audit import audit_record
from integrations.projects.frame.address import ignore
from integrations.projects.lists.export import export_response
from integrations.projects.lists.filters import asked_unused
from integrations.telemetry.mail import mail_is_set_up

_view = project_view(Area.ACCOUNT)
SHOWN_INVITATIONS = 50


@require_GET
@_view
def members(request: HttpRequest, project: Project) -> HttpResponse:
    """List the members of the workspace and its invitations."""
    return _list(request, project, InvitationForm(initial=_new_initial()))


@require_GET
@_view
def members_export(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Answer with the list as a file, and note who took it."""
    if asked := asked_before_export(request):
        return asked
    wanted = wanted_read(request.GET.dict())
    lines = members_fitting(members_listed(project), wanted)
    audit_record(
        project=None,
        workspace=project.workspace,
        actor=request.user,
        action="member.exported",
        subject=f"{len(lines)} member{'' if len(lines) == 1 else 's'}",
        fields=[name for name, value in wanted.items() if value],
    )
    rows = exported_members(lines)
    return export_response(request, "members", request.GET.get("format", ""), COLUMNS, rows)


@never_cache
@require_POST
@_view
@recently_confirmed
def invitation_send(request: HttpRequest, project: Project) -> HttpResponse:
    """Invite somebody; the link is mailed where mail is set up, and shown to be copied."""
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _list(request, project, form, status=422)
    rights = form.rights()
    _refuse_more_than_own(request, rights, form.cleaned_data["email"])
    try:
        invitation = invitation_make(
            workspace=project.workspace,
            email=form.cleaned_data["email"],
            rights=rights,
            note=form.cleaned_data["note"],
            actor=request.user,
        )
    except ValidationError as error:
        form.add_error("email", error.messages)
        return _list(request, project, form, status=422)
    return _told(request, project, invitation)


@never_cache
@require_POST
@_view
@recently_confirmed
def invitation_again(request: HttpRequest, project: Project, invitation_id: str) -> HttpResponse:
    """Send an invitation again, with 7 new days."""
    try:
        row = invitation_renew(invitation=_invitation(project, invitation_id), actor=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("members", project_id=project.public_id)
    return _told(request, project, row)


@require_POST
@_view
def invitation_end(request: HttpRequest, project: Project, invitation_id: str) -> HttpResponse:
    """Revoke an invitation."""
    row = _invitation(project, invitation_id)
    invitation_revoke(invitation=row, actor=request.user)
    messages.success(request, f"The invitation of {row.email} is revoked.")
    return redirect("members", project_id=project.public_id)


@require_http_methods(["GET", "POST"])
@_view
@recently_confirmed
def member(request: HttpRequest, project: Project, member_id: int) -> HttpResponse:
    """Show a member's rights, and change them."""
    row = member_in(project, member_id)
    form = RightsForm(request.POST or None, initial=RightsForm.initial_of(rights_of(row)))
    if request.method == "POST" and form.is_valid():
        refuse_over_admins(request, row)
        rights = form.rights()
        _refuse_more_than_own(request, rights, row.user.get_username())
        try:
            changed = member_change(membership=row, rights=rights, actor=request.user)
        except ValidationError as error:
            refusal_note(request, row.user.get_username(), "last_admin")
            form.add_error("role", error.messages)
        else:
            messages.success(request, "Rights saved." if changed else "Nothing was changed.")
            return redirect("members", project_id=project.public_id)
    context = {
        "row": row,
        "name": name_of(row),
        "form": form,
        "may_edit_here": may_edit(request, Area.ACCOUNT),
        "factors": factor_kinds([row.user_id]).get(row.user_id, []),
        "sessions": sessions_of(row.user) if may_edit(request, Area.ACCOUNT) else [],
        "locked_words": _locked_words(row),
        "own_key": request.session.session_key,
        "is_self": row.user_id == request.user.pk,
    }
    status = 422 if form.errors else 200
    return render(request, "integrations/member.html", context, status=status)


@require_POST
@_view
@recently_confirmed
def member_end(request: HttpRequest, project: Project, member_id: int) -> HttpResponse:
    """Remove a member whose user name was typed."""
    row = member_in(project, member_id)
    refuse_over_admins(request, row)
    user_name = row.user.get_username()
    if request.POST.get("confirm_name", "").strip() != user_name:
        messages.error(request, f"The name does not match. Type {user_name} to remove the member.")
        return redirect("member", project_id=project.public_id, member_id=row.pk)
    try:
        member_remove(membership=row, actor=request.user)
    except ValidationError as error:
        refusal_note(request, user_name, "last_admin")
        messages.error(request, " ".join(error.messages))
        return redirect("member", project_id=project.public_id, member_id=row.pk)
    messages.success(request, f"{user_name} is no longer a member.")
    if row.user_id == request.user.pk:
        return redirect("home")
    return redirect("members", project_id=project.public_id)


def _refuse_more_than_own(request: HttpRequest, rights: Rights, subject: str) -> None:
    """Nobody hands out what they do not have; raises PermissionDenied."""
    own = membership_of(request)
    wanted = rights.as_fields()
    too_much = [a for a, access in wanted["areas"].items() if access > own.access(a)]
    if (
        (wanted["is_admin"] and not own.is_admin)
        or too_much
        or (wanted["sees_personal_data"] and not own.may_see_personal_data)
    ):
        why = "You cannot give rights that you do not have yourself."
        deny(request, subject, "more_than_own", why)


def _told(request: HttpRequest, project: Project, invitation: Invitation) -> HttpResponse:
    """Show the link; mail it where mail is set up, and say what became of that."""
    mail = "off"
    if mail_is_set_up():
        try:
            invitation_mail(invitation)
            mail = "sent"
        except OSError as error:
            mail = f"failed: {type(error).__name__}"
    return _list(
        request,
        project,
        InvitationForm(initial=_new_initial()),
        more={"link": invitation_link(invitation), "invited": invitation, "mail": mail},
    )


def _list(
    request: HttpRequest,
    project: Project,
    form: InvitationForm,
    *,
    status: int = 200,
    more: Mapping[str, object] | None = None,
) -> HttpResponse:
    now = timezone.now()
    wanted, everybody = wanted_read(request.GET.dict()), members_listed(project)
    ignore(request, *asked_unused(request.GET.dict(), wanted))
    waiting = project.workspace.invitations.select_related("invited_by")[:SHOWN_INVITATIONS]
    context = {
        "members": members_fitting(everybody, wanted),
        "member_count": len(everybody),
        "filter_fields": member_fields(wanted),
        "chips": member_chips(wanted),
        "query": urlencode({name: value for name, value in wanted.items() if value}),
        "rules": RulesForm(initial=vars(project.workspace)),
        "is_admin": membership_of(request).is_admin,
        "invitations": [(row, row.state(now), role_words(row)[0]) for row in waiting],
        "form": form,
        "mail_is_set_up": mail_is_set_up(),
        "may_edit_here": may_edit(request, Area.ACCOUNT),
        **(more or {}),
    }
    return render(request, "integrations/members.html", context, status=status)


def _locked_words(row: Membership) -> str:
    seconds = locked_seconds(row.user)
    if not seconds:
        return ""
    return f"For {seconds} more seconds. Right passwords are refused as well until then."


def _new_initial() -> dict[str, Any]:
    return {"role": "reader"} | {f"area_{area}": "0" for area in Area.values}


def _invitation(project: Project, invitation_id: str) -> Invitation:
    row = project.workspace.invitations.filter(public_id=invitation_id).first()
    if row is None:
        raise Http404("No such invitation.")
    return row
