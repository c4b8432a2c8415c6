"""An outside agent after a human: it is told, it knows, and what comes too late is dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings

from config.demo.processes import wait_until
from conversations.journal.frames import EventType
from conversations.journal.services import events_append, message_event
from conversations.models import Conversation, LogEntry, OutsideAgent
from handoffs.api.mcp.key import key_of_request
from handoffs.api.mcp.views import handoff_view
from handoffs.lifecycle.locking import handoff_leased
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Handoff
from handoffs.starting.turns.agent_news import PAUSES_SECONDS, agent_tell
from handoffs.states import EndReason, State
from tests import factories
from tests.handoffs.outside import Drive, WebhookStandIn, ask, driven, said, webhook_agent

RETURNS = {"after_agent": "return_to_bot"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agent() -> Iterator[WebhookStandIn]:
    with webhook_agent() as served:
        yield served


def queued_news() -> list[str]:
    """Return the arguments of the news that wait in the queue."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        tasks = [json.loads(line) for line in client.lrange("default", 0, -1)]
    found = [task["headers"] for task in tasks if task["headers"]["task"].endswith("agent_news")]
    return [head["argsrepr"] for head in found]


def handed_off_and_back(conversation: Conversation, *, says: str = "") -> Handoff:
    """Open a handoff, let a live agent say something, and return to the AI agent."""
    handoff = factories.handoff(
        conversation,
        state=State.ACTIVE,
        of_integration=conversation.project.integrations.first()
        or factories.integration(conversation.project, behaviour=RETURNS),
        agent_name="Noor",
    )
    lease = factories.lease_of(handoff)
    with handoff_leased(lease) as locked:
        said = [message_event(EventType.LIVE_AGENT_MESSAGE, says)] if says else []
        events_append(locked.conversation, said)
        handoff_end(locked, EndReason.LIVE_AGENT_ENDED, lease=lease)
    return Handoff.objects.get(pk=handoff.pk)


def test_on_return_the_agent_is_told_and_the_next_turn_carries_the_human_part(
    agent: WebhookStandIn,
):
    conversation = driven(agent)
    ask(conversation)
    handoff = handed_off_and_back(conversation, says="I promise a refund.")

    agent_tell(handoff.pk)

    assert wait_until(lambda: len(agent.heard) == 2, seconds=20)
    news = agent.heard[1].body
    assert (news["event"], news["id"]) == ("handoff_ended", f"{handoff.pk}:ended")
    assert agent.heard[1].headers["idempotency-key"] == news["id"]
    assert news["conversation"]["id"] == conversation.pk
    part = news["human_part"]
    # What an agent that asks by MCP gets is the same.
    token = key_of_request.set(factories.api_key(conversation.project)[0])
    shown = handoff_view(handoff.pk, None).human_summary
    key_of_request.reset(token)
    assert shown == f"{part['summary']}\nLive agent: I promise a refund."
    assert (part["agent_name"], part["reason"]) == ("Noor", "live_agent_ended")
    assert [(line["role"], line["text"]) for line in part["lines"]] == [
        ("live_agent", "I promise a refund.")
    ]
    assert part["summary"].startswith("Noor talked with the end user: 1 message")

    ask(conversation, "And now?")
    ask(conversation, "Still there?")

    first, second = (heard.body for heard in agent.heard[2:])
    assert first["human_part"] == part
    assert "human_part" not in second, "once the agent has answered it knows"
    assert ("live_agent", "I promise a refund.") in [
        (line["role"], line["text"]) for line in first["history"]
    ]
    conversation.refresh_from_db()
    assert conversation.agent_session["epoch"] == 1


def test_news_that_did_not_arrive_is_repeated_and_then_left_to_the_next_turn(
    agent: WebhookStandIn,
):
    conversation = driven(agent)
    ask(conversation)
    current_app.control.purge()
    handoff = handed_off_and_back(conversation)
    agent.answering = lambda turn: (503, {})
    assert queued_news() == [f"[{handoff.pk!r}, 0]"], "the return itself asks for it"
    current_app.control.purge()

    agent_tell(handoff.pk, 0)
    assert wait_until(lambda: bool(queued_news()), seconds=20)
    agent_tell(handoff.pk, len(PAUSES_SECONDS))
    assert wait_until(lambda: len(agent.heard) == 3, seconds=20)

    assert queued_news() == [f"[{handoff.pk!r}, 1]"]


def test_an_answer_that_comes_after_the_agent_has_left_is_dropped_and_noted(
    agent: WebhookStandIn,
):
    conversation = driven(agent)
    drive = Drive(conversation.project)
    integration = factories.integration(conversation.project)

    def handing_off_first(turn: dict[str, Any]) -> tuple[int, Any]:
        asked = {"handoff": {"text_chat": {integration.integration_key: {}}}}
        assert drive.post(conversation, "handoff", asked)[0] == 202
        return 200, {"utterance": "I am still talking"}

    agent.answering = handing_off_first
    ask(conversation)

    def is_noted() -> bool:
        return LogEntry.objects.filter(conversation=conversation, code="agent_late").exists()

    assert wait_until(is_noted, seconds=20)
    assert said(conversation) == []


def test_the_page_keeps_how_the_agent_fails_in_conversations(agent: WebhookStandIn):
    conversation = driven(agent)
    agent.answering = lambda turn: (401, {})
    ask(conversation)
    row = OutsideAgent.objects.get()
    assert row.error_code == "agent_invalid_auth"

    agent.answering = lambda turn: (200, {"utterance": "Yes"})
    ask(conversation)
    row.refresh_from_db()
    assert (row.error_code, row.error_at) == ("", None)
