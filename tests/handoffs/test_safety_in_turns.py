"""The safety filter in whole turns: what the AI agent never sees, and what is said and logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from conversations.ai_agent.safety.filtering import SafetyOptions
from conversations.models import Conversation, LogEntry, SafetyFilter
from handoffs.models import Handoff
from integrations.behaviour.sentences import SENTENCES
from tests.handoffs.outside import WebhookStandIn, webhook_agent
from tests.handoffs.test_answers import ask, builder

pytestmark = pytest.mark.django_db
BAD = "Ines Moreau says: I will kill you"
BLOCKED = [("POLY_AGENT_MESSAGE", SENTENCES["safety_blocked"].en)]
HANDED_OFF = [
    ("POLY_AGENT_MESSAGE", SENTENCES["handing_over"].en),
    ("POLY_AGENT_TRIGGERED_HANDOFF", None),
]
PASSED = [("POLY_AGENT_MESSAGE", "I do not know.")]
OUTCOMES = {"mark": PASSED, "block": BLOCKED, "hand_off": HANDED_OFF}


@pytest.fixture
def conversation() -> Conversation:
    return builder("def say(conv):\n    return 'The tool has run.'")


@pytest.fixture
def outside(settings: Any) -> Iterator[WebhookStandIn]:
    settings.ALLOW_LOCAL_AGENTS = True
    with webhook_agent() as agent:
        yield agent


def filtered(conversation: Conversation, **options: Any) -> None:
    SafetyFilter.objects.create(
        project=conversation.project,
        is_enabled=True,
        options=SafetyOptions(**options).as_dict(),
        secrets={"signing_secret": "s3cret-of-the-filter"},
    )


def entry(conversation: Conversation) -> LogEntry:
    """Return what the project's log says of the filter."""
    found: LogEntry = LogEntry.objects.get(conversation=conversation, source="safety filter")
    return found


@pytest.mark.parametrize("action", OUTCOMES)
def test_a_listed_word_decides_what_the_end_user_reads(conversation, action):
    filtered(conversation, words={"violence": ["kill you"]}, actions={"violence": action})

    assert ask(conversation, BAD) == OUTCOMES[action]
    assert entry(conversation).code == f"safety_{action}"
    assert Handoff.objects.filter(conversation=conversation).exists() == (action == "hand_off")


def test_what_the_own_filter_names_decides_too_and_the_next_message_is_judged_anew(
    conversation, outside
):
    outside.answering = lambda asked: (
        200,
        {"categories": ["hate"] if "kill" in asked["text"] else []},
    )
    filtered(conversation, url=outside.url, actions={"hate": "block"})

    assert ask(conversation, BAD) == BLOCKED
    assert ask(conversation, "zxqv") == PASSED
    assert [heard.body["text"] for heard in outside.heard] == [BAD, "zxqv"]


@pytest.mark.parametrize("when_away", OUTCOMES)
def test_without_an_answer_of_the_own_filter_happens_what_is_set(conversation, outside, when_away):
    outside.answering = lambda asked: (500, {})
    filtered(conversation, url=outside.url, when_away=when_away)

    assert ask(conversation, "zxqv") == OUTCOMES[when_away]
    assert entry(conversation).code == "safety_unjudged"


def test_an_own_filter_that_is_late_holds_nobody_up(conversation, outside):
    outside.answering = lambda asked: (time.sleep(4), (200, {"categories": []}))[1]
    filtered(conversation, url=outside.url, seconds=1, when_away="mark")
    began = time.monotonic()

    assert ask(conversation, "zxqv") == PASSED
    assert time.monotonic() - began < 3.5
    assert "timeout" in entry(conversation).content


def test_a_list_counts_beside_an_own_filter_that_is_away_and_the_stricter_of_both(
    conversation, outside
):
    outside.answering = lambda asked: (503, {})
    filtered(
        conversation,
        url=outside.url,
        words={"violence": ["kill you"]},
        actions={"violence": "mark"},
        when_away="block",
    )

    assert ask(conversation, BAD) == BLOCKED


@pytest.mark.parametrize("url", ["https://10.0.0.1/judge", "http://127.0.0.1:9/judge"])
def test_an_address_that_leads_inside_is_never_called(conversation, settings, url):
    settings.ALLOW_LOCAL_AGENTS = False
    filtered(conversation, url=url, when_away="block")

    assert ask(conversation, "zxqv") == BLOCKED
    assert entry(conversation).code == "safety_unjudged"


def test_no_log_holds_what_was_written_nor_who_wrote_it_nor_the_secret(
    conversation, outside, caplog
):
    caplog.set_level(logging.DEBUG)
    outside.answering = lambda asked: (500, {"error": BAD})
    filtered(
        conversation,
        url=outside.url,
        words={"violence": ["kill you"]},
        actions={"violence": "block"},
    )

    ask(conversation, BAD)

    written = entry(conversation)
    told = f"{caplog.text} {written.content} {written.fields}"
    for private in ("kill", "Ines", "s3cret"):
        assert private not in told
    assert written.fields == {"categories": ["violence"], "action": "block"}
