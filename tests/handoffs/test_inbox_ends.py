"""How a vendor ends a conversation, and whose name the end user sees."""

from __future__ import annotations

import pytest

from conversations.journal.frames import EventType
from conversations.models import Event
from handoffs.states import EndReason, State
from integrations.contract import events as vendor_events
from integrations.models import Integration
from tests import factories
from tests.factories import spoke, vendor_event
from tests.handoffs.receiving import behaving, new_lines, receive, sequence

pytestmark = pytest.mark.django_db


# ---- the end ----


@pytest.mark.parametrize(
    ("ended_by", "reason"),
    [
        ("agent", EndReason.LIVE_AGENT_ENDED),
        ("", EndReason.LIVE_AGENT_ENDED),
        ("System", EndReason.VENDOR_CLOSED),
    ],
)
def test_the_vendors_end_says_goodbye_and_ends_the_conversation(active, ended_by, reason):
    before = sequence(active)

    is_over = receive(active, vendor_event(vendor_events.ConversationEnded, ended_by=ended_by))

    now = factories.fresh(active)
    who = {"agent_id": "a1", "agent_name": "Noor Halvorsen", "reason": reason.value}
    end = {"reason": "REASON_NATURAL_END", "detail": reason.value}
    assert is_over
    assert new_lines(active, before) == [("LIVE_AGENT_LEFT", who), ("SESSION_END", end)]
    assert (now.state, now.end_reason, now.vendor_end_until) == ("ended", reason.value, None)
    assert now.conversation.state == "ended"


def test_the_ai_agent_answers_again_after_the_end_where_it_should():
    handoff = behaving(after_agent="return_to_bot")
    before = sequence(handoff)

    receive(handoff, vendor_event(vendor_events.ConversationEnded, ended_by="agent"))

    kinds = [kind for kind, _ in new_lines(handoff, before)]
    assert kinds == ["LIVE_AGENT_LEFT", "POLY_AGENT_JOINED"]
    assert factories.fresh(handoff).conversation.state == "bot"


def test_the_tool_says_what_follows_the_end_and_wins_over_the_integration():
    of = factories.integration(behaviour={"after_agent": "end"})
    handoff = factories.handoff(
        state=State.ACTIVE, hints={"after_agent": "return_to_bot"}, of_integration=of
    )

    receive(handoff, vendor_event(vendor_events.ConversationEnded))

    assert factories.journal(handoff)[-1] == "POLY_AGENT_JOINED"


def test_an_end_before_anybody_joined_fails_the_handoff(queued):
    before = sequence(queued)

    is_over = receive(queued, vendor_event(vendor_events.ConversationEnded))

    assert is_over
    assert new_lines(queued, before)[0] == ("HANDOFF_FAILED", {"reason": "conversation_gone"})
    assert factories.journal(queued)[-1] == "POLY_AGENT_JOINED"


def test_nobody_there_fails_the_handoff_and_the_ai_agent_goes_on(queued):
    before = sequence(queued)

    receive(queued, vendor_event(vendor_events.NoLiveAgents, detail="No skilled agent"))

    now = factories.fresh(queued)
    assert new_lines(queued, before)[0] == ("HANDOFF_FAILED", {"reason": "no_live_agents"})
    assert (now.state, now.error_code, now.conversation.state) == (
        "failed",
        "no_live_agents",
        "bot",
    )
    assert now.vendor_end_until is not None


# ---- names ----


@pytest.mark.parametrize(
    ("behaviour", "shown"),
    [
        ({"display_name_source": "vendor"}, "Noor Halvorsen"),
        ({"display_name_source": "fixed", "display_name_text": "Our team"}, "Our team"),
        ({"display_name_source": "hidden"}, "Live agent"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_the_live_agents_name_is_shown_as_the_integration_says(behaviour, shown):
    handoff = behaving(**behaviour)

    receive(handoff, spoke("Hello", agent_name="Noor Halvorsen"))
    receive(handoff, vendor_event(vendor_events.ConversationEnded))

    lines = Event.objects.filter(conversation_id=handoff.conversation_id)
    assert lines.get(type=EventType.LIVE_AGENT_JOINED).payload["agent"]["name"] == shown
    assert lines.get(type=EventType.LIVE_AGENT_MESSAGE).payload["agent_name"] == shown
    assert lines.get(type=EventType.LIVE_AGENT_LEFT).payload["agent_name"] == shown


def test_a_handoff_whose_integration_was_removed_behaves_by_default(active):
    Integration.objects.all().delete()

    receive(active, vendor_event(vendor_events.ConversationEnded))

    assert factories.journal(active)[-1] == "SESSION_END"
