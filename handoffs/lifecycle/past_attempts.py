"""The integration that a handoff tried first, and its vendor conversation if one is left there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from handoffs.lifecycle.locking import Lease, handoff_leased, handoff_save
from handoffs.models import Handoff, PastAttempt
from integrations.models import Integration


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """A vendor conversation that nobody needs any more, and when to stop trying to end it."""

    attempt_id: int
    integration: Integration
    session: Mapping[str, Any] = field(repr=False)
    until: datetime


def attempt_key(handoff: Handoff) -> str:
    """Return the vendors' idempotency key: the id, and from the second attempt on its number."""
    return handoff.pk if handoff.attempt == 1 else f"{handoff.pk}-{handoff.attempt}"


def left_behind_until(handoff: Handoff) -> datetime | None:
    """Return until when an earlier integration must be told of the end; None if it knows."""
    if handoff.attempt == 1:
        return None
    now = timezone.now()
    waiting = PastAttempt.objects.filter(handoff=handoff, vendor_end_until__gt=now)
    return waiting.values_list("vendor_end_until", flat=True).first()


def left_behind(handoff_id: str) -> LeftBehind | None:
    """Return what is still to be ended for a handoff, or None."""
    row = (
        PastAttempt.objects.filter(handoff_id=handoff_id, vendor_end_until__gt=timezone.now())
        .select_related("integration")
        .first()
    )
    if row is None or row.integration is None or not row.vendor_session:
        return None
    assert row.vendor_end_until is not None
    return LeftBehind(
        attempt_id=row.pk,
        integration=row.integration,
        session=row.vendor_session,
        until=row.vendor_end_until,
    )


def left_behind_ended(lease: Lease) -> None:
    """Nothing is left at an earlier integration, or nothing more can be done there."""
    with handoff_leased(lease) as handoff:
        PastAttempt.objects.filter(handoff=handoff).update(
            vendor_session=None, vendor_end_until=None
        )
        if handoff.is_open or not handoff.vendor_session:
            handoff.vendor_end_until = None
            handoff_save(handoff, ["vendor_end_until"], lease)
