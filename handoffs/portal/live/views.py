"""Operate > Live: who waits, who is with whom, who is stuck; and what an operator can do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from conversations.errors import ConversationError
from handoffs.models import Handoff
from handoffs.portal.conversations.marks import note_create
from handoffs.portal.live.board import picture
from handoffs.portal.live.opened import STUCK
from handoffs.portal.live.reading import (
    CHOICES,
    COUNTERS,
    MOST_ROWS,
    NAMES,
    ORDERS,
    OVER,
    PAGE_ROWS,
    SORTS,
    LiveFilter,
)
from handoffs.portal.operators import ACT_NOTE_MAX, ACTS, OperatorAct
from handoffs.states import OPEN_VALUES
from integrations.contract.integration_keys import vendor_name
from integrations.models import Area, Environment, Integration, Project
from integrations.projects.access import may_edit, may_see_personal_data, project_view
from integrations.projects.audit import audit_record
from integrations.projects.frame.address import asked
from integrations.projects.lists.bar import FilterField, choice, text
from integrations.projects.lists.filters import Chip, chips

MOST_AT_ONCE = 50
# As many as a choice of them may hold.
QUEUES_SHOWN = 200


@require_GET
@project_view(Area.CONVERSATIONS)
def live(request: HttpRequest, project: Project) -> HttpResponse:
    """Show what is open now; the page's script keeps it up to date."""
    wanted = LiveFilter.read(request.GET, shows_people=may_see_personal_data(request))
    for name, offered in CHOICES.items():
        asked(request, name, offered)
    asked(request, "sort", SORTS)
    shown = picture((project.pk, project.public_id, wanted))
    query = wanted.kept
    more = min(wanted.rows + PAGE_ROWS, MOST_ROWS)
    context = {
        "picture": shown,
        "rows": [shown.rows[row_id] for row_id in shown.order],
        "counters": [
            (name, counter.label, shown.counts[name], urlencode({**query, "state": name}))
            for name, counter in COUNTERS.items()
        ],
        "wanted": wanted,
        "filter_fields": _fields(wanted, project),
        "chips": _chips(wanted),
        "query": urlencode(query | {"rows": wanted.rows}),
        "more_query": urlencode(query | {"rows": more}) if more > wanted.rows else "",
        "is_filtered": bool(wanted.query),
        "may_act": may_edit(request, Area.CONVERSATIONS),
        "acts": [(name, act.label) for name, act in ACTS.items()],
        "act_note_max": ACT_NOTE_MAX,
        **({} if shown.order else _last_ended(project)),
    }
    return render(request, "handoffs/live.html", context)


def _last_ended(project: Project) -> dict[str, Any]:
    """Return the last that was over, and what an empty console says of it."""
    rows = Handoff.objects.filter(project=project, ended_at__isnull=False)
    last = rows.order_by("-requested_at").only("ended_at").first()
    if last is None or last.ended_at is None:
        return {}
    words = "The last handoff ended {}. Whoever asks for a live agent appears here within a second."
    return {"last": last, "last_text": words.format(naturaltime(last.ended_at))}


def _fields(wanted: LiveFilter, project: Project) -> list[FilterField]:
    given = {name: getattr(wanted, name) for name in NAMES}
    states = [(name, one.label) for name, one in COUNTERS.items()]
    queues = [(one, one) for one in sorted({*_queues(project), wanted.queue} - {""})]
    overs = [(one, f"{one} min") for one in OVER]
    return [
        choice(given, "state", "State", states, "All states"),
        choice(given, "stuck", "Stuck because", STUCK.items(), "Whether stuck or not"),
        choice(given, "environment", "Environment", Environment.choices, "All environments"),
        choice(given, "vendor", "Vendor", _vendors(project), "All vendors"),
        choice(given, "queue", "Queue", queues, "All queues"),
        choice(given, "over", "Waits longer than", overs, "However long"),
        text(given, "agent", "Live agent"),
        text(given, "q", "Id"),
        choice(
            {"sort": wanted.sort},
            "sort",
            "Order",
            [(name, ORDERS[name].label) for name in SORTS],
            ORDERS[""].label,
        ),
    ]


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
                words = f"{act.label}: {note}"
                note_create(conversation=row.conversation, text=words, actor=request.user)
        except (ValidationError, ConversationError) as error:
            audit_record(
                project=project,
                actor=request.user,
                action="handoff.act_refused",
                subject=row.pk,
                fields=[f"{act.label}, seen as {seen[row.pk] or 'open'}"],
            )
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
    query = urlencode(LiveFilter.read(request.POST).kept)
    return urlsplit(reverse("live", args=[project.public_id]))._replace(query=query).geturl()


def _vendors(project: Project) -> list[tuple[str, str]]:
    keys = Integration.objects.filter(project=project).values_list("integration_key", flat=True)
    return sorted(((key, vendor_name(key)) for key in set(keys)), key=lambda pair: pair[1])


def _queues(project: Project) -> list[str]:
    """Return the queues in which somebody is now."""
    rows = Handoff.objects.filter(project=project, state__in=OPEN_VALUES)
    return list(rows.order_by().values_list("queue", flat=True).distinct()[:QUEUES_SHOWN])


def _chips(wanted: LiveFilter) -> list[Chip]:
    """Return what is on, each with the address without it."""
    query = wanted.query
    shown = {name: (name.capitalize(), value) for name, value in query.items()}
    shown |= {
        "state": ("State", COUNTERS[wanted.state].label if wanted.state else ""),
        "stuck": ("Stuck", STUCK.get(wanted.stuck, "")),
        "environment": ("Environment", dict(Environment.choices).get(wanted.environment, "")),
        "over": ("Waits longer than", f"{wanted.over} min"),
        "vendor": ("Vendor", vendor_name(wanted.vendor)),
        "agent": ("Live agent", wanted.agent),
        "q": ("Id", wanted.q),
    }
    return chips(shown, wanted.kept)
