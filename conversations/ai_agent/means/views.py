"""The pages of what tools may use: Secrets, Tool APIs, Values."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.means.forms import SecretForm, ToolApiForm, ToolValuesForm
from conversations.ai_agent.means.services import (
    api_delete,
    api_save,
    secret_delete,
    secret_save,
    values_save,
)
from conversations.models import Secret, ToolApi
from integrations.models import Access, Area, Environment, Project
from integrations.projects.access import may_edit, project_view


@project_view(Area.ACCOUNT)
@require_http_methods(["GET"])
def secrets(request: HttpRequest, project: Project) -> HttpResponse:
    """List the secrets: where each is set, and who may read it."""
    rows = [
        (row, [label for value, label in Environment.choices if value in row.set_at])
        for row in project.secrets.all()
    ]
    return render(request, "conversations/secrets.html", {"rows": rows})


@project_view(Area.ACCOUNT, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def secret_edit(
    request: HttpRequest, project: Project, secret_id: int | None = None
) -> HttpResponse:
    """Add or change a secret; its values are never shown."""
    secret = get_object_or_404(project.secrets, pk=secret_id) if secret_id else None
    form = SecretForm(project=project, secret=secret)
    status = 200
    if request.method == "POST":
        form = SecretForm(request.POST, project=project, secret=secret)
        if form.is_valid() and (saved := _secret_saved(request, project, secret, form)):
            messages.success(request, f"Secret {saved.name} saved.")
            return redirect("secrets", project_id=project.public_id)
        status = 422
    context = {"row": secret and Secret.objects.get(pk=secret.pk), "form": form, "what": "secret"}
    return render(request, "conversations/means_edit.html", context, status=status)


@project_view(Area.ACCOUNT, to_read=Access.EDIT)
@require_http_methods(["POST"])
def secret_remove(request: HttpRequest, project: Project, secret_id: int) -> HttpResponse:
    """Delete a secret that no API needs."""
    secret = get_object_or_404(project.secrets, pk=secret_id)
    try:
        secret_delete(secret=secret, actor=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"Secret {secret.name} deleted.")
    return redirect("secrets", project_id=project.public_id)


@project_view(Area.ACCOUNT)
@require_http_methods(["GET"])
def tool_apis(request: HttpRequest, project: Project) -> HttpResponse:
    """List the APIs that tools may call."""
    return render(request, "conversations/tool_apis.html", {"apis": project.tool_apis.all()})


@project_view(Area.ACCOUNT, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def tool_api_edit(
    request: HttpRequest, project: Project, api_id: int | None = None
) -> HttpResponse:
    """Add or change an API."""
    api = get_object_or_404(project.tool_apis, pk=api_id) if api_id else None
    form = ToolApiForm(project=project, api=api)
    status = 200
    if request.method == "POST":
        form = ToolApiForm(request.POST, project=project, api=api)
        if form.is_valid() and (saved := _api_saved(request, project, api, form)):
            messages.success(request, f"API {saved.name} saved.")
            return redirect("tool_apis", project_id=project.public_id)
        status = 422
    context = {"row": api and ToolApi.objects.get(pk=api.pk), "form": form, "what": "API"}
    return render(request, "conversations/means_edit.html", context, status=status)


@project_view(Area.ACCOUNT, to_read=Access.EDIT)
@require_http_methods(["POST"])
def tool_api_remove(request: HttpRequest, project: Project, api_id: int) -> HttpResponse:
    """Delete an API."""
    api = get_object_or_404(project.tool_apis, pk=api_id)
    api_delete(api=api, actor=request.user)
    messages.success(request, f"API {api.name} deleted.")
    return redirect("tool_apis", project_id=project.public_id)


@project_view(Area.TOOLS)
@require_http_methods(["GET", "POST"])
def tool_values(request: HttpRequest, project: Project) -> HttpResponse:
    """Show and change what tools read as real_time_config and translations."""
    form, status = ToolValuesForm.for_project(project), 200
    if request.method == "POST":
        form, status = ToolValuesForm(request.POST), 422
        if form.is_valid() and _values_saved(request, project, form):
            messages.success(request, "Values saved. Tools read them from the next message on.")
            return redirect("tool_values", project_id=project.public_id)
    context = {"form": form, "may_edit_here": may_edit(request, Area.TOOLS)}
    return render(request, "conversations/tool_values.html", context, status=status)


def _secret_saved(
    request: HttpRequest, project: Project, secret: Secret | None, form: SecretForm
) -> Secret | None:
    try:
        return secret_save(
            project=project,
            actor=request.user,
            secret=secret,
            name=form.cleaned_data["name"],
            description=form.cleaned_data["description"],
            tool_names=form.cleaned_data["tool_names"],
            values=form.values(),
        )
    except ValidationError as error:
        form.add_error(None, error)
        return None


def _api_saved(
    request: HttpRequest, project: Project, api: ToolApi | None, form: ToolApiForm
) -> ToolApi | None:
    try:
        return api_save(project=project, actor=request.user, api=api, values=form.values())
    except ValidationError as error:
        form.add_error(None, error)
        return None


def _values_saved(request: HttpRequest, project: Project, form: ToolValuesForm) -> bool:
    try:
        values_save(
            project=project,
            actor=request.user,
            config=form.cleaned_data["config"] or {},
            translations=form.cleaned_data["translations"] or {},
        )
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True
