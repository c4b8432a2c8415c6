"""Texts on their way to a carrier: in a thread's order, at a number's rate, each once."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from conversations.models import SmsInbound, SmsNumber, SmsOutbound, SmsThread
from conversations.sms.fates import text_lost
from conversations.sms.segments import segments_of
from integrations.connections.carriers.opening import carrier_refused, carrier_works
from integrations.connections.carriers.reading import connection_policy, report_address, text_limits
from integrations.contract.carrier import OptedOutError, OutboundText, SentText
from integrations.contract.errors import CannotConnectError, ConnectorError
from integrations.credentials.fields import DecryptionError
from integrations.kit.cutting import pieces
from integrations.kit.waiting import growing_pause
from integrations.models import Integration

logger = logging.getLogger(__name__)
Status = SmsOutbound.Status
# An attempt that has not ended by then was cut off: nobody knows what came of it.
CLAIM = timedelta(seconds=25)
# The next text of a thread waits for the report that this one has left, but no longer.
ORDER_SECONDS = 5.0
_RETRY_BASE_SECONDS, _RETRY_CAP_SECONDS = 1.0, 60.0
# Only an admin can mend these: it is tried again, but not often.
_MENDED_BY_ADMIN = frozenset({"invalid_auth", "missing_permission", "invalid_routing"})
_ADMIN_SECONDS = 60.0
USABLE = (Integration.Status.CONNECTED, Integration.Status.NEEDS_ATTENTION)
_OPEN = (Status.WAITING, Status.SENDING)
_ENCRYPTED = ("thread__integration__credentials", "thread__integration__draft")
# Room for "(12/34) ".
_MARK = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NewText:
    """Something to text; `source` is what it is made from, each part of it once in a thread."""

    source: str
    text: str = field(repr=False)
    media: tuple[str, ...] = field(default=(), repr=False)
    event_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAttempt:
    """One text that this process may hand over; `until` is the claim's mark."""

    text: OutboundText = field(repr=False)
    integration: Integration = field(repr=False)
    until: datetime
    # Since when an attempt before this one may have been taken; None where none was in doubt.
    doubtful_since: datetime | None
    # The carrier's ids of the thread's other texts.
    others: frozenset[str] = frozenset()


def texts_queue(thread: SmsThread, texts: list[NewText]) -> None:
    """Write texts to a locked thread's outbox; what is too long for one becomes several."""
    limit = text_limits(thread.integration).characters
    place = thread.outbound.aggregate(last=Max("place"))["last"] or 0
    rows = []
    for new in texts:
        parts = text_parts(new.text, limit) or [""]
        for number, part in enumerate(parts, start=1):
            counted = segments_of(part)
            place += 1
            rows.append(
                SmsOutbound(
                    thread=thread,
                    source=f"{new.source}:{number}",
                    place=place,
                    event_id=new.event_id if number == len(parts) else None,
                    text=part,
                    media=list(new.media) if number == len(parts) else [],
                    encoding=counted.encoding,
                    segments=counted.count,
                )
            )
    SmsOutbound.objects.bulk_create(rows, ignore_conflicts=True)


def text_parts(text: str, limit: int) -> list[str]:
    """Return a text as what fits, each part told apart where there are several."""
    if len(text) <= limit:
        return [text] if text else []
    cut = [part.strip() for part in pieces(text, limit - _MARK)]
    return [f"({number}/{len(cut)}) {part}" for number, part in enumerate(cut, start=1)]


# ---- taking what is due ----


def texts_claim(room: int) -> list[TextAttempt]:
    """Take what is due: the first of each thread, as many of a number as its rate allows."""
    attempts: list[TextAttempt] = []
    now = timezone.now()
    # Those of a number whose moment has not come must not hide what other numbers have to send.
    resting = SmsNumber.objects.filter(
        integration=OuterRef("thread__integration"),
        number=OuterRef("thread__our_number"),
        next_at__gt=now,
    )
    # Without credentials: a connection that no key decrypts must not hide the others.
    due = _due(now).filter(~Exists(resting)).defer(*_ENCRYPTED)
    for row in due[: 2 * max(room, 0)]:
        if len(attempts) == room:
            break
        try:
            attempt = _claim(row)
        except DecryptionError:
            text_pass_by(row)
            continue
        attempts += [attempt] if attempt else []
    return attempts


def text_pass_by(row: SmsInbound | SmsOutbound) -> None:
    """Look at a text again after a while: no key decrypts its connection."""
    logger.error("Text %s has a connection that cannot be read: its key is missing", row.pk)
    row.next_attempt_at = timezone.now() + timedelta(seconds=_ADMIN_SECONDS)
    row.save(update_fields=["next_attempt_at"])


def _due(now: datetime) -> QuerySet[SmsOutbound]:
    """Return the texts before which none of their thread waits, or is only just taken."""
    late = now - timedelta(seconds=ORDER_SECONDS)
    before = SmsOutbound.objects.filter(thread=OuterRef("thread"), place__lt=OuterRef("place"))
    blocking = before.filter(
        Q(status__in=_OPEN) | Q(status=Status.TAKEN, taken_at__gt=late, taken_at__isnull=False)
    )
    free = Q(status=Status.WAITING) | Q(status=Status.SENDING, claimed_until__lt=now)
    rows = SmsOutbound.objects.filter(
        free, ~Exists(blocking), next_attempt_at__lte=now, thread__integration__status__in=USABLE
    )
    return rows.select_related("thread__integration__project__workspace").order_by("created_at")


@transaction.atomic
def _claim(found: SmsOutbound) -> TextAttempt | None:
    integration, now = found.thread.integration, timezone.now()
    policy = connection_policy(integration)
    if not _may_send(integration, found.thread.our_number, policy.texts_per_second, now):
        return None
    # Judged again under the lock: another process may have been faster.
    rows = _due(now).select_for_update(skip_locked=True, of=("self",))
    row = rows.filter(pk=found.pk).first()
    if row is None:
        return None
    # Somebody held it and did not come to an end.
    is_doubtful = row.is_in_doubt or row.status == Status.SENDING
    since = row.attempted_at if is_doubtful else None
    row.status, row.is_in_doubt = Status.SENDING, is_doubtful
    row.claimed_until, row.attempted_at = now + CLAIM, since or now
    row.save(update_fields=["status", "is_in_doubt", "claimed_until", "attempted_at"])
    text = OutboundText(
        text_id=str(row.pk),
        sender=found.thread.our_number,
        recipient=found.thread.user_number,
        text=row.text,
        media_urls=tuple(row.media),
        report_url=report_address(integration) if policy.wants_reports else "",
    )
    others = found.thread.outbound.exclude(carrier_id="").order_by("-place")
    return TextAttempt(
        text=text,
        integration=integration,
        until=row.claimed_until,
        doubtful_since=since,
        others=frozenset(others.values_list("carrier_id", flat=True)[:200] if since else ()),
    )


def _may_send(integration: Integration, number: str, per_second: float, now: datetime) -> bool:
    """Take a place in the number's second; False where there is none now."""
    SmsNumber.objects.get_or_create(
        integration=integration, number=number, defaults={"next_at": now}
    )
    return bool(
        SmsNumber.objects.filter(integration=integration, number=number, next_at__lte=now).update(
            next_at=now + timedelta(seconds=1 / per_second)
        )
    )


def texts_wait_seconds() -> float | None:
    """Return in how many seconds to look again, where something waits for its time."""
    first = (
        SmsOutbound.objects.filter(status__in=_OPEN, thread__integration__status__in=USABLE)
        .order_by("next_attempt_at")
        .values_list("next_attempt_at", flat=True)
        .first()
    )
    if first is None:
        return None
    return max(0.1, (first - timezone.now()).total_seconds())


# ---- what came of it ----


@transaction.atomic
def text_taken(attempt: TextAttempt, sent: SentText) -> None:
    """Note that the carrier has a text; a report may have come before, and then says more."""
    row = _held(attempt)
    if row is not None:
        row.carrier_id = sent.carrier_id[:64]
        row.status = Status(sent.status)
        # The next one waits for a report only where there will be one.
        row.taken_at = timezone.now() if attempt.text.report_url else None
        _let_go(row)
        if sent.status.is_lost:
            text_lost(row, sent.error_code)
    carrier_works(attempt.integration)


@transaction.atomic
def text_refused(attempt: TextAttempt, error: ConnectorError) -> None:
    """Plan the next attempt, or give the text up and say so where people look."""
    row = _held(attempt)
    if row is None:
        return
    code = error.vendor_code or error.reason or error.code
    row.attempts += 1
    row.is_in_doubt = row.is_in_doubt or _is_in_doubt(error)
    row.error_code, row.claimed_until, row.status = code[:40], None, Status.WAITING
    again_at = timezone.now() + timedelta(seconds=_pause(row.attempts, error))
    gives_up_at = row.created_at + timedelta(seconds=settings.SMS_GIVE_UP_SECONDS)
    may_repeat = error.retryable or error.code in _MENDED_BY_ADMIN
    if may_repeat and again_at < gives_up_at:
        row.next_attempt_at = again_at
        row.save()
    else:
        row.status = Status.FAILED
        _let_go(row)
        text_lost(row, code, is_opted_out=isinstance(error, OptedOutError))
    if error.code in _MENDED_BY_ADMIN:
        carrier_refused(attempt.integration, error)


def _held(attempt: TextAttempt) -> SmsOutbound | None:
    """Return the locked row of an attempt, unless a report or another attempt was faster."""
    rows = SmsOutbound.objects.select_for_update(of=("self",)).select_related("thread__integration")
    return rows.filter(
        pk=attempt.text.text_id, status=Status.SENDING, claimed_until=attempt.until
    ).first()


def _let_go(row: SmsOutbound) -> None:
    """Forget what was said: the journal has it."""
    row.text, row.media, row.claimed_until = "", [], None
    row.is_in_doubt = False
    row.save()


def _is_in_doubt(error: ConnectorError) -> bool:
    return isinstance(error, CannotConnectError) and error.is_in_doubt


def _pause(attempts: int, error: ConnectorError) -> float:
    if error.retry_after is not None:
        return error.retry_after
    if error.code in _MENDED_BY_ADMIN:
        return _ADMIN_SECONDS
    return growing_pause(attempts, first=_RETRY_BASE_SECONDS, longest=_RETRY_CAP_SECONDS)
