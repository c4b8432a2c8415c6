"""Whatever a tool returns, the end user hears something, and the log says what was wrong."""

from __future__ import annotations

import pytest

from conversations.models import Conversation, LogEntry
from handoffs.models import Handoff
from handoffs.portal.trials.tool_trial import tool_try
from handoffs.states import State
from integrations.behaviour.sentences import sentence
from tests import factories
from tests.handoffs.test_answers import HUMAN, ask

pytestmark = pytest.mark.django_db

NO_MATCH = "I do not know."
TRANSFER = '{"text_chat": {"salesforce_integration": {}}}'


def conversation_with(body: str, *, content: str = "") -> Conversation:
    project = factories.project(no_match_text=NO_MATCH)
    factories.integration(project)
    source = f"def tool(conv):\n    {body}\n"
    factories.topic(project, HUMAN, factories.tool(project, source), content=content)
    return factories.conversation(factories.channel(project))


def log(conversation: Conversation) -> list[tuple[str, str]]:
    entries = LogEntry.objects.filter(conversation=conversation).order_by("id")
    return [(entry.level, entry.content) for entry in entries]


FAILING = {
    "a number as utterance": ("return {'utterance': 5}", "utterance: expected text, got int"),
    "a list as utterance": ("return {'utterance': ['hi']}", "utterance: expected text, got list"),
    "a misspelt utterance": ("return {'utterence': 'hi'}", "did you mean utterance?"),
    "an utterance in capitals": ("return {'Utterance': 'hi'}", "did you mean utterance?"),
    "a misspelt hangup": ("return {'hang_up': True}", "did you mean hangup?"),
    "a text as hangup": ("return {'hangup': 'yes'}", "hangup: expected True or False, got str"),
    "a list": ("return ['hi']", "a tool must return None, a text or a dict, not list"),
    "a number": ("return 5", "a tool must return None, a text or a dict, not int"),
    "a bool": ("return True", "a tool must return None, a text or a dict, not bool"),
}


@pytest.mark.parametrize(("body", "words"), FAILING.values(), ids=FAILING)
def test_a_wrong_return_value_is_said_to_have_failed_and_explained(body, words):
    conversation = conversation_with(body, content="We connect you.")

    lines = ask(conversation)

    assert lines == [("POLY_AGENT_MESSAGE", sentence("tool_failed", ""))]
    [(level, content)] = log(conversation)
    assert (level, words in content) == ("error", True)


SILENT = {
    "an instruction for a model": ("return {'content': 'x'}", "content: has no effect here"),
    "a transition": ("return {'transition': {'goto_flow': 'x'}}", "transition: has no effect"),
    "an empty dict": ("return {}", "nothing to say"),
    "an empty utterance": ("return {'utterance': ''}", "nothing to say"),
    "a blank utterance": (r"return {'utterance': ' \n '}", "nothing to say"),
    "no handoff": ("return {'handoff': False}", "nothing to say"),
    "an unknown key": ("return {'answer_id': 7}", "answer_id: unknown key, ignored"),
    "None": ("return None", "nothing to say"),
    "a blank text": ("return '  '", "nothing to say"),
    "a blank line said": ("conv.say('  ')", "nothing to say"),
}


@pytest.mark.parametrize(("body", "words"), SILENT.values(), ids=SILENT)
def test_a_tool_without_a_word_is_answered_for_and_explained(body, words):
    conversation = conversation_with(body)

    lines = ask(conversation)

    assert lines == [("POLY_AGENT_MESSAGE", NO_MATCH)]
    assert any(words in content for _, content in log(conversation))


@pytest.mark.parametrize("body", [body for body, _ in SILENT.values()])
def test_the_topics_content_is_said_where_the_tool_says_nothing(body):
    conversation = conversation_with(body, content="From nine to five.")

    assert ask(conversation) == [("POLY_AGENT_MESSAGE", "From nine to five.")]


@pytest.mark.parametrize("body", ["return None", "pass", "return 'Hello.'", "conv.say('Hello.')"])
def test_a_tool_that_does_as_documented_leaves_no_line_in_the_log(body):
    conversation = conversation_with(body, content="Hello.")

    assert ask(conversation) == [("POLY_AGENT_MESSAGE", "Hello.")]
    assert log(conversation) == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("handof", TRANSFER, "did you mean handoff?"),
        ("Handoff", "'salesforce'", "did you mean handoff?"),
        ("hand_off", "True", "did you mean handoff?"),
        ("handoffs", "{}", "did you mean handoff?"),
        ("text_chat", "{'salesforce_integration': {}}", "belongs inside handoff"),
        ("salesforce_integration", "{}", "belongs inside handoff"),
    ],
)
def test_a_handoff_under_a_wrong_key_is_refused_as_one(key, value, words):
    conversation = conversation_with(
        f"return {{'utterance': 'One moment.', 'hangup': True, '{key}': {value}}}"
    )

    lines = ask(conversation)

    assert lines == [("POLY_AGENT_MESSAGE", "One moment."), ("HANDOFF_FAILED", "invalid_payload")]
    assert conversation.state == "bot"
    [error] = [content for level, content in log(conversation) if level == "error"]
    assert key in error
    assert words in error


def test_a_returned_handoff_counts_and_calls_beside_it_are_refused():
    conversation = conversation_with(
        "conv.call_handoff('zendesk'); conv.call_handoff('genesys'); "
        f"return {{'handoff': {TRANSFER}}}"
    )

    ask(conversation)

    handoff = Handoff.objects.get(conversation=conversation)
    assert (handoff.integration_key, handoff.state) == ("salesforce_integration", "requested")
    [(level, content)] = log(conversation)
    assert level == "warning"
    assert "the one that was returned: 2 more by conv.call_handoff were refused" in content


def test_after_an_invalid_first_call_the_others_are_refused_too():
    conversation = conversation_with(
        "conv.call_handoff('complaints'); conv.call_handoff('salesforce')"
    )

    lines = ask(conversation)

    assert lines == [("HANDOFF_FAILED", "invalid_payload")]
    assert Handoff.objects.get(conversation=conversation).state == State.FAILED.value
    assert "1 more by conv.call_handoff were refused" in log(conversation)[0][1]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        *FAILING.values(),
        *(one for one in SILENT.values() if "{" in one[0]),
        ("return {'handof': {}}", "did you mean handoff?"),
        ("return {'utterance': 'x', 'text_chat': {}}", "belongs inside handoff"),
    ],
)
def test_a_trial_run_says_the_same(body, words):
    report = tool_try(
        project=factories.project(),
        name="tool",
        source=f"def tool(conv):\n    {body}\n",
        timeout_seconds=5,
    )

    problems = [f"{problem.key}: {problem.message}" for problem in report.problems]
    assert words in report.error or any(words in problem for problem in problems)


def test_a_trial_run_reads_only_the_handoff_that_counts():
    body = f"conv.call_handoff('x')\n    return {{'handoff': {TRANSFER}}}"
    report = tool_try(
        project=factories.project(),
        name="tool",
        source=f"def tool(conv):\n    {body}\n",
        timeout_seconds=5,
    )

    assert [reading.title for reading in report.readings] == ["Returned handoff"]
    [problem] = report.problems
    assert (problem.key, "1 more would be refused" in problem.message) == (
        "conv.call_handoff",
        True,
    )
