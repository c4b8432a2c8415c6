"""What a tool sees as `conv`, and what comes back from a run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.demo.processes import wait_until
from conversations.ai_agent.sandbox.errors import AVAILABLE_MODULES
from conversations.ai_agent.sandbox.runner import (
    PRELUDE,
    ConvSnapshot,
    ToolError,
    ToolLimits,
    ToolOutcome,
    sandbox_close,
    tool_run,
)
from conversations.ai_agent.sandbox.workers import NICENESS, SLOW_NICENESS, WORKERS

SEED_PAYLOAD = {
    "utterance": "No problem, I'll transfer you to one of our agents now.",
    "handoff": {"text_chat": {"salesforce_integration": {}}},
}
SEED = (
    "def transfer_to_salesforce(conv: Conversation): return "
    '{"utterance": "No problem, I\'ll transfer you to one of our agents now.", '
    '"handoff": {"text_chat": {"salesforce_integration": {}}}}'
)
SEED_ON_LINES = '''
def transfer_to_salesforce(conv: Conversation):
    """Transfer the caller to a live agent in Salesforce."""
    return {
        "utterance": "No problem, I'll transfer you to one of our agents now.",
        "handoff": {
            "text_chat": {
                "salesforce_integration": {}
            }
        }
    }
'''


def run(body: str, **snapshot: object) -> ToolOutcome:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return run_source(f"def tool(conv):\n{lines}", **snapshot)


def run_source(
    source: str, name: str = "tool", *, project: str = "project", **snapshot: object
) -> ToolOutcome:
    return tool_run(
        source=source,
        function_name=name,
        conv=ConvSnapshot(**{"id": "CONV-1", **snapshot}),
        project_key=project,
    )


def failure(body: str, **snapshot: object) -> ToolError:
    with pytest.raises(ToolError) as caught:
        run(body, **snapshot)
    return caught.value


@pytest.mark.parametrize("source", [SEED, SEED_ON_LINES])
def test_the_seeds_function_works_pasted_unchanged(source):
    outcome = run_source(source, "transfer_to_salesforce")

    assert outcome.returned == SEED_PAYLOAD
    assert (outcome.said, outcome.handoff_calls, outcome.state) == ([], [], {})


def test_an_import_of_something_that_is_not_there_is_refused_clearly():
    with pytest.raises(ToolError) as caught:
        run_source("from platform_sdk import Conversation\n" + SEED, "transfer_to_salesforce")

    assert caught.value.line == 1
    assert "platform_sdk" in caught.value.message
    assert "Tools can import: base64" in caught.value.message


@pytest.mark.parametrize("module", AVAILABLE_MODULES)
def test_each_module_said_to_be_there_can_be_imported(module):
    assert run(f"import {module}\nreturn 'imported'").returned == "imported"


@pytest.mark.parametrize(
    ("body", "returned"),
    [("pass", None), ("return 'hello'", "hello"), ("return {'a': (1, None)}", {"a": [1, None]})],
)
def test_a_tool_may_return_none_a_text_or_a_dict(body, returned):
    assert run(body).returned == returned


@pytest.mark.parametrize("value", ["3", "True", "[1]", "(1,)", "{1}", "lambda: 1", "conv", "1.5"])
def test_any_other_return_value_is_an_error(value):
    error = failure(f"return {value}")

    assert error.code == "bad_return"
    assert "None, a text or a dict" in error.message


def test_arguments_arrive_under_their_names():
    outcome = tool_run(
        source="def tool(conv, order, count=1): return f'{order} {count}'",
        function_name="tool",
        conv=ConvSnapshot(id="C"),
        arguments={"order": "A-7", "count": 2},
        project_key="project",
    )

    assert outcome.returned == "A-7 2"


def test_a_missing_argument_is_placed_at_the_function():
    with pytest.raises(ToolError, match="runtime at line 3") as caught:
        run_source("X = 1\n\ndef tool(conv, order): return order")

    assert "order" in caught.value.message


def test_attributes_of_the_snapshot_can_be_read():
    outcome = run(
        """
        return {
            "ids": [conv.id, conv.account_id, conv.project_id, conv.env],
            "language": conv.language,
            "variant": conv.variant_name,
            "attributes": conv.integration_attributes,
            "numbers": [conv.caller_number, conv.callee_number],
            "transcript": conv.transcript,
            "handoff": [conv.handoff.status, conv.handoff.agent_name],
            "last": conv.transcript_alternatives,
            "flow": [conv.current_flow, conv.current_step],
        }
        """.replace("        ", ""),
        id="CONV-9",
        account_id="ws-1",
        project_id="PROJECT-1",
        env="live",
        language="en-GB",
        variant_name="north",
        integration_attributes={"page": "/pricing"},
        caller_number="+14155550100",
        transcript=[{"ts": "2026-01-01T00:00:00Z", "sender": "user", "text": "hi"}],
        handoff={"status": "active", "agent_name": "Grace"},
        history=[{"role": "user", "text": "hi"}],
    )

    assert outcome.returned == {
        "ids": ["CONV-9", "ws-1", "PROJECT-1", "live"],
        "language": "en-GB",
        "variant": "north",
        "attributes": {"page": "/pricing"},
        "numbers": ["+14155550100", None],
        "transcript": [{"ts": "2026-01-01T00:00:00Z", "sender": "user", "text": "hi"}],
        "handoff": ["active", "Grace"],
        "last": ["hi"],
        "flow": [None, None],
    }


def test_without_a_handoff_the_view_is_none():
    assert run("return str(conv.handoff is None)").returned == "True"


def test_state_is_read_by_attribute_key_and_get():
    outcome = run(
        """
assert conv.state.name == conv.state["name"] == conv.state.get("name") == "Ada"
assert "name" in conv.state and "other" not in conv.state
assert conv.state.other is None
assert conv.state.get("other") is None and conv.state.get("other", 7) == 7
assert getattr(conv.state, "oth" + "er2") is None
assert conv.state.empty is None and "empty" in conv.state and conv.state["empty"] is None
assert sorted(conv.state.keys()) == sorted([key for key in conv.state]) == ["empty", "name"]
return {"items": conv.state.items(), "copy": conv.state.copy()}
""",
        state={"name": "Ada", "empty": None},
    )

    assert dict(outcome.returned["items"]) == outcome.returned["copy"] == outcome.state
    assert outcome.state == {"name": "Ada", "empty": None}


def test_a_missing_key_raises_key_error():
    error = failure("return conv.state['missing']")

    assert (error.code, error.line) == ("runtime", 2)
    assert "KeyError" in error.message


def test_state_is_written_by_attribute_and_by_key_and_returned_whole():
    outcome = run(
        """
conv.state.a = 1
conv.state["b"] = [True, {"c": None}]
conv.state["not an identifier"] = "x"
conv.state["items"] = 2
conv.state.kept = conv.state.kept + 1
conv.state.update({"d": 4}, e=5)
assert conv.state.setdefault("f", 6) == 6 and conv.state.setdefault("a", 9) == 1
assert conv.state["items"] == 2 and conv.state["a"] == 1 and "a" in conv.state
""",
        state={"kept": 1},
    )

    assert outcome.state == {
        "kept": 2,
        "a": 1,
        "b": [True, {"c": None}],
        "not an identifier": "x",
        "items": 2,
        "d": 4,
        "e": 5,
        "f": 6,
    }


def test_a_popped_key_is_gone():
    outcome = run(
        """
assert conv.state.pop("a") == 1 and conv.state.pop("a", "none") == "none"
assert conv.state.pop("get") == 2
assert "a" not in conv.state and conv.state.a is None
""",
        state={"a": 1, "get": 2, "b": 3},
    )

    assert outcome.state == {"b": 3}


def test_state_written_in_one_run_is_read_in_the_next():
    first = run("conv.state.order = 'A-7'")

    second = run("return conv.state.order", state=first.state)

    assert second.returned == "A-7"


def test_history_holds_objects_that_can_be_told_apart():
    outcome = run(
        """
user = [turn for turn in conv.history if isinstance(turn, UserInput)]
agent = [turn for turn in conv.history if isinstance(turn, AgentResponse)]
assert [turn.role for turn in conv.history] == ["user", "agent", "agent"]
assert [turn.is_live_agent for turn in agent] == [False, True]
return {"user": user[0].to_dict(), "agent": agent[0].to_dict(), "line": user[0].to_string()}
""",
        history=[
            {"role": "user", "text": "hi"},
            {"role": "agent", "text": "hello"},
            {"role": "live_agent", "text": "Grace here"},
        ],
    )

    assert outcome.returned == {
        "user": {"type": "user", "text": "hi"},
        "agent": {"type": "agent", "text": "hello"},
        "line": "user: hi",
    }


@pytest.mark.parametrize(
    ("channel", "equal", "other"),
    [
        ("sms.twilio", ["sms.twilio", "sms", "sms.polyai"], "webchat"),
        ("webchat.polyai", ["webchat.polyai", "webchat"], "sms"),
    ],
)
def test_the_channel_type_equals_its_documented_aliases(channel, equal, other):
    outcome = run(
        f"""
for alias in {equal}:
    assert conv.channel_type == alias and alias == conv.channel_type
    assert not conv.channel_type != alias and conv.channel_type in [alias]
assert conv.channel_type != "{other}" and conv.channel_type.startswith("{equal[1]}")
conv.state.channel = conv.channel_type
return {{"text": f"on {{conv.channel_type}}", "value": conv.channel_type}}
""",
        channel_type=channel,
    )

    assert outcome.returned == {"text": f"on {channel}", "value": channel}
    assert outcome.state == {"channel": channel}


def test_what_is_said_comes_back_in_order():
    assert run("conv.say('one')\nconv.say('two')").said == ["one", "two"]


def test_saying_something_that_is_no_text_is_an_error_at_its_line():
    error = failure("conv.say('one')\nconv.say(2)")

    assert (error.code, error.line) == ("runtime", 3)


@pytest.mark.parametrize("prefix", ["", "return "])
def test_call_handoff_is_recorded_with_and_without_return(prefix):
    outcome = run(f"{prefix}conv.call_handoff('support', 'vip', route='r', data={{'a': 1}})")

    assert outcome.returned is None
    assert outcome.handoff_calls == [
        {
            "destination": "support",
            "reason": "vip",
            "utterance": None,
            "sip_headers": None,
            "route": "r",
            "data": {"a": 1},
            "hints": None,
        }
    ]


def test_log_entries_carry_level_privacy_and_fields():
    outcome = run("conv.log.info('a', order=7)\nconv.log.error('b', is_pii=True)")

    assert outcome.logs == [
        {"level": "info", "content": "a", "is_pii": False, "fields": {"order": 7}},
        {"level": "error", "content": "b", "is_pii": True, "fields": {}},
    ]


def test_the_log_of_a_failed_run_is_kept_and_its_effects_are_not():
    error = failure("conv.log.warning('before')\nprint('seen')\nconv.say('x')\n1 / 0")

    assert [entry["content"] for entry in error.logs] == ["before"]
    assert error.prints == "seen\n"
    assert not hasattr(error, "said")


def test_no_secret_is_passed_in():
    assert not {"secrets", "credentials", "token"} & set(ConvSnapshot.__dataclass_fields__)


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("def tool(conv):\n    x = 1\n    return x +\n", "syntax", 3),
        ("def tool(conv):\n    yield 1", "syntax", 2),
        ("class A(dict):\n    pass\ndef tool(conv): pass", "syntax", 1),
        ("def tool(conv):", "syntax", 1),
        ("\n\ndef helper(x):\n    return x['a']\n\ndef tool(conv):\n    helper({})", "runtime", 4),
        ("def other(conv): pass", "syntax", None),
        ("1 / 0\ndef tool(conv): pass", "runtime", 1),
    ],
)
def test_an_error_carries_the_line_of_the_builders_own_source(source, code, line):
    with pytest.raises(ToolError) as caught:
        run_source(source)

    assert (caught.value.code, caught.value.line) == (code, line)


def test_an_error_names_no_place_of_this_machine():
    for source in ("def tool(conv): 1 / 0", "x = (", "import nothing\ndef tool(conv): pass"):
        with pytest.raises(ToolError) as caught:
            run_source(source)
        assert not re.search(r"/\w+/|\.py|python-input", caught.value.message)


def test_the_text_of_an_error_is_not_in_its_str_or_repr():
    error = failure("raise ValueError('Ada lives in Paris')")

    assert "Ada" in error.message
    assert "Ada" not in str(error) + repr(error)


@pytest.mark.parametrize("name", ["", "a b", "f()", "import", "x;y", "conv.say"])
def test_a_function_name_that_is_no_name_is_refused_before_anything_runs(name):
    with pytest.raises(ToolError) as caught:
        run_source(SEED, name)

    assert caught.value.code == "syntax"


def test_a_tool_cannot_be_an_endless_text():
    with pytest.raises(ToolError) as caught:
        run_source("# " + "x" * 70_000 + "\n" + SEED, "transfer_to_salesforce")

    assert caught.value.code == "syntax"


def test_prints_are_kept_up_to_their_cap():
    outcome = run("for number in range(10_000): print('line', number)")

    assert outcome.prints.startswith("line 0\nline 1\n")
    assert len(outcome.prints) == ToolLimits().print_chars


def test_a_run_reports_how_long_it_took():
    assert 0 < run("pass").duration_ms < 10_000


def test_many_threads_run_tools_of_many_projects_at_once():
    def work(number: int) -> object:
        outcome = tool_run(
            source=f"def tool(conv):\n    conv.state.n = {number}\n    return str(conv.state.n)",
            function_name="tool",
            conv=ConvSnapshot(id=str(number)),
            project_key=f"project-{number}",
        )
        return outcome.returned

    with ThreadPoolExecutor(12) as threads:
        results = list(threads.map(work, range(120)))

    assert results == [str(number) for number in range(120)]


SLOW = "import time\ndef tool(conv):\n    time.sleep(2)\n    return 'done'"


def test_one_project_cannot_hold_all_slots_and_what_it_may_not_have_is_refused_at_once():
    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(run_source, SLOW, project="greedy") for _ in range(4)]
        assert wait_until(lambda: WORKERS.running == 4, seconds=20)
        with pytest.raises(ToolError) as refused:
            run_source(SLOW, project="greedy")
        assert WORKERS.running == 4, "it was refused while they ran"
        other = run("return 'served'")

    assert refused.value.code == "busy"
    assert other.returned == "served"
    assert [one.result().returned for one in running] == ["done"] * 4


def test_a_tool_runs_behind_everything_else_and_a_slow_one_behind_other_tools():
    with WORKERS.session("project", {}) as session:
        session.feed_run("1 + 1")

        def priorities() -> set[int]:
            tasks = Path(f"/proc/{session.worker_pid}/task").iterdir()
            return {os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in tasks}

        assert min(priorities()) >= NICENESS > 0
        assert wait_until(lambda: priorities() == {SLOW_NICENESS}, seconds=10)


def test_after_closing_the_next_run_starts_workers_again():
    run("pass")
    sandbox_close()

    assert run("return 'again'").returned == "again"


def test_closing_twice_does_no_harm():
    sandbox_close()
    sandbox_close()

    assert run("return 'again'").returned == "again"


FORKING = """
import os
from conversations.ai_agent.sandbox.runner import ConvSnapshot, tool_run

def run():
    source = "def tool(conv): return 'ran'"
    snapshot = ConvSnapshot(id="C")
    return tool_run(source=source, function_name="tool", conv=snapshot, project_key="p").returned

if USED_BEFORE:
    run()
child = os.fork()
if child == 0:
    try:
        os._exit(0 if run() == "ran" else 1)
    except RuntimeError:
        os._exit(2)
print(run(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize(("used_before", "printed"), [("False", "ran 0"), ("True", "ran 2")])
def test_a_forked_process_has_workers_of_its_own_or_refuses_instead_of_waiting(
    used_before, printed
):
    script = FORKING.replace("USED_BEFORE", used_before)

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30
    )

    assert done.stdout.strip() == printed


def test_the_stub_and_the_prelude_offer_the_same_to_a_tool():
    stub = Path("conversations/ai_agent/conv_stub.pyi").read_text()
    offered = re.findall(r"^class (\w+)", stub, re.MULTILINE)

    # The sandbox cannot derive exceptions: there these two are names for others.
    aliases = ["SecretNotFound", "MissingAccess"]
    there = re.findall(r"^class (\w+)", PRELUDE, re.MULTILINE)
    assert sorted(offered) == sorted([*there, *aliases])
    assert run("return f'{SecretNotFound} {MissingAccess}'").returned
    conversation = stub.partition("class Conversation:")[2]
    names = [
        *re.findall(r"^    (\w+):", conversation, re.MULTILINE),
        *re.findall(r"^    def (\w+)", conversation, re.MULTILINE),
    ]
    for name in names:
        assert run(f"conv.{name}\nreturn 'there'").returned == "there", name
