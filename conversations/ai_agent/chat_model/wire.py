"""Reads what a model answers, whole or in pieces, and nothing of it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conversations.ai_agent.outside.agent import AgentFailedError
from integrations.kit.json_values import json_text
from integrations.kit.plain_json import vendor_json

MAX_TEXT_CHARS = 10_000
MAX_ARGUMENTS_CHARS = 64 * 1024
MAX_CALLS = 20


@dataclass(slots=True, kw_only=True)
class Call:
    """A function that the model wants run; `arguments` is JSON as it wrote it."""

    id: str
    name: str = ""
    arguments: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer of the model; why it finished is told by no field that can be relied on."""

    text: str = field(default="", repr=False)
    refusal: str = field(default="", repr=False)
    is_filtered: bool = False
    calls: list[Call] = field(default_factory=list)


class Collector:
    """Joins the pieces of a streamed answer; calls are told apart by index and by id."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.answer = Answer()
        self._slots: dict[int, Call] = {}

    def take(self, data: str) -> str:
        """Take one event's data and return the new piece of text; raises AgentFailedError."""
        chunk = read_json(data.encode())
        _refuse_error(chunk)
        choice = _first(chunk.get("choices"))
        if choice.get("finish_reason") == "content_filter":
            self.answer.is_filtered = True
        delta = _object(choice.get("delta"))
        for part in _list(delta.get("tool_calls")):
            self._take_call(_object(part))
        self.answer.refusal += _text(delta.get("refusal"))
        piece = _text(delta.get("content"))[: MAX_TEXT_CHARS - len(self.answer.text)]
        self.answer.text += piece
        return piece

    def _take_call(self, part: Mapping[str, Any]) -> None:
        index, call_id = part.get("index", 0), _text(part.get("id"))
        call = self._slots.get(index)
        if call is None or (call_id and call.id and call_id != call.id):
            # Some servers count every call as the first: another id means another call.
            call = Call(id=call_id or f"call_{len(self.answer.calls)}")
            self._slots[index] = call
            if len(self.answer.calls) < MAX_CALLS:
                self.answer.calls.append(call)
        function = _object(part.get("function"))
        call.name = call.name or _text(function.get("name"))
        call.arguments = _joined(call.arguments, function.get("arguments"))


def answer_whole(body: bytes) -> Answer:
    """Return an answer that came in one piece; raises AgentFailedError."""
    said = read_json(body)
    _refuse_error(said)
    choice = _first(said.get("choices"))
    if not choice:
        raise AgentFailedError("agent_answer", "The model's answer has no choices.")
    message = _object(choice.get("message"))
    calls = []
    for number, part in enumerate(_list(message.get("tool_calls"))[:MAX_CALLS]):
        function = _object(_object(part).get("function"))
        calls.append(
            Call(
                id=_text(_object(part).get("id")) or f"call_{number}",
                name=_text(function.get("name")),
                arguments=_joined("", function.get("arguments")),
            )
        )
    return Answer(
        text=_text(message.get("content"))[:MAX_TEXT_CHARS],
        refusal=_text(message.get("refusal")),
        is_filtered=choice.get("finish_reason") == "content_filter",
        calls=calls,
    )


def error_code(body: bytes) -> str:
    """Return the code of a refusal, if it says one."""
    try:
        said = vendor_json(body)
    except ValueError:
        return ""
    return _text(_object(_object(said).get("error")).get("code"))


def read_json(body: bytes) -> Mapping[str, Any]:
    """Return a JSON object; raises AgentFailedError for anything else."""
    try:
        said = vendor_json(body)
    except ValueError as error:
        raise AgentFailedError("agent_answer", "The model's answer is not JSON.") from error
    if not isinstance(said, dict):
        raise AgentFailedError("agent_answer", "The model's answer is no JSON object.")
    return said


def _refuse_error(said: Mapping[str, Any]) -> None:
    """Raise for an error inside an answer of status 200; its words may quote what was said."""
    if said.get("error"):
        raise AgentFailedError("agent_cannot_connect", "The model broke off with an error.")


def _joined(so_far: str, piece: object) -> str:
    if isinstance(piece, dict):  # some servers do not write it as a text
        return json_text(piece)
    return (so_far + _text(piece))[:MAX_ARGUMENTS_CHARS]


def _first(value: object) -> Mapping[str, Any]:
    items = _list(value)
    return _object(items[0]) if items else {}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
