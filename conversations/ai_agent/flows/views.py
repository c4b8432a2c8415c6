"""The Flows pages: list, a flow with its picture, the editor of a step."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.entities.parameters import parameters_needed
from conversations.ai_agent.flows.forms import Choices, FlowForm, StepEditor
from conversations.ai_agent.flows.picture import flow_picture
from conversations.ai_agent.flows.services import (
    StaleStepError,
    flow_create,
    flow_delete,
    flow_update,
    step_delete,
    step_save,
    step_version,
)
from conversations.ai_agent.flows.steps import STEP_KINDS, FlowPlan, Known, plan_of, plan_problems
from conversations.models import Flow
from integrations.contract.integration_keys import payload_keys, vendor_name
from integrations.models import Access, Area, Project
from integrations.projects.access import project_view
from integrations.projects.frame.address import asked


@project_view(Area.KNOWLEDGE)
@require_http_methods(["GET"])
def flows(request: HttpRequest, project: Project) -> HttpResponse:
    """List the project's flows."""
    rows = [(flow, len(_problems(project, flow))) for flow in project.flows.all()]
    return render(request, "conversations/flows.html", {"flows": rows})


@project_view(Area.KNOWLEDGE, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def flow_new(request: HttpRequest, project: Project) -> HttpResponse:
    """Add a flow with a first step."""
    form = FlowForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            flow = flow_create(project=project, actor=request.user, values=form.cleaned_data)
        except ValidationError as error:
            _put_errors(form, error)
        else:
            messages.success(request, f"Flow “{flow.name}” created. Now its steps.")
            return redirect("flow", project_id=project.public_id, flow_id=flow.pk)
    status = 422 if form.errors else 200
    return render(request, "conversations/flow_new.html", {"form": form}, status=status)


@project_view(Area.KNOWLEDGE)
@require_http_methods(["GET", "POST"])
def flow(request: HttpRequest, project: Project, flow_id: int) -> HttpResponse:
    """Show a flow as a picture and in words; change its name and its first step."""
    row = get_object_or_404(project.flows, pk=flow_id)
    form = FlowForm.for_flow(row)
    if request.method == "POST":
        form = FlowForm(request.POST, flow=row)
        if form.is_valid():
            try:
                flow_update(flow=row, actor=request.user, values=form.cleaned_data)
            except ValidationError as error:
                _put_errors(form, error)
            else:
                messages.success(request, f"Flow “{row.name}” saved.")
                return redirect("flow", project_id=project.public_id, flow_id=row.pk)
        row = Flow.objects.get(pk=row.pk)
    plan = plan_of(row.name, row.start_step, row.steps)
    context = {
        "flow": row,
        "form": form,
        "steps": [(number, step, _about(step)) for number, step in enumerate(row.steps)],
        "picture": flow_picture(plan),
        "problems": _problems(project, row, plan),
        "kinds": list(STEP_KINDS.items()),
    }
    status = 422 if form.errors else 200
    return render(request, "conversations/flow.html", context, status=status)


@project_view(Area.KNOWLEDGE, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def flow_remove(request: HttpRequest, project: Project, flow_id: int) -> HttpResponse:
    """Ask, then delete a flow."""
    row = get_object_or_404(project.flows, pk=flow_id)
    if request.method == "POST":
        name = row.name
        flow_delete(flow=row, actor=request.user)
        messages.success(request, f"Flow “{name}” deleted.")
        return redirect("flows", project_id=project.public_id)
    return render(request, "conversations/flow_delete.html", {"flow": row})


@project_view(Area.KNOWLEDGE, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def flow_step(
    request: HttpRequest, project: Project, flow_id: int, at: int | None = None
) -> HttpResponse:
    """Edit a step, or add one; a button keeps the page open with another free row."""
    row = get_object_or_404(project.flows, pk=flow_id)
    name = _name_of(request, row, at)
    step = _step(row, name) or _fresh(request)
    sent = request.POST if request.method == "POST" else None
    editor = StepEditor(step, sent, _offers(project, row))
    version = sent.get("version", "") if sent else step_version(step)
    if sent is None:
        return _step_page(request, row, editor, name, version)
    try:
        if "delete" in sent and name:
            step_delete(flow=row, actor=request.user, name=name, version=version)
            messages.success(request, f"Step “{name}” deleted.")
            return redirect("flow", project_id=project.public_id, flow_id=row.pk)
        if not editor.is_valid():
            return _step_page(request, row, editor, name, version, status=422)
        new = editor.step()
        step_save(flow=row, actor=request.user, old_name=name, step=new, version=version)
    except StaleStepError:
        return _stale_page(request, row, editor, name)
    except ValidationError as error:
        _put_errors(editor.form, error)
        row = Flow.objects.get(pk=row.pk)
        return _step_page(request, row, editor, name, version, status=422)
    messages.success(request, f"Step “{new['name']}” saved.")
    if "more" in sent:
        here = [one["name"] for one in row.steps].index(new["name"])
        return redirect("flow_step", project_id=project.public_id, flow_id=row.pk, at=here)
    return redirect("flow", project_id=project.public_id, flow_id=row.pk)


def _name_of(request: HttpRequest, row: Flow, at: int | None) -> str:
    """Return which step is meant: a form names it, as its place may have moved since."""
    if at is None or "old_name" in request.POST:
        return request.POST.get("old_name", "")
    if at >= len(row.steps):
        raise Http404("No such step.")
    return str(row.steps[at]["name"])


def _step(row: Flow, name: str) -> dict[str, Any] | None:
    return next((one for one in row.steps if one["name"] == name), None)


def _fresh(request: HttpRequest) -> dict[str, Any]:
    return {"name": "", "kind": asked(request, "kind", STEP_KINDS, "default")}


def _offers(project: Project, row: Flow) -> dict[str, Choices]:
    """Return what a step of the flow may name."""
    names = [step["name"] for step in row.steps]
    others = project.flows.exclude(pk=row.pk).values_list("name", flat=True)
    return {
        "steps": [(name, name) for name in names],
        "tools": [(name, name) for name in project.tools.values_list("name", flat=True)],
        "flows": [(name, name) for name in others],
        "places": _places(project),
    }


def _places(project: Project) -> Choices:
    """Return where a handoff can go: the destinations, and each vendor that is connected."""
    used = set(project.integrations.values_list("integration_key", flat=True))
    names = [(name, name) for name in project.destinations.values_list("name", flat=True)]
    keys = [(key, vendor_name(key)) for key in payload_keys() if key in used]
    groups = [("Destinations", names), ("Integrations", keys)]
    return [(label, choices) for label, choices in groups if choices]


def _problems(project: Project, row: Flow, plan: FlowPlan | None = None) -> list[Any]:
    known = Known(
        tools=parameters_needed(project.tools.all()),
        flows=list(project.flows.values_list("name", flat=True)),
        places=[name for _, choices in _places(project) for name, _ in choices],
    )
    return plan_problems(plan or plan_of(row.name, row.start_step, row.steps), known)


def _about(step: dict[str, Any]) -> str:
    """Say in a line what a step does."""
    kind = step.get("kind", "default")
    asked = [entity["name"] for entity in step.get("entities", [])]
    parts = [
        step.get("prompt", ""),
        f"Collects {', '.join(asked)}." if asked else "",
        f"Runs {', '.join(step['tools'])}." if step.get("tools") else "",
        f"To {step.get('destination') or 'the default destination'}." if kind == "handoff" else "",
    ]
    return " ".join(part for part in parts if part)


def _stale_page(request: HttpRequest, row: Flow, editor: StepEditor, name: str) -> HttpResponse:
    """Show what was typed; saving again puts it in place of theirs, or adds what they deleted."""
    row = Flow.objects.get(pk=row.pk)
    theirs = _step(row, name)
    kept, version = (name, step_version(theirs)) if theirs else ("", "")
    return _step_page(request, row, editor, kept, version, is_stale=True, status=409)


def _step_page(
    request: HttpRequest,
    row: Flow,
    editor: StepEditor,
    name: str,
    version: str,
    *,
    is_stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    kind = str(editor.form["kind"].value())
    where: dict[str, Any] = {"project_id": row.project.public_id, "flow_id": row.pk}
    context = {
        "flow": row,
        "old_name": name,
        "version": version,
        "is_stale": is_stale,
        "editor": editor,
        "kind": kind,
        "title": editor.form.initial.get("name") or "New step",
        "back": reverse("flow", kwargs=where),
    }
    return render(request, "conversations/flow_step.html", context, status=status)


def _put_errors(form: Any, error: ValidationError) -> None:
    for name, problems in error.message_dict.items():
        form.add_error(name if name in form.fields else None, ValidationError(problems))
