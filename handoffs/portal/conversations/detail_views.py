"""One conversation: the whole of it, live while it goes on, with notes, tags and handoffs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from conversations.journal.holds import held_until
from conversations.models import Conversation
from conversations.models.review import NOTE_MAX, TAG_MAX
from handoffs.portal.conversations.listing import (
    channel_label,
    conversation_badge,
    end_user_label,
)
from handoffs.portal.conversations.marks import EDIT_TIME
from handoffs.portal.conversations.reading import (
    Reading,
    conversation_sentence,
    reading_get,
    reading_text,
)
from handoffs.portal.one_handoff.kept import kept_words
from handoffs.portal.one_handoff.wording import BADGES, Badge, end_reason_text
from handoffs.states import State
from integrations.contract.integration_keys import vendor_name
from integrations.entry.rate_limit import retry_after
from integrations.kit.json_values import count_read
from integrations.models import Area, Project
from integrations.projects.access import may_edit, may_see_personal_data, project_view
from integrations.projects.audit import audit_record
from integrations.projects.frame.address import ignore

AUDITED_SECONDS = 3600
SUBJECTS = {"bot": "AI agent", "live_agent": "Live agent"}


@require_GET
@project_view(Area.CONVERSATIONS)
def conversation(request: HttpRequest, project: Project, conversation_id: str) -> HttpResponse:
    """Show a conversation from its beginning, or its newest part where it is long."""
    row = conversation_of(project, conversation_id)
    context = _shown(request, row)
    reading_audit(request, row)
    return render(request, "handoffs/conversation.html", context | marks_shown(request, row))


@require_GET
@project_view(Area.CONVERSATIONS)
def conversation_live(request: HttpRequest, project: Project, conversation_id: str) -> HttpResponse:
    """Return the part of the page that changes, for its script to put in place."""
    row = conversation_of(project, conversation_id)
    response = render(request, "handoffs/conversation_live.html", _shown(request, row))
    response["Cache-Control"] = "no-store"
    return response


@require_GET
@project_view(Area.CONVERSATIONS)
def conversation_text(request: HttpRequest, project: Project, conversation_id: str) -> HttpResponse:
    """Return the conversation as plain text."""
    row = conversation_of(project, conversation_id)
    sees_all = may_see_personal_data(request)
    reading_audit(request, row)
    text = reading_text(row, reading_get(row, sees_personal_data=sees_all))
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def conversation_of(project: Project, conversation_id: str) -> Conversation:
    """Return a conversation of the project; raises Http404."""
    rows = Conversation.objects.filter(project=project).select_related(
        "project", "end_user", "channel", "release", "search", "survey"
    )
    rows = rows.defer("search__words", "search__masked")
    rows = rows.annotate(held_until=held_until("pk", "end_user"))
    return get_object_or_404(rows, pk=conversation_id.replace("\x00", ""))


def marks_shown(request: HttpRequest, row: Conversation) -> dict[str, Any]:
    """Return what members have written on a conversation, for the partials that show it."""
    notes = row.notes.select_related("author", "api_key")
    return {
        "notes": [(note, _may_change(request, note)) for note in notes],
        "note_max": NOTE_MAX,
        "tag_max": TAG_MAX,
        "tags": list(row.conversation_tags.select_related("tag").order_by("tag__name")),
        "may_mark": may_edit(request, Area.CONVERSATIONS),
    }


def reading_audit(request: HttpRequest, row: Conversation) -> None:
    """Note that a member who may see what was said reads it: once an hour, however often."""
    user = request.user
    if not may_see_personal_data(request):
        return
    if not retry_after(f"read:{user.pk}:{row.pk}", limit=1, window_seconds=AUDITED_SECONDS):
        audit_record(project=row.project, actor=user, action="conversation.read", subject=row.pk)


def _may_change(request: HttpRequest, note: Any) -> bool:
    """Say whether it is the member's own, and new enough to be corrected."""
    is_own = note.author_id == request.user.pk
    return bool(is_own and timezone.now() - note.created_at < EDIT_TIME)


def _shown(request: HttpRequest, row: Conversation) -> dict[str, Any]:
    sees_all = may_see_personal_data(request)
    before = request.GET.get("before", "")
    number = count_read(before) or 0
    if before and not number:
        ignore(request, f"“{before[:40]}” is ignored: before takes the number of a line.")
    reading = reading_get(row, sees_personal_data=sees_all, before=number)
    kept = kept_words(row, row.held_until)  # type: ignore[attr-defined]
    return {
        "conversation": row,
        "lines": reading.lines,
        "earlier": reading.earlier,
        "is_part": bool(number),
        "is_open": row.state != Conversation.State.ENDED and not number,
        "badge": conversation_badge(row),
        "sentence": conversation_sentence(row, now=timezone.now()),
        "end_user": end_user_label(row, sees_personal_data=sees_all),
        "facts": [
            *_facts(row),
            ("Kept", kept),
            *(_personal_facts(row) if sees_all else ()),
        ],
        "state": row.tool_state if sees_all else {},
        "handoffs": _handoffs(reading),
        "survey": _survey(row, sees_all),
        "sees_personal_data": sees_all,
    }


def _handoffs(reading: Reading) -> list[tuple[Any, Badge, str, str]]:
    return [
        (
            one,
            BADGES[State(one.state)],
            vendor_name(one.integration_key) or "No integration",
            end_reason_text(one),
        )
        for one in reading.handoffs
    ]


def _survey(row: Conversation, sees_all: bool) -> dict[str, Any] | None:
    """Return what the end user thought of it; the words need the right."""
    survey = getattr(row, "survey", None)
    if survey is None:
        return None
    return {
        "scores": [(SUBJECTS[one], score) for one, score in survey.scores.items()],
        "is_answered": survey.answered_at is not None,
        "comment": survey.comment if sees_all else "",
        "is_comment_hidden": bool(survey.comment) and not sees_all,
    }


def _facts(row: Conversation) -> list[tuple[str, str]]:
    search = getattr(row, "search", None)
    return [
        ("Channel", channel_label(row)),
        ("Environment", row.get_environment_display()),
        ("Variant", row.variant_id),
        ("Release", f"{row.release.number}" if row.release else ""),
        ("Language", row.locale),
        ("Topic", search.topic if search else ""),
        ("Conversation", row.pk),
        ("Session", str(row.session_id)),
    ]


def _personal_facts(row: Conversation) -> list[tuple[str, str]]:
    person = row.end_user
    return [
        ("Name", person.name),
        ("E-mail", person.email),
        ("Telephone", person.phone),
        ("Identity", "Verified" if person.is_verified else "Not verified"),
        ("Id with you", person.external_id if person.is_verified else ""),
        ("Shared id", row.shared_id),
        ("Page", str(row.page.get("url") or "")),
    ]
