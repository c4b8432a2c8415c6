"""Flattens the messages of Amazon Connect that are more than text into readable lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from integrations.kit.plain_json import vendor_json
from integrations.vendors.amazon_connect.mapping.item import Json, as_object, as_objects, as_text

INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
TEXT_TYPES = ("text/plain", "text/markdown")
UNSUPPORTED = "[unsupported message]"
_MAX_DEPTH = 4


def message_text(content_type: str, content: str) -> str:
    """Return a message as plain text; empty for what is not meant for people to read."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in TEXT_TYPES or not kind:
        return content
    if kind == INTERACTIVE:
        return _interactive_text(content)
    return ""


def _interactive_text(content: str) -> str:
    try:
        template = vendor_json(content)
    except ValueError:
        return UNSUPPORTED
    return "\n".join(filter(None, _lines(as_object(template), 0))) or UNSUPPORTED


def _lines(template: Json, depth: int) -> Iterator[str]:
    """Write the title, then a line for each choice: the choice's title is also the answer."""
    if depth > _MAX_DEPTH:
        return
    content = as_object(as_object(template.get("data")).get("content"))
    yield _titled(content)
    for element in as_objects(content.get("elements")) + as_objects(content.get("timeslots")):
        if "data" in element:  # a carousel holds whole templates
            yield from _lines(element, depth + 1)
        elif not element.get("actionDetail"):  # buttons that turn pages answer nothing
            yield f"- {_choice(element)}"


def _choice(element: Json) -> str:
    url = as_text(element.get("url"))
    text = _titled(element) or as_text(element.get("date"))
    return f"{text}: {url}" if url else text


def _titled(item: Mapping[str, object]) -> str:
    parts = (as_text(item.get("title")), as_text(item.get("subtitle")))
    return " - ".join(filter(None, parts))
