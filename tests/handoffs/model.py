"""An OpenAI-compatible server of our own: strict in what it takes, and scripted in what it says."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-of-the-test"
_TOP = {"model", "messages", "tools", "tool_choice", "stream"}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def says(text: str) -> dict[str, Any]:
    """Return an answer of words."""
    return {"content": text}


def calls(*wanted: tuple[str, Any], text: str = "") -> dict[str, Any]:
    """Return an answer that calls functions; arguments that are no dict go out as they are."""
    made = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": given if isinstance(given, str) else json.dumps(given),
            },
        }
        for number, (name, given) in enumerate(wanted)
    ]
    return {"content": text or None, "tool_calls": made}


@dataclass
class ModelStandIn:
    """What it says next, each once; a pair is a status with a body or headers."""

    url: str = ""
    script: list[Any] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    # Before each answer, and between pieces; whether all calls are counted as the first, as some
    # servers do.
    answer_pause: float = 0.0
    pause: float = 0.0
    counts_badly: bool = False


def problem_of(body: dict[str, Any]) -> str:
    """Say what the real thing would not take."""
    if unknown := set(body) - _TOP:
        return f"Unrecognized request argument supplied: {sorted(unknown)[0]}"
    for tool in body.get("tools", []):
        if not _NAME.fullmatch(tool["function"]["name"]):
            return "Invalid function name"
        if tool["function"]["parameters"].get("type") != "object":
            return "schema must be of type object"
    if body.get("tool_choice") and not body.get("tools"):
        return "tool_choice is only allowed when tools are specified"
    open_calls: set[str] = set()
    for number, message in enumerate(body["messages"]):
        role = message["role"]
        if (role == "system") != (number == 0):
            return "one system message, at the beginning"
        if role == "tool":
            if message["tool_call_id"] not in open_calls or not isinstance(message["content"], str):
                return "tool message without a call"
            open_calls.discard(message["tool_call_id"])
            continue
        if open_calls:
            return "An assistant message with 'tool_calls' must be followed by tool messages"
        open_calls = {call["id"] for call in message.get("tool_calls", [])}
        if message["content"] is None and not open_calls:
            return "content must be a string"
    return "a call was not answered" if open_calls else ""


def enveloped(kind: str, body: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Return what surrounds an answer, or a piece of one."""
    made = {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": body["model"]}
    return {**made, **said}


def pieces_of(message: dict[str, Any], *, counts_badly: bool) -> Iterator[dict[str, Any]]:
    """Yield a message as the chunks of a stream, words and arguments in pieces."""
    yield {"choices": [], "prompt_filter_results": []}
    yield {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
    for word in re.findall(r"\S+\s*", message.get("content") or ""):
        yield {"choices": [{"index": 0, "delta": {"content": word}}]}
    for number, call in enumerate(message.get("tool_calls", [])):
        index = 0 if counts_badly else number
        arguments = call["function"]["arguments"]
        opening = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        yield {"choices": [{"index": 0, "delta": {"tool_calls": [opening]}}]}
        for at in range(0, len(arguments), 7):
            piece = {"index": index, "function": {"arguments": arguments[at : at + 7]}}
            yield {"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
    # "stop" even where functions are called: nobody may rely on it.
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    yield {"choices": [], "usage": usage}


@contextmanager
def model_server() -> Iterator[ModelStandIn]:
    """Serve a model for the length of the block."""
    model = ModelStandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.paths.append(self.path)
            model.headers.append({name.lower(): value for name, value in self.headers.items()})
            model.heard.append(body)
            given = self.headers.get("Authorization") or self.headers.get("api-key")
            if given not in (f"Bearer {KEY}", KEY):
                self.answer(401, {"error": {"code": "invalid_api_key"}}, {})
            elif problem := problem_of(body):
                model.refused.append(problem)
                self.answer(400, {"error": {"message": problem, "code": None}}, {})
            else:
                self.say(model.script.pop(0) if model.script else says("Nothing more."), body)

        def say(self, scripted: Any, body: dict[str, Any]) -> None:
            time.sleep(model.answer_pause)
            if isinstance(scripted, tuple):
                return self.answer(*scripted)
            if isinstance(scripted, str) or body.get("stream"):
                return self.stream(scripted, body)
            message = {"role": "assistant", "refusal": None, **scripted}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            return self.answer(200, enveloped("chat.completion", body, {"choices": [choice]}), {})

        def stream(self, scripted: Any, body: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            if isinstance(scripted, str):  # broken off
                self.wfile.write(scripted.encode())
                return
            for piece in pieces_of(scripted, counts_badly=model.counts_badly):
                chunk = enveloped("chat.completion.chunk", body, piece)
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()
                time.sleep(model.pause)
            self.wfile.write(b"data: [DONE]\n\n")

        def answer(self, status: int, said: Any, headers: dict[str, str]) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
