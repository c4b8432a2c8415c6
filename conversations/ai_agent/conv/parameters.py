"""What a tool takes beside conv: read out of the message, out of the state, or asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conversations.ai_agent.entities.reading import ENTITY_KINDS, entity_read
from conversations.models import Tool

# What a model is told, and what fills it where no kind is named.
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_KIND_OF_TYPE = {
    "string": "free_text",
    "integer": "numeric",
    "number": "numeric",
    "boolean": "yes_no",
}
# The type of what a kind reads.
TYPE_OF_KIND = {"numeric": "number", "yes_no": "boolean"}
Value = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument; `kind` is how it is read, `question` what is asked for it."""

    name: str
    type: str
    kind: str
    question: str = ""
    is_required: bool = True

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Parameter:
        """Read what is stored with a tool."""
        kind = str(given.get("kind") or _KIND_OF_TYPE[given["type"]])
        return cls(
            name=given["name"],
            type=given["type"],
            kind=kind,
            question=given.get("description", ""),
            is_required=given.get("is_required", True),
        )

    def fitted(self, value: object) -> Value | None:
        """Return a value in the parameter's type, or None where it is none."""
        if self.type == "string" and isinstance(value, int | float | bool):
            return str(value)
        if self.type == "integer" and isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) and self.type != "boolean":
            return None
        if not isinstance(value, TYPES[self.type]):
            return None
        assert isinstance(value, str | int | float | bool)
        return value

    def read(self, text: str) -> Value | None:
        """Read it out of what the end user said."""
        return self.fitted(entity_read(self.kind, text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The arguments found; `missing` is the first one that must be asked for."""

    arguments: dict[str, Value] = field(default_factory=dict)
    missing: Parameter | None = None


def parameters_of(tool: Tool) -> list[Parameter]:
    """Return what a tool takes, in its order."""
    return [Parameter.of(one) for one in tool.parameters]


def arguments_fill(
    tool: Tool, text: str, known: Mapping[str, Any], state: Mapping[str, Any]
) -> Filled:
    """Fill a tool's parameters: with what is known, then from the state, then from the message.

    A kind that any text would fit, such as a name, is never read from a message that was not asked
    for it.
    """
    found: dict[str, Value] = {}
    for one in parameters_of(tool):
        value = one.fitted(known.get(one.name))
        if value is None:
            value = one.fitted(state.get(one.name))
        if value is None and ENTITY_KINDS[one.kind].is_marked:
            value = one.read(text)
        if value is not None:
            found[one.name] = value
        elif one.is_required:
            return Filled(arguments=found, missing=one)
    return Filled(arguments=found)


def parameters_schema(tool: Tool) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments, for a model."""
    parameters = parameters_of(tool)
    return {
        "type": "object",
        "properties": {
            one.name: {"type": one.type} | ({"description": one.question} if one.question else {})
            for one in parameters
        },
        "required": [one.name for one in parameters if one.is_required],
    }
