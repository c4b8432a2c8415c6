"""Settings > Project: see and change what a project says and what its tools may decide."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from integrations.models import Area, AuditEntry, Project
from integrations.projects.access import may_edit, project_view
from integrations.projects.settings import (
    StaleSettingsError,
    project_set,
    settings_changes,
    settings_version,
)
from integrations.projects.settings_form import ProjectSettingsForm

_WORDS = {
    "name": "name",
    "agent_name": "name of the AI agent",
    "greeting": "greeting",
    "no_match_text": "answer when no topic matches",
    "handoff_api": "Handoff API",
    "handoff_reasons": "handoff reasons",
    "allow_inline_overrides": "inline overrides",
}


@project_view(Area.ACCOUNT)
@require_http_methods(["GET", "POST"])
def project_settings(request: HttpRequest, project: Project) -> HttpResponse:
    """Show the settings; take them from those who may edit, unless somebody else was faster."""
    if request.method != "POST":
        return _page(request, project, ProjectSettingsForm.for_project(project))
    form = ProjectSettingsForm(request.POST)
    if not form.is_valid():
        return _page(request, Project.objects.get(pk=project.pk), form, status=422)
    try:
        changed = project_set(
            project,
            form.settings(project),
            actor=request.user,
            version=form.cleaned_data["version"],
        )
    except StaleSettingsError:
        return _stale(request, project)
    told = f"Saved: {', '.join(_WORDS[name] for name in changed)}." if changed else "Saved."
    messages.success(request, f"{told} It holds from the next message on.")
    return redirect("project_settings", project_id=project.public_id)


def _stale(request: HttpRequest, project: Project) -> HttpResponse:
    """Show what was typed beside who changed what; saving again takes it all the same."""
    typed = request.POST.copy()
    typed["version"] = settings_version(project)
    again = ProjectSettingsForm(typed)
    return _page(request, project, again, is_stale=True, status=409)


def _page(
    request: HttpRequest,
    project: Project,
    form: ProjectSettingsForm,
    *,
    is_stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "is_stale": is_stale,
        "changes": [(entry, _changed(entry)) for entry in settings_changes(project)],
        "may_edit_here": may_edit(request, Area.ACCOUNT),
    }
    return render(request, "integrations/project_settings.html", context, status=status)


def _changed(entry: AuditEntry) -> str:
    return ", ".join(_WORDS.get(name, name) for name in entry.fields)
