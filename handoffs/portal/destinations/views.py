"""The Destinations pages: list, editor, copy, default, delete."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from conversations.ai_agent.destinations.selectors import (
    Users,
    destination_list,
    destination_used_by,
)
from conversations.ai_agent.destinations.services import (
    destination_create,
    destination_delete,
    destination_duplicate,
    destination_set_default,
    destination_update,
)
from conversations.models import Destination
from handoffs.portal.destinations.forms import DestinationForm
from integrations.connections.destinations import integration_keys
from integrations.contract.integration_keys import vendor_name
from integrations.kit.json_values import count_read
from integrations.models import Access, Area, Environment, Project
from integrations.projects.access import project_view

_read, _edit = project_view(Area.INTEGRATIONS), project_view(Area.INTEGRATIONS, to_read=Access.EDIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRow:
    """A destination as the list shows it; `missing_in` names environments without its vendor."""

    destination: Destination
    goes_to: str
    missing_in: list[str]
    users: Users


@_read
@require_http_methods(["GET"])
def destinations(request: HttpRequest, project: Project) -> HttpResponse:
    """List the project's destinations."""
    keys = {one.label: integration_keys(project, one) for one in Environment}
    # An environment in which nothing is connected is not in use yet.
    used = {label: found for label, found in keys.items() if found}
    rows = [_row(project, one, used) for one in destination_list(project=project)]
    return render(request, "handoffs/destinations.html", {"rows": rows})


@_edit
@require_http_methods(["GET", "POST"])
def destination_new(request: HttpRequest, project: Project) -> HttpResponse:
    """Add a destination."""
    return _editor(request, project, None)


@_read
@require_http_methods(["GET", "POST"])
def destination(request: HttpRequest, project: Project, destination_id: int) -> HttpResponse:
    """Show and change a destination."""
    return _editor(request, project, get_object_or_404(project.destinations, pk=destination_id))


@_edit
@require_POST
def destination_copy(request: HttpRequest, project: Project, destination_id: int) -> HttpResponse:
    """Add a copy and open it."""
    row = get_object_or_404(project.destinations, pk=destination_id)
    try:
        made = destination_duplicate(destination=row, actor=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("destinations", project_id=project.public_id)
    messages.success(request, f"Destination “{made.name}” made.")
    return redirect("destination", project_id=project.public_id, destination_id=made.pk)


@_edit
@require_POST
def destination_default(
    request: HttpRequest, project: Project, destination_id: int
) -> HttpResponse:
    """Let handoffs go there that name no place."""
    row = get_object_or_404(project.destinations, pk=destination_id)
    destination_set_default(destination=row, actor=request.user)
    messages.success(request, f"Handoffs that name no place go to “{row.name}” now.")
    return redirect("destinations", project_id=project.public_id)


@_edit
@require_http_methods(["GET", "POST"])
def destination_remove(request: HttpRequest, project: Project, destination_id: int) -> HttpResponse:
    """Ask for the name, then delete a destination that no topic names."""
    row = get_object_or_404(project.destinations, pk=destination_id)
    context = {
        "destination": row,
        "users": destination_used_by(project=project, name=row.name),
        "others": [one for one in destination_list(project=project) if one.pk != row.pk],
    }
    error = _removal_problem(request, project, row) if request.method == "POST" else None
    if request.method != "POST" or error:
        context["error"] = error
        status = 422 if error else 200
        return render(request, "handoffs/destination_delete.html", context, status=status)
    messages.success(request, f"Destination “{row.name}” deleted.")
    return redirect("destinations", project_id=project.public_id)


def _removal_problem(request: HttpRequest, project: Project, row: Destination) -> str:
    """Delete; say in a sentence why that was refused, if it was."""
    if request.POST.get("confirm_name", "").strip() != row.name:
        return f"Type {row.name} as it stands above."
    chosen = count_read(request.POST.get("successor", "")) or 0
    successor = project.destinations.filter(pk=chosen).first()
    try:
        destination_delete(destination=row, actor=request.user, successor=successor)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _editor(request: HttpRequest, project: Project, row: Destination | None) -> HttpResponse:
    flows = list(project.flows.values_list("name", flat=True))
    if request.method != "POST":
        form = DestinationForm.for_destination(row, flows) if row else DestinationForm(flows=flows)
        return _editor_page(request, project, row, form)
    form = DestinationForm(request.POST, flows=flows)
    saved = _save(request, project, row, form) if form.is_valid() else None
    if saved is None:
        return _editor_page(request, project, row, form, status=422)
    messages.success(request, f"Destination “{saved.name}” saved.")
    return redirect("destinations", project_id=project.public_id)


def _save(
    request: HttpRequest, project: Project, row: Destination | None, form: DestinationForm
) -> Destination | None:
    """Save; puts errors on the form and returns None where it is refused."""
    try:
        if row:
            return destination_update(destination=row, actor=request.user, values=form.values())
        return destination_create(project=project, actor=request.user, values=form.values())
    except ValidationError as error:
        form.add_error(None, error)
        return None


def _editor_page(
    request: HttpRequest,
    project: Project,
    row: Destination | None,
    form: DestinationForm,
    status: int = 200,
) -> HttpResponse:
    stored = Destination.objects.get(pk=row.pk) if row else None
    context = {
        "destination": stored,
        "form": form,
        "users": destination_used_by(project=project, name=stored.name) if stored else None,
    }
    return render(request, "handoffs/destination.html", context, status=status)


def _row(project: Project, row: Destination, used: dict[str, set[str]]) -> DestinationRow:
    key = row.integration_key
    missing = [label for label, keys in used.items() if key and key not in keys]
    where = row.queue_name or row.name if row.is_for_client else _vendor(key)
    queue = row.route if row.is_for_client else str(row.hints.get("queue", ""))
    return DestinationRow(
        destination=row,
        goes_to=f"{where}, {queue}" if queue else where,
        missing_in=missing,
        users=destination_used_by(project=project, name=row.name),
    )


def _vendor(key: str) -> str:
    return vendor_name(key) if key else "Default agent system"
