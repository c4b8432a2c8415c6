"""Apply a carrier's reports: in any order, more than once, or before their text's own answer."""

from __future__ import annotations

import uuid

from django.utils import timezone

from conversations.models import SmsOutbound
from conversations.sms.fates import text_arrived, text_lost
from integrations.contract.carrier import TextReport, TextStatus
from integrations.models import Integration

Status = SmsOutbound.Status


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
        text_lost(row, report.error_code)
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
