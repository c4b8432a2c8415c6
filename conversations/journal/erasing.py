"""Blank what an end user said and is called; numbers, times and who answered stay.

Each step may be repeated: what is blank already stays so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from conversations.journal.holds import numbers_held
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
    WebhookDelivery,
)
from conversations.models.conversation import TEST_PANEL
from conversations.models.review import search_forget
from integrations.models import Project, VendorCall

ERASED = "[erased]"
# Of a text that was erased before it went, and of whose it was.
GONE, NUMBER_GONE = "erased", "erased-"
# Texts of a journal line that say nothing of a person.
_KEPT = frozenset(
    {
        *("message_id", "agent_id", "agent_name", "by", "level", "code", "reason_code", "markup"),
        *("kind", "state", "status", "handoff_id", "session_id", "conversation_id", "created_at"),
        *("sender", "role", "vendor", "integration", "subject", "locale", "language", "platform"),
    }
)
_BATCH = 500


def conversation_blank(conversation: Conversation) -> Counter[str]:
    """Blank one conversation that has ended; return how much of each kind there was."""
    counts: Counter[str] = Counter(conversations=1)
    counts["lines"] = _journal(conversation)
    counts["files"] = _files(conversation)
    log = LogEntry.objects.filter(conversation=conversation)
    counts["log entries"] = log.update(content=ERASED, fields={})
    counts["notes"] = Note.objects.filter(conversation=conversation).update(text=ERASED)
    Survey.objects.filter(conversation=conversation).exclude(comment="").update(comment=ERASED)
    # Those that have gone out are only a copy; nobody is told any more what is erased.
    told = WebhookDelivery.objects.filter(conversation=conversation)
    counts["webhook deliveries"], _ = told.delete()
    _unsent(SmsOutbound.objects.filter(event__conversation=conversation))
    Conversation.objects.filter(pk=conversation.pk).update(
        tool_state={},
        flow={},
        dialog={},
        agent_session={},
        shared_id="",
        # That it was a trial stays known, so that it is counted nowhere.
        page={name: value for name, value in conversation.page.items() if name == TEST_PANEL},
        metrics=[{**one, "value": _blank(one["value"])} for one in conversation.metrics],
        time_zone="",
        integration_attributes={},
        context={},
    )
    search_forget([conversation.pk])
    return counts


def end_user_blank(end_user: EndUser) -> Counter[str]:
    """Blank what an end user is called; who comes back with the same id is a new person."""
    counts = _threads(end_user)
    EndUser.objects.filter(pk=end_user.pk).update(
        external_id=f"erased-{end_user.pk}",
        is_verified=False,
        name="",
        email="",
        phone="",
        memory={},
    )
    return counts


def threads_of(end_user: EndUser) -> QuerySet[SmsThread]:
    """Return the threads of text messages with the numbers that somebody is known by."""
    known_as = {end_user.phone, end_user.external_id.removeprefix("tel:")} - {""}
    return SmsThread.objects.filter(
        integration__project=end_user.project_id, user_number__in=known_as
    )


def _threads(end_user: EndUser) -> Counter[str]:
    """Blank texts and numbers; what waits is neither sent nor passed on any more."""
    threads = list(threads_of(end_user))
    came, went = (
        SmsInbound.objects.filter(thread__in=threads),
        SmsOutbound.objects.filter(thread__in=threads),
    )
    counts = Counter({"text messages": came.count() + went.count()})
    came.filter(status=SmsInbound.Status.WAITING).update(
        status=SmsInbound.Status.DROPPED, note=GONE, claimed_until=None
    )
    came.update(text="", media=[], digest="")
    _unsent(went)
    calls = VendorCall.objects.filter(
        reference__in=[str(row) for row in went.values_list("pk", flat=True)]
    )
    counts["vendor calls"] = calls.update(request_body=None, response_body=None)
    for thread in threads:
        thread.user_number = f"{NUMBER_GONE}{thread.pk}"
        thread.conversation, thread.survey = None, None
        thread.save(update_fields=["user_number", "conversation", "survey"])
    return +counts


def _unsent(texts: QuerySet[SmsOutbound]) -> None:
    """Blank texts to somebody; those that wait are given up, for an empty one says nothing."""
    waiting = (SmsOutbound.Status.WAITING, SmsOutbound.Status.SENDING)
    texts.filter(status__in=waiting).update(
        status=SmsOutbound.Status.FAILED, error_code=GONE, claimed_until=None
    )
    texts.update(text="", media=[])


def texts_delete(project: Project, until: datetime, most: int) -> None:
    """Delete texts of conversations that are gone, and threads of which nothing is left.

    Who has opted out stays known: nobody may text to them.
    """
    open_ = (SmsOutbound.Status.WAITING, SmsOutbound.Status.SENDING)
    held = numbers_held(project)
    went = SmsOutbound.objects.filter(
        thread__integration__project=project, event=None, created_at__lt=until
    ).exclude(status__in=open_)
    came = SmsInbound.objects.filter(integration__project=project, received_at__lt=until).exclude(
        status=SmsInbound.Status.WAITING
    )
    threads = SmsThread.objects.filter(
        integration__project=project,
        conversation=None,
        opted_out_at=None,
        active_at__lt=until,
        inbound=None,
        outbound=None,
    )
    free = (
        went.exclude(thread__user_number__in=held),
        came.exclude(thread__user_number__in=held),
        threads.exclude(user_number__in=held),
    )
    for rows in free:
        rows.model._base_manager.filter(
            pk__in=list(rows.values_list("pk", flat=True)[:most])
        ).delete()


def _journal(conversation: Conversation) -> int:
    """Blank every line, a batch at a time."""
    lines = Event.objects.filter(conversation=conversation).order_by("sequence")
    done, last = 0, -1
    while batch := list(lines.filter(sequence__gt=last)[:_BATCH]):
        for line in batch:
            line.payload, line.metadata = _blank(line.payload), None
        Event.objects.bulk_update(batch, ["payload", "metadata"], batch_size=_BATCH)
        done, last = done + len(batch), batch[-1].sequence
    return done


def _files(conversation: Conversation) -> int:
    """Delete bytes first, the row after."""
    files = list(Attachment.objects.filter(conversation=conversation))
    for attachment in files:
        attachment.file.delete(save=False)
        attachment.delete()
    return len(files)


def _blank(value: Any, name: str = "") -> Any:
    """Return a payload with every text blanked that may be a person's."""
    if isinstance(value, dict):
        return {key: _blank(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [] if name == "attachments" else [_blank(item, name) for item in value]
    if not isinstance(value, str) or name in _KEPT or _is_reason(value):
        return value
    return ERASED if value else value


def _is_reason(value: str) -> bool:
    """Tell the wire's own words, such as REASON_USER_END, from what people write."""
    return value.startswith("REASON_") and value.replace("_", "").isupper()


def conversations_delete(conversation_ids: Iterable[str]) -> int:
    """Delete whole conversations with all that hangs on them, their files' bytes first."""
    found = Conversation.objects.filter(pk__in=list(conversation_ids))
    for conversation in found.prefetch_related("attachments"):
        for attachment in conversation.attachments.all():
            attachment.file.delete(save=False)
    number = found.count()
    found.delete()
    return number
