"""What a tool asked of the conversation, read out of the sandbox and checked piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conversations.ai_agent.sandbox.results import (
    MAX_ITEMS,
    RESERVED,
    ToolError,
    plain_data,
    plain_texts,
)

MAX_NAME = 128
MAX_EFFECT_BYTES = 64 * 1024
MAX_MEMORY_BYTES = 16 * 1024

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvEffects:
    """What is to be done when the tool has come to its end.

    `done` holds the calls in their order, each as its name and its values. `memory` is the whole
    of what is kept of the end user, None where nothing can be.
    """

    done: list[tuple[str, Values]] = field(default_factory=list)
    attachments: list[Values] = field(default_factory=list, repr=False)
    suggestions: list[str] = field(default_factory=list, repr=False)
    calls: list[Values] = field(default_factory=list, repr=False)
    metrics: list[Values] = field(default_factory=list)
    memory: Values | None = field(default=None, repr=False)


def effects_read(collected: Values, hide: Callable[[Any], Any]) -> ConvEffects:
    """Check what the prelude collected; raises ToolError for what no method would write.

    `hide` blackens secrets.
    """
    memory = collected.get("memory")
    if memory is not None:
        memory = plain_data(
            memory, code="bad_state", name="conv.memory", max_bytes=MAX_MEMORY_BYTES
        )
        if not isinstance(memory, dict):
            raise ToolError("bad_state", "conv.memory was replaced by something that is no dict")
    suggestions = plain_texts(collected.get("suggestions"), name="conv.response_suggestions")
    return ConvEffects(
        done=[_effect(one) for one in hide(_dicts(collected.get("effects"), "conv"))],
        attachments=hide(_dicts(collected.get("attachments"), "conv.attachments")),
        suggestions=hide(suggestions),
        calls=hide(_dicts(collected.get("calls"), "conv.webchat.set_chat_call_actions")),
        metrics=[_metric(m) for m in hide(_dicts(collected.get("metrics"), "conv.write_metric"))],
        memory=hide(memory),
    )


def _dicts(value: object, name: str) -> list[Values]:
    items = plain_data(value, code="bad_return", name=name, max_bytes=MAX_EFFECT_BYTES)
    if not isinstance(items, list):
        raise ToolError("bad_return", f"{name} must stay a list")
    if len(items) > MAX_ITEMS:
        raise ToolError("bad_return", f"{name} was asked for more than {MAX_ITEMS} things")
    found: list[Values] = [item for item in items if isinstance(item, dict)]
    if len(found) != len(items):
        raise ToolError("bad_return", f"{name} holds something of a wrong kind")
    return found


def _effect(given: Values) -> tuple[str, Values]:
    name = given.get("do")
    values = {key: value for key, value in given.items() if key != "do"}
    wanted = _EFFECTS.get(name) if isinstance(name, str) else None
    if not isinstance(name, str) or wanted is None:
        raise ToolError("bad_return", RESERVED)
    if values.keys() != wanted.keys():
        raise ToolError("bad_return", RESERVED)
    for key, is_right in wanted.items():
        if not is_right(values[key]):
            raise ToolError("bad_return", f"conv.{name}: {key} is of a wrong kind")
    return name, values


def _metric(given: Values) -> Values:
    if given.keys() != {"name", "value", "write_once"} or not _is_name(given["name"]):
        raise ToolError("bad_return", "conv.write_metric needs a name, a text of 1 to 128 signs")
    value = given["value"]
    if not isinstance(value, str | int | float | bool | None):
        raise ToolError("bad_return", "conv.write_metric takes a text, a number or a bool")
    if isinstance(value, str) and len(value) > 1000:
        raise ToolError("bad_return", "conv.write_metric takes texts of up to 1000 characters")
    return {**given, "write_once": bool(given["write_once"])}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= MAX_NAME


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_name, value))


_EFFECTS: Mapping[str, Mapping[str, Callable[[object], bool]]] = {
    "goto_flow": {"name": _is_name},
    "exit_flow": {},
    "goto_step": {"name": _is_name},
    "set_variant": {"name": _is_name},
    "set_language": {"code": _is_name},
    "disable_kb_topics": {"names": _is_names},
    "discard_recording": {},
    "no_effect": {"name": _is_name},
}
