"""Read a project's handoffs for the portal's list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from handoffs.lifecycle.reasons import OTHER_REASON, reason_is
from handoffs.models import Handoff
from handoffs.portal.one_handoff.wording import BADGES, Badge, duration_text, end_reason_text
from handoffs.states import OPEN_STATES, State
from integrations.contract.integration_keys import vendor_name
from integrations.models import Environment, Project
from integrations.projects.reasons import reason_label

OPEN = "open"
STATE_FILTERS = [(OPEN, "Open"), *((state.value, BADGES[state].label) for state in State)]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffFilter:
    """What the list is narrowed to; empty values narrow nothing."""

    state: str = ""
    environment: str = ""
    conversation: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRow:
    """One handoff as the list shows it."""

    handoff: Handoff
    badge: Badge
    vendor: str
    reason: str
    wait: str
    outcome: str


def handoff_list(*, project: Project, wanted: HandoffFilter) -> QuerySet[Handoff]:
    """Return the project's handoffs, newest first."""
    rows = Handoff.objects.filter(conversation__project=project)
    if wanted.state == OPEN:
        rows = rows.filter(state__in=[state.value for state in OPEN_STATES])
    elif wanted.state in [state.value for state in State]:
        rows = rows.filter(state=wanted.state)
    if wanted.environment in Environment.values:
        rows = rows.filter(environment=wanted.environment)
    if wanted.conversation:
        rows = rows.filter(conversation_id=wanted.conversation)
    if wanted.reason:
        rows = rows.filter(reason_is(wanted.reason))
    return rows.defer("routing", "vendor_session").order_by("-requested_at", "-id")


def reason_choices(project: Project) -> list[tuple[str, str]]:
    """Return the reasons to choose from; none where the project lists none."""
    known = [(one["code"], one["label"]) for one in project.handoff_reasons]
    return [*known, (OTHER_REASON, "Any other reason")] if known else []


def handoff_row(handoff: Handoff, *, project: Project, now: datetime) -> HandoffRow:
    """Describe a handoff in the words of the list."""
    until = handoff.joined_at or handoff.ended_at or now
    return HandoffRow(
        handoff=handoff,
        badge=BADGES[State(handoff.state)],
        vendor=vendor_name(handoff.integration_key) or "No integration",
        reason=reason_label(project.handoff_reasons, handoff.reason_code, handoff.reason),
        wait=duration_text((until - handoff.requested_at).total_seconds()),
        outcome=end_reason_text(handoff),
    )
