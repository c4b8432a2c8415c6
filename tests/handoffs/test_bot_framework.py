"""A bot on Microsoft's own packages drives a conversation into a handoff and back."""

from __future__ import annotations

import asyncio
import importlib.util
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from config.demo.processes import wait_until
from conversations.journal.frames import EventType
from conversations.journal.services import events_append, message_event
from conversations.models import Conversation, LogEntry, OutsideAgent
from handoffs.lifecycle.locking import handoff_leased
from handoffs.lifecycle.services import handoff_connecting, handoff_end
from handoffs.models import Handoff
from handoffs.starting.turns.agent_news import agent_tell, agent_tell_joined
from handoffs.states import EndReason
from tests import factories
from tests.handoffs.direct_line import SECRET, direct_line, says, served
from tests.handoffs.outside import ask, said, webhook_agent

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLE = Path(__file__).parents[2] / "docs/examples/bot_framework_bot.py"


def loaded() -> ModuleType:
    """Load the example, which needs the makers' packages of the extra `oracles`."""
    pytest.importorskip("microsoft_agents.hosting.aiohttp")
    spec = importlib.util.spec_from_file_location("bot_framework_bot", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def conversation_with(kind: str, url: str, secret: str = "") -> Conversation:
    project = factories.project()
    factories.integration(project, is_default=True, behaviour={"after_agent": "return_to_bot"})
    OutsideAgent.objects.create(
        project=project, kind=kind, url=url, secrets={"bot_secret": secret}, options={}
    )
    return factories.conversation(factories.channel(project))


def passed_to_a_human_and_back(conversation: Conversation) -> Handoff:
    """Let a live agent take the handoff that is open, and leave again; the bot is told of both."""
    handoff = Handoff.objects.get(conversation=conversation)
    lease = factories.claim(handoff)
    with handoff_leased(lease) as locked:
        handoff_connecting(locked, lease)
    factories.apply(lease, factories.joined(agent_name="Noor"))
    agent_tell_joined(handoff.pk)
    with handoff_leased(lease) as locked:
        line = message_event(EventType.LIVE_AGENT_MESSAGE, "A refund is on its way.")
        events_append(locked.conversation, [line])
        handoff_end(locked, EndReason.LIVE_AGENT_ENDED, lease=lease)
    agent_tell(handoff.pk)
    return handoff


def test_a_bot_of_the_agents_sdk_hands_off_hears_how_it_went_and_goes_on():
    example = loaded()
    bot = example.Bot()
    with served(example.application(bot), asyncio.new_event_loop()) as port:
        url = f"http://127.0.0.1:{port}/api/messages"
        conversation = conversation_with("bot_endpoint", url)

        ask(conversation, "Hello")
        ask(conversation, "A human, please")
        assert said(conversation) == ["You said Hello", "I get somebody for you."]
        handoff = passed_to_a_human_and_back(conversation)
        assert wait_until(lambda: len(bot.heard) == 2, seconds=20)
        ask(conversation, "Thanks")

    assert [value["state"] for value in bot.heard] == ["accepted", "completed"]
    assert "Noor" in bot.heard[1]["baton_human_summary"]
    assert handoff.reason == "asked for a human"
    assert handoff.routing["skills"] == ["parcels"]
    assert handoff.routing["attributes"] == {"order": "7"}
    assert said(conversation)[-1] == "You said Thanks"


def test_a_bot_behind_direct_line_hands_off_hears_how_it_went_and_goes_on():
    def bot(activity: dict[str, Any]) -> list[dict[str, Any]]:
        if activity["type"] != "message":
            return [says("Nobody sees this")] if activity["value"]["state"] == "completed" else []
        if activity["text"] != "A human":
            return [says(f"You said {activity['text']}")]
        value = {"va_LastTopic": "Escalate", "plan": "gold"}
        return [
            {"type": "message", "text": "One moment"},
            {"type": "event", "name": "handoff.initiate", "value": value},
        ]

    with direct_line() as line:
        line.bot = bot
        conversation = conversation_with("direct_line", line.base, SECRET)

        ask(conversation, "A human")
        assert said(conversation) == ["One moment"]
        handoff = passed_to_a_human_and_back(conversation)

        def states() -> list[str]:
            return [one["value"]["state"] for one in line.heard if one["type"] == "event"]

        assert wait_until(lambda: states() == ["accepted", "completed"], seconds=20)
        ask(conversation, "Back")

    assert (handoff.reason, handoff.routing["attributes"]) == ("Escalate", {"plan": "gold"})
    assert said(conversation) == ["One moment", "You said Back"]
    assert LogEntry.objects.filter(conversation=conversation, code="agent_late").exists()
    assert len(line.conversations) == 1


def test_a_bot_that_does_not_take_expect_replies_leaves_a_text_and_the_log_with_why():
    with direct_line() as line:
        # It answers a post, but not with activities.
        conversation = conversation_with("bot_endpoint", f"{line.base}/conversations", SECRET)
        ask(conversation, "Hello")

    entry = LogEntry.objects.get(conversation=conversation, level="error")
    assert entry.code == "agent_answer"
    assert "expectReplies" in entry.content


def test_a_bot_that_gives_no_sign_of_life_at_its_own_address_is_not_waited_for():
    with webhook_agent() as bot:
        bot.answering = lambda turn: (time.sleep(6), (200, {"activities": []}))[1]
        conversation = conversation_with("bot_endpoint", bot.url)
        OutsideAgent.objects.update(options={"first_seconds": 1, "failure_text": "Away."})
        began = time.monotonic()
        ask(conversation, "Hello")
        waited = time.monotonic() - began

    assert (said(conversation), waited < 5) == (["Away."], True)
    assert len(bot.heard) == 1, "a bot that may have heard it is not asked again"
