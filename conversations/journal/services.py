"""Write the journal: numbered lines, one writer at a time, published after the commit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from conversations.errors import ClientFaultError, ConversationEndedError
from conversations.journal import publish
from conversations.journal.discarding import texts_discard
from conversations.journal.ending import end_function_note
from conversations.journal.frames import EXTENSIONS, PREFIX, EventType, Level, SessionEnd, frame_of
from conversations.journal.text_wake_up import texts_wake_on_commit
from conversations.models import Channel, Conversation, EndUser, Event, LogEntry, Variant
from conversations.models.channel import agent_name_of, avatar_url
from conversations.models.conversation import APP_PLATFORMS, TEXT_PLATFORM
from conversations.models.release import release_id_of
from conversations.releases.content import content_of, content_of_release
from conversations.releases.variants import variant_asked, variant_of
from conversations.survey.services import survey_ask
from conversations.webhooks.bodies import ended_data, started_data
from conversations.webhooks.event_types import WebhookType
from conversations.webhooks.outbox import conversation_tell, messages_tell
from integrations.behaviour.sentences import own_or, sentence
from integrations.telemetry.metrics import JOURNAL_LINES

# Answers under these names are who the end user says to be.
_PERSON = {"name": 256, "email": 254, "phone": 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """A line to append; `client_event_id` makes a resend recognisable."""

    type: EventType
    payload: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    client_event_id: str = ""
    id: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """What a client says when it opens a session; identity only from a trusted server."""

    external_id: str = ""
    is_verified: bool = False
    name: str = ""
    email: str = ""
    phone: str = ""
    locale: str = ""
    is_locale_guessed: bool = False
    variant_id: str = ""
    page: dict[str, Any] = field(default_factory=dict)
    time_zone: str = ""
    extensions: tuple[str, ...] = ()
    platform: str = ""
    # Over the Chat API: the client's own channel.
    api_channel: str = ""
    is_streaming: bool = False
    integration_attributes: dict[str, Any] = field(default_factory=dict)
    # What was agreed to, and what was answered, before the conversation began.
    consent: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)


def conversation_lock(conversation_id: str) -> Conversation:
    """Lock and return a conversation; every write to it or to its handoff happens under this."""
    return Conversation.objects.select_for_update(no_key=True, of=("self",)).get(pk=conversation_id)


def events_append(conversation: Conversation, events: Sequence[NewEvent]) -> list[Event]:
    """Append lines to the journal of a locked conversation and publish them on commit.

    Raises ConversationEndedError after SESSION_END.
    """
    if conversation.state == Conversation.State.ENDED:
        raise ConversationEndedError("conversation_ended")
    now = timezone.now()
    rows = [
        Event(
            id=event.id,
            conversation=conversation,
            sequence=number,
            type=event.type,
            payload=event.payload,
            metadata=event.metadata,
            client_event_id=event.client_event_id,
            created_at=now,
        )
        for number, event in enumerate(events, start=conversation.last_sequence + 1)
    ]
    Event.objects.bulk_create(rows)
    JOURNAL_LINES.inc(len(rows))
    conversation.last_sequence += len(rows)
    conversation.save(update_fields=["last_sequence"])
    publish.frames_publish(conversation.pk, [frame_of(row) for row in rows])
    messages_tell(conversation, rows)
    if conversation.is_by_text:
        texts_wake_on_commit()
    return rows


def message_event(
    event_type: EventType, text: str, *, event_id: uuid.UUID | None = None, **extra: Any
) -> NewEvent:
    """Return a line that somebody said; its id is also the message id."""
    event_id = event_id or uuid.uuid4()
    payload: dict[str, Any] = {"message_id": str(event_id), "text": text, "attachments": []}
    if event_type != EventType.USER_MESSAGE:
        payload |= {"response_suggestions": [], "chat_call_actions": []}
    return NewEvent(type=event_type, payload=payload | extra, id=event_id)


def system_event(message: str, *, code: str, level: Level = Level.INFO, **extra: Any) -> NewEvent:
    """Return a journaled SYSTEM_MESSAGE; `extra` joins the payload."""
    payload = {"level": level, "message": message, "code": code, **extra}
    return NewEvent(type=EventType.SYSTEM_MESSAGE, payload=payload)


def agent_joined_event(conversation: Conversation) -> NewEvent:
    """Return the line that says the AI agent answers (again)."""
    channel, locale = conversation.channel, conversation.locale
    name = agent_name_of(channel, locale) or sentence("ai_agent_name", conversation.tongue)
    payload = {"agent_name": name, "agent_avatar_url": avatar_url(channel)}
    return NewEvent(type=EventType.POLY_AGENT_JOINED, payload=payload)


def _locale(visitor: Visitor, variant: Variant | None) -> str:
    """Return the language of a session: what a client only guesses gives way to the variant's."""
    own = variant.language if variant else ""
    return (own or visitor.locale) if visitor.is_locale_guessed else (visitor.locale or own)


@transaction.atomic
def session_create(*, channel: Channel, token_family: uuid.UUID, visitor: Visitor) -> Conversation:
    """Open a conversation and write its SESSION_START."""
    release_id = release_id_of(channel.project_id, channel.environment)
    asked = visitor.variant_id or channel.variant_id
    variant = variant_asked(content_of_release(channel.project, release_id), asked)
    conversation = Conversation.objects.create(
        project=channel.project,
        channel=channel,
        environment=channel.environment,
        release_id=release_id,
        end_user=_end_user(channel, visitor),
        token_family=token_family,
        locale=_locale(visitor, variant),
        variant_id=variant.public_id if variant else asked,
        page=visitor.page,
        time_zone=visitor.time_zone,
        client_extensions=",".join(visitor.extensions),
        platform=visitor.platform,
        is_streaming=visitor.is_streaming,
        integration_attributes={**visitor.integration_attributes, **visitor.answers},
        consent=visitor.consent,
        context={"form": visitor.answers} if visitor.answers else {},
        api_channel=visitor.api_channel,
        handoff_mode=_handoff_mode(channel, visitor),
    )
    payload: dict[str, Any] = {"capabilities": _capabilities(visitor)}
    if channel.context_keys:
        payload["context_id"] = conversation.context_id
    start = NewEvent(type=EventType.SESSION_START, payload=payload)
    events_append(conversation, [start])
    if asked and variant is None:
        text = f"A session asked for the variant {asked}, which is not known here."
        log_append(conversation, LogEntry.Level.WARNING, text, code="variant_unknown")
    conversation_tell(
        conversation, WebhookType.CONVERSATION_STARTED, lambda: started_data(conversation)
    )
    return conversation


@transaction.atomic
def agent_join(
    conversation_id: str, *, opening: Callable[[Conversation], list[NewEvent]] | None = None
) -> list[Event]:
    """Let the AI agent join and greet; raises ClientFaultError when it has joined before.

    `opening` may change the locked conversation, and returns what is said for a greeting; where
    that is nothing, the usual one is said.
    """
    conversation = conversation_lock(conversation_id)
    if conversation.state != Conversation.State.CREATED:
        raise ClientFaultError("The AI agent has already joined this conversation.")
    greeting = opening(conversation) if opening else []
    if not greeting:
        greeting = [message_event(EventType.POLY_AGENT_MESSAGE, _greeting(conversation))]
    events = events_append(conversation, [agent_joined_event(conversation), *greeting])
    conversation.state = Conversation.State.BOT
    conversation.save(update_fields=["state"])
    return events


def _greeting(conversation: Conversation) -> str:
    variant = variant_of(conversation)
    if variant is not None and variant.greeting:
        return variant.greeting
    return own_or(content_of(conversation).text("greeting"), "greeting", conversation.tongue)


def conversation_end(
    conversation: Conversation, reason: SessionEnd, *, detail: str = ""
) -> list[Event]:
    """Write SESSION_END to a locked conversation: the last line of every journal.

    The survey is asked for just before it, and answered beside the journal.
    """
    payload: dict[str, Any] = {"reason": reason} | ({"detail": detail} if detail else {})
    last = [
        *_survey_lines(conversation, reason),
        NewEvent(type=EventType.SESSION_END, payload=payload),
    ]
    events = events_append(conversation, last)
    conversation.state = Conversation.State.ENDED
    conversation.ended_at = timezone.now()
    conversation.answer_due_at = None
    end_function_note(conversation)
    changed = ["state", "ended_at", "answer_due_at", "end_function_due_at"]
    conversation.save(update_fields=changed)
    if conversation.is_discarded:
        texts_discard(conversation)
    conversation_tell(
        conversation,
        WebhookType.CONVERSATION_ENDED,
        lambda: ended_data(conversation, reason, detail),
    )
    return events


def _survey_lines(conversation: Conversation, reason: SessionEnd) -> list[NewEvent]:
    """Ask how it was, unless the end user has long been away."""
    asked = None if reason == SessionEnd.USER_ABANDONED else survey_ask(conversation)
    return [NewEvent(type=EventType.SHOW_CSAT_REQUEST, payload=asked)] if asked else []


@transaction.atomic
def conversations_seen(conversation_ids: Sequence[str]) -> None:
    """Note that sockets of conversations are alive.

    Where somebody is writing at this moment the next note will do: nobody waits for it.
    """
    rows = Conversation.objects.filter(pk__in=conversation_ids)
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(no_key=True, skip_locked=True, of=("self",))
    free = list(rows.values_list("pk", flat=True))
    Conversation.objects.filter(pk__in=free).update(last_seen_at=timezone.now())


def log_append(
    conversation: Conversation,
    level: LogEntry.Level,
    content: str,
    *,
    source: str = "",
    code: str = "",
    fields: dict[str, Any] | None = None,
    is_pii: bool = False,
) -> None:
    """Write a line to the project's log, where builders look for reasons."""
    LogEntry.objects.create(
        project_id=conversation.project_id,
        conversation=conversation,
        level=level,
        source=source[:120],
        code=code,
        content=content[:4000],
        fields=fields or {},
        is_pii=is_pii,
    )


def _end_user(channel: Channel, visitor: Visitor) -> EndUser:
    if visitor.platform == TEXT_PLATFORM:
        return _phone_of(channel, visitor.phone)
    if not visitor.is_verified:
        given = visitor.answers
        said = {name: given[name][:most] for name, most in _PERSON.items() if name in given}
        return EndUser.objects.create(
            project=channel.project, external_id=str(uuid.uuid4()), **said
        )
    names = {"name": visitor.name, "email": visitor.email, "phone": visitor.phone}
    end_user, _ = EndUser.objects.update_or_create(
        project=channel.project,
        external_id=visitor.external_id,
        is_verified=True,
        defaults={key: value for key, value in names.items() if value},
    )
    return end_user


def _phone_of(channel: Channel, phone: str) -> EndUser:
    """Return whoever writes from a number: known again, though nobody vouches for them."""
    end_user, _ = EndUser.objects.get_or_create(
        project=channel.project,
        external_id=f"tel:{phone}",
        is_verified=False,
        defaults={"phone": phone},
    )
    return end_user


def _handoff_mode(channel: Channel, visitor: Visitor) -> str:
    return channel.handoff_mode if visitor.api_channel else Channel.HandoffMode.SERVER


def _message_bytes(visitor: Visitor) -> int:
    """Return what a client may send: an SDK measures the text, which has a limit of its own."""
    is_app = visitor.platform in APP_PLATFORMS
    return int(settings.MESSAGE_MAX_CHARACTERS if is_app else settings.FRAME_MAX_BYTES)


def _capabilities(visitor: Visitor) -> dict[str, Any]:
    return {
        "streaming": visitor.is_streaming,
        "max_message_size_bytes": _message_bytes(visitor),
        "max_reconnect_attempts": 10,
        "heartbeat_interval_seconds": settings.SOCKET_HEARTBEAT_SECONDS,
        "extensions": [PREFIX + name for name in EXTENSIONS] + list(visitor.extensions),
        "attachments": {"max_bytes": 0, "mime": []},
    }
