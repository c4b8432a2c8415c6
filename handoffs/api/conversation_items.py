"""A conversation as the Conversations API tells it: its turns, and what became of it.

Whatever belongs to a page of conversations is read at once, however many they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from conversations.journal.frames import EventType
from conversations.journal.selectors import changed_text, said_text
from conversations.models import Conversation, Event, Variant
from conversations.survey.services import survey_data
from handoffs.lifecycle.details import handoff_destination, handoff_details
from handoffs.models import Handoff

_SPOKEN = frozenset(
    {EventType.USER_MESSAGE, EventType.POLY_AGENT_MESSAGE, EventType.LIVE_AGENT_MESSAGE}
)
_READ = (
    *_SPOKEN,
    EventType.LIVE_AGENT_MESSAGE_CHANGED,
    EventType.POLY_AGENT_LEFT,
    EventType.POLY_AGENT_JOINED,
)


def conversation_items(conversations: Sequence[Conversation]) -> list[dict[str, Any]]:
    """Return conversations as items, in their order; four statements read the rest of them."""
    ids = [row.pk for row in conversations]
    events: dict[str, list[Event]] = defaultdict(list)
    lines = Event.objects.filter(conversation__in=ids, type__in=_READ)
    for event in lines.order_by("conversation", "sequence"):
        events[event.conversation_id].append(event)
    handoffs: dict[str, list[Handoff]] = defaultdict(list)
    found = Handoff.objects.filter(conversation__in=ids).prefetch_related("past_attempts")
    for handoff in found.defer("vendor_session").order_by("requested_at"):
        handoffs[handoff.conversation_id].append(handoff)
    names = _variant_names(conversations)
    return [_item(row, events[row.pk], handoffs[row.pk], names) for row in conversations]


def _variant_names(conversations: Sequence[Conversation]) -> dict[str, str]:
    """Return the names of variants by id; one that is gone has only its id."""
    wanted = {row.variant_id for row in conversations if row.variant_id}
    projects = {row.project_id for row in conversations}
    found = Variant.objects.filter(project__in=projects, public_id__in=wanted) if wanted else ()
    return {row.public_id: row.name for row in found}


def conversation_channel(conversation: Conversation) -> str:
    """Return the channel in capitals, as in WEBCHAT; CHAT for what the Chat API opens."""
    return conversation.channel_type.partition(".")[0].upper()


def _item(
    conversation: Conversation,
    events: list[Event],
    handoffs: list[Handoff],
    variant_names: Mapping[str, str],
) -> dict[str, Any]:
    bot_turns, live_turns = _turns(events)
    total, human = _seconds(conversation), sum(map(_handoff_seconds, handoffs))
    search = getattr(conversation, "search", None)
    bot_duration = round(max(0.0, total - human), 3)
    last = handoffs[-1] if handoffs else None
    project = conversation.project
    return {
        "id": conversation.pk,
        "account_id": project.workspace.public_id,
        "project_id": project.public_id,
        "variant_id": conversation.variant_id,
        "variant_name": variant_names.get(conversation.variant_id, conversation.variant_id),
        "environment": conversation.environment,
        "started_at": _time(conversation.started_at),
        "channel": conversation_channel(conversation),
        "from_number": conversation.end_user.phone,
        "to_number": "",
        "in_progress": conversation.state != Conversation.State.ENDED,
        "num_turns": len(bot_turns),
        "total_duration": total,
        "polyai_duration": bot_duration,
        "bot_duration": bot_duration,
        "handoff": last is not None,
        "handoff_reason": last.reason if last else "",
        "handoff_reason_code": last.reason_code if last else "",
        "handoff_destination": handoff_destination(last) if last else "",
        "handoffs": [handoff_details(handoff) for handoff in handoffs],
        "metrics": {one["name"]: one["value"] for one in conversation.metrics},
        "state": conversation.tool_state,
        "turns": bot_turns,
        "live_agent_turns": live_turns,
        "csat": _csat(conversation),
        "topic": search.topic if search else "",
        "outcome": search.outcome if search else "",
        "tags": search.tags if search else [],
    }


def _csat(conversation: Conversation) -> dict[str, Any] | None:
    """Return the survey, answered or not; None where nothing was asked."""
    survey = getattr(conversation, "survey", None)
    return survey_data(survey) if survey else None


def _turns(events: Iterable[Event]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the AI agent's turns and the live agents'; one ends where the other begins."""
    changes = {
        event.payload["message_id"]: event.payload
        for event in events
        if event.type == EventType.LIVE_AGENT_MESSAGE_CHANGED
    }
    bot: list[dict[str, Any]] = []
    live: list[dict[str, Any]] = []
    is_human = False
    for event in events:
        if event.type in (EventType.POLY_AGENT_LEFT, EventType.POLY_AGENT_JOINED):
            is_human = event.type == EventType.POLY_AGENT_LEFT
        elif event.type == EventType.LIVE_AGENT_MESSAGE:
            _answer_live(live, event, changes.get(str(event.pk)))
        elif event.type == EventType.POLY_AGENT_MESSAGE:
            _answer(bot, said_text(event), event.created_at)
        elif event.type == EventType.USER_MESSAGE:
            turn = _turn(said_text(event), event.created_at)
            (live if is_human else bot).append(_live(turn) if is_human else turn)
    return bot, live


def _answer_live(turns: list[dict[str, Any]], event: Event, change: Any) -> None:
    """Put a live agent's line into a turn of its own, unless it answers one."""
    if not turns or turns[-1]["agent_response_datetime"]:
        turns.append(_live(_turn("", None)))
    text = changed_text(change) if change else said_text(event)
    _answer(turns, text, event.created_at)
    turns[-1]["agent_id"] = str(event.payload.get("agent_id") or "")
    turns[-1]["agent_name"] = str(event.payload.get("agent_name") or "")


def _answer(turns: list[dict[str, Any]], text: str, at: datetime) -> None:
    if not turns:
        turns.append(_turn("", None))
    turn = turns[-1]
    turn["agent_response"] = "\n".join(filter(None, [turn["agent_response"], text]))
    if turn["agent_response_datetime"] is None:
        turn["agent_response_datetime"] = _time(at)
        asked = turn["user_input_datetime"]
        if asked is not None:
            turn["latency"] = round((at - datetime.fromisoformat(asked)).total_seconds(), 3)


def _turn(text: str, at: datetime | None) -> dict[str, Any]:
    return {
        "user_input": text,
        "user_input_datetime": _time(at),
        "agent_response": "",
        "agent_response_datetime": None,
        "latency": None,
        "intents": [],
        "entities": [],
        "is_ood": False,
        "is_silence": at is not None and not text.strip(),
    }


def _live(turn: Mapping[str, Any]) -> dict[str, Any]:
    return {**turn, "agent_id": "", "agent_name": ""}


def _seconds(conversation: Conversation) -> float:
    until = conversation.ended_at or timezone.now()
    return round((until - conversation.started_at).total_seconds(), 3)


def _handoff_seconds(handoff: Handoff) -> float:
    return ((handoff.ended_at or timezone.now()) - handoff.requested_at).total_seconds()


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
