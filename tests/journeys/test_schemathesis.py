"""schemathesis against the running portal: no undocumented answer, and no failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.journeys.stack import Stack

COMMAND = "from schemathesis.cli import schemathesis; schemathesis()"
# It takes for a fault of the portal that an id is of nothing, that a conversation has ended, or
# that two fields do not go together: all of them documented refusals.
NOT_CHECKED = "positive_data_acceptance"
# What is refused because a conversation has ended is refused, too. An empty value of a query is as
# none, and a frame that is wrong is answered in its place among the others.
REFUSALS = [400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422, 428, 429]
LENIENT = """
[[operations]]
include-method = "GET"
checks.negative_data_rejection.enabled = false

[[operations]]
include-operation-id = "events_create"
checks.negative_data_rejection.enabled = false
"""
# The suite tries the same each time; what nobody thought of is for the long run to find.
SAME = "--generation-deterministic"


def test_a_short_run_finds_nothing(stack: Stack, tmp_path: Path) -> None:
    run(stack, tmp_path, "--phases", "examples,fuzzing", "-n", "1", SAME)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_long_run_finds_nothing(stack: Stack, tmp_path: Path) -> None:
    phases = "examples,coverage,fuzzing,stateful"
    run(stack, tmp_path, "--phases", phases, "-n", "25")


def run(stack: Stack, folder: Path, *arguments: str) -> None:
    """Run, and fail with all that was found; who waits reads it in the folder as it is found."""
    (folder / "schemathesis.toml").write_text(_config(stack))
    said = folder / "schemathesis.log"
    with _no_rates(stack.redis.url), said.open("w") as log:
        done = subprocess.run(
            [
                *(sys.executable, "-c", COMMAND, "run", f"{stack.url}/api/schema"),
                *("--no-color", "--warnings", "off", "--exclude-checks", NOT_CHECKED),
                # How long an answer takes says more about the machine than about the portal.
                *("--continue-on-failure", "--request-timeout", "60", *arguments),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        pytest.fail(said.read_text(), pytrace=False)


def _config(stack: Stack) -> str:
    """Name what exists, so that the calls get beyond their keys and ids."""
    demo, known = stack.demo, _known(stack)
    headers = {"x-api-key": demo["api_key"], "Authorization": f"Bearer {known.pop('token')}"}
    parameters = {
        "path.account_id": demo["workspace_id"],
        "path.project_id": demo["project_id"],
        "header.X-Token": demo["webchat"]["public_key"],
        "header.X-Host": demo["webchat"]["host"],
        **known,
    }
    expected = {"expected-statuses": [*map(str, REFUSALS), "5xx"]}
    tables = {
        "headers": headers,
        "parameters": parameters,
        "checks.negative_data_rejection": expected,
    }
    return LENIENT + "\n".join(
        line
        for name, table in tables.items()
        for line in [f"[{name}]", *(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in table.items())]
    )


def _known(stack: Stack) -> dict[str, Any]:
    """Open a session and a conversation, as a client does."""
    demo = stack.demo
    place = f"/v1/{demo['workspace_id']}/{demo['project_id']}"
    channel = {"X-Token": demo["webchat"]["public_key"], "X-Host": demo["webchat"]["host"]}
    token = _post(stack, "/api/v1/access-token", channel)["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    session = _post(stack, "/api/v1/sessions", bearer)["session_id"]
    keys = {"x-api-key": demo["api_key"], "X-Token": demo["chat_api"]["x_token"]}
    conversation = _post(stack, f"{place}/chat/create", keys)["conversation_id"]
    return {
        "token": token,
        "path.session_id": session,
        "path.conversation_id": conversation,
        "query.conversation_id": conversation,
        "query.id": conversation,
        "query.wait": 0,
    }


def _post(stack: Stack, path: str, headers: dict[str, str]) -> dict[str, Any]:
    given = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(stack.url + path, data=b"{}", headers=given)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


@contextmanager
def _no_rates(address: str) -> Iterator[None]:
    """Forget all the time how often anybody has called: else most calls are refused for that."""
    over = threading.Event()

    def forget() -> None:
        with redis.Redis.from_url(address) as client:
            while not over.wait(0.1):
                for key in client.scan_iter("baton:rate:*", count=1000):
                    client.delete(key)

    thread = threading.Thread(target=forget)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
