"""The pages of one handoff: how it stands, and its timeline."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from conversations.journal.holds import held_until
from handoffs.models import Handoff
from handoffs.portal.one_handoff.bundle import bundle_file
from handoffs.portal.one_handoff.entering import handoffs_enter
from handoffs.portal.one_handoff.entries import Kind
from handoffs.portal.one_handoff.kept import kept_words
from handoffs.portal.one_handoff.moments import moments
from handoffs.portal.one_handoff.phases import phases
from handoffs.portal.one_handoff.recurrence import recurrence
from handoffs.portal.one_handoff.timeline import timeline_get, timeline_text
from handoffs.portal.one_handoff.wording import BADGES, handoff_title, headline
from handoffs.portal.operators import ACT_NOTE_MAX, ACTS
from handoffs.states import State
from integrations.contract.integration_keys import vendor_name
from integrations.models import Area, Project
from integrations.projects.access import may_edit
from integrations.projects.audit import audit_record
from integrations.projects.frame.address import ignore
from integrations.projects.reasons import reason_label

KIND_LABELS = {
    Kind.HANDOFF: "What happened",
    Kind.SAID: "What was said",
    Kind.VENDOR: "Vendor calls",
}


@login_required
@require_GET
def handoff(request: HttpRequest, project_id: str, handoff_id: str) -> HttpResponse:
    """Show how a handoff stands and everything that happened in it."""
    project, may_read_text = handoffs_enter(request, project_id)
    row = handoff_of(project, handoff_id)
    may_act = row.is_open and may_edit(request, Area.CONVERSATIONS)
    acts = {"acts": list(ACTS.items()) if may_act else [], "act_note_max": ACT_NOTE_MAX}
    return render(request, "handoffs/handoff.html", acts | _detail(request, row, may_read_text))


@login_required
@require_GET
def handoff_live(request: HttpRequest, project_id: str, handoff_id: str) -> HttpResponse:
    """Return the part of the page that changes, for its script to put in place."""
    project, may_read_text = handoffs_enter(request, project_id)
    row = handoff_of(project, handoff_id)
    response = render(request, "handoffs/handoff_live.html", _detail(request, row, may_read_text))
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_GET
def handoff_text(request: HttpRequest, project_id: str, handoff_id: str) -> HttpResponse:
    """Return the timeline as plain text, for a support case."""
    project, may_read_text = handoffs_enter(request, project_id)
    row = handoff_of(project, handoff_id)
    now = timezone.now()
    top = headline(row, now=now)
    parts = [f"Handoff {row.id}", f"Conversation {row.conversation_id}", top.sentence]
    parts += [part for part in (top.detail, top.cure) if part]
    parts += [f"Likely cause: {help_.cause} {help_.cure}" for help_ in top.likely]
    entries = timeline_get(handoff=row, may_read_text=may_read_text).entries
    text = "\n".join(parts) + "\n\n" + timeline_text(entries)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@login_required
@require_GET
def handoff_bundle(request: HttpRequest, project_id: str, handoff_id: str) -> HttpResponse:
    """Answer with the support bundle as one file, and note who took it."""
    project, _ = handoffs_enter(request, project_id)
    row = handoff_of(project, handoff_id)
    audit_record(project=project, actor=request.user, action="handoff.bundled", subject=row.pk)
    response = HttpResponse(bundle_file(row), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{row.pk}.zip"'
    response["Cache-Control"] = "no-store"
    return response


def handoff_of(project: Project, handoff_id: str) -> Handoff:
    """Return a handoff of the project; raises Http404."""
    rows = Handoff.objects.filter(conversation__project=project).defer("vendor_session")
    rows = rows.annotate(held_until=held_until("conversation", "conversation__end_user"))
    return get_object_or_404(
        rows.select_related("integration", "owner", "conversation__project"), pk=handoff_id
    )


def _detail(request: HttpRequest, row: Handoff, may_read_text: bool) -> dict[str, object]:
    chosen, now = _kinds(request), timezone.now()
    problems_only = request.GET.get("problems") == "1"
    timeline = timeline_get(
        handoff=row, may_read_text=may_read_text, kinds=chosen, problems_only=problems_only
    )
    is_whole = request.GET.get("all") == "1"
    kept = kept_words(row.conversation, row.held_until)  # type: ignore[attr-defined]
    return {
        "handoff": row,
        "headline": headline(row, now=now),
        "phases": phases(row, now=now),
        "badge": BADGES[State(row.state)],
        "title": handoff_title(row),
        "timeline": timeline,
        "moments": moments(
            timeline.entries,
            start=row.requested_at,
            has_pauses=set(chosen) == set(Kind) and not problems_only,
            is_whole=is_whole,
        ),
        "is_whole": is_whole,
        "whole_query": _whole_query(request),
        "seen_before": recurrence(row, row.conversation.project),
        "facts": [*_facts(row), ("Kept", kept)],
        "kinds": [(kind.value, label, kind in chosen) for kind, label in KIND_LABELS.items()],
        "problems_only": problems_only,
        "may_read_text": may_read_text,
        "query": request.GET.urlencode(),
    }


def _whole_query(request: HttpRequest) -> str:
    asked = request.GET.copy()
    asked["all"] = "1"
    return asked.urlencode()


def _kinds(request: HttpRequest) -> tuple[Kind, ...]:
    """Return the kinds asked for; none named means all."""
    named = request.GET.getlist("kind")
    for one in {*named} - {kind.value for kind in Kind}:
        ignore(request, f"“{one[:40]}” is ignored: kind takes one of its choices.")
    return tuple(kind for kind in Kind if kind.value in named) or tuple(Kind)


def _reason(row: Handoff) -> str:
    """Return the reason's label, and what was said where that differs."""
    label = reason_label(row.conversation.project.handoff_reasons, row.reason_code, row.reason)
    return label if label == row.reason else f"{label} ({row.reason})"


def _facts(row: Handoff) -> list[tuple[str, object]]:
    vendor = vendor_name(row.integration_key)
    return [
        ("Vendor", vendor),
        ("Environment", row.get_environment_display()),
        ("Queue asked for", row.routing.get("queue", "")),
        ("Destination", row.destination),
        ("Reason", _reason(row)),
        ("Live agent", row.agent_name),
        ("Conversation", row.conversation_id),
        (f"Conversation at {vendor}", row.vendor_conversation_id),
        ("Shared id", row.shared_id),
        ("Relay worker", row.owner.name if row.owner else ""),
    ]
