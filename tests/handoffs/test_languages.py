"""What Baton says in a conversation, in the language that the end user's widget named."""

from __future__ import annotations

import pytest

from conversations.errors import ConversationEndedError
from conversations.journal.services import Visitor
from conversations.models import Channel, Event
from handoffs.responder import message_accept
from handoffs.states import State
from integrations.behaviour.sentences import SENTENCES
from integrations.models import Project
from tests import factories
from tests.factories import joined
from tests.handoffs.receiving import receive

pytestmark = pytest.mark.django_db


def german(channel: Channel | None = None, *, state: str = "bot"):
    return factories.conversation(channel, state=state, visitor=Visitor(locale="de-AT"))


def texts(conversation_id: str) -> list[str]:
    lines = Event.objects.filter(conversation_id=conversation_id).order_by("sequence")
    said = [line.payload.get("message") or line.payload.get("text") for line in lines]
    return [one for one in said if one]


def test_the_ai_agent_greets_in_the_end_users_language_unless_an_admin_has_worded_it():
    channel = factories.channel()
    worded = german(channel)
    Project.objects.update(greeting=SENTENCES["greeting"].en)
    channel.refresh_from_db()
    unworded = german(channel)

    assert texts(worded.pk) == ["Hello from Birch."]
    assert texts(unworded.pk) == ["Guten Tag. Wie kann ich Ihnen helfen?"]


def test_a_handoff_speaks_the_end_users_language():
    handoff = factories.handoff(german(), state=State.ACTIVE)
    receive(handoff, joined("agent-2", "Zadie Moroz"))

    assert texts(handoff.conversation_id)[-1] == "Zadie Moroz ist dabei."


def test_a_refusal_speaks_the_end_users_language():
    conversation = german(state="ended")

    with pytest.raises(ConversationEndedError) as refused:
        message_accept(
            conversation_id=conversation.pk, text="Hallo", client_event_id="1", metadata=None
        )

    assert refused.value.text(conversation.locale) == (
        "Diese Unterhaltung ist beendet. Beginnen Sie eine neue."
    )
    assert str(refused.value) == "This conversation has ended. Start a new one."
