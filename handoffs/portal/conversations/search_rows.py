"""Make the search rows of conversations: what was said, and the terms they are found by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.journal.frames import EventType
from conversations.journal.selectors import changed_text, said_text
from conversations.models import (
    Attachment,
    Conversation,
    ConversationSearch,
    ConversationTag,
    Event,
    LogEntry,
    Note,
    Survey,
)
from handoffs.lifecycle.locking import UNLISTED
from handoffs.models import Delivery, Handoff
from handoffs.portal.conversations.search_text import indexed, masked
from handoffs.portal.one_handoff.outcomes import Outcome, handoff_outcome
from integrations.contract.integration_keys import vendor_name

_SPOKEN = (
    EventType.USER_MESSAGE,
    EventType.POLY_AGENT_MESSAGE,
    EventType.LIVE_AGENT_MESSAGE,
)
_READ = (*_SPOKEN, EventType.LIVE_AGENT_MESSAGE_CHANGED)
FIRST_WORDS_MAX = 160
# What became of a conversation, beside the outcomes of its handoffs.
CONTAINED, NOTHING_SAID, UNFINISHED = "contained", "nothing_said", ""
# What `handoff:` in the search box means by its plain words.
HANDOFF_WORDS: dict[str, tuple[Outcome, ...]] = {
    "answered": (Outcome.ANSWERED,),
    "abandoned": (Outcome.ABANDONED, Outcome.SHORT_ABANDONED),
    "failed": (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.NOBODY_THERE, Outcome.REFUSED),
    "open": (Outcome.OPEN,),
}


@dataclass(slots=True, kw_only=True)
class _Parts:
    """All that one row is made from."""

    conversation: Conversation
    events: list[Event] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    has: set[str] = field(default_factory=set)
    survey: Survey | None = None


def search_rows(conversations: Sequence[Conversation]) -> list[ConversationSearch]:
    """Return the row of each conversation; the number of statements does not depend on it."""
    parts = {row.pk: _Parts(conversation=row) for row in conversations}
    events = Event.objects.filter(conversation__in=parts, type__in=_READ)
    for event in events.order_by("conversation", "sequence"):
        parts[event.conversation_id].events.append(event)
    for handoff in Handoff.objects.filter(conversation__in=parts).defer(*UNLISTED).order_by("pk"):
        parts[handoff.conversation_id].handoffs.append(handoff)
    tags = ConversationTag.objects.filter(conversation__in=parts)
    for pk, name in tags.order_by("tag__name").values_list("conversation_id", "tag__name"):
        parts[pk].tags.append(name)
    for survey in Survey.objects.filter(conversation__in=parts, answered_at__isnull=False):
        parts[survey.conversation_id].survey = survey
    for name, found in _marks(list(parts)).items():
        for pk in found:
            parts[pk].has.add(name)
    return [_row(one) for one in parts.values()]


def _marks(ids: list[str]) -> dict[str, Iterable[str]]:
    """Return by `has:` word the conversations that have it."""
    failed = Delivery.objects.filter(
        handoff__conversation__in=ids, status=Delivery.Status.FAILED
    ).values_list("handoff__conversation_id", flat=True)
    errors = LogEntry.objects.filter(conversation__in=ids, level=LogEntry.Level.ERROR)
    of = {"conversation__in": ids}
    return {
        "undelivered": failed,
        "file": Attachment.objects.filter(**of, event__isnull=False).values_list(
            "conversation_id", flat=True
        ),
        "note": Note.objects.filter(**of).values_list("conversation_id", flat=True),
        "tool_error": errors.exclude(source="").values_list("conversation_id", flat=True),
    }


def _row(parts: _Parts) -> ConversationSearch:
    conversation, person = parts.conversation, parts.conversation.end_user
    said = list(_said(parts.events))
    comment = parts.survey.comment if parts.survey else ""
    users = [event for event in parts.events if event.type == EventType.USER_MESSAGE]
    outcome, topic = _outcome(parts), _topic(parts)
    agents = _agents(parts)
    terms = [*_terms(parts, agents), f"outcome:{outcome}", *(f"topic:{one}" for one in topic)]
    names = [person.name, person.external_id if person.is_verified else ""]
    hidden = [masked(text, names) for text in said]
    personal = [comment, person.name, person.email]
    return ConversationSearch(
        conversation=conversation,
        project_id=conversation.project_id,
        environment=conversation.environment,
        started_at=conversation.started_at,
        sequence=conversation.last_sequence,
        is_final=_is_over(conversation),
        first_words=" ".join(said_text(users[0]).split())[:FIRST_WORDS_MAX] if users else "",
        topic=topic[-1][:120] if topic else "",
        outcome=outcome,
        agent_name=agents[-1][:256] if agents else "",
        tags=parts.tags,
        ratings=_ratings(parts.survey),
        words=indexed([*said, *personal], [*terms, *_personal_terms(parts)]),
        masked=indexed(hidden, terms),
    )


def _said(events: Sequence[Event]) -> Iterator[str]:
    """Return what each line reads by now, and what its files are called."""
    changes: Mapping[str, Any] = {
        event.payload["message_id"]: event.payload
        for event in events
        if event.type == EventType.LIVE_AGENT_MESSAGE_CHANGED
    }
    for event in events:
        if event.type not in _SPOKEN:
            continue
        change = changes.get(str(event.pk))
        yield changed_text(change) if change else said_text(event)
        if not change or not change["is_deleted"]:
            for file in event.payload.get("attachments") or ():
                yield str(file.get("title") or "")


def _is_over(conversation: Conversation) -> bool:
    return conversation.state == Conversation.State.ENDED


def _outcome(parts: _Parts) -> str:
    """Say what became of it: what counts most of its handoffs, else that none was needed."""
    if not _is_over(parts.conversation):
        return UNFINISHED
    outcomes = [handoff_outcome(handoff) for handoff in parts.handoffs]
    if Outcome.ANSWERED in outcomes:
        return Outcome.ANSWERED
    if outcomes:
        return outcomes[-1]
    types = {event.type for event in parts.events}
    is_talk = {EventType.USER_MESSAGE, EventType.POLY_AGENT_MESSAGE} <= types
    return CONTAINED if is_talk else NOTHING_SAID


def _topic(parts: _Parts) -> list[str]:
    named = [str(name) for name in parts.conversation.dialog.get("topics") or ()]
    return [*named, *(one.topic for one in parts.handoffs if one.topic and one.topic not in named)]


def _agents(parts: _Parts) -> list[str]:
    """Return the live agents that joined or spoke, in their order."""
    found = [
        str(event.payload.get("agent_name") or "")
        for event in parts.events
        if event.type == EventType.LIVE_AGENT_MESSAGE and event.payload.get("by") != "vendor_bot"
    ]
    found += [handoff.agent_name for handoff in parts.handoffs if handoff.joined_at]
    return list(dict.fromkeys(filter(None, found)))


def _terms(parts: _Parts, agents: Sequence[str]) -> Iterator[str]:
    conversation = parts.conversation
    yield from (conversation.pk, str(conversation.session_id))
    yield f"channel:{conversation.channel_type.partition('.')[0]}"
    for name in agents:
        yield from (f"agent:{part}" for part in (name, *name.split()))
    yield from (f"has:{name}" for name in parts.has)
    yield from (f"tag:{name}" for name in parts.tags)
    yield from (f"rating:{score}" for score in _ratings(parts.survey).values())
    if not parts.handoffs:
        yield "handoff:none"
    for handoff in parts.handoffs:
        yield from _handoff_terms(handoff)


def _handoff_terms(handoff: Handoff) -> Iterator[str]:
    yield from filter(None, (handoff.pk, handoff.vendor_conversation_id, handoff.correlation_id))
    yield f"vendor:{handoff.integration_key}"
    yield f"vendor:{vendor_name(handoff.integration_key)}"
    queues = (handoff.queue, str(handoff.queue_status.get("queue_name") or ""))
    yield from (f"queue:{name}" for name in queues if name)
    yield from (f"reason:{text}" for text in (handoff.reason_code, handoff.reason) if text)
    if handoff.reason and not handoff.reason_code:
        yield "reason:other"
    outcome = handoff_outcome(handoff)
    yield from (f"handoff:{word}" for word, which in HANDOFF_WORDS.items() if outcome in which)


def _ratings(survey: Survey | None) -> dict[str, int]:
    """Return by subject how many of five stars were given; what was skipped is not there."""
    if survey is None:
        return {}
    given = {"ai_agent": survey.bot_score, "live_agent": survey.live_agent_score}
    return {subject: score for subject, score in given.items() if score}


def _personal_terms(parts: _Parts) -> Iterator[str]:
    person = parts.conversation.end_user
    shared = [parts.conversation.shared_id, *(one.shared_id for one in parts.handoffs)]
    yield from filter(None, (person.external_id, person.email, *shared))
    if digits := "".join(filter(str.isdigit, person.phone)):
        yield f"phone:{digits}"
