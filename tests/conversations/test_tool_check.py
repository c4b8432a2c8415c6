"""What the tool editor says about a source before it is saved."""

from __future__ import annotations

import pytest

from conversations.ai_agent.tools.check import Problem, tool_check
from handoffs.starting.judging import payload_reader
from tests import factories

pytestmark = pytest.mark.django_db

SEED = (
    "def transfer_to_salesforce(conv: Conversation): return "
    '{"utterance": "No problem, I\'ll transfer you to one of our agents now.", '
    '"handoff": {"text_chat": {"salesforce_integration": {}}}}'
)


def check(source: str, name: str = "tool") -> list[Problem]:
    return tool_check(source, name, payload_reader=payload_reader(factories.project()))


def lines(source: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.severity) for problem in check(source)]


def test_the_seeds_function_has_no_problem():
    assert check(SEED, "transfer_to_salesforce") == []


def test_a_tool_that_uses_all_of_conv_has_no_problem():
    source = '''
import json
from datetime import datetime


def label(text):
    return text.upper()


def tool(conv: Conversation, order: str, count: int = 1) -> "Answer":
    """Look the order up."""
    conv.state.order = order
    conv.state["count"] = count
    if "count" in conv.state and conv.channel_type == "sms":
        conv.log.info("seen", is_pii=True, order=order)
    for turn in conv.history:
        if isinstance(turn, UserInput):
            conv.say(label(turn.text))
    conv.call_handoff("salesforce", reason="vip", data={"at": str(datetime.now())})
    return {"utterance": f"{conv.state.order} {json.dumps(conv.transcript)}"}
'''

    assert check(source) == []


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("def tool(conv):\n    return [\n", 2, "never closed"),
        ("def tool(conv)\n    pass", 1, "expected ':'"),
        ("def tool(conv):\nreturn 1", 2, "indented"),
        ("\x00", 1, "null"),
        ("x = " + "-" * 50_000 + "1", 1, "too deeply"),
        ("# " + "x" * 70_000, 1, "longer than"),
        ("def other(conv): pass", 1, "no function named tool"),
        ("", 1, "found: none"),
        ("class A:\n    def tool(conv): pass", 1, "no function named tool"),
        ("X = 1\nasync def tool(conv): pass", 2, "async"),
        ("def tool(): pass", 1, "first parameter of tool must be conv"),
        ("def tool(call, x): pass", 1, "first parameter of tool must be conv"),
        ("def tool(conv):\n    yield 1", 2, "yield"),
        ("def tool(conv):\n    x = (yield)", 2, "yield"),
        ("def tool(conv):\n    del conv.state['a']", 2, "pop"),
        ("class A(dict): pass\ndef tool(conv): pass", 1, "inheritance"),
        ("import requests\ndef tool(conv): pass", 1, "requests"),
        ("def tool(conv):\n    import urllib.request", 2, "urllib.request"),
        ("from _gen import *\ndef tool(conv): pass", 1, "_gen"),
        ("from . import x\ndef tool(conv): pass", 1, "cannot import ."),
        ("def tool(conv: Conversation):\n    conv.call_handof('x')", 2, "call_handof"),
        ("def tool(conv):\n\n    conv.call_handof('x')", 3, "call_handof"),
        ("def tool(conv):\n    conv.log.warn('x')", 2, "warn"),
        ("def tool(conv):\n    return nothing", 2, "nothing"),
        ("def tool(conv):\n    conv.call_handoff()", 2, "destination"),
        ("def tool(conv):\n    conv.call_handoff('salesforce', why='y')", 2, "why"),
        ("1 / 0\ndef tool(conv): pass", 1, "ZeroDivisionError"),
        (
            "def tool(conv):\n    try:\n        pass\n    except* ValueError:\n        pass",
            2,
            "except",
        ),
    ],
)
def test_what_cannot_run_is_an_error_with_its_line(source, line, words):
    (problem,) = check(source)

    assert (problem.line, problem.severity) == (line, "error")
    assert words in problem.message


def test_all_unsupported_parts_are_named_at_once():
    source = "import requests\nclass A(dict): pass\ndef tool(conv):\n    del x\n    yield 1"

    assert [problem.line for problem in check(source)] == [1, 2, 4, 5]


def test_the_column_counts_in_the_builders_own_line():
    source = "def tool(conv): return conv.idd"

    (problem,) = check(source)

    assert source[problem.column - 1 :] == "conv.idd"


@pytest.mark.parametrize("annotation", ["Conversation", "Conv", "'Conv'", "Optional[Conv]"])
def test_an_unknown_annotation_is_no_problem(annotation):
    assert check(f"def tool(conv: {annotation}, x: {annotation} = 1) -> {annotation}: pass") == []


def test_something_that_may_be_none_is_only_a_warning():
    assert lines("def tool(conv):\n    return conv.handoff.status") == [(2, "warning")]


def test_a_source_that_never_ends_is_stopped_and_named():
    (problem,) = check("while True: pass\ndef tool(conv): pass")

    assert "time limit" in problem.message


PAYLOAD = """
def tool(conv):
    if conv.state.vip:
        return {
            "utterance": "One moment.",
            "handoff": {
                "text_chat": {
                    "salesforce_integration": {
                        %s
                    }
                }
            },
        }
    return "Sorry."
"""


def test_a_wrong_hint_key_is_a_warning_at_its_line():
    (problem,) = check(PAYLOAD % '"queu": "vip"')

    assert (problem.line, problem.severity) == (9, "warning")
    assert "queu" in problem.message


def test_a_wrong_hint_value_is_an_error_at_its_line():
    (problem,) = check(PAYLOAD % '"skills": ["a",\n"b",\n3]')

    assert (problem.line, problem.severity) == (11, "error")
    assert "skills[2]" in problem.message


@pytest.mark.parametrize(
    ("payload", "line"),
    [
        ('{"handoff": {"text_chat": {"salesforce": {}}}}', 2),
        ('{"handoff":\n {"text_chat":\n {}}}', 3),
        ('{"handoff": {"text_chat": {"zendesk_integration": {},\n"nice_integration": {}}}}', 2),
        ('{"handoff": 3}', 2),
        ('{"utterance": 3,\n"handoff": True}', 2),
    ],
)
def test_each_structural_error_of_a_literal_is_found(payload, line):
    assert lines(f"def tool(conv):\n    return {payload}") == [(line, "error")]


@pytest.mark.parametrize(
    "payload",
    [
        '{"handoff": conv.state.target}',
        '{"handoff": {"text_chat": conv.state.chat}}',
        '{"handoff": {"text_chat": {conv.state.key: {}}}}',
        '{"handoff": {"text_chat": {"custom_integration": {"connector": conv.state.c}}}}',
        '{"handoff": {"text_chat": {"salesforce_integration": {"queue": conv.state.q}}}}',
        '{"handoff": {"text_chat": {"salesforce_integration": {**conv.state.hints}}}}',
        '{"handoff": {"text_chat": {"salesforce_integration": {"skills": [conv.state.s]}}}}',
        '{"utterance": f"Hello {conv.id}", "handoff": True}',
    ],
)
def test_what_is_only_known_at_run_time_is_not_judged(payload):
    assert check(f"def tool(conv):\n    return {payload}") == []


def test_known_hints_beside_an_unknown_one_are_still_judged():
    source = PAYLOAD % '"queue": conv.state.q,\n"queue_id": "nope"'

    assert lines(source) == [(10, "error")]


def test_without_a_payload_reader_payloads_are_not_judged():
    assert tool_check("def tool(conv): return {'handoff': 3}", "tool") == []


@pytest.mark.parametrize(
    ("returned", "severity", "words"),
    [
        (
            "{'handof': {'text_chat': {'salesforce_integration': {'queue': q}}}}",
            "error",
            "handoff?",
        ),
        ("{'utterance': 'x', 'Handoff': True}", "error", "did you mean handoff?"),
        ("{'utterance': 'x', 'text_chat': {}}", "error", "belongs inside handoff"),
        ("{'utterence': q}", "error", "did you mean utterance?"),
        ("{'utterance': 5}", "error", "expected text, got int"),
        ("{'hangup': 'yes'}", "error", "expected True or False, got str"),
        ("[q]", "error", "must return None, a text or a dict"),
        ("5", "error", "must return None, a text or a dict"),
        ("True if q else 'x'", "error", "must return None, a text or a dict"),
        ("{'content': 'x'}", "warning", "has no effect here"),
        ("{}", "warning", "nothing to say"),
        ("{'utterance': ' '}", "warning", "nothing to say"),
        ("{'utterance': 'x', 'answer_id': 7}", "warning", "unknown key, ignored"),
    ],
)
def test_a_literal_that_would_do_nothing_is_named_at_its_line(returned, severity, words):
    [problem] = check(f"def tool(conv):\n    q = conv.state.q\n    return {returned}\n")

    assert (problem.line, problem.severity, words in problem.message) == (3, severity, True)


@pytest.mark.parametrize(
    "body",
    [
        "return",
        "return None",
        "return f'{conv.id}'",
        "return {'utterance': conv.id}",
        "return {'utterance': None, 'hangup': True}",
        "return {'content': conv.id}",
        "return {**conv.state.copy()}",
        "return {conv.id: 1}",
        "conv.say('x')\n    return {}",
        "def inner(x):\n        return [x]\n    return inner('x')[0]",
        "return {'utterance': 'x', 'content': 'y', 'listen': {}, 'end_turn': False}",
    ],
)
def test_a_return_that_is_right_or_known_only_at_run_time_is_left_alone(body):
    assert check(f"def tool(conv):\n    {body}\n") == []
