"""AI agents outside: one that is asked, on a port of its own, and one that drives by REST."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.db import connections
from django.test import Client

from config.demo.processes import wait_until
from conversations.models import Conversation, Event, OutsideAgent
from handoffs.responder import message_accept
from handoffs.starting.turns.answers import answer_all
from integrations.models import ApiKey, Project
from tests import factories

SECRET = "whsec_of_the_test"
Answering = Callable[[dict[str, Any]], tuple[int, Any]]


@dataclass
class Heard:
    """A call as it came."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))


@dataclass
class WebhookStandIn:
    """What the agent answers next, and what it was asked."""

    url: str = ""
    answering: Answering = lambda turn: (200, {"utterance": f"You said {turn['message']['text']}"})
    heard: list[Heard] = field(default_factory=list)


@contextmanager
def webhook_agent() -> Iterator[WebhookStandIn]:
    """Serve an agent for the length of the block."""
    agent = WebhookStandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            heard = Heard({k.lower(): v for k, v in self.headers.items()}, raw)
            agent.heard.append(heard)
            try:
                status, said = agent.answering(heard.body)
            finally:
                # It may have called the portal, in this thread that is over now.
                connections.close_all()
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    agent.url = f"http://127.0.0.1:{server.server_port}/turn"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield agent
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def driven(agent: WebhookStandIn, **options: Any) -> Conversation:
    """Return a conversation of a project whose agent is asked by webhook."""
    project = factories.project()
    OutsideAgent.objects.create(
        project=project,
        kind="webhook",
        url=agent.url,
        secrets={"signing_secret": SECRET},
        options=options,
    )
    return factories.conversation(factories.channel(project))


def said(conversation: Conversation) -> list[str]:
    """Return what the AI agent has said after its greeting."""
    lines = Event.objects.filter(conversation=conversation, type="POLY_AGENT_MESSAGE")
    return [line.payload["text"] for line in lines.order_by("sequence")][1:]


def ask(conversation: Conversation, text: str = "Where is it?") -> None:
    """Say something and wait until nothing is owed any more."""
    message_accept(conversation_id=conversation.pk, text=text, client_event_id="", metadata=None)
    answer_all(conversation.pk)

    def is_answered() -> bool:
        return Conversation.objects.filter(pk=conversation.pk, answer_due_at=None).exists()

    assert wait_until(is_answered, seconds=20)


class Drive:
    """An agent with a key that drives conversations of its project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.key = factories.api_key(project, ApiKey.Permission.CHAT)[1]

    def post(
        self, conversation: Conversation, act: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        project = self.project
        response = Client(raise_request_exception=False).post(
            f"/v1/{project.workspace.public_id}/{project.public_id}/conversations/"
            f"{conversation.pk}/{act}",
            json.dumps({} if body is None else body),
            content_type="application/json",
            headers={"x-api-key": self.key, **headers},
        )
        return response.status_code, response.json() if response.content else None
