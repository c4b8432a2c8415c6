"""Every name that docs/conv.md says works, works in a real turn: the whole table, in one talk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from conversations.ai_agent.sandbox.served import ALL, Support
from conversations.journal.services import Visitor
from conversations.models import (
    Conversation,
    Destination,
    EndUser,
    LogEntry,
    Secret,
    ToolApi,
    ToolValues,
    Variant,
)
from handoffs.models import Handoff
from handoffs.responder import message_accept
from handoffs.starting.turns.answers import answer_all
from tests import factories
from tests.handoffs.test_outside_return import RETURNS, handed_off_and_back

pytestmark = pytest.mark.django_db(transaction=True)
SAID = "try everything"
# Those need what somebody else serves, and are tried where that is.
ELSEWHERE = ("integrations", "send_sms", "send_sms_template", "utils.prompt_llm")
WORKS = [row for row in ALL if row.support is not Support.REFUSED and row.path not in ELSEWHERE]
# What changes what others read comes late, and the handoff last: nothing is run behind it.
LATE = ("set_language", "set_variant", "call_handoff")
ORDERED = sorted(WORKS, key=lambda row: LATE.index(row.path) if row.path in LATE else -1)


class Orders(BaseHTTPRequestHandler):
    """An API that a tool calls."""

    def do_GET(self) -> None:
        body = b'{"state": "sent"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def orders(settings) -> Iterator[str]:
    settings.ALLOW_LOCAL_AGENTS = True
    server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def name_of(path: str) -> str:
    return f"try_{path.replace('.', '_')}"


def equipped(orders: str) -> Conversation:
    """Return a conversation of a project that has something of everything."""
    project = factories.project(no_match_text="I do not know.")
    factories.integration(project, is_default=True, behaviour=RETURNS)
    Destination.objects.create(
        project=project, name="Billing", integration_key=factories.INTEGRATION_KEY, is_default=True
    )
    north = Variant.objects.create(project=project, name="north", attributes={"city": "Oslo"})
    Variant.objects.create(project=project, name="south")
    ToolValues.objects.create(
        project=project,
        config={"opens_at": 9},
        translations={"hello": {"en": "Hello", "de": "Hallo"}},
    )
    ToolApi.objects.create(
        project=project,
        name="orders",
        base_urls={"sandbox": orders},
        operations=[{"name": "get", "method": "GET", "path": "/orders/{number}"}],
    )
    Secret.objects.create(
        project=project,
        name="shop",
        values={"sandbox": "s3cret"},
        set_at={"sandbox": "2026-01-01"},
        tool_names=[name_of("utils.get_secret")],
    )
    factories.tool(project, "def double(conv, n):\n    return str(n * 2)", name="double")
    ask = {"name": "ask", "kind": "default", "prompt": "Which order?"}
    entity = {"name": "order", "kind": "alphanumeric"}
    factories.flow(project, "returns", [{**ask, "entities": [entity, {"name": "why"}]}])
    visitor = Visitor(
        locale="en-GB", variant_id=north.public_id, integration_attributes={"page": "/pricing"}
    )
    conversation = factories.conversation(factories.channel(project), visitor=visitor)
    EndUser.objects.update(email="ada@example.com", is_verified=True, memory={"visits": 4})
    handed_off_and_back(conversation, says="Noor here")
    conversation.refresh_from_db()
    conversation.tool_state = {"order": 7}
    conversation.metrics = [{"name": "greeted", "value": None, "at": "2026-01-01"}]
    conversation.flow = {
        "flow": "returns",
        "step": "ask",
        "entities": {"order": "A-7"},
        "said": {"order": "A-7"},
    }
    conversation.context = {"verified": {"claims": {"tier": "gold"}}}
    conversation.save()
    return conversation


def gives(conversation: Conversation) -> dict[str, str]:
    """Return what is another value here than in the table's own example."""
    project = conversation.project
    return {
        "id": conversation.pk,
        "account_id": project.workspace.public_id,
        "project_id": project.public_id,
        "env": "sandbox",
        "history": "['agent', 'agent', 'user'] False",
        "transcript": "Hello from Birch.",
        "transcript_alternatives": f"['{SAID}']",
        "handoff": "Noor",
        "say": "one",
        # The simulator of this vendor cannot be reached: nobody can tell.
        "check_availability": "None",
    }


def test_all_that_the_table_says_works_does_so_in_a_turn(orders):
    conversation = equipped(orders)
    actions = []
    for row in ORDERED:
        body = "\n".join(f"    {line}" for line in row.example.splitlines())
        factories.tool(conversation.project, f"def {name_of(row.path)}(conv):\n{body}")
        actions.append({"kind": "run_tool", "target": name_of(row.path), "when": "always"})
    factories.topic(conversation.project, SAID, actions=actions)

    line = message_accept(
        conversation_id=conversation.pk, text=SAID, client_event_id="", metadata=None
    )[0]
    answer_all(conversation.pk)

    conversation.refresh_from_db()
    later = conversation.events.filter(sequence__gt=line.sequence).order_by("sequence")
    said = [one.payload["text"] for one in later if one.type == "POLY_AGENT_MESSAGE"]
    own = gives(conversation)
    wanted = [own.get(row.path, row.gives) for row in ORDERED]
    log = list(LogEntry.objects.filter(conversation=conversation).values_list("content", flat=True))
    found = {row.path: text for row, text in zip(ORDERED, said, strict=False)}
    differs = {
        row.path: (found.get(row.path), want)
        for row, want in zip(ORDERED, wanted, strict=True)
        if found.get(row.path) != want
    }
    assert differs == {}, log
    assert (conversation.locale, conversation.is_discarded) == ("de", True)
    assert [one["name"] for one in conversation.metrics] == ["greeted", "orders"]
    assert conversation.variant_id == Variant.objects.get(name="south").public_id
    assert conversation.state == Conversation.State.HANDOFF
    assert Handoff.objects.latest("requested_at").reason == "refund"
