"""What an end user chose or filled in, on its way back to Zendesk."""

from __future__ import annotations

import json
from collections.abc import Mapping

from integrations.contract.rich_content import Answer
from integrations.kit.json_values import Json, as_object, as_objects, as_text, json_text

_FORM, _REPLY = "form", "reply"


def reply_token(action: Json) -> str:
    """Keep what a reply or a postback wants back."""
    return json_text({_REPLY: as_text(action.get("payload"))})


def option_token(option: Json) -> str:
    """Keep an option of a form's field."""
    return json_text({name: as_text(option.get(name)) for name in ("name", "label")})


def form_token(content: Json) -> str:
    """Keep a form's fields, by which its answer is written."""
    fields = as_objects(content.get("fields"))
    kept = [{name: as_text(one.get(name)) for name in ("type", "name", "label")} for one in fields]
    return json_text({_FORM: kept})


def answer_content(answer: Answer, text: str) -> Json:
    """Return an answer as a content: a text with the payload, or the form line by line.

    The API takes no formResponse and no postback, so a form comes as Zendesk would write it out.
    """
    token = _read(answer.token)
    if _FORM in token:
        filled = _filled(as_objects(token.get(_FORM)), answer.values)
        return {"type": "text", "text": "\n".join(filled) or text}
    payload = as_text(token.get(_REPLY))
    said = {"type": "text", "text": text}
    return {**said, "payload": payload} if payload else said


def _filled(fields: list[Json], values: Mapping[str, str]) -> list[str]:
    lines = []
    for one in fields:
        name, label = as_text(one.get("name")), as_text(one.get("label"))
        value = values.get(name, "")
        if one.get("type") == "select":
            value = as_text(_read(value).get("label")) or value
        if value:
            lines.append(f"{label or name}: {value}")
    return lines


def _read(token: str) -> Json:
    try:
        return as_object(json.loads(token))
    except (ValueError, RecursionError):
        return {}
