"""Checks what a tool hands back: plain data only, limited in size and depth."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Literal

from pydantic_monty import MontyClassProxy

from conversations.journal.json_values import valid_text

MAX_DEPTH = 20
MAX_INT = 2**63 - 1
MAX_ITEMS = 100
MAX_SAID_CHARS = 10_000
MAX_LOG_CHARS = 2000
LOG_LEVELS = ("info", "warning", "error")
CALL_KEYS = frozenset(
    {"destination", "reason", "utterance", "sip_headers", "route", "data", "hints"}
)
RESERVED = "names that start with _baton_ are reserved"

Code = Literal[
    "timeout",
    "memory",
    "syntax",
    "runtime",
    "bad_return",
    "bad_state",
    "crashed",
    "busy",
]


class ToolError(Exception):
    """A tool failed, with nothing of its run kept; `message` is meant for the tool's builder.

    `str()` and `repr()` leave the message out, because it may quote what an end user wrote.
    """

    def __init__(
        self, code: Code, message: str, *, line: int | None = None, column: int | None = None
    ) -> None:
        """`line` and `column` count from 1 in the builder's own source."""
        super().__init__(code if line is None else f"{code} at line {line}")
        self.code: Code = code
        self.message = valid_text(message)
        self.line = line
        self.column = column
        self.logs: list[dict[str, object]] = []
        self.prints = ""


class _Walker:
    """Copies a value into plain JSON data, and stops at the first thing that is none."""

    def __init__(self, code: Code, name: str, max_bytes: int) -> None:
        self.code: Code = code
        self.name = name
        self.max_bytes = max_bytes
        self.left = max_bytes

    def refuse(self, path: str, why: str) -> ToolError:
        return ToolError(self.code, f"{self.name}{path[:200]} {why}")

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise self.refuse("", f"is larger than {self.max_bytes // 1024} KB")

    def copy(self, value: object, path: str, depth: int) -> object:
        if depth > MAX_DEPTH:
            raise self.refuse("", f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, MontyClassProxy) and value.name == "ChannelType":
            value = value.attributes.get("value")
        self.spend(2)
        if isinstance(value, dict):
            return {
                self.key(key, path): self.copy(item, f"{path}[{key!r:.60}]", depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.copy(item, f"{path}[{at}]", depth + 1) for at, item in enumerate(value)]
        return self.leaf(value, path)

    def leaf(self, value: object, path: str) -> object:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value, path)
        if isinstance(value, int) and abs(value) <= MAX_INT:
            self.spend(8)
            return value
        if isinstance(value, float) and math.isfinite(value):
            self.spend(8)
            return value
        kind = value.name if isinstance(value, MontyClassProxy) else type(value).__name__
        raise self.refuse(path, f"is not plain JSON data ({kind})")

    def text(self, value: str, path: str) -> str:
        self.spend(len(value))
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise self.refuse(path, "contains NUL or broken characters")
        return value

    def key(self, key: object, path: str) -> str:
        """Take whole numbers as JSON does, as text."""
        if isinstance(key, int) and not isinstance(key, bool) and abs(key) <= MAX_INT:
            return str(key)
        if not isinstance(key, str):
            raise self.refuse(path, "has a key that is not a text")
        return self.text(key, path)


def plain_data(value: object, *, code: Code, name: str, max_bytes: int) -> object:
    """Return a plain copy of what came out of the sandbox; raise ToolError if it is not plain."""
    copied = _Walker(code, name, max_bytes).copy(value, "", 0)
    if len(json.dumps(copied, ensure_ascii=False).encode()) > max_bytes:
        raise ToolError(code, f"{name} is larger than {max_bytes // 1024} KB")
    return copied


def plain_return(collected: dict[str, object], *, max_bytes: int) -> str | dict[str, object] | None:
    """Check the tool's return value: None, a text or a dict."""
    kind = str(collected.get("kind"))[:60]
    if kind not in ("NoneType", "str", "dict", "ChannelType"):
        raise ToolError("bad_return", f"a tool must return None, a text or a dict, not {kind}")
    value = plain_data(
        collected.get("returned"), code="bad_return", name="the returned value", max_bytes=max_bytes
    )
    if value is not None and not isinstance(value, str | dict):
        raise ToolError("bad_return", "a tool must return None, a text or a dict")
    said = value.get("utterance") if isinstance(value, dict) else value
    if isinstance(said, str) and len(said) > MAX_SAID_CHARS:
        raise ToolError("bad_return", f"an utterance takes up to {MAX_SAID_CHARS} characters")
    return value


def plain_state(state: object, *, max_bytes: int) -> dict[str, object]:
    """Read the state back: attributes and items together, without what we added."""
    items: object = state
    if isinstance(state, MontyClassProxy):
        items = _state_items(state.attributes)
    if not isinstance(items, dict):
        raise ToolError("bad_state", "conv.state was replaced by something that is not a dict")
    checked = plain_data(items, code="bad_state", name="conv.state", max_bytes=max_bytes)
    assert isinstance(checked, dict)
    return checked


def _state_items(attributes: dict[str, object]) -> dict[object, object]:
    known, other = attributes.get("_baton_known"), attributes.get("_baton_other")
    if not isinstance(known, dict) or not isinstance(other, dict):
        raise ToolError("bad_state", RESERVED)
    stored: dict[object, object] = {
        name: value
        for name, value in attributes.items()
        if not name.startswith("_baton_") and (value is not None or name in known)
    }
    return stored | other


def plain_texts(value: object, *, name: str) -> list[str]:
    """Check a list of texts, such as what conv.say recorded."""
    items = _items(value, name)
    texts = [item for item in items if isinstance(item, str) and len(item) <= MAX_SAID_CHARS]
    if len(texts) != len(items):
        raise ToolError("bad_return", f"{name} takes texts up to {MAX_SAID_CHARS} characters")
    return texts


def plain_calls(value: object) -> list[dict[str, object]]:
    """Check the arguments that conv.call_handoff recorded: every one of them, and no other."""
    calls = _dicts(value, "conv.call_handoff")
    if any(call.keys() != CALL_KEYS for call in calls):
        raise ToolError("bad_return", RESERVED)
    return calls


def plain_logs(value: object, hide: Callable[[Any], Any]) -> list[dict[str, object]]:
    """Check what the tool wrote to the log, blacken its secrets, and cut long lines."""
    entries = _dicts(value, "conv.log")
    for entry in entries:
        if entry.get("level") not in LOG_LEVELS or not isinstance(entry.get("fields"), dict):
            raise ToolError("bad_return", RESERVED)
    return [
        {
            "level": entry["level"],
            "content": hide(str(entry.get("content")))[:MAX_LOG_CHARS],
            "is_pii": bool(entry.get("is_pii")),
            "fields": hide(entry["fields"]),
        }
        for entry in entries
    ]


def _dicts(value: object, name: str) -> list[dict[str, object]]:
    items = _items(value, name)
    dicts = [item for item in items if isinstance(item, dict)]
    if len(dicts) != len(items):
        raise ToolError("bad_return", RESERVED)
    return dicts


def _items(value: object, name: str) -> list[object]:
    checked = plain_data(value, code="bad_return", name=name, max_bytes=256 * 1024)
    if not isinstance(checked, list):
        raise ToolError("bad_return", RESERVED)
    if len(checked) > MAX_ITEMS:
        raise ToolError("bad_return", f"{name} was called more than {MAX_ITEMS} times")
    return checked
