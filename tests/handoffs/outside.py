"""A webhook agent on a port of its own: answers what a test tells it, and keeps what it heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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
            status, said = agent.answering(heard.body)
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
