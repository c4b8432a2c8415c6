"""Nobody can take a handoff where it should go: the way that is set, the fallback among them.

A fallback is one second attempt at another integration; a PastAttempt remembers the first one, and
the vendor conversation that may still be open there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, cast

from django.db import transaction
from django.utils import timezone

from conversations.journal import publish
from conversations.journal.frames import EventType, transient_frame
from conversations.journal.services import (
    NewEvent,
    agent_joined_event,
    events_append,
    message_event,
    system_event,
)
from handoffs.lifecycle.deadlines import OPENING, VENDOR_END
from handoffs.lifecycle.locking import Lease, handoff_leased, handoff_save
from handoffs.lifecycle.notices import has_own_text, text_for
from handoffs.lifecycle.queueing import queue_open_handoff
from handoffs.lifecycle.services import handoff_fail, handoff_move
from handoffs.models import Delivery, Handoff, PastAttempt
from handoffs.payload.hints import hints_passed_on
from handoffs.states import State, Trigger
from integrations.behaviour.fallback import integration_fallback
from integrations.behaviour.opening_hours import hours_of
from integrations.contract.registry import manifest_get
from integrations.models import Integration

logger = logging.getLogger(__name__)
OUT_OF_HOURS = "out_of_hours"
NO_LIVE_AGENTS = "no_live_agents"
# Nobody is there: the end user is told in the integration's own words.
_RESPONSES = {OUT_OF_HOURS: "out_of_hours", NO_LIVE_AGENTS: "no_agents"}


def is_out_of_hours(handoff: Handoff, at: datetime) -> bool:
    """Say whether the opening hours keep a handoff from being opened at its integration."""
    behaviour = handoff.behaviour
    if behaviour.availability_check not in ("hours", "both") or _way(handoff) == "queue":
        return False
    try:
        hours = hours_of(
            behaviour.business_hours_zone, behaviour.business_hours, behaviour.business_holidays
        )
    except ValueError:  # not written by the form; being open is the smaller harm
        logger.warning("Opening hours cannot be read", extra={"code": "business_hours"})
        return False
    return hours is not None and not hours.is_open(at)


def asks_vendor(handoff: Handoff) -> bool:
    """Say whether the vendor is asked for live agents first: only where its answer matters."""
    return handoff.behaviour.availability_check in ("vendor", "both") and _way(handoff) != "queue"


def handoff_unavailable(
    handoff: Handoff, code: str, detail: str = "", *, lease: Lease | None = None
) -> list[str]:
    """Try the fallback if there is one left, else give up in the way that is set.

    Returns the handoff's fields that the caller still has to save. After that the lease is gone:
    whoever claims the handoff anew serves it at the other integration.
    """
    way = _way(handoff)
    target = _fallback(handoff) if way == "fallback" else None
    if target is not None:
        return _fall_back(handoff, target, code)
    handoff_fail(handoff, code, detail, lease=lease, lines=_lines(handoff, code, way))
    return []


def _way(handoff: Handoff) -> str:
    return str(handoff.routing.get("on_unavailable") or handoff.behaviour.on_unavailable)


def _fallback(handoff: Handoff) -> Integration | None:
    """Return where to go instead: one fallback at most, and only before a live agent has joined."""
    can_move = State(handoff.state) in (State.CONNECTING, State.QUEUED)
    if handoff.attempt > 1 or handoff.integration is None or not can_move:
        return None
    return integration_fallback(handoff.integration, handoff.behaviour.fallback_integration)


def _lines(handoff: Handoff, code: str, way: str) -> list[NewEvent]:
    """Return the lines for an end user where nobody is there; none leaves the usual ones."""
    response = _RESPONSES.get(code)
    if response is None or not handoff.is_open or State(handoff.state) is State.REQUESTED:
        return []
    text, joined = text_for(handoff, response), agent_joined_event(handoff.conversation)
    if way == "return_to_bot":
        return [joined, message_event(EventType.POLY_AGENT_MESSAGE, text)]
    if not has_own_text(handoff, response):
        return []  # the widget has words for the reason, in the end user's language
    payload = {"reason": code, "message": text}
    return [NewEvent(type=EventType.HANDOFF_FAILED, payload=payload), joined]


def _fall_back(handoff: Handoff, target: Integration, code: str) -> list[str]:
    """Begin a second attempt at another integration, which a relay worker claims anew."""
    _attempt_keep(handoff, code)
    if handoff.queue_status:  # what is shown of the first queue
        frame = transient_frame(EventType.HANDOFF_QUEUE_STATUS, {})
        publish.transient_publish(handoff.conversation_id, frame)
    keys = f"{handoff.integration_key} to {target.integration_key}"
    handoff_move(handoff, Trigger.FALL_BACK, detail=f"{code}: {keys}")
    found = manifest_get(target.connector_key)
    if found.takes_live_chats:  # else the ticket's number is what they read
        text = text_for(handoff, "looking_for_agent")
        events_append(handoff.conversation, [system_event(text, code="handoff_fallback")])
    hints = hints_passed_on(handoff.routing, target.integration_key)
    handoff.routing = cast(Any, hints)
    handoff.integration, handoff.integration_key = target, target.integration_key
    handoff.attempt += 1
    handoff.vendor_conversation_id, handoff.vendor_session, handoff.queue_status = "", None, {}
    handoff.live_agents, handoff.remind_at, handoff.owner = {}, None, None
    handoff.open_offer = None
    handoff.deadline_at = OPENING.from_now()
    transaction.on_commit(partial(queue_open_handoff, handoff.pk))
    return [*_FALL_BACK_FIELDS]


_FALL_BACK_FIELDS = (
    "state",
    "routing",
    "integration",
    "integration_key",
    "attempt",
    "vendor_conversation_id",
    "vendor_session",
    "vendor_end_until",
    "queue_status",
    "live_agents",
    "open_offer",
    "remind_at",
    "deadline_at",
    "owner",
)


def _attempt_keep(handoff: Handoff, code: str) -> None:
    """Remember the first integration, and let what was said there go to the next one as well."""
    now = timezone.now()
    if handoff.vendor_session:
        handoff.vendor_end_until = VENDOR_END.from_now()
    PastAttempt.objects.create(
        handoff=handoff,
        number=handoff.attempt,
        integration=handoff.integration,
        integration_key=handoff.integration_key,
        error_code=code,
        vendor_session=handoff.vendor_session,
        vendor_end_until=handoff.vendor_end_until,
    )
    handoff.vendor_keys.all().delete()
    handoff.deliveries.exclude(status=Delivery.Status.FAILED).update(
        status=Delivery.Status.PENDING,
        attempts=0,
        parts_sent=0,
        created_at=now,  # its time begins anew
        next_attempt_at=now,
        error_code="",
        sent_at=None,
    )


# ---- the vendor conversation of the first attempt ----


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstConversation:
    """The vendor conversation of a first attempt, and when to stop trying to end it."""

    integration: Integration
    session: Mapping[str, Any] = field(repr=False)
    until: datetime


def first_conversation(handoff_id: str) -> FirstConversation | None:
    """Return what is still to be ended at the first integration of a handoff, or None."""
    row = (
        PastAttempt.objects.filter(handoff_id=handoff_id, vendor_end_until__gt=timezone.now())
        .select_related("integration")
        .first()
    )
    if row is None or row.integration is None or not row.vendor_session:
        return None
    assert row.vendor_end_until is not None
    return FirstConversation(
        integration=row.integration, session=row.vendor_session, until=row.vendor_end_until
    )


def first_conversation_ended(lease: Lease) -> None:
    """Nothing is open at the first integration any more, or nothing more can be done there."""
    with handoff_leased(lease) as handoff:
        PastAttempt.objects.filter(handoff=handoff).update(
            vendor_session=None, vendor_end_until=None
        )
        if handoff.is_open or not handoff.vendor_session:
            handoff.vendor_end_until = None
            handoff_save(handoff, ["vendor_end_until"], lease)
