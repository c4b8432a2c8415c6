"""Find an end user by what they are known as, and say what is kept of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from conversations.journal.erasing import threads_of
from conversations.models import (
    Attachment,
    Conversation,
    EndUser,
    Event,
    LogEntry,
    Note,
    SmsInbound,
    SmsOutbound,
    SmsThread,
    Survey,
)
from conversations.models.erasure import Erasure
from handoffs.models import Handoff
from integrations.contract.integration_keys import vendor_name
from integrations.models import Project

MOST_FOUND = 20
ERASED_PREFIX = "erased-"


def people_find(project: Project, wanted: str) -> QuerySet[EndUser]:
    """Return the end users whom an id, an e-mail address, a number or a conversation names."""
    known_as = (
        Q(external_id=wanted)
        | Q(email__iexact=wanted)
        | Q(phone=wanted)
        | Q(conversations__pk=wanted)
    )
    rows = EndUser.objects.filter(known_as, project=project).distinct()
    counted = rows.annotate(
        conversation_count=Count("conversations", distinct=True),
        last_at=Max("conversations__started_at"),
    )
    return counted.exclude(external_id__startswith=ERASED_PREFIX).order_by("-pk")[:MOST_FOUND]


def person_preview(end_user: EndUser) -> dict[str, Any]:
    """Count what is kept of an end user, and name what lies with vendors."""
    theirs = Conversation.objects.filter(end_user=end_user)
    handoffs = Handoff.objects.filter(conversation__end_user=end_user)
    vendors = handoffs.exclude(vendor_conversation_id="").values_list("integration_key", flat=True)
    return {
        "counts": [
            ("Conversations", theirs.count()),
            ("Lines", Event.objects.filter(conversation__end_user=end_user).count()),
            ("Files", Attachment.objects.filter(conversation__end_user=end_user).count()),
            ("Handoffs", handoffs.count()),
            ("Log entries", LogEntry.objects.filter(conversation__end_user=end_user).count()),
            ("Text messages", _texts_of(end_user)),
            ("Notes", Note.objects.filter(conversation__end_user=end_user).count()),
        ],
        "open": theirs.exclude(state=Conversation.State.ENDED).count(),
        "vendors": sorted({vendor_name(key) for key in vendors}),
        "is_erased": Erasure.objects.filter(
            project=end_user.project, end_user_id=end_user.pk, state=Erasure.State.WAITING
        ).exists(),
    }


def person_rows(end_user: EndUser) -> Iterator[dict[str, Any]]:
    """Yield everything that is kept of an end user, a row for each thing, oldest first."""
    yield {
        "kind": "end_user",
        "at": end_user.created_at.isoformat(),
        "external_id": end_user.external_id,
        "name": end_user.name,
        "email": end_user.email,
        "phone": end_user.phone,
        "data": end_user.memory,
    }
    for conversation in end_user.conversations.select_related("survey").order_by("started_at"):
        yield _conversation_row(conversation)
        for line in conversation.events.order_by("sequence").iterator():
            yield {
                "kind": "line",
                "at": line.created_at.isoformat(),
                "conversation_id": conversation.pk,
                "type": line.type,
                "data": line.payload,
            }
        yield from _beside(conversation)
        if survey := getattr(conversation, "survey", None):
            yield _survey_row(survey)
    for thread in threads_of(end_user).order_by("created_at"):
        yield from _text_rows(thread)


def _beside(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """Yield what stands beside the lines: files, handoffs and the log; not members' notes."""
    for file in conversation.attachments.order_by("created_at"):
        said = {"name": file.name, "mime_type": file.mime_type, "size_bytes": file.size_bytes}
        yield _row("file", file.created_at, conversation, said)
    for handoff in Handoff.objects.filter(conversation=conversation).order_by("requested_at"):
        gone_to = {
            "vendor": vendor_name(handoff.integration_key),
            "vendor_conversation": handoff.vendor_conversation_id,
            "reason": handoff.reason,
            "sent_along": handoff.context_data,
        }
        yield _row("handoff", handoff.requested_at, conversation, gone_to)
    for entry in LogEntry.objects.filter(conversation=conversation).order_by("at"):
        logged = {"content": entry.content, "fields": entry.fields}
        yield _row("log", entry.at, conversation, logged)


def _row(
    kind: str, at: datetime, conversation: Conversation, data: dict[str, Any]
) -> dict[str, Any]:
    return {
        "kind": kind,
        "at": at.isoformat(),
        "conversation_id": conversation.pk,
        "data": data,
    }


def _texts_of(end_user: EndUser) -> int:
    counted = threads_of(end_user).aggregate(
        came=Count("inbound", distinct=True), went=Count("outbound", distinct=True)
    )
    return int(counted["came"] + counted["went"])


def _survey_row(survey: Survey) -> dict[str, Any]:
    return {
        "kind": "survey",
        "at": (survey.answered_at or survey.asked_at).isoformat(),
        "conversation_id": survey.conversation_id,
        "data": {"scores": survey.scores, "comment": survey.comment},
    }


def _text_rows(thread: SmsThread) -> Iterator[dict[str, Any]]:
    """Tell when a number was texted, and whether it wants to be; lines say what was said."""
    opted_out = thread.opted_out_at and thread.opted_out_at.isoformat()
    yield {
        "kind": "thread",
        "at": thread.created_at.isoformat(),
        "phone": thread.user_number,
        "data": {"number": thread.our_number, "opted_out_at": opted_out},
    }
    for at, way, row in sorted([*_came(thread), *_went(thread)], key=lambda one: one[0]):
        said = {"way": way, "status": row.status, "segments": row.segments, "text": row.text}
        yield {"kind": "text", "at": at.isoformat(), "phone": thread.user_number, "data": said}


def _came(thread: SmsThread) -> Iterator[tuple[datetime, str, SmsInbound | SmsOutbound]]:
    return ((row.received_at, "in", row) for row in thread.inbound.iterator())


def _went(thread: SmsThread) -> Iterator[tuple[datetime, str, SmsInbound | SmsOutbound]]:
    return ((row.created_at, "out", row) for row in thread.outbound.iterator())


def _conversation_row(conversation: Conversation) -> dict[str, Any]:
    return {
        "kind": "conversation",
        "at": conversation.started_at.isoformat(),
        "conversation_id": conversation.pk,
        "data": {
            "page": conversation.page,
            "locale": conversation.locale,
            "tool_state": conversation.tool_state,
            "integration_attributes": conversation.integration_attributes,
            "ended_at": conversation.ended_at and conversation.ended_at.isoformat(),
        },
    }
