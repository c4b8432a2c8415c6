"""Which messages the simulated API takes: author, content types, actions, destination."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrations.vendors.zendesk.simulator.checks import Form, user_reference

TEXT_LENGTH = 4096
TEXTS = ("text", "htmlText", "markdownText")
# Action type -> properties it needs beside `text`.
ACTIONS = {
    "reply": ("payload",),
    "postback": ("payload",),
    "link": ("uri",),
    "webview": ("uri", "fallback"),
    "buy": (),
    "locationRequest": (),
}
ITEM_ACTIONS = ("buy", "link", "postback", "webview")
FIELD_TYPES = ("text", "email", "select")
POSTED_SUBTYPES = ("AI", "activity")


def check_message(body: object) -> None:
    """Refuse a wrong messagePost."""
    form = Form(body)
    form.flat("metadata")
    author = Form(form.get("author"), "author")
    author.one_of("type", ("user", "business"))
    if author.get("type") == "user":
        form.within(user_reference(form.get("author"), "author"))
    form.within(author)
    author_form = Form(form.get("author") or {}, "author")
    author_form.text("displayName", 255)
    author_form.text("avatarUrl", 2048)
    subtypes = author_form.get("subtypes")
    if subtypes is not None and (
        not isinstance(subtypes, list) or not set(subtypes) <= set(POSTED_SUBTYPES)
    ):
        author_form.refuse(f"author.subtypes may hold {' and '.join(POSTED_SUBTYPES)}")
    form.within(author_form)
    form.within(check_content(form.get("content")))
    if form.get("destination") is not None and author.get("type") == "user":
        form.refuse("destination is for messages of the business only")
    form.done()


def check_content(content: object) -> Form:
    """Return what is wrong with a content that is posted."""
    form = Form(content, "content")
    if form.titles:
        return form
    kind = form.get("type")
    if kind == "formResponse":
        form.refuse("content.type formResponse cannot be posted")
    elif kind not in _CHECKS:
        form.refuse(f"content.type must be one of {', '.join(_CHECKS)}")
    else:
        _CHECKS[kind](form)
    return form


def _check_text(form: Form) -> None:
    if not [name for name in TEXTS if form.get(name) is not None]:
        form.refuse(f"content must have one of {', '.join(TEXTS)}")
    _check_optional_texts(form)
    form.text("payload", TEXT_LENGTH)
    form.flag("blockChatInput")


def _check_optional_texts(form: Form) -> None:
    for name in TEXTS:
        if form.get(name) is not None:
            form.text(name, TEXT_LENGTH)
    _check_actions(form, "content", form.get("actions"), tuple(ACTIONS))


def _check_media(form: Form) -> None:
    form.text("mediaUrl", 2048, is_required=True)
    url = form.get("mediaUrl")
    if isinstance(url, str) and not url.startswith(("https://", "http://")):
        form.refuse("content.mediaUrl must be a URL")
    form.text("altText", 128)
    _check_optional_texts(form)


def _check_actions(form: Form, name: str, actions: object, allowed: tuple[str, ...]) -> None:
    if actions is None:
        return
    if not isinstance(actions, list):
        form.refuse(f"{name}.actions must be an array")
        return
    for index, action in enumerate(actions):
        one = Form(action, f"{name}.actions[{index}]")
        one.one_of("type", allowed)
        one.text("text", 128, is_required=True)
        for needed in ACTIONS.get(str(one.get("type")), ()):
            one.text(needed, 2048, is_required=True)
        if one.get("type") == "buy" and not isinstance(one.get("amount"), int):
            one.refuse("amount must be an integer")
        one.flat("metadata")
        form.within(one)


def _check_items(form: Form) -> None:
    items = form.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= 10:
        form.refuse("content.items must have 1 to 10 items")
        return
    for index, item in enumerate(items):
        name = f"content.items[{index}]"
        one = Form(item, name)
        one.text("title", 128, is_required=True)
        one.text("description", 128)
        one.text("mediaUrl", 2048)
        actions = one.get("actions")
        if not isinstance(actions, list) or not 1 <= len(actions) <= 3:
            one.refuse(f"{name}.actions must have 1 to 3 actions")
        _check_actions(one, name, actions, ITEM_ACTIONS)
        form.within(one)


def _check_form(form: Form) -> None:
    fields = form.get("fields")
    if not isinstance(fields, list) or not 1 <= len(fields) <= 20:
        form.refuse("content.fields must have 1 to 20 fields")
        return
    for index, field in enumerate(fields):
        one = Form(field, f"content.fields[{index}]")
        one.one_of("type", FIELD_TYPES)
        one.text("name", 128, is_required=True)
        one.text("label", 128, is_required=True)
        if one.get("type") == "select" and not one.get("options"):
            one.refuse("options is required for select")
        form.within(one)


def _check_location(form: Form) -> None:
    coordinates: Any = form.get("coordinates")
    numbers = coordinates if isinstance(coordinates, dict) else {}
    if not all(isinstance(numbers.get(name), int | float) for name in ("lat", "long")):
        form.refuse("content.coordinates must have lat and long")


def _check_template(form: Form) -> None:
    if not isinstance(form.get("template"), dict):
        form.refuse("content.template must be an object")


_CHECKS: dict[str, Callable[[Form], None]] = {
    "text": _check_text,
    "image": _check_media,
    "file": _check_media,
    "carousel": _check_items,
    "list": _check_items,
    "form": _check_form,
    "location": _check_location,
    "template": _check_template,
}
