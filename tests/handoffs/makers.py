"""Stand-ins of other makers' agents, in the shapes of their APIs, and one talk that all know.

Hello is answered with a button, the button's value with a question, "A human" with a handoff, and
"Thanks" with a welcome; each keeps what it was told of the human meanwhile.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HELLO, PARCELS, HUMAN = "Hi there", "Which order?", "One moment."
BACK = "Welcome back"


class Maker:
    """What an agent answers; `value` is what its button stands for."""

    value: Any = "parcels"

    def __init__(self) -> None:
        self.summary = ""
        self.problems: list[str] = []

    def line(self, said: Any) -> str:
        """Return which line of the talk this is the answer to."""
        lines = {"Hello": HELLO, "A human": HUMAN, "Thanks": BACK}
        return PARCELS if said == self.value else lines[said]

    def require(self, is_so: bool, what: str) -> None:
        """Note what the real one would refuse."""
        if not is_so:
            self.problems.append(what)

    def note(self, summary: str) -> None:
        self.summary = summary or self.summary


class Rasa(Maker):
    value = '/ask{"topic": "parcels"}'

    def handle(self, method: str, path: str, body: Any) -> Any:
        self.require((method, path) == ("POST", "/webhooks/rest/webhook"), path)
        self.require(bool(body["sender"]) and isinstance(body["message"], str), "sender")
        if body["message"] == "/human_done":
            self.note(body["metadata"]["baton_human_summary"])
            return []
        line = self.line(body["message"])
        entry: dict[str, Any] = {"recipient_id": body["sender"], "text": line}
        if line == HELLO:
            entry["buttons"] = [{"title": "Parcels", "payload": self.value}]
        if line != HUMAN:
            return [entry]
        custom = {"handoff": {"reason": "asked", "hints": {"summary": "Order 7"}}}
        return [entry, {"recipient_id": body["sender"], "custom": custom}]


class DialogflowCx(Maker):
    value = "Parcels"

    def handle(self, method: str, path: str, body: Any) -> Any:
        session = path.rpartition("/sessions/")[2].removesuffix(":detectIntent")
        self.require(path.startswith("/v3/projects/P/locations/L/agents/A/sessions/"), path)
        self.require(0 < len(session) <= 36, "a session has up to 36 characters")
        asked = body["queryInput"]
        self.require(set(asked) == {"text", "languageCode"}, "one input and its language")
        self.note(body["queryParams"]["parameters"]["baton_human_summary"])
        line = self.line(asked["text"]["text"])
        messages: list[Any] = [{"text": {"text": [line]}}]
        if line == HELLO:
            chips = {"type": "chips", "options": [{"text": "Parcels"}]}
            messages.append({"payload": {"richContent": [[chips]]}})
        if line == HUMAN:
            metadata = {"reason": "asked", "summary": "Order 7", "order": 7}
            messages.append({"liveAgentHandoff": {"metadata": metadata}})
            messages.append({"text": {"text": ["Nobody reads this"]}})
        return {"responseId": "r1", "queryResult": {"responseMessages": messages}}


class DialogflowEs(Maker):
    value = "Parcels"

    def handle(self, method: str, path: str, body: Any) -> Any:
        session = path.rpartition("/sessions/")[2].removesuffix(":detectIntent")
        place = "projects/P/agent/sessions/"
        self.require((method, path.startswith(f"/v2/{place}")) == ("POST", True), path)
        self.require(0 < len(session) <= 36, "a session has up to 36 characters")
        asked = body["queryInput"]["text"]
        self.require(set(asked) == {"text", "languageCode"}, "a text and its language")
        for context in body["queryParams"]["contexts"]:
            self.require(context["name"] == f"{place}{session}/contexts/baton_human", "context")
            self.require(context["lifespanCount"] > 0, "a context that lives")
            self.note(context["parameters"]["baton_human_summary"])
        line = self.line(asked["text"])
        messages: list[Any] = [{"text": {"text": [line]}}]
        messages.append({"platform": "TELEGRAM", "text": {"text": ["Not for us"]}})
        if line == HELLO:
            messages.append({"quickReplies": {"quickReplies": ["Parcels"]}})
        if line == HUMAN:
            messages.append({"payload": {"action": "handoff", "reason": "asked"}})
        parameters = {"summary": "Order 7"} if line == HUMAN else {}
        result = {"fulfillmentText": line, "fulfillmentMessages": messages}
        return {"responseId": "r1", "queryResult": {**result, "parameters": parameters}}


class Lex(Maker):
    def handle(self, method: str, path: str, body: Any) -> Any:
        place = "/bots/BOTID00001/botAliases/TSTALIASID/botLocales/en_US/sessions/"
        self.require(path.startswith(place), path)
        if not path.endswith("/text"):
            self.note(body["sessionState"]["sessionAttributes"]["baton_human_summary"])
            return {}
        line = self.line(body["text"])
        intent: dict[str, Any] = {"name": "Greet", "state": "InProgress"}
        messages: list[Any] = [{"contentType": "PlainText", "content": line}]
        if line == HELLO:
            card = {"title": "Topics", "buttons": [{"text": "Parcels", "value": self.value}]}
            messages = [{"contentType": "PlainText", "content": line}]
            messages.append({"contentType": "ImageResponseCard", "imageResponseCard": card})
        if line == HUMAN:
            slot = {"value": {"interpretedValue": "7", "originalValue": "seven"}}
            intent = {"name": "TalkToAHuman", "state": "Fulfilled", "slots": {"order": slot}}
        return {"messages": messages, "sessionState": {"intent": intent}, "sessionId": "s"}


class Botpress(Maker):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Any] = []

    def handle(self, method: str, path: str, body: Any) -> Any:
        if path == "/users/get-or-create":
            return {"user": {"id": body["id"]}, "key": "k1"}
        if path == "/conversations/get-or-create":
            return {"conversation": {"id": "c1"}}
        if method == "GET":
            self.require(path == "/conversations/c1/messages", path)
            return {"messages": list(reversed(self.messages))}
        self.require((path, body["conversationId"]) == ("/messages", "c1"), path)
        self.note(body["metadata"]["baton_human_summary"])
        own = self.add("me", body["payload"])
        line = self.line(body["payload"]["text"])
        if line == HELLO:
            options = [{"label": "Parcels", "value": self.value}]
            self.add("bot", {"type": "choice", "text": line, "options": options})
        else:
            handoff = {"reason": "asked", "hints": {"summary": "Order 7"}}
            metadata = {"handoff": handoff} if line == HUMAN else {}
            self.add("bot", {"type": "text", "text": line}, metadata)
        return {"message": own}

    def add(self, user: str, payload: Any, metadata: Any = None) -> Any:
        at = f"2026-11-29T10:00:{len(self.messages):02d}.000Z"
        message = {"id": at, "createdAt": at, "userId": user, "payload": payload}
        self.messages.append({**message, "metadata": metadata or {}})
        return message


class BotpressV12(Maker):
    def handle(self, method: str, path: str, body: Any) -> Any:
        self.require(method == "POST", method)
        self.require(path.startswith("/api/v1/bots/bot/converse/CONV-"), path)
        self.require(body["type"] == "text", "a text")
        self.note(body["metadata"]["baton_human_summary"])
        line = self.line(body["text"])
        responses: list[Any] = [{"type": "typing", "value": True}, {"type": "text", "text": line}]
        if line == HELLO:
            choices = [{"title": "Parcels", "value": self.value}]
            responses[1] = {"type": "single-choice", "text": line, "choices": choices}
        if line == HUMAN:
            responses.append({"type": "handoff", "reason": "asked", "summary": "Order 7"})
            responses.append({"type": "text", "text": "Nobody reads this"})
        return {"responses": responses}


class Voiceflow(Maker):
    value = {"type": "path-parcels", "payload": {"label": "Parcels"}}

    def handle(self, method: str, path: str, body: Any) -> Any:
        if method == "PATCH":
            self.require(path.endswith("/variables"), path)
            self.note(body["baton_human_summary"])
            return body
        self.require(path.startswith("/state/user/CONV-") and path.endswith("/interact"), path)
        action = body["action"]
        if action["type"] == "launch":
            return [{"type": "text", "payload": {"message": "Launched"}}]
        line = self.line(action["payload"] if action["type"] == "text" else action)
        traces: list[Any] = [{"type": "text", "payload": {"message": line}}]
        if line == HELLO:
            buttons = [{"name": "Parcels", "request": self.value}]
            traces.append({"type": "choice", "payload": {"buttons": buttons}})
        if line == HUMAN:
            asked = {"reason": "asked", "hints": {"summary": "Order 7"}}
            traces.append({"type": "escalate", "payload": json.dumps(asked)})
        return traces


class Watsonx(Maker):
    def handle(self, method: str, path: str, body: Any) -> Any:
        place = "/v2/assistants/A/environments/E/sessions"
        if path == place:
            return {"session_id": "s1"}
        self.require(path == f"{place}/s1/message", path)
        variables = body["context"]["skills"]["actions skill"]["skill_variables"]
        self.note(variables["baton_human_summary"])
        line = self.line(body["input"]["text"])
        generic: list[Any] = [{"response_type": "text", "text": line}]
        if line == HELLO:
            option = {"label": "Parcels", "value": {"input": {"text": self.value}}}
            generic.append({"response_type": "option", "title": "", "options": [option]})
        if line == HUMAN:
            words = {"message_to_human_agent": "Order 7", "topic": "asked"}
            available = {"agent_available": {"message": HUMAN}}
            generic = [{"response_type": "connect_to_agent", **words, **available}]
        return {"output": {"generic": generic}}


MAKERS: dict[str, type[Any]] = {
    "rasa": Rasa,
    "dialogflow_cx": DialogflowCx,
    "dialogflow_es": DialogflowEs,
    "lex": Lex,
    "botpress": Botpress,
    "botpress_v12": BotpressV12,
    "voiceflow": Voiceflow,
    "watsonx": Watsonx,
}


@contextmanager
def maker_server(maker: Any) -> Iterator[str]:
    """Serve a stand-in for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            found = maker.handle(self.command, path, json.loads(raw) if raw else None)
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do  # noqa: N815 - the server's names

        def log_message(self, *args: Any) -> None:
            pass

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[str]:
    """Run a server in a thread, and return its address."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
