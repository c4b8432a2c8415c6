"""Operate > Live: who waits, who is with whom, who is stuck; and what an operator can do."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from conversations.errors import ConversationError
from handoffs.models import Handoff
from handoffs.portal.conversations.marks import note_create
from handoffs.portal.live.board import picture
from handoffs.portal.live.reading import COUNTERS, MOST_ROWS, PAGE_ROWS, LiveFilter
from handoffs.portal.operators import ACT_NOTE_MAX, ACTS, OperatorAct
from integrations.contract.integration_keys import vendor_name
from integrations.models import Area, Environment, Integration, Project
from integrations.projects.access import may_edit, may_see_personal_data, project_view
from integrations.projects.frame.address import asked

MOST_AT_ONCE = 50


@require_GET
@project_view(Area.CONVERSATIONS)
def live(request: HttpRequest, project: Project) -> HttpResponse:
    """Show what is open now; the page's script keeps it up to date."""
    wanted = LiveFilter.read(request.GET, shows_people=may_see_personal_data(request))
    asked(request, "state", COUNTERS)
    asked(request, "environment", Environment.values)
    shown = picture((project.pk, project.public_id, wanted))
    query = {name: getattr(wanted, name) for name in ("state", "environment", "vendor")}
    more = min(wanted.rows + PAGE_ROWS, MOST_ROWS)
    context = {
        "picture": shown,
        "rows": [shown.rows[row_id] for row_id in shown.order],
        "counters": [
            (name, counter.label, shown.counts[name], urlencode(query | {"state": name}))
            for name, counter in COUNTERS.items()
        ],
        "all_query": urlencode(query | {"state": ""}),
        "wanted": wanted,
        "environments": Environment.choices,
        "vendors": _vendors(project),
        "query": urlencode(query | {"rows": wanted.rows}),
        "more_query": urlencode(query | {"rows": more}) if more > wanted.rows else "",
        "is_filtered": any(query.values()),
        "may_act": may_edit(request, Area.CONVERSATIONS),
        "acts": [(name, act.label) for name, act in ACTS.items()],
        "act_note_max": ACT_NOTE_MAX,
        "last": None if shown.order else _last_ended(project),
    }
    return render(request, "handoffs/live.html", context)


def _last_ended(project: Project) -> Handoff | None:
    rows = Handoff.objects.filter(project=project, ended_at__isnull=False)
    return rows.order_by("-requested_at").only("ended_at").first()


@require_POST
@project_view(Area.CONVERSATIONS)
def live_act(request: HttpRequest, project: Project) -> HttpResponse:
    """Do to the chosen handoffs what was asked, each on its own; say what came of it."""
    act = ACTS.get(request.POST.get("act", ""))
    chosen = request.POST.getlist("handoff")[:MOST_AT_ONCE]
    if act is None:
        messages.error(request, "Choose what to do.")
    elif not chosen:
        messages.error(request, "Choose at least one handoff in the first column.")
    else:
        _carry_out(request, project, act, chosen)
    return HttpResponseRedirect(_back(request, project))


def _carry_out(request: HttpRequest, project: Project, act: OperatorAct, chosen: list[str]) -> None:
    # Each is named with the state in which it was seen.
    seen = {pk: state for pk, _, state in (one.partition(" ") for one in chosen)}
    known = Handoff.objects.filter(conversation__project=project, pk__in=seen)
    note = request.POST.get("note", "").strip()[:ACT_NOTE_MAX]
    done, refused = 0, []
    for row in known.select_related("conversation__project").only("conversation"):
        try:
            act.run(handoff_id=row.pk, actor=request.user, seen=seen[row.pk])
            done += 1
            if note:
                text = f"{act.label}: {note}"
                note_create(conversation=row.conversation, text=text, actor=request.user)
        except (ValidationError, ConversationError) as error:
            refused.append(f"{row.pk}: {_words(error)}")
    if done:
        messages.success(request, act.done if done == 1 else f"{act.done} ({done} handoffs)")
    for line in refused:
        messages.error(request, line)
    if not done and not refused:
        messages.error(request, "These handoffs are not in this project.")


def _words(error: ValidationError | ConversationError) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else error.text("en")


def _back(request: HttpRequest, project: Project) -> str:
    """Return to the handoff's own page where the act was asked for there."""
    handoff_id = request.POST.get("from", "")
    if Handoff.objects.filter(conversation__project=project, pk=handoff_id).exists():
        return reverse("handoff", args=[project.public_id, handoff_id])
    query = LiveFilter.read(request.POST)
    chosen = {name: getattr(query, name) for name in ("state", "environment", "vendor")}
    return f"{reverse('live', args=[project.public_id])}?{urlencode(chosen)}"


def _vendors(project: Project) -> list[tuple[str, str]]:
    keys = Integration.objects.filter(project=project).values_list("integration_key", flat=True)
    return sorted(((key, vendor_name(key)) for key in set(keys)), key=lambda pair: pair[1])
