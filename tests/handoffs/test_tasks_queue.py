"""Queueing a task: after the commit, by ids alone, and never at the end user's expense."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import redis

from config.demo.embedded import RedisServer, free_port
from handoffs.lifecycle.queueing import queue_answer, queue_open_handoff

ROOT = Path(__file__).parents[2]


def test_each_task_goes_to_its_queue_with_an_id_and_nothing_else(redis_server: RedisServer):
    queue_answer("CONV-1")
    queue_open_handoff("HOF-1")

    with redis.Redis.from_url(redis_server.url) as client:
        queued = {name: client.lrange(name, 0, -1) for name in ("turns", "relay")}
    [answer], [handoff] = queued.values()
    headers = [json.loads(task)["headers"] for task in (answer, handoff)]
    assert [(h["task"], h["argsrepr"]) for h in headers] == [
        ("handoffs.tasks.answer", "['CONV-1']"),
        ("handoffs.tasks.open_handoff", "['HOF-1']"),
    ]


def test_a_queue_that_is_away_keeps_nobody_waiting():
    code = (
        "import time, django; django.setup()\n"
        "from handoffs.lifecycle.queueing import queue_answer\n"
        "begin = time.monotonic()\n"
        "queue_answer('CONV-1')\n"
        "print(time.monotonic() - begin)\n"
    )
    environment = {**os.environ, "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert float(done.stdout) < 1.0
    assert "Not queued, the sweep will" in done.stderr
