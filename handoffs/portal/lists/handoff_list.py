"""One filter and one list of handoffs, for the page, its count, exports and REST."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.conf import settings
from django.db.models import Min, Q, QuerySet, Subquery
from django.urls import reverse

from conversations.journal.holds import held_until
from conversations.models import ConversationSearch
from handoffs.lifecycle.locking import UNLISTED
from handoffs.lifecycle.reasons import OTHER_REASON, reason_is
from handoffs.models import Handoff
from handoffs.portal.conversations.listing import CHANNELS, TextFilter
from handoffs.portal.conversations.search_query import found_among, query_read
from handoffs.portal.one_handoff.outcomes import OUTCOME_LABELS, handoff_outcome, outcome_is
from handoffs.portal.one_handoff.wording import BADGES, Badge, duration_text, end_reason_text
from handoffs.states import OPEN_VALUES, State
from integrations.contract.integration_keys import key_named, vendor_name
from integrations.models import Environment, Project
from integrations.projects.lists.export import EXPORTED_MAX
from integrations.projects.lists.filters import (
    PERIODS,
    Chip,
    asked_read,
    chips,
    span_read,
)
from integrations.projects.lists.paging import newest_chunks
from integrations.projects.reasons import reason_label

OPEN = "open"
STATE_FILTERS = [(OPEN, "Open"), *((state.value, BADGES[state].label) for state in State)]
NAMES = (
    *("q", "period", "from", "to", "state", "environment", "channel", "outcome"),
    *("vendor", "queue", "topic", "reason", "agent", "code", "conversation"),
)
COLUMNS = (
    *("handoff_id", "conversation_id", "url", "environment", "channel", "vendor", "queue_asked"),
    *("queue", "topic", "reason", "reason_code", "requested_at", "accepted_at", "joined_at"),
    *("ended_at", "state", "outcome", "end_reason", "error_code", "wait_seconds"),
    *("with_agent_seconds", "live_agent", "attempt", "vendor_conversation_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffFilter(TextFilter):
    """What the list is narrowed to, as it stands in the address; raises QueryError when read."""

    @classmethod
    def read(cls, asked: Mapping[str, str], zone: tzinfo = UTC) -> HandoffFilter:
        """Take what an address asks for; a choice that nobody offers narrows nothing."""
        offered: dict[str, Any] = {
            "state": dict(STATE_FILTERS),
            "environment": Environment.values,
            "channel": CHANNELS,
            "outcome": OUTCOME_LABELS,
            "period": PERIODS,
        }
        kept = asked_read(asked, NAMES, offered)
        groups = query_read(kept["q"]) if kept["q"] else []
        return cls(given=kept, groups=groups, span=span_read(kept, zone), zone=zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRow:
    """One handoff as the list shows it."""

    handoff: Handoff
    badge: Badge
    vendor: str
    queue: str
    reason: str
    wait: str
    with_agent: str
    outcome: str


def handoff_list(
    *, project: Project, wanted: HandoffFilter, sees_personal_data: bool
) -> QuerySet[Handoff]:
    """Return the project's handoffs that fit; the caller orders and cuts them."""
    rows = _of_any_words(project, wanted)
    if wanted.groups:
        among = ConversationSearch.objects.all()
        found = found_among(among, wanted.groups, sees_personal_data=sees_personal_data)
        rows = rows.filter(conversation__in=found)
    held = held_until("conversation", "conversation__end_user")
    return rows.annotate(held_until=held).defer(*UNLISTED)


def handoffs_counted(
    project: Project, wanted: HandoffFilter, *, sees_personal_data: bool
) -> QuerySet[Handoff]:
    """Return what handoff_list does, for a count of all of them.

    The search is bounded as they are: a page is found quicker in the order of the list. Ids of
    conversations grow with time, so those before the first one's are not looked through.
    """
    rows = _of_any_words(project, wanted)
    if not wanted.groups:
        return rows
    among = ConversationSearch.objects.filter(project=project)
    if wanted.bounds()[0] is not None:
        first = rows.order_by().values("project").values_list(Min("conversation"))
        among = among.filter(conversation__gte=Subquery(first))
    found = found_among(among, wanted.groups, sees_personal_data=sees_personal_data)
    return rows.filter(conversation__in=found)


def _of_any_words(project: Project, wanted: HandoffFilter) -> QuerySet[Handoff]:
    in_days = wanted.within_days("requested_at")
    return Handoff.objects.filter(_exactly(wanted.given), in_days, project=project)


def _exactly(given: Mapping[str, str]) -> Q:
    """Match the fields that name a value."""
    found = Q()
    if given["state"]:
        states = OPEN_VALUES if given["state"] == OPEN else []
        found &= Q(state__in=states or [given["state"]])
    if given["reason"]:
        found &= reason_is(given["reason"])
    if given["outcome"]:
        found &= outcome_is(given["outcome"])
    if given["vendor"]:
        found &= Q(integration_key=key_named(given["vendor"]) or given["vendor"])
    if given["agent"]:
        found &= Q(agent_name__icontains=given["agent"])
    for name, column in _COLUMN_OF.items():
        if given[name]:
            found &= Q((column, given[name]))
    return found


_COLUMN_OF = {
    "environment": "environment",
    "channel": "channel_kind",
    "queue": "queue__iexact",
    "topic": "topic__iexact",
    "code": "error_code",
    "conversation": "conversation_id",
}


def reason_choices(project: Project) -> list[tuple[str, str]]:
    """Return the reasons to choose from; none where the project lists none."""
    known = [(one["code"], one["label"]) for one in project.handoff_reasons]
    return [*known, (OTHER_REASON, "Any other reason")] if known else []


def handoff_chips(wanted: HandoffFilter, project: Project) -> list[Chip]:
    """Return what is on, each with the address without it."""
    given = wanted.given
    shown = {name: (name.capitalize(), given[name]) for name in NAMES}
    reasons = dict(reason_choices(project))
    shown |= {
        "q": ("Search", given["q"]),
        "period": ("Asked for", PERIODS.get(given["period"], ("", 0))[0]),
        "state": ("State", dict(STATE_FILTERS).get(given["state"], "")),
        "environment": ("Environment", dict(Environment.choices).get(given["environment"], "")),
        "channel": ("Channel", CHANNELS.get(given["channel"], "")),
        "outcome": ("Outcome", OUTCOME_LABELS.get(given["outcome"], "")),
        "vendor": ("Vendor", vendor_name(key_named(given["vendor"]) or given["vendor"])),
        "reason": ("Reason", reasons.get(given["reason"], given["reason"])),
        "agent": ("Live agent", given["agent"]),
        "code": ("Error code", given["code"]),
    }
    return chips(shown, wanted.query)


def handoff_row(handoff: Handoff, *, project: Project, now: datetime) -> HandoffRow:
    """Describe a handoff in the words of the list."""
    until = handoff.joined_at or handoff.ended_at or now
    with_agent = (handoff.ended_at or now) - handoff.joined_at if handoff.joined_at else None
    return HandoffRow(
        handoff=handoff,
        badge=BADGES[State(handoff.state)],
        vendor=vendor_name(handoff.integration_key) or "No integration",
        queue=queue_of(handoff),
        reason=reason_label(project.handoff_reasons, handoff.reason_code, handoff.reason),
        wait=duration_text((until - handoff.requested_at).total_seconds()),
        with_agent=duration_text(with_agent.total_seconds()) if with_agent else "",
        outcome=end_reason_text(handoff),
    )


def queue_of(handoff: Handoff) -> str:
    """Return the queue that the vendor named last, else the one that was asked for."""
    return str(handoff.queue_status.get("queue_name") or handoff.queue)


def exported_handoffs(
    rows: QuerySet[Handoff], project: Project, limit: int = EXPORTED_MAX
) -> Iterator[dict[str, Any]]:
    """Yield the newest rows of a list, up to a limit."""
    for chunk in newest_chunks(rows, "requested_at", limit):
        yield from (_exported(row, project) for row in chunk)


def _exported(row: Handoff, project: Project) -> dict[str, Any]:
    path = reverse("handoff", args=[project.public_id, row.pk])
    return {
        "handoff_id": row.pk,
        "conversation_id": row.conversation_id,
        "url": f"{settings.PUBLIC_URL.rstrip('/')}{path}",
        "environment": row.environment,
        "channel": CHANNELS.get(row.channel_kind, row.channel_kind),
        "vendor": vendor_name(row.integration_key),
        "queue_asked": row.queue,
        "queue": queue_of(row),
        "topic": row.topic,
        "reason": row.reason,
        "reason_code": row.reason_code,
        "requested_at": row.requested_at.isoformat(),
        "accepted_at": row.accepted_at.isoformat() if row.accepted_at else None,
        "joined_at": row.joined_at.isoformat() if row.joined_at else None,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "state": row.state,
        "outcome": handoff_outcome(row).value,
        "end_reason": row.end_reason,
        "error_code": row.error_code,
        "wait_seconds": _seconds(row.requested_at, row.joined_at),
        "with_agent_seconds": _seconds(row.joined_at, row.ended_at),
        "live_agent": row.agent_name,
        "attempt": row.attempt,
        "vendor_conversation_id": row.vendor_conversation_id,
    }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if start and end else None
