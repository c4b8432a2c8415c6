"""Holds frames against /api/asyncapi: strictly, so that a field that nobody documented is found."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema

from conversations.journal.frames import PREFIX, EventType
from conversations.socket.asyncapi import SENT, asyncapi_document

BATCH = PREFIX + EventType.EVENT_BATCH


def frame_checked(frame: dict[str, Any]) -> dict[str, Any]:
    """Return a frame of the portal's; the test fails over one that is not as documented."""
    problems = frame_problems(frame)
    assert not problems, f"{frame['type']} is not as /api/asyncapi says: {problems}"
    return frame


def frame_problems(frame: dict[str, Any], direction: str = SENT) -> list[str]:
    """Return where a frame differs from its message; of a batch, of each frame in it."""
    name = f"{direction}.{str(frame.get('type')).removeprefix(PREFIX)}"
    if name not in document()["components"]["messages"]:
        return [f"{name} is not documented"]
    found = [f"{e.json_path}: {e.message}" for e in validator(name).iter_errors(frame)]
    if frame["type"] == BATCH and not found:
        found = [one for inner in frame["payload"]["events"] for one in frame_problems(inner)]
    return found


@cache
def document() -> dict[str, Any]:
    """Return the document, whose objects have no more fields than they name."""
    return _closed(asyncapi_document())


@cache
def validator(name: str) -> jsonschema.Draft7Validator:
    """Return what checks one message's frames."""
    components = document()["components"]
    schema = {**components["messages"][name]["payload"], "components": components}
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: _closed(value) for key, value in node.items()}
    is_object = made.get("type") == "object" and "additionalProperties" not in made
    if is_object:
        made.setdefault("properties", {})
        made["additionalProperties"] = False
    return made
