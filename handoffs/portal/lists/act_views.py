"""Acts on many rows of a list: chosen, confirmed, each row on its own, all in the audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from conversations.errors import ConversationError
from conversations.journal.frames import SessionEnd
from conversations.journal.services import conversation_end, conversation_lock
from conversations.models import Conversation
from handoffs.models import Handoff
from handoffs.portal.conversations.marks import tag_put
from handoffs.portal.lists.pages import ListPage, list_address, page_named
from handoffs.portal.operators import handoff_end_by_operator
from handoffs.states import OPEN_VALUES
from integrations.models import Area, Project
from integrations.projects.access import may_edit, may_see_personal_data, project_view
from integrations.projects.audit import audit_record
from integrations.projects.lists.export import export_response

MOST_AT_ONCE = 50


Run = Callable[[Conversation, Any, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAct:
    """What may be done with chosen conversations, in the words of its button."""

    label: str
    done: str
    run: Run | None = None
    needs_tag: bool = False


def _tag(conversation: Conversation, actor: Any, tag: str) -> None:
    tag_put(conversation=conversation, name=tag, actor=actor)


def _close(conversation: Conversation, actor: Any, tag: str) -> None:
    """End what is open: with a vendor as an operator would, else the conversation itself."""
    handoff = Handoff.objects.filter(conversation=conversation, state__in=OPEN_VALUES).first()
    if handoff is not None:
        handoff_end_by_operator(handoff_id=handoff.pk, actor=actor)
        return
    with transaction.atomic():
        locked = conversation_lock(conversation.pk)
        if locked.is_over:
            raise ValidationError("It has ended already.")
        conversation_end(locked, SessionEnd.NATURAL_END)
        audit_record(
            project=locked.project,
            actor=actor,
            action="conversation.ended_by_operator",
            subject=locked.pk,
        )


ACTS = {
    "tag": ListAct(label="Tag", done="Tagged", run=_tag, needs_tag=True),
    "close": ListAct(label="End", done="Ended", run=_close),
    "export": ListAct(label="Export CSV", done="Exported"),
}


@require_POST
@project_view(Area.CONVERSATIONS, to_change=False)
def list_act(request: HttpRequest, project: Project, page: str) -> HttpResponseBase:
    """Ask once, then do it to each of the chosen rows, and say what came of it."""
    list_page = page_named(page)
    if not list_page.has_acts:
        raise Http404("Nothing is done to the rows of this list.")
    query = request.POST.get("query", "")
    back = list_address(project, list_page.name, query[:4000])
    act = ACTS.get(request.POST.get("act", ""))
    chosen = request.POST.getlist("row")[:MOST_AT_ONCE]
    tag = " ".join(request.POST.get("tag", "").split())
    problem = _problem(request, act, chosen, tag)
    if problem or act is None:
        messages.error(request, problem)
        return redirect(back)
    if act.run is None:
        return _exported(request, project, list_page, chosen)
    if request.POST.get("confirm") != "yes":
        return _asked(request, list_page, chosen, tag=tag, query=query, back=back)
    rows = _conversations(project, list_page, chosen)
    _carry_out(request, rows, act.run, act.done, tag)
    return redirect(back)


def _problem(request: HttpRequest, act: ListAct | None, chosen: Sequence[str], tag: str) -> str:
    if act is None:
        return "Choose what to do."
    if not chosen:
        return "Choose at least one row in the first column."
    if act.needs_tag and not tag:
        return "Name the tag."
    if act.run and not may_edit(request, Area.CONVERSATIONS):
        return "You may read this; Edit on Conversations is needed to change it."
    return ""


def _asked(
    request: HttpRequest,
    list_page: ListPage,
    chosen: Sequence[str],
    *,
    tag: str,
    query: str,
    back: str,
) -> HttpResponse:
    name = request.POST["act"]
    context = {
        "list_page": list_page,
        "act": name,
        "label": ACTS[name].label,
        "chosen": chosen,
        "tag": tag,
        "query": query,
        "back": back,
    }
    return render(request, "handoffs/list_act.html", context)


def _conversations(
    project: Project, list_page: ListPage, chosen: Sequence[str]
) -> list[Conversation]:
    rows = Conversation.objects.filter(project=project)
    if list_page.name == "handoffs":
        return list(rows.filter(handoffs__in=chosen).distinct())
    return list(rows.filter(pk__in=chosen))


def _carry_out(
    request: HttpRequest, rows: Sequence[Conversation], run: Run, done_word: str, tag: str
) -> None:
    done = 0
    for row in rows:
        try:
            run(row, request.user, tag)
            done += 1
        except (ValidationError, ConversationError) as error:
            messages.error(request, f"{row.pk}: {_words(error)}")
    if done:
        messages.success(request, f"{done_word}: {done}.")
    elif not rows:
        messages.error(request, "These rows are not in this project.")


def _words(error: ValidationError | ConversationError) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else error.text("en")


def _exported(
    request: HttpRequest, project: Project, list_page: ListPage, chosen: Sequence[str]
) -> HttpResponseBase:
    """Answer with the chosen rows as a file."""
    shows_people = may_see_personal_data(request)
    rows = list_page.found(project, "", shows_people=shows_people).filter(pk__in=chosen)
    audit_record(
        project=project,
        actor=request.user,
        action=f"{list_page.name}.exported",
        subject=f"{len(chosen)} chosen {list_page.nouns[1]}",
    )
    columns = list_page.columns(shows_people)
    exported = list_page.exported(rows, project, MOST_AT_ONCE)
    return export_response(request, list_page.name, "csv", columns, exported)
