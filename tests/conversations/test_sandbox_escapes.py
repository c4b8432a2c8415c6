"""Attacks on the sandbox: each is refused, and the next well-behaved run still works."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.ai_agent.sandbox.runner import ConvSnapshot, ToolError, ToolLimits, tool_run
from conversations.ai_agent.sandbox.workers import WORKERS

LIMITS = ToolLimits(timeout_seconds=0.5, memory_bytes=32 * 1024 * 1024)


def attack(body: str, **snapshot: object) -> object:
    """Run the attack; return what came back, or the error's code."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return attack_source(f"def tool(conv):\n{lines}", **snapshot)


def attack_source(source: str, project: str = "attacker", **snapshot: object) -> object:
    try:
        outcome = tool_run(
            source=source,
            function_name="tool",
            conv=ConvSnapshot(**{"id": "CONV-1", **snapshot}),
            limits=LIMITS,
            project_key=project,
        )
    except ToolError as error:
        return error
    return outcome.returned


@pytest.fixture(autouse=True)
def _next_run_works() -> Iterator[None]:
    yield
    assert attack("return 'well behaved'") == "well behaved"
    assert attack_source("def tool(conv): return 'other'", project="victim") == "other"


# What reaches for the machine, and the part of the refusal that shows why it failed.
REACHING = {
    "read a file": ("open('/etc/passwd').read()", "PermissionError"),
    "write a file": ("open('/tmp/x', 'w').write('x')", "PermissionError"),
    "read by pathlib": (
        "from pathlib import Path\nPath('/etc/passwd').read_text()",
        "PermissionError",
    ),
    "list a folder": ("import os\nos.listdir('/')", "PermissionError"),
    "run a command": ("import os\nos.system('id')", "AttributeError"),
    "fork": ("import os\nos.fork()", "AttributeError"),
    "start a process": ("import subprocess", "ModuleNotFoundError"),
    "open a socket": ("import socket", "ModuleNotFoundError"),
    "fetch a page": ("import urllib.request", "ModuleNotFoundError"),
    "load a library": ("import ctypes", "ModuleNotFoundError"),
    "start a thread": ("import threading", "ModuleNotFoundError"),
    "unpickle": ("import pickle", "ModuleNotFoundError"),
    "import by importlib": ("import importlib", "ModuleNotFoundError"),
    "import by __import__": ("__import__('os').system('id')", "NameError"),
    "reach Django's settings": ("from django.conf import settings", "ModuleNotFoundError"),
    "reach our own code": ("import conversations.ai_agent.sandbox.runner", "ModuleNotFoundError"),
    "read the environment": ("import os\nos.environ['PATH']", "not supported"),
    "read a variable": ("import os\nos.getenv('PATH', '') + 1", "Error"),
    "walk builtins": ("__builtins__", "NameError"),
    "walk subclasses": ("().__class__.__bases__[0].__subclasses__()", "AttributeError"),
    "walk globals": ("print.__globals__", "AttributeError"),
    "walk a function": ("(lambda: 1).__code__", "AttributeError"),
    "walk a frame": ("import sys\nsys._getframe()", "AttributeError"),
    "walk a traceback": (
        "try:\n    1 / 0\nexcept Exception as error:\n    error.__traceback__.tb_frame",
        "AttributeError",
    ),
    "find loaded modules": ("import sys\nsys.modules['os']", "Error"),
    "compile code": ("compile('1', 'x', 'exec')", "NameError"),
    "read globals": ("globals()['open']", "NameError"),
    "format walk": ("'{0.__class__.__init__.__globals__}'.format(conv)", "Error"),
    "input": ("input()", "NameError"),
    "leave by exit": ("import sys\nsys.exit(3)", "Error"),
}


@pytest.mark.parametrize("name", REACHING)
def test_reaching_for_the_machine_is_refused(name):
    body, sign = REACHING[name]

    error = attack(body)

    assert isinstance(error, ToolError), error
    assert error.code == "runtime"
    assert sign in error.message
    assert error.line is not None


def test_code_that_is_evaluated_reaches_no_further():
    error = attack('exec("import subprocess")')
    other = attack("return eval(\"open('/etc/passwd').read()\")")

    assert "ModuleNotFoundError" in error.message
    assert "PermissionError" in other.message


def test_no_file_was_written_and_none_is_left():
    marker = Path(f"/tmp/baton-escape-{os.getpid()}")

    error = attack(f"open('{marker}', 'w').write('x')")

    assert isinstance(error, ToolError)
    assert not marker.exists()


def test_a_worker_knows_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("BATON_SECRET_FOR_THIS_TEST", "hunter2")

    with WORKERS.session("attacker", {}) as session:
        session.feed_run("1")
        environment = Path(f"/proc/{session.worker_pid}/environ").read_bytes()

    assert b"hunter2" not in environment
    assert b"SECRET_KEY" not in environment


ENDLESS = {
    "a loop": "while True: pass",
    "a loop in except": "while True:\n    try:\n        1 / 0\n    except Exception:\n        pass",
    "a loop in finally": "try:\n    1 / 0\nfinally:\n    while True: pass",
    "a loop that catches everything": (
        "while True:\n    try:\n        while True: pass\n"
        "    except BaseException:\n        continue"
    ),
    "a loop that cannot be left": (
        "while True:\n    try:\n        while True: pass\n    finally:\n        continue"
    ),
    "a loop of prints": "while True: print('x' * 1000)",
    "a loop of builtin calls": "while True: sum(range(1000))",
    "a sleep": "import time\ntime.sleep(3600)",
    "many sleeps": "import time\nwhile True: time.sleep(0.1)",
    "an endless iterator": "import itertools\nfor x in itertools.count(): pass",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_stopped_at_the_limit(name):
    started = time.monotonic()

    error = attack(ENDLESS[name])

    assert isinstance(error, ToolError), error
    assert error.code == "timeout"
    assert time.monotonic() - started < 5


def test_an_endless_loop_outside_the_function_is_stopped_too():
    assert attack_source("while True: pass\ndef tool(conv): pass").code == "timeout"


GREEDY = {
    "one huge text": "return 'x' * 10**10",
    "a growing list": "x = []\nwhile True: x.append('x' * 1000)",
    "a doubling text": "x = 'x'\nwhile True: x += x",
    "a huge int": "return str(10 ** 10 ** 10)",
    "a shifted int": "x = 1 << 10**12",
    "a repeated list": "x = [0] * 10**10",
    "a padded format": "return '{:>10000000000}'.format(1)",
    "a growing state": "while True: conv.state[str(len(conv.state.keys()))] = 'x' * 100_000",
}


@pytest.mark.parametrize("name", GREEDY)
def test_what_takes_all_memory_is_stopped(name):
    error = attack(GREEDY[name])

    assert isinstance(error, ToolError), error
    assert error.code in {"memory", "timeout", "runtime", "crashed"}


def test_endless_recursion_is_an_error_at_its_line():
    error = attack_source("def again(n):\n    return again(n + 1)\n\ndef tool(conv): again(0)")

    assert (error.code, error.line) == ("runtime", 2)
    assert "RecursionError" in error.message


def test_a_pattern_that_backtracks_for_ever_costs_nothing_or_is_stopped():
    started = time.monotonic()

    attack("import re\nreturn str(re.match(r'^(a|a)*$|^(a+)+$', 'a' * 5000 + 'b'))")

    assert time.monotonic() - started < 5


OVERSIZED = {
    "a deep list": "x = []\nfor _ in range(100_000): x = [x]\nreturn {'x': x}",
    "a deep dict": "x = {}\nfor _ in range(5_000): x = {'x': x}\nreturn x",
    "a large text": "return 'x' * 100_000",
    "many short texts": "return {'x': ['' for _ in range(200_000)]}",
    "one list many times": "x = ['x' * 100] * 100\nreturn {'x': [x] * 100}",
    "a huge int": "return {'x': 2 ** 100_000}",
    "not a number": "return {'x': float('nan')}",
    "bytes": "return {'x': b'x'}",
    "a set": "return {'x': {1}}",
    "a class": "class A: pass\nreturn {'x': A()}",
    "a tuple as key": "return {(1, 2): 3}",
    "NUL": "return 'a\\x00b'",
    "too much said": "for _ in range(1000): conv.say('x')",
    "something long said": "conv.say('x' * 20_000)",
    "a deep handoff": "x = {}\nfor _ in range(100): x = {'x': x}\nconv.call_handoff('x', data=x)",
    "an object handed off": "conv.call_handoff(conv)",
    "an object in the log": "conv.log.info('x', field=conv)",
}


@pytest.mark.parametrize("name", OVERSIZED)
def test_what_comes_back_must_be_plain_and_small(name):
    error = attack(OVERSIZED[name])

    assert isinstance(error, ToolError), error
    assert error.code == "bad_return"


def test_a_value_that_contains_itself_comes_back_harmless():
    found = attack("x = {'a': 1}\nx['x'] = x\nreturn x")

    assert isinstance(found, ToolError) or found["a"] == 1


def test_a_function_comes_back_as_dead_text_at_most():
    found = attack("return {'x': conv.say, 'y': lambda: 1}")

    assert isinstance(found, ToolError) or all(isinstance(v, str) for v in found.values())


POISON = {
    "a set": "conv.state.x = {1}",
    "the conversation": "conv.state.me = conv",
    "too much": "conv.state.x = 'x' * 70_000",
    "too deep": "x = []\nfor _ in range(1000): x = [x]\nconv.state.x = x",
    "infinity": "conv.state['x'] = float('inf')",
    "a replaced state": "conv.state = 'gone'",
    "a broken state": "conv.state._baton_known = 3",
    "NUL in a key": "conv.state['a\\x00'] = 1",
}


@pytest.mark.parametrize("name", POISON)
def test_a_poisoned_state_is_refused_as_a_whole(name):
    error = attack(POISON[name], state={"kept": 1})

    assert isinstance(error, ToolError), error
    assert error.code in {"bad_state", "bad_return"}


FORGED = {
    "the collector": "def _baton_collect(*args): return 3\ndef tool(conv): pass",
    "the collected": "def _baton_collect(*args): return {'kind': 'str'}\ndef tool(conv): pass",
    "the records": "def tool(conv): conv._baton_said = {'a': 1}",
    "the handoffs": "def tool(conv): conv._baton_handoffs = ['x']",
    "the log": "def tool(conv): conv.log._baton_entries = 7",
    "the log's absence": "def tool(conv): conv.log = None",
}


@pytest.mark.parametrize("name", FORGED)
def test_forging_our_own_records_fails_the_run(name):
    assert isinstance(attack_source(FORGED[name]), ToolError)


def test_a_giant_error_text_is_cut():
    error = attack("raise ValueError('x' * 10_000_000)")

    assert error.code == "runtime"
    assert len(error.message) <= 500


def test_an_error_that_pretends_to_be_ours_stays_the_tools_own():
    assert attack("raise TimeoutError('mine')").code == "runtime"
    assert attack("raise MemoryError('mine')").code == "runtime"


CHANGES = [
    "import json\njson.dumps = lambda value: 'stolen'",
    "import math\nmath.pi = 3",
    "import re\nre.leak = 'secret of the attacker'",
    "import random\nrandom.seed(1)",
    "import os\nos.chdir('/tmp')",
    "import decimal\ndecimal.getcontext().prec = 2",
    "global leaked\nleaked = 'secret of the attacker'",
    "Conversation.leaked = 'secret of the attacker'",
]


def test_nothing_one_run_changes_is_seen_by_another_run():
    probe = """
import decimal, json, math, os, random, re
found = [json.dumps(1), math.pi > 3.1, hasattr(re, "leak"), hasattr(conv, "leaked")]
found.append(os.getcwd())
found.append(str(decimal.Decimal(1) / decimal.Decimal(3)))
try:
    found.append(leaked)
except NameError:
    found.append("nothing")
return {"found": found, "random": random.random()}
"""
    before = attack(probe)

    for change in CHANGES:
        attack(change)
        mine, others = attack(probe), attack_source(_as_tool(probe), project="victim")
        assert mine["found"] == others["found"] == before["found"], change
        assert mine["random"] != others["random"], change


def _as_tool(body: str) -> str:
    return "def tool(conv):\n" + "\n".join(f"    {line}" for line in body.strip().splitlines())


def test_no_worker_process_serves_two_runs():
    seen = []

    for project in ("a", "b", "a", "a"):
        with WORKERS.session(project, {}) as session:
            session.feed_run("1")
            seen.append(session.worker_pid)

    assert len(set(seen)) == 4


def test_a_worker_is_gone_after_a_time_out():
    with WORKERS.session("attacker", {"max_feed_duration_secs": 0.2}) as session:
        session.feed_run("1")
        worker = session.worker_pid
        with pytest.raises(Exception, match="time limit"):
            session.feed_run("while True: pass")

    deadline = time.monotonic() + 5
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{worker}").exists()
