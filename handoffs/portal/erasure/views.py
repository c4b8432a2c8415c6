"""Settings > Retention: how long what is kept, and the erasure of one end user."""

from __future__ import annotations

import uuid
from dataclasses import asdict

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conversations.journal.holds import hold_on, holds_in_force
from conversations.models import EndUser
from conversations.models.erasure import Erasure
from handoffs.clocks.retention import conversations_due
from handoffs.portal.erasure.classes import kept_classes
from handoffs.portal.erasure.erasing import erasure_request
from handoffs.portal.erasure.forms import EraseForm, RetentionForm
from handoffs.portal.erasure.people import people_find, person_preview, person_rows
from integrations.entry.account.confirming import recently_confirmed
from integrations.models import Area, Project
from integrations.projects.access import may_edit, may_see_personal_data, project_view
from integrations.projects.audit import audit_record
from integrations.projects.lists.export import export_response
from integrations.projects.retention import retention_of, retention_set

_view = project_view(Area.ACCOUNT)
SHOWN_ERASURES = 50
_SEARCH_MAX = 255
COLUMNS = (
    *("kind", "at", "conversation_id", "type", "external_id", "name", "email", "phone"),
    "data",
)


@never_cache
@require_http_methods(["GET", "POST"])
@_view
@recently_confirmed
def retention(request: HttpRequest, project: Project) -> HttpResponse:
    """Show how long what is kept, and take it; a first time says what would go."""
    form = RetentionForm(request.POST or None, initial=asdict(retention_of(project)))
    if request.method == "POST" and form.is_valid():
        kept = form.kept()
        due = len(conversations_due(project, kept))
        if due and request.POST.get("confirmed") != str(due):
            return _page(request, project, form, due=due, status=409)
        changed = retention_set(project=project, kept=kept, actor=request.user)
        messages.success(request, "Saved." if changed else "Nothing was changed.")
        return redirect("retention", project_id=project.public_id)
    return _page(request, project, form, status=422 if form.errors else 200)


@never_cache
@require_POST
@_view
def person_find(request: HttpRequest, project: Project) -> HttpResponse:
    """Look for an end user; by POST, so that nobody's name stands in an address."""
    _need_personal_data(request)
    wanted = request.POST.get("person", "").replace("\x00", "").strip()[:_SEARCH_MAX]
    found = list(people_find(project, wanted)) if wanted else []
    if len(found) == 1:
        return redirect("person", project_id=project.public_id, person_id=found[0].pk)
    form = RetentionForm(initial=asdict(retention_of(project)))
    return _page(request, project, form, wanted=wanted, found=found, is_searched=True)


@never_cache
@require_http_methods(["GET", "POST"])
@_view
@recently_confirmed
def person(request: HttpRequest, project: Project, person_id: int) -> HttpResponse:
    """Show what is kept of an end user, and erase it when their name was typed."""
    _need_personal_data(request)
    row = _person(project, person_id)
    form = EraseForm(request.POST or None, known_as=known_as(row))
    if request.method == "POST" and form.is_valid():
        try:
            erasure = erasure_request(
                project=project,
                end_user=row,
                reason=form.cleaned_data["reason"],
                actor=request.user,
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            return redirect("erasure", project_id=project.public_id, erasure_id=erasure.pk)
    context = {
        "person": row,
        "known_as": known_as(row),
        "hold": hold_on(row.pk),
        "form": form,
        "may_edit_here": may_edit(request, Area.ACCOUNT),
        **person_preview(row),
    }
    status = 422 if form.errors else 200
    return render(request, "handoffs/person.html", context, status=status)


@never_cache
@require_POST
@_view
@recently_confirmed
def person_export(request: HttpRequest, project: Project, person_id: int) -> HttpResponseBase:
    """Answer with everything that is kept of an end user, a row for each thing."""
    _need_personal_data(request)
    row = _person(project, person_id)
    audit_record(
        project=project,
        actor=request.user,
        action="end_user.exported",
        subject=f"end user {row.pk}",
    )
    form = request.POST.get("format", "")
    return export_response(request, f"end-user-{row.pk}", form, COLUMNS, person_rows(row))


@never_cache
@require_GET
@_view
def erasure(request: HttpRequest, project: Project, erasure_id: uuid.UUID) -> HttpResponse:
    """Show how far an erasure is, what went, and what lies elsewhere."""
    row = Erasure.objects.filter(project=project, pk=erasure_id).first()
    if row is None:
        raise Http404("No such erasure.")
    context = {"erasure": row, "is_done": row.state == Erasure.State.DONE}
    return render(request, "handoffs/erasure.html", context)


def known_as(end_user: EndUser) -> str:
    """Return what an end user is known as: their address, number, or id."""
    return end_user.email or end_user.phone or end_user.external_id


def _page(
    request: HttpRequest,
    project: Project,
    form: RetentionForm,
    *,
    status: int = 200,
    **more: object,
) -> HttpResponse:
    context = {
        "form": form,
        "classes": kept_classes(project),
        "erasures": project.erasures.all()[:SHOWN_ERASURES],
        "holds": holds_in_force().filter(project=project).count(),
        "may_edit_here": may_edit(request, Area.ACCOUNT),
        "sees_personal_data": may_see_personal_data(request),
        **more,
    }
    return render(request, "handoffs/retention.html", context, status=status)


def _person(project: Project, person_id: int) -> EndUser:
    row = EndUser.objects.filter(project=project, pk=person_id).first()
    if row is None:
        raise Http404("No such end user.")
    return row


def _need_personal_data(request: HttpRequest) -> None:
    if not may_see_personal_data(request):
        raise PermissionDenied("Finding a person needs the right to see personal data.")
