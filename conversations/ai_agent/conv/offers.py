"""Reads what a message offers beside its text: suggestions, attachments, numbers to call.

It comes from outside, or out of the sandbox: nothing in it is believed before it was checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

OFFERS_MAX = 20
LABEL_MAX, URL_MAX, PAYLOAD_MAX = 200, 2048, 1000
URL, IMAGE = "ATTACHMENT_CONTENT_TYPE_URL", "ATTACHMENT_CONTENT_TYPE_IMAGE"


class OfferProblem(NamedTuple):
    """What is wrong with something that a message offers."""

    path: str
    message: str


def offers_read(said: Mapping[str, Any]) -> tuple[dict[str, Any], list[OfferProblem]]:
    """Return response_suggestions, attachments and chat_call_actions as clients get them.

    What is wrong with one of them leaves that one out, and is told.
    """
    problems: list[OfferProblem] = []
    extra = {}
    for key, read in OFFERS.items():
        given = said.get(key)
        if given is None:
            continue
        extra[key] = list(_items(key, given, read, problems))
    return extra, problems


def _items(
    key: str,
    given: object,
    read: Callable[[Mapping[str, Any]], dict[str, Any] | str],
    problems: list[OfferProblem],
) -> Iterator[dict[str, Any]]:
    if not isinstance(given, list):
        problems.append(OfferProblem(key, "must be a list"))
        return
    if len(given) > OFFERS_MAX:
        problems.append(OfferProblem(key, f"may have {OFFERS_MAX} entries; the rest is left out"))
    for number, item in enumerate(given[:OFFERS_MAX]):
        found = read(item) if isinstance(item, dict) else "must be an object"
        if isinstance(found, str):
            problems.append(OfferProblem(f"{key}[{number}]", found))
        else:
            yield found


def _suggestion(item: Mapping[str, Any]) -> dict[str, Any] | str:
    text, payload = item.get("message_text"), item.get("payload")
    if not _is_text(text, LABEL_MAX):
        return f"needs message_text, a text of up to {LABEL_MAX} characters"
    if payload is not None and not _is_text(payload, PAYLOAD_MAX):
        return f"payload must be a text of up to {PAYLOAD_MAX} characters"
    return {"message_text": text, "payload": payload or text}


def _or_empty(item: Mapping[str, Any], name: str) -> Any:
    """Return a value that may be left out, or be null."""
    return "" if item.get(name) is None else item[name]


def _attachment(item: Mapping[str, Any]) -> dict[str, Any] | str:
    url, kind = item.get("content_url"), item.get("content_type", URL)
    if kind not in (URL, IMAGE):
        return f"content_type must be {URL} or {IMAGE}"
    if not (_is_text(url, URL_MAX) and str(url).startswith("https://")):
        return "needs content_url, an address that begins with https://"
    preview = _or_empty(item, "preview_image_url")
    if preview != "" and not (_is_text(preview, URL_MAX) and str(preview).startswith("https://")):
        return "preview_image_url must begin with https://"
    names = ("title", "call_to_action_text")
    texts = {name: _or_empty(item, name) for name in names}
    if wrong := next((n for n, one in texts.items() if one != "" and not _is_text(one, 500)), None):
        return f"{wrong} must be a text of up to 500 characters"
    return {**texts, "content_url": url, "content_type": kind, "preview_image_url": preview}


def _call_action(item: Mapping[str, Any]) -> dict[str, Any] | str:
    if not (_is_text(item.get("title"), LABEL_MAX) and _is_text(item.get("contact_number"), 40)):
        return "needs title and contact_number"
    return {"title": item["title"], "contact_number": item["contact_number"]}


OFFERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any] | str]] = {
    "response_suggestions": _suggestion,
    "attachments": _attachment,
    "chat_call_actions": _call_action,
}


def _is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and len(value.strip()) > 0 and len(value) <= most


def problems_text(problems: Sequence[OfferProblem]) -> str:
    """Return what is wrong as one sentence, for who is to be refused."""
    return "; ".join(f"{problem.path} {problem.message}" for problem in problems)
