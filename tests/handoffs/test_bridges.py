"""The bridges of docs/ai_agents_bridges.md: each drives a talk into a handoff and back."""

from __future__ import annotations

import http.client
import importlib
import json
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from config.demo.processes import wait_until
from conversations.models import Conversation, Event, OutsideAgent
from handoffs.models import Handoff
from integrations.kit.signatures import outbound_headers
from tests import factories
from tests.handoffs.makers import BACK, HELLO, HUMAN, MAKERS, PARCELS, maker_server, served
from tests.handoffs.outside import SECRET, ask, said
from tests.handoffs.test_bot_framework import passed_to_a_human_and_back

pytestmark = pytest.mark.django_db(transaction=True)
DOCS = Path(__file__).parents[2] / "docs"
BRIDGES = DOCS / "examples" / "bridges"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what imports a bridge as its process would, for an agent at an address."""

    def loaded(name: str, url: str) -> Any:
        for key, value in {
            "AGENT": url,
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
        }.items():
            monkeypatch.setenv(key, value)
        monkeypatch.syspath_prepend(str(BRIDGES))
        for known in ("bridge", name):
            monkeypatch.delitem(sys.modules, known, raising=False)
        return importlib.import_module(name)

    return loaded


def conversation_at(url: str) -> Conversation:
    project = factories.project()
    factories.integration(project, is_default=True, behaviour={"after_agent": "return_to_bot"})
    OutsideAgent.objects.create(
        project=project, kind="webhook", url=url, secrets={"signing_secret": SECRET}
    )
    return factories.conversation(factories.channel(project))


@pytest.mark.parametrize("name", MAKERS)
def test_a_bridge_drives_a_talk_into_a_handoff_and_back(name: str, load: Any):
    if name == "lex":
        pytest.importorskip("boto3")
    maker = MAKERS[name]()
    with maker_server(maker) as url:
        module = load(name, url)
        bridge = importlib.import_module("bridge")
        with served(bridge.server(0, SECRET, module.answer)) as address:
            conversation = conversation_at(address)
            ask(conversation, "Hello")
            offered = Event.objects.filter(conversation=conversation).last()
            ask(conversation, "Parcels")
            ask(conversation, "A human")
            handoff = passed_to_a_human_and_back(conversation)
            ask(conversation, "Thanks")

    assert maker.problems == []
    assert offered is not None
    [suggested] = offered.payload["response_suggestions"]
    assert suggested["message_text"] == "Parcels"
    lines = [line.removesuffix("\nTopics") for line in said(conversation)]
    assert lines == [HELLO, PARCELS, HUMAN, BACK]
    told = {**handoff.routing, **handoff.routing.get("attributes", {})}
    assert (handoff.reason, "Order 7") == ("asked", told.get("summary")) or (
        (handoff.reason, told.get("order")) == ("TalkToAHuman", "7")
    )
    assert maker.summary.startswith("Noor talked with the end user: 1 message")
    assert Handoff.objects.count() == 1


def test_a_call_that_is_not_signed_reaches_no_agent(load: Any):
    maker = MAKERS["rasa"]()
    with maker_server(maker) as url:
        module = load("rasa", url)
        bridge = importlib.import_module("bridge")
        with served(bridge.server(0, "another secret", module.answer)) as address:
            ask(conversation_at(address), "Hello")

    assert OutsideAgent.objects.get().error_code == "agent_invalid_auth"


def status_of(address: str, headers: dict[str, str], body: bytes = b"{}") -> int:
    """Return the status of a call to a bridge; any break of it is raised."""
    call = urllib.request.Request(address, data=body, headers=headers)
    try:
        with urllib.request.urlopen(call, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Handoff-Timestamp": "soon", "X-Handoff-Signature": "\xe9"}],
    ids=["unsigned", "nonsense"],
)
def test_what_carries_no_signature_of_baton_is_refused(load: Any, headers: dict[str, str]):
    bridge = load("bridge", "")

    with served(bridge.server(0, SECRET, str)) as address:
        assert status_of(address, headers) == 401


def test_a_call_that_comes_again_while_the_agent_thinks_reaches_it_once(load: Any):
    bridge, asked, has_thought = load("bridge", ""), [], threading.Event()

    def answer(turn: dict[str, Any]) -> dict[str, Any]:
        asked.append(turn["id"])
        has_thought.wait(10)
        return {"utterance": "At last."}

    body = json.dumps({"event": "message", "id": "t1"}).encode()
    signed = dict(outbound_headers([SECRET], body, "t1"))
    with served(bridge.server(0, SECRET, answer)) as address, ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(status_of, address, signed, body) for _ in range(2)]
        assert wait_until(lambda: bool(asked), seconds=10)
        has_thought.set()
        assert [call.result() for call in calls] == [200, 200]

    assert asked == ["t1"]


@pytest.mark.parametrize("problem", [TimeoutError, http.client.RemoteDisconnected, ValueError])
def test_an_agent_that_took_a_turn_and_said_nothing_is_not_asked_again(
    load: Any, problem: type[Exception]
):
    bridge, asked = load("bridge", ""), []

    def answer(turn: dict[str, Any]) -> dict[str, Any]:
        asked.append(turn["id"])
        raise problem

    with served(bridge.server(0, SECRET, answer)) as address:
        ask(conversation_at(address), "Hello")

    assert len(asked) == 1
    assert OutsideAgent.objects.get().error_code == "agent_rejected"


def test_an_agent_out_of_reach_is_a_failure_and_no_silence(load: Any):
    module = load("rasa", "http://127.0.0.1:9")
    bridge = importlib.import_module("bridge")
    with served(bridge.server(0, SECRET, module.answer)) as address:
        ask(conversation_at(address), "Hello")

    assert OutsideAgent.objects.get().error_code == "agent_cannot_connect"


def test_the_page_names_each_bridge():
    page = (DOCS / "ai_agents_bridges.md").read_text()

    for path in BRIDGES.glob("*.py"):
        assert f"examples/bridges/{path.name}" in page
        code = [line for line in path.read_text().splitlines() if line.strip()]
        assert len(code) <= 90, "small enough to be read"
