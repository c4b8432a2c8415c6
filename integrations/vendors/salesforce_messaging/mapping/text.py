"""Flattens whatever a live agent can send into readable plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from integrations.kit.json_values import Json, as_object, as_objects, as_text

UNSUPPORTED = "[unsupported message]"
# Messages a person cannot answer from a text conversation, and what to tell both sides.
_NOTICES = {
    "FormMessage": "[A form was sent. It cannot be filled in here; answer in your own words.]",
    "AuthenticationRequestMessage": "[A sign-in was requested. It is not possible here.]",
}
# Where texts are found in the formats that have no rule of their own, best first.
_TEXT_KEYS = ("text", "title", "message", "name", "subTitle", "url")
_MAX_DEPTH = 6


def message_text(message: Json) -> str:
    """Return an abstractMessage as text; never empty."""
    kind = as_text(message.get("messageType"))
    if kind == "ChoicesMessage":
        text = _choices_text(as_object(message.get("choices")))
    elif kind in _NOTICES:
        text = _NOTICES[kind]
    else:
        text = _static_text(as_object(message.get("staticContent")))
    return text or _any_text(message) or UNSUPPORTED


def _static_text(content: Json) -> str:
    kind = as_text(content.get("formatType"))
    if kind == "Attachments":
        return _attachments_text(content)
    if kind == "RichLink":
        return _link_text(content)
    if kind == "WebView":
        return _joined(_title(content), as_text(content.get("url")))
    return as_text(content.get("text"))


def _attachments_text(content: Json) -> str:
    lines = [as_text(content.get("text"))]
    for attachment in as_objects(content.get("attachments")):
        name = as_text(attachment.get("name")) or "file"
        url = as_text(attachment.get("url"))
        lines.append(f"{name}: {url}" if url else name)
    return _joined(*lines)


def _link_text(content: Json) -> str:
    link = as_object(content.get("linkItem"))
    lines = (as_text(content.get("text")), _title(link), as_text(link.get("url")))
    return _joined(*lines)


def _choices_text(choices: Json) -> str:
    options = as_objects(choices.get("optionItems"))
    lines = [as_text(choices.get("text")) or _title(choices)]
    lines += [f"{number}. {_title(option)}" for number, option in enumerate(options, start=1)]
    return _joined(*lines)


def _title(item: Json) -> str:
    """Read the title in any of the places where formats put it."""
    title = item.get("title")
    inner = as_object(item.get("titleItem")) or as_object(title)
    if inner:
        return " - ".join(filter(None, (as_text(inner.get(k)) for k in ("title", "subTitle"))))
    return as_text(title)


def _any_text(value: object) -> str:
    """Collect the texts of a format we have no rule for."""
    return _joined(*dict.fromkeys(_texts(value, 0)))


def _texts(value: object, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, depth + 1)
    elif isinstance(value, Mapping):
        yield from (value[key] for key in _TEXT_KEYS if isinstance(value.get(key), str))
        for item in value.values():
            yield from _texts(item, depth + 1)


def _joined(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
