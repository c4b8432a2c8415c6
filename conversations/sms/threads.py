"""Open the conversation that a thread is in, or go on with it."""

from __future__ import annotations

import uuid

from django.db import transaction

from conversations.journal.frames import EventType
from conversations.journal.services import Visitor, session_create
from conversations.models import Channel, Conversation, Event
from conversations.models.conversation import TEXT_PLATFORM
from conversations.sms.telling import thread_lock
from conversations.widget.channels import channel_shared
from integrations.connections.carriers.reading import connection_policy
from integrations.kit.json_values import count_read
from integrations.kit.text_form import western
from integrations.models import Integration

_NAME = "Text messages"
# Nobody waits at their phone: a survey by text is answered in the evening.
_SURVEY_MINUTES = 24 * 60


@transaction.atomic
def thread_conversation(thread_id: int) -> Conversation | None:
    """Return the conversation that a thread is in, a new one where the last is over.

    None while one is closing: what is said now belongs to the next.
    """
    thread = thread_lock(thread_id)
    current = thread.conversation
    if current is not None and not current.is_over:
        current.locale = current.tongue  # what is refused is told in the project's own words
        return current
    if current is not None and (
        current.state != Conversation.State.ENDED or thread.told_sequence < current.last_sequence
    ):
        return None
    variants = connection_policy(thread.integration).variants
    visitor = Visitor(
        phone=thread.user_number,
        platform=TEXT_PLATFORM,
        variant_id=variants.get(thread.our_number, ""),
    )
    channel = sms_channel(thread.integration)
    conversation = session_create(channel=channel, token_family=uuid.uuid4(), visitor=visitor)
    # Whatever is said from now on answers no survey of the conversation before.
    thread.conversation, thread.told_sequence, thread.survey = conversation, 0, None
    thread.save(update_fields=["conversation", "told_sequence", "survey"])
    return conversation


def sms_channel(integration: Integration) -> Channel:
    """Return the channel that all threads of an environment belong to."""
    return channel_shared(
        project=integration.project,
        kind=Channel.Kind.SMS,
        environment=integration.environment,
        name=_NAME,
        survey={"minutes": _SURVEY_MINUTES},
    )


def meant(conversation: Conversation, text: str) -> str:
    """Return the reply that a number means: what the AI agent has offered last, by its place.

    A live agent's offers are matched where the answer is passed on.
    """
    place = count_read(western(text).strip(" \t\n.,:;!()#"))
    if conversation.state != Conversation.State.BOT or place is None:
        return text
    spoken = (EventType.USER_MESSAGE, EventType.POLY_AGENT_MESSAGE)
    lines = Event.objects.filter(conversation=conversation, type__in=spoken).order_by("-sequence")
    last = lines.first()
    if last is None or last.type != EventType.POLY_AGENT_MESSAGE:
        return text
    offered = last.payload.get("response_suggestions") or []
    return str(offered[place - 1]["message_text"]) if 0 < place <= len(offered) else text
