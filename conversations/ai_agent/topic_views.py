"""The Topics pages: list with a place to try a phrase, editor, delete."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from conversations.ai_agent.forms import TopicForm
from conversations.ai_agent.services import topic_create, topic_delete, topic_update
from conversations.ai_agent.topic_selectors import phrase_try, topic_list
from conversations.ai_agent.topics.action_rows import (
    ROWS_MAX,
    WHENS,
    ActionRow,
    operators,
    rows_move,
    rows_of,
    rows_posted,
)
from conversations.ai_agent.topics.wording import has_inert_references
from conversations.models import Topic
from integrations.models import Access, Area, Project
from integrations.projects.access import project_for, project_view

PHRASE_MAX_CHARACTERS = 500


@project_view(Area.KNOWLEDGE)
@require_http_methods(["GET"])
def topics(request: HttpRequest, project: Project) -> HttpResponse:
    """List the project's topics."""
    return _list_page(request, project)


@project_view(Area.KNOWLEDGE, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def topic_new(request: HttpRequest, project: Project) -> HttpResponse:
    """Add a topic."""
    return _editor(request, project, None)


@project_view(Area.KNOWLEDGE)
@require_http_methods(["GET", "POST"])
def topic_edit(request: HttpRequest, project: Project, topic_id: int) -> HttpResponse:
    """Show and change a topic."""
    return _editor(request, project, get_object_or_404(project.topics, pk=topic_id))


@project_view(Area.KNOWLEDGE, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def topic_remove(request: HttpRequest, project: Project, topic_id: int) -> HttpResponse:
    """Ask, then delete a topic."""
    topic = get_object_or_404(project.topics, pk=topic_id)
    if request.method == "POST":
        name = topic.name
        topic_delete(topic=topic, actor=request.user)
        messages.success(request, f"Topic “{name}” deleted.")
        return redirect("topics", project_id=project.public_id)
    return render(request, "conversations/topic_delete.html", {"topic": topic})


@login_required
@require_POST
def topic_try(request: HttpRequest, project_id: str) -> HttpResponse:
    """Say which topic a phrase matches and what would run; nothing is run, so Read is enough."""
    project = project_for(request, project_id, Area.KNOWLEDGE, Access.READ)
    phrase = request.POST.get("phrase", "").strip()[:PHRASE_MAX_CHARACTERS]
    return _list_page(request, project, phrase)


def _list_page(request: HttpRequest, project: Project, phrase: str = "") -> HttpResponse:
    return render(
        request,
        "conversations/topics.html",
        {
            "topics": topic_list(project=project),
            "phrase": phrase,
            "tried": phrase_try(project=project, phrase=phrase) if phrase else None,
        },
    )


def _editor(request: HttpRequest, project: Project, topic: Topic | None) -> HttpResponse:
    """Show the editor; a button of the action rows redraws it, anything else saves."""
    if request.method != "POST":
        form = TopicForm.for_topic(topic) if topic else TopicForm(initial={"is_enabled": True})
        rows = rows_of(topic.actions) if topic else []
        return _editor_page(request, project, topic, form, rows)
    rows = rows_posted(request.POST)
    command = request.POST.get("rows", "")
    if command:
        form = TopicForm(initial=_typed(request))
        return _editor_page(request, project, topic, form, rows_move(rows, command))
    form = TopicForm(request.POST)
    saved = _save(request, project, topic, form, rows) if form.is_valid() else None
    if saved is None:
        return _editor_page(request, project, topic, form, rows, status=422)
    messages.success(request, f"Topic “{saved.name}” saved. It is used from the next message on.")
    if has_inert_references(saved.content):
        messages.warning(request, "References in the content do nothing: put them into actions.")
    return redirect("topic_edit", project_id=project.public_id, topic_id=saved.pk)


def _save(
    request: HttpRequest,
    project: Project,
    topic: Topic | None,
    form: TopicForm,
    rows: list[ActionRow],
) -> Topic | None:
    """Save the topic; puts errors on the form and returns None if it is refused."""
    actions = []
    for number, row in enumerate(rows, start=1):
        try:
            actions += [row.stored()] if row.target else []
        except ValueError as error:
            form.add_error(None, f"Action {number}: {error}")
    if form.errors:
        return None
    values = {**form.cleaned_data, "actions": actions}
    try:
        if topic:
            return topic_update(topic=topic, actor=request.user, values=values)
        return topic_create(project=project, actor=request.user, values=values)
    except ValidationError as error:
        for field, problems in error.message_dict.items():
            form.add_error(field if field in form.fields else None, ValidationError(problems))
        return None


def _typed(request: HttpRequest) -> dict[str, object]:
    """Return what stands in the form, unchecked, so that redrawing loses nothing."""
    typed: dict[str, object] = {name: request.POST.get(name, "") for name in TopicForm.base_fields}
    ticked = {name: name in request.POST for name in ("is_enabled", "is_mandatory")}
    return typed | ticked


def _editor_page(
    request: HttpRequest,
    project: Project,
    topic: Topic | None,
    form: TopicForm,
    rows: list[ActionRow],
    status: int = 200,
) -> HttpResponse:
    targets = _targets(project)
    known = [value for _, options in targets for value, _ in options]
    context = {
        "topic": Topic.objects.get(pk=topic.pk) if topic else None,
        "form": form,
        "rows": rows,
        "targets": targets,
        "known": known,
        "whens": WHENS.items(),
        "operators": operators(),
        "has_room": len(rows) < ROWS_MAX,
        "has_tools": project.tools.exists(),
    }
    return render(request, "conversations/topic_edit.html", context, status=status)


def _targets(project: Project) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what an action may do, in groups: its value and its words."""
    tools = project.tools.order_by("name").values_list("name", flat=True)
    places = project.destinations.order_by("name").values_list("name", flat=True)
    flows = project.flows.order_by("name").values_list("name", flat=True)
    anywhere = ("handoff:", "wherever the project hands off to")
    groups = [
        ("Run a tool", [(f"run_tool:{name}", name) for name in tools]),
        ("Hand off to", [anywhere, *((f"handoff:{name}", name) for name in places)]),
        ("Go to a flow", [(f"goto_flow:{name}", name) for name in flows]),
    ]
    return [(label, options) for label, options in groups if options]
