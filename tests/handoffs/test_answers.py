"""The AI agent answers each message once, in order, whatever runs twice or fails."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Event, LogEntry
from handoffs.models import Handoff
from handoffs.responder import message_accept
from handoffs.starting.turns.answers import answer_all
from handoffs.states import State
from integrations.models import Integration
from tests import factories

pytestmark = pytest.mark.django_db
HUMAN = "I want to talk to a human"


def builder(source: str, *, is_connected: bool = True) -> Conversation:
    """Return a conversation whose AI agent runs `source` when asked for a human."""
    project = factories.project(no_match_text="I do not know.")
    if is_connected:
        factories.integration(project)
    factories.topic(project, HUMAN, factories.tool(project, source))
    factories.topic(project, "When are you open?", content="From nine to five.")
    return factories.conversation(factories.channel(project))


def write(conversation: Conversation, text: str) -> Event:
    return message_accept(
        conversation_id=conversation.pk, text=text, client_event_id="", metadata=None
    )[0]


def ask(conversation: Conversation, text: str = HUMAN) -> list[tuple[str, Any]]:
    """Write, let the AI agent answer, and return the new lines as (type, text or reason)."""
    line = write(conversation, text)
    answer_all(conversation.pk)
    conversation.refresh_from_db()
    return after(line)


def after(line: Event) -> list[tuple[str, Any]]:
    lines = Event.objects.filter(conversation_id=line.conversation_id, sequence__gt=line.sequence)
    return [
        (line.type, line.payload.get("text") or line.payload.get("reason"))
        for line in lines.order_by("sequence")
    ]


def log(conversation: Conversation) -> list[LogEntry]:
    return list(LogEntry.objects.filter(conversation=conversation).order_by("id"))


# ---- answers ----


def test_a_topic_without_a_tool_answers_with_its_content():
    conversation = builder(factories.TRANSFER_SOURCE)

    assert ask(conversation, "When are you open?") == [("POLY_AGENT_MESSAGE", "From nine to five.")]
    assert conversation.answer_due_at is None


@pytest.mark.parametrize(
    ("text", "tools_read"), [("When are you open?", 0), (HUMAN, 1)], ids=["topic", "tool"]
)
def test_an_answer_reads_what_it_needs_once_and_writes_its_conversation_three_times(
    text, tools_read
):
    conversation = builder("def say(conv):\n    return 'Nobody is here.'")
    ask(conversation, text)
    write(conversation, text)

    with CaptureQueriesContext(connection) as asked:
        answer_all(conversation.pk)

    found = [query["sql"] for query in asked.captured_queries]
    whole = [sql for sql in found if "example_queries" in sql]
    tools = [sql for sql in found if 'FROM "conversations_tool"' in sql]
    handoffs = [sql for sql in found if 'FROM "handoffs_handoff"' in sql]
    updates = [sql for sql in found if sql.startswith('UPDATE "conversations_conversation"')]
    assert (len(tools), len(handoffs)) == (tools_read, tools_read)
    # What is prepared for matching knows the topics, those for humans too.
    assert whole == []
    # The claim; the line's number; the end of the turn with all that it leaves.
    assert len(updates) == 3


def test_what_nobody_knows_is_answered_too():
    conversation = builder(factories.TRANSFER_SOURCE)

    assert ask(conversation, "zxqv") == [("POLY_AGENT_MESSAGE", "I do not know.")]


def test_the_utterance_comes_before_the_handoff():
    conversation = builder(factories.TRANSFER_SOURCE)

    lines = ask(conversation)

    assert lines == [
        ("POLY_AGENT_MESSAGE", factories.TRANSFER_TEXT),
        ("POLY_AGENT_TRIGGERED_HANDOFF", None),
    ]
    assert conversation.state == "handoff"


def test_several_messages_are_answered_one_after_the_other():
    conversation = builder(factories.TRANSFER_SOURCE)
    first = write(conversation, "When are you open?")
    write(conversation, "zxqv")

    answer_all(conversation.pk)

    assert [text for kind, text in after(first) if kind == "POLY_AGENT_MESSAGE"] == [
        "From nine to five.",
        "I do not know.",
    ]


def test_a_message_during_a_handoff_is_not_the_ai_agents():
    conversation = builder(factories.TRANSFER_SOURCE)
    ask(conversation)

    assert ask(conversation, "When are you open?") == []


def test_answering_when_nothing_is_owed_writes_nothing():
    conversation = builder(factories.TRANSFER_SOURCE)
    ask(conversation, "When are you open?")
    journal = factories.journal(conversation)

    answer_all(conversation.pk)
    answer_all("CONV-unknown")

    assert factories.journal(conversation) == journal


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_answer_once():
    conversation = builder(factories.TRANSFER_SOURCE)
    line = write(conversation, HUMAN)
    barrier = threading.Barrier(3)

    def run() -> None:
        barrier.wait(5)
        answer_all(conversation.pk)
        connection.close()

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(run) for _ in range(3)]:
            future.result(30)

    assert after(line) == [
        ("POLY_AGENT_MESSAGE", factories.TRANSFER_TEXT),
        ("POLY_AGENT_TRIGGERED_HANDOFF", None),
    ]
    assert Handoff.objects.filter(conversation=conversation).count() == 1


def test_state_is_kept_for_the_next_turn():
    source = (
        "def count(conv):\n"
        "    conv.state.n = (conv.state.n or 0) + 1\n"
        "    return f'number {conv.state.n}'\n"
    )
    conversation = builder(source)

    ask(conversation)

    assert ask(conversation) == [("POLY_AGENT_MESSAGE", "number 2")]


# ---- tools ----


def test_an_error_in_a_tool_is_said_plainly_and_logged_with_its_line():
    conversation = builder("def broken(conv):\n    x = 1\n    return {}['missing']\n")

    [(kind, text)] = ask(conversation)

    [entry] = log(conversation)
    assert kind == "POLY_AGENT_MESSAGE"
    assert "missing" not in text
    assert (entry.level, entry.source, entry.fields["line"]) == ("error", "broken", 3)
    assert conversation.state == "bot"


def test_what_a_tool_logs_is_in_the_projects_log():
    source = (
        "def chatty(conv):\n"
        "    conv.log.info('looked up', is_pii=True, order=7)\n"
        "    conv.log.warning('slow')\n"
        "    return 'done'\n"
    )
    conversation = builder(source)

    ask(conversation)

    entries = log(conversation)
    assert [(e.level, e.content, e.is_pii) for e in entries] == [
        ("info", "looked up", True),
        ("warning", "slow", False),
    ]
    assert entries[0].fields == {"order": 7}


def test_hanging_up_says_goodbye_and_ends_the_conversation():
    conversation = builder("def bye(conv):\n    return {'utterance': 'Bye.', 'hangup': True}\n")

    assert ask(conversation) == [
        ("POLY_AGENT_MESSAGE", "Bye."),
        ("SESSION_END", "REASON_NATURAL_END"),
    ]
    assert conversation.state == "ended"


@pytest.mark.parametrize("is_connected", [True, False])
def test_a_handoff_wins_over_hanging_up_and_that_is_logged(is_connected):
    source = factories.TRANSFER_SOURCE.replace('{"utterance"', '{"hangup": True, "utterance"')
    conversation = builder(source, is_connected=is_connected)

    lines = ask(conversation)

    expected = "POLY_AGENT_TRIGGERED_HANDOFF" if is_connected else "HANDOFF_FAILED"
    assert lines[-1][0] == expected
    assert ("warning", "hangup_ignored") in [(e.level, e.code) for e in log(conversation)]


def test_call_handoff_opens_a_handoff_with_its_utterance_and_data():
    source = (
        "def go(conv):\n"
        "    conv.call_handoff(destination='salesforce', reason='vip', utterance='One moment.',\n"
        "                      data={'order': 7})\n"
    )
    conversation = builder(source)

    lines = ask(conversation)

    handoff = Handoff.objects.get(conversation=conversation)
    assert lines == [
        ("POLY_AGENT_MESSAGE", "One moment."),
        ("POLY_AGENT_TRIGGERED_HANDOFF", None),
    ]
    assert (handoff.destination, handoff.reason) == ("salesforce", "vip")
    assert handoff.context_data == {"order": 7}


def test_only_the_first_of_two_handoffs_in_one_turn_is_opened():
    source = (
        "def twice(conv):\n"
        "    conv.call_handoff('salesforce')\n"
        "    conv.call_handoff('salesforce')\n"
    )
    conversation = builder(source)

    ask(conversation)

    assert Handoff.objects.filter(conversation=conversation).count() == 1
    assert [entry.code for entry in log(conversation)] == ["one_handoff_per_turn"]


# ---- payloads that open nothing ----

INVALID = {
    "no text_chat": "{}",
    "null integrations": '{"text_chat": None}',
    "no integration": '{"text_chat": {}}',
    "two integrations": '{"text_chat": {"salesforce_integration": {}, "zendesk_integration": {}}}',
    "unknown integration": '{"text_chat": {"fax_integration": {}}}',
    "hints no object": '{"text_chat": {"salesforce_integration": [1]}}',
    "wrong type of hint": '{"text_chat": {"salesforce_integration": {"queue": 5}}}',
    "a number": "5",
    "a list": "['salesforce']",
    "an unknown destination": "'complaints'",
}


@pytest.mark.parametrize("payload", INVALID.values(), ids=INVALID)
def test_an_invalid_payload_opens_nothing_tells_the_end_user_and_explains_itself(payload):
    conversation = builder(
        f"def bad(conv):\n    return {{'utterance': 'One moment.', 'handoff': {payload}}}\n"
    )

    lines = ask(conversation)

    [entry] = [entry for entry in log(conversation) if entry.level == "error"]
    assert lines == [("POLY_AGENT_MESSAGE", "One moment."), ("HANDOFF_FAILED", "invalid_payload")]
    assert (entry.code, entry.source) == ("invalid_payload", "bad")
    assert entry.fields["problems"]
    assert conversation.state == "bot"
    assert not Handoff.objects.exclude(state=State.FAILED.value).exists()


def test_a_refused_handoff_can_be_mended_and_asked_for_again():
    conversation = builder(factories.TRANSFER_SOURCE, is_connected=False)
    assert ask(conversation)[-1] == ("HANDOFF_FAILED", "not_connected")

    factories.integration(conversation.project)

    assert ask(conversation)[-1][0] == "POLY_AGENT_TRIGGERED_HANDOFF"


def test_a_tool_sees_the_last_handoff():
    source = (
        "def look(conv):\n"
        "    last = conv.handoff\n"
        "    return last.status + ' ' + last.agent_name if last else 'none'\n"
    )
    conversation = builder(source)
    integration = Integration.objects.get(project=conversation.project)
    integration.behaviour = {"after_agent": "return_to_bot"}
    integration.save()
    assert ask(conversation) == [("POLY_AGENT_MESSAGE", "none")]

    factories.handoff(conversation, state=State.ENDED)

    assert ask(conversation) == [("POLY_AGENT_MESSAGE", "ended Noor Halvorsen")]


def test_what_was_said_to_the_live_agent_is_not_answered_afterwards():
    conversation = builder(factories.TRANSFER_SOURCE)
    Integration.objects.update(behaviour={"after_agent": "return_to_bot", "stop_word": "stop"})
    factories.handoff(conversation, state=State.ACTIVE)
    write(conversation, "When are you open?")
    line = write(conversation, "stop")

    answer_all(conversation.pk)

    assert [kind for kind, _ in after(line)] == ["LIVE_AGENT_LEFT", "POLY_AGENT_JOINED"]
