"""What was said between POLY_AGENT_LEFT and the AI agent's return, for an agent that was away."""

from __future__ import annotations

from datetime import datetime

from conversations.ai_agent.outside.agent import HumanPart
from conversations.ai_agent.runtimes.runtime import lines_told
from conversations.journal.frames import EventType
from conversations.journal.selectors import transcript_get
from conversations.models import Conversation, Event
from handoffs.models import Handoff

PARTS_MAX = 3
LINES_MAX = 50


def human_parts(conversation: Conversation) -> list[HumanPart]:
    """Return the newest human parts of a conversation that are over, oldest first."""
    over = Handoff.objects.filter(conversation=conversation, ended_at__isnull=False)
    newest = over.exclude(integration=None).order_by("-requested_at")[:PARTS_MAX]
    return [human_part(handoff) for handoff in reversed(newest)]


def human_part(handoff: Handoff) -> HumanPart:
    """Return what happened in a handoff that is over; it has its conversation."""
    first, last = _span(handoff)
    said = transcript_get(
        handoff.conversation, after_sequence=first, until_sequence=last, limit=LINES_MAX
    )
    lines = lines_told(said)
    assert handoff.ended_at is not None
    return HumanPart(
        handoff_id=handoff.pk,
        status=handoff.state,
        reason=handoff.end_reason or handoff.error_code,
        started_at=handoff.requested_at.isoformat(),
        ended_at=handoff.ended_at.isoformat(),
        agent_name=handoff.agent_name,
        summary=_summary(handoff, [line["role"] for line in lines]),
        lines=lines,
    )


def _span(handoff: Handoff) -> tuple[int, int]:
    """Return the sequences between which the AI agent was away."""
    events = Event.objects.filter(conversation=handoff.conversation)
    numbers = events.values_list("sequence", flat=True).order_by("sequence")
    began = numbers.filter(
        type=EventType.POLY_AGENT_TRIGGERED_HANDOFF, payload__handoff_id=handoff.pk
    ).first()
    first = began or 0
    joined = numbers.filter(type=EventType.POLY_AGENT_JOINED, sequence__gt=first).first()
    return first, joined or handoff.conversation.last_sequence


def _summary(handoff: Handoff, roles: list[str]) -> str:
    """Say in plain words who was there, for how long, and how it ended."""
    theirs, users = roles.count("live_agent"), roles.count("user")
    if not theirs:
        why = handoff.error_code or handoff.end_reason
        return f"No live agent answered ({why}). The end user wrote {_messages(users)} meanwhile."
    who = handoff.agent_name or "A live agent"
    minutes = _minutes(handoff.requested_at, handoff.ended_at)
    return (
        f"{who} talked with the end user: {_messages(theirs)} of the live agent and "
        f"{_messages(users)} of the end user within {minutes}. It ended: {handoff.end_reason}."
    )


def _messages(number: int) -> str:
    return f"{number} message" if number == 1 else f"{number} messages"


def _minutes(start: datetime, end: datetime | None) -> str:
    minutes = max(1, round(((end or start) - start).total_seconds() / 60))
    return "a minute" if minutes == 1 else f"{minutes} minutes"
