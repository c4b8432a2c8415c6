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
_THOUGHTS, _THOUGHTS_END = "<think>", "</think>"


@dataclass(slots=True, kw_only=True)
class Call:
    """A function that the model wants run; `arguments` is JSON as it wrote it."""

    id: str
    name: str = ""
    arguments: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer of the model.

    Why it finished cannot be relied on: nothing is decided by it but that it has finished, and what
    an admin is told.
    """

    text: str = field(default="", repr=False)
    refusal: str = field(default="", repr=False)
    calls: list[Call] = field(default_factory=list)
    finish: str = ""

    @property
    def is_filtered(self) -> bool:
        """Say whether the server keeps its text back."""
        return self.finish == "content_filter"

    @property
    def is_cut(self) -> bool:
        """Say whether the model had no more room for it."""
        return self.finish == "length"


class Thoughts:
    """Leaves out what a model thinks before it speaks, where a server does not keep that apart."""

    def __init__(self) -> None:
        """Begin where either may come."""
        self._held = ""
        self._is_thinking = self._is_speaking = False

    def left_out(self, piece: str) -> str:
        """Return what is for the end user of the next piece."""
        if self._is_speaking:
            return piece
        self._held += piece
        if not self._is_thinking and not self._held.lstrip().startswith(_THOUGHTS):
            return "" if _THOUGHTS.startswith(self._held.lstrip()) else self._speak(self._held)
        self._is_thinking = True
        _, end, said = self._held.partition(_THOUGHTS_END)
        if end and said.strip():
            return self._speak(said.lstrip())
        self._held = self._held[-len(_THOUGHTS_END) :] if not end else _THOUGHTS_END
        return ""

    def _speak(self, said: str) -> str:
        self._is_speaking = True
        return said


class Collector:
    """Joins the pieces of a streamed answer; calls are told apart by index and by id."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.answer = Answer()
        self._slots: dict[str, Call] = {}
        self._thoughts = Thoughts()

    def take(self, data: str) -> str:
        """Take one event's data and return the new piece of text; raises AgentFailedError."""
        chunk = read_json(data.encode())
        _refuse_error(chunk)
        choice = _first(chunk.get("choices"))
        self.answer.finish = _text(choice.get("finish_reason")) or self.answer.finish
        delta = _object(choice.get("delta"))
        for part in _list(delta.get("tool_calls")):
            self._take_call(_object(part))
        self.answer.refusal += _text(delta.get("refusal"))
        said = self._thoughts.left_out(_content(delta.get("content")))
        piece = said[: MAX_TEXT_CHARS - len(self.answer.text)]
        self.answer.text += piece
        return piece

    def _take_call(self, part: Mapping[str, Any]) -> None:
        index, call_id = str(part.get("index", 0)), _text(part.get("id"))
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
        text=Thoughts().left_out(_content(message.get("content")))[:MAX_TEXT_CHARS],
        refusal=_text(message.get("refusal")),
        calls=calls,
        finish=_text(choice.get("finish_reason")),
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


def _content(value: object) -> str:
    """Return the text of a content, which some servers write as a list of parts."""
    parts = (_text(_object(part).get("text")) for part in _list(value))
    return _text(value) or "".join(parts)


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
