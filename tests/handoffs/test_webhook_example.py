"""The agent of docs/ai_agents.md: it answers, hands off, and knows what the human has said."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.demo.embedded import free_port
from config.demo.processes import wait_until
from conversations.models import Conversation, OutsideAgent
from handoffs.models import Handoff
from tests import factories
from tests.handoffs.outside import SECRET, ask, said
from tests.handoffs.test_bridges import status_of
from tests.handoffs.test_outside_return import RETURNS, handed_off_and_back

pytestmark = pytest.mark.django_db(transaction=True)
DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "webhook_agent.py"


@pytest.fixture
def conversation(tmp_path: Path) -> Iterator[Conversation]:
    """Return a conversation whose agent is the example, run as a process of its own."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLE)],
        env={**os.environ, "SECRET": SECRET, "PORT": str(port)},
        stdout=(tmp_path / "agent.log").open("wb"),
    )
    try:
        assert wait_until(lambda: is_listening(port), seconds=20)
        project = factories.project()
        factories.integration(project, is_default=True, behaviour=RETURNS)
        OutsideAgent.objects.create(
            project=project,
            kind="webhook",
            url=f"http://127.0.0.1:{port}",
            secrets={"signing_secret": SECRET},
        )
        yield factories.conversation(factories.channel(project))
    finally:
        process.terminate()
        process.wait(10)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_example_answers_hands_off_and_knows_what_the_human_has_said(
    conversation: Conversation,
):
    ask(conversation, "Hello")
    conversation.refresh_from_db()
    assert conversation.tool_state == {"seen": 1}
    handed_off_and_back(conversation, says="I promise a refund.")

    ask(conversation, "And now?")
    ask(conversation, "A human again")

    first, second, third = said(conversation)
    assert first == "You said: hello"
    assert second.startswith("Welcome back. Noor talked with the end user: 1 message")
    assert third == "I get somebody for you."
    assert Handoff.objects.filter(conversation=conversation, state="requested").count() == 1


def test_the_example_refuses_what_is_not_signed(conversation: Conversation):
    OutsideAgent.objects.update(secrets={"signing_secret": "another"})
    assert status_of(OutsideAgent.objects.get().url, {}) == 401

    ask(conversation, "Hello")

    assert OutsideAgent.objects.get().error_code == "agent_invalid_auth"


def test_the_page_and_the_example_agree():
    page = (DOCS / "ai_agents.md").read_text()

    assert f"examples/{EXAMPLE.name}" in page
    code = [line for line in EXAMPLE.read_text().splitlines() if line.strip()]
    assert len(code) <= 45, "the page promises forty lines"
    for header in re.findall(r"\"((?:X-Handoff|Idempotency)[\w-]+)\"", EXAMPLE.read_text()):
        assert f"`{header}`" in page
