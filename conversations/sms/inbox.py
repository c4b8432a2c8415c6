"""Keep what a carrier's calls bring before they are answered: texts once each, reports at once."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import transaction
from django.utils import timezone

from conversations.journal.text_wake_up import texts_wake_on_commit
from conversations.models import SmsInbound, SmsOutbound, SmsThread
from conversations.sms.fates import text_arrived, text_lost
from integrations.connections.carriers.reading import carriers_in_use, connection_policy
from integrations.contract.carrier import InboundText, TextReport, TextStatus, ThreadPolicy
from integrations.kit.plain_json import json_cleaned, text_cleaned
from integrations.models import Integration

# A carrier that could not call for longer has nothing that anybody waits for.
LOOKED_BACK = timedelta(days=1)
logger = logging.getLogger(__name__)
Status = SmsOutbound.Status


@transaction.atomic
def calls_store(integration: Integration, calls: Sequence[InboundText | TextReport]) -> None:
    """Store what verified calls tell; a repeated call changes nothing."""
    policy = connection_policy(integration)
    for told in calls:
        if not isinstance(told, InboundText):
            report_apply(integration, told)
        elif _is_ours(policy, told.recipient):
            _text_store(integration, told)
        else:
            logger.warning(
                "A text came to a number that the connection does not list",
                extra={"integration": integration.pk, "number": told.recipient},
            )
    texts_wake_on_commit()


def numbers_to_ask() -> list[tuple[Integration, str, datetime]]:
    """Return the numbers of all connections in use, and since when texts may be missing there.

    A number that several connections of a project have is that of the one which is called: what
    the carrier has brought to one is missing at no other.
    """
    a_day_ago = timezone.now() - LOOKED_BACK
    of: dict[tuple[int, str], list[Integration]] = {}
    for row in carriers_in_use():
        for number in connection_policy(row).numbers:
            of.setdefault((row.project_id, number), []).append(row)
    return [
        (row, number, max(a_day_ago, row.connected_at or timezone.now()))
        for (_, number), rows in of.items()
        for row in (rows if len(rows) == 1 else _called(rows))
    ]


def _called(rows: list[Integration]) -> list[Integration]:
    """Return the connection that the carrier has called last, if it has called any."""
    called = [row for row in rows if row.last_webhook_at is not None]
    return sorted(called, key=lambda row: cast(datetime, row.last_webhook_at))[-1:]


def texts_untold(integration: Integration, ids: Collection[str]) -> frozenset[str]:
    """Return which of some texts no call has told."""
    rows = SmsInbound.objects.filter(integration=integration, carrier_id__in=ids)
    return frozenset(ids).difference(rows.values_list("carrier_id", flat=True))


def texts_missed(integration: Integration, found: Sequence[InboundText]) -> None:
    """Store what no call has told; what one has told meanwhile is there already."""
    untold = texts_untold(integration, [one.carrier_id for one in found])
    if missed := [one for one in found if one.carrier_id in untold]:
        logger.warning(
            "Texts came in without a call",
            extra={"integration": integration.pk, "count": len(missed)},
        )
        calls_store(integration, missed)


def _is_ours(policy: ThreadPolicy, number: str) -> bool:
    """Say whether a connection answers at a number: one that lists none leaves it to a pool."""
    return not policy.numbers or number in policy.numbers


def _text_store(integration: Integration, told: InboundText) -> None:
    thread, _ = SmsThread.objects.get_or_create(
        integration=integration, our_number=told.recipient, user_number=told.sender
    )
    text = text_cleaned(told.text)
    row = SmsInbound(
        integration=integration,
        carrier_id=told.carrier_id[:64],
        thread=thread,
        text=text,
        media=cast(Any, json_cleaned([[one.url, one.mime_type] for one in told.media])),
        keyword=told.keyword or "",
        is_everyday_word=told.is_everyday_word,
        segments=min(told.segments, 999),
        digest=hashlib.sha256(text.strip().casefold().encode()).hexdigest(),
    )
    SmsInbound.objects.bulk_create([row], ignore_conflicts=True)


# ---- reports ----


def report_apply(integration: Integration, report: TextReport) -> None:
    """Move a text forward, never back; a report proves that the carrier has it."""
    row = _row(integration, report.text_id)
    if row is None or _rank(row.status) >= report.status.rank:
        return
    row.status = Status(report.status)
    row.carrier_id = row.carrier_id or report.carrier_id[:64]
    row.taken_at = row.taken_at or timezone.now()
    row.error_code = report.error_code[:40]
    row.text, row.media, row.claimed_until, row.is_in_doubt = "", [], None, False
    row.save()
    if report.status.is_lost:
        text_lost(row, report.error_code, is_opted_out=report.is_opted_out)
    elif report.status is TextStatus.DELIVERED:
        text_arrived(row)


def _row(integration: Integration, text_id: str) -> SmsOutbound | None:
    try:
        key = uuid.UUID(text_id)
    except ValueError:
        return None
    rows = SmsOutbound.objects.select_for_update(of=("self",))
    found = rows.filter(pk=key, thread__integration=integration)
    return found.select_related("thread__integration").first()


def _rank(status: str) -> int:
    known = {one.value: one.rank for one in TextStatus}
    return known.get(status, 0)
