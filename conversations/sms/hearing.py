"""Pass on what came in, in order: to the carrier's words their effect, the rest to who answers."""

from __future__ import annotations

import logging
import mimetypes
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from conversations.errors import ConversationError
from conversations.files.attachments import attachment_create
from conversations.files.types import HEAD_BYTES, is_type_taken, named_as, safe_type
from conversations.models import Attachment, Conversation, SmsInbound, SmsThread
from conversations.sms.fates import OPTED_OUT, thread_opt_out
from conversations.sms.outbox import NewText, text_pass_by, texts_queue
from conversations.sms.survey import ANSWERED, survey_taken
from conversations.sms.telling import thread_lock, thread_tell
from integrations.contract.carrier import Keyword, Media
from integrations.contract.manifest import AttachmentLimits
from integrations.credentials.fields import DecryptionError
from integrations.entry.rate_limit import retry_after
from integrations.models import Integration

logger = logging.getLogger(__name__)
Status = SmsInbound.Status
# Whoever has not ended by then was cut off; a file takes its time, and nothing is said twice.
CLAIM, CLAIM_FOR_A_FILE = timedelta(seconds=15), timedelta(seconds=60)
MAX_ATTEMPTS = 20
# Two machines may answer each other for ever: the same text so often in this time is not heard.
SAME_TEXTS, SAME_WITHIN, MUTED_FOR = 5, timedelta(minutes=5), timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One text that this process may pass on; `until` is the claim's mark."""

    row_id: int
    carrier_id: str
    until: datetime
    thread_id: int
    integration: Integration = field(repr=False)
    text: str = field(repr=False)
    media: tuple[Media, ...] = field(default=(), repr=False)


def heard_claim(room: int) -> list[Heard]:
    """Take what came in: the first of each thread."""
    found: list[Heard] = []
    # Without their connections: one that no key decrypts must not hide the others.
    waiting = _waiting(timezone.now()).select_related(None).order_by("received_at")
    for row in waiting[: max(room, 0)]:
        try:
            heard = _claim(row)
        except DecryptionError:
            text_pass_by(row)
            continue
        found += [heard] if heard else []
    return found


def _waiting(now: datetime) -> QuerySet[SmsInbound]:
    """Return what may be passed on: the first of each thread.

    While that one waits for its time, as what came too fast does, the carrier's words do not.
    """
    earlier = SmsInbound.objects.filter(
        thread=OuterRef("thread"), status=Status.WAITING, pk__lt=OuterRef("pk")
    )
    is_word = ~Q(keyword="") & Q(is_everyday_word=False)
    first_at = Subquery(earlier.order_by("pk").values("next_attempt_at")[:1])
    may_overtake = is_word & Q(first_at__gt=now) & ~Exists(earlier.filter(is_word))
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    rows = SmsInbound.objects.alias(first_at=first_at).filter(
        free, Q(first_at=None) | may_overtake, status=Status.WAITING, next_attempt_at__lte=now
    )
    return rows.select_related("thread__integration__project")


@transaction.atomic
def _claim(found: SmsInbound) -> Heard | None:
    thread = thread_lock(found.thread_id)
    now = timezone.now()
    row = (
        _waiting(now).select_for_update(skip_locked=True, of=("self",)).filter(pk=found.pk).first()
    )
    if row is None:
        return None
    if note := _not_passed_on(row, thread):
        _settle(row, Status.DROPPED, note)
        return None
    if wait := _limited(row, thread):
        row.next_attempt_at = now + timedelta(seconds=wait)
        row.save(update_fields=["next_attempt_at"])
        return None
    if survey_taken(row, thread):
        _settle(row, Status.TAKEN, ANSWERED)
        return None
    row.claimed_until = now + CLAIM + len(row.media) * CLAIM_FOR_A_FILE
    row.save(update_fields=["claimed_until"])
    thread.active_at, thread.warned_at = now, None
    thread.save(update_fields=["active_at", "warned_at"])
    return Heard(
        row_id=row.pk,
        carrier_id=row.carrier_id,
        until=row.claimed_until,
        thread_id=thread.pk,
        integration=thread.integration,
        text=row.text,
        media=tuple(Media(url=url, mime_type=kind) for url, kind in row.media),
    )


def _not_passed_on(row: SmsInbound, thread: SmsThread) -> str:
    """Do what a keyword asks for; return why a text is nobody's to answer, or nothing."""
    is_out = thread.opted_out_at is not None
    if row.keyword == Keyword.STOP:
        thread_opt_out(thread)
    elif row.keyword == Keyword.START and is_out:
        SmsThread.objects.filter(pk=thread.pk).update(opted_out_at=None)
    elif row.keyword == Keyword.START and row.is_everyday_word:
        return _repeated(row, thread)
    if row.keyword:
        return "keyword"
    if is_out:
        return OPTED_OUT
    if not row.text.strip() and not row.media:
        return "empty"
    return _repeated(row, thread)


def _repeated(row: SmsInbound, thread: SmsThread) -> str:
    """Mute a machine that says the same again and again."""
    if thread.muted_until is not None and thread.muted_until > row.received_at:
        return "repeated"
    since = row.received_at - SAME_WITHIN
    same = thread.inbound.filter(digest=row.digest, received_at__gt=since, pk__lte=row.pk)
    if same.count() < SAME_TEXTS:
        return ""
    SmsThread.objects.filter(pk=thread.pk).update(muted_until=row.received_at + MUTED_FOR)
    return "repeated"


def _limited(row: SmsInbound, thread: SmsThread) -> int:
    """Return how many seconds a text waits, where its sender or the project's are too fast."""
    if row.next_attempt_at > row.received_at and row.attempts:
        return 0
    own = retry_after(f"sms:{thread.pk}", limit=settings.SMS_TEXTS_PER_MINUTE, window_seconds=60)
    project = thread.integration.project_id
    all_ = retry_after(
        f"sms-project:{project}", limit=settings.SMS_TEXTS_PER_MINUTE_PER_PROJECT, window_seconds=60
    )
    return max(own, all_)


# ---- what came of it ----


@transaction.atomic
def heard_taken(heard: Heard) -> None:
    """Note that the journal has it."""
    if row := _held(heard):
        _settle(row, Status.TAKEN)


@transaction.atomic
def heard_refused(heard: Heard, error: ConversationError, locale: str) -> None:
    """Answer with the sentence of a refusal, as a socket does."""
    if (row := _held(heard)) is None:
        return
    _text(heard, "refused", error.text(locale))
    _settle(row, Status.DROPPED, error.code)


@transaction.atomic
def heard_told(heard: Heard, source: str, text: str) -> None:
    """Text something beside the journal, once."""
    _text(heard, source, text)


@transaction.atomic
def heard_later(heard: Heard, seconds: float) -> None:
    """Try again; what never goes is given up, with a line in the log."""
    if (row := _held(heard)) is None:
        return
    row.attempts += 1
    if row.attempts >= MAX_ATTEMPTS:
        logger.error("A text was given up", extra={"inbound": row.pk})
        _settle(row, Status.DROPPED, "given_up")
        return
    row.claimed_until = None
    row.next_attempt_at = timezone.now() + timedelta(seconds=seconds)
    row.save(update_fields=["attempts", "claimed_until", "next_attempt_at"])


def file_keep(
    conversation: Conversation,
    media: Media,
    content: bytes,
    number: int,
    limits: AttachmentLimits,
) -> uuid.UUID | None:
    """Store a file that came with a text and return its id; None for one that nobody takes."""
    ending = mimetypes.guess_extension(media.mime_type) or ""
    name = f"file-{number}{ending}"
    kind = safe_type(name, media.mime_type, content[:HEAD_BYTES])
    if not is_type_taken(kind, limits):
        return None
    stored = attachment_create(
        conversation.pk,
        direction=Attachment.Direction.FROM_END_USER,
        name=named_as(name, kind),
        mime_type=kind,
        content=ContentFile(content),
    )
    return stored.pk


def _text(heard: Heard, source: str, text: str) -> None:
    """Write a text behind all that the journal has said."""
    thread_tell(heard.thread_id)
    thread = thread_lock(heard.thread_id)
    texts_queue(thread, [NewText(source=f"{source}:{heard.row_id}", text=text)])


def _held(heard: Heard) -> SmsInbound | None:
    rows = SmsInbound.objects.select_for_update(of=("self",))
    return rows.filter(pk=heard.row_id, status=Status.WAITING, claimed_until=heard.until).first()


def _settle(row: SmsInbound, status: SmsInbound.Status, note: str = "") -> None:
    """Forget what was said: the journal has it, or nobody is to have it."""
    row.status, row.note, row.text, row.media = status, note[:24], "", []
    row.claimed_until = None
    row.save()
