"""Which requests the simulated Conversations API refuses, and with which code.

Imitates the official OpenAPI file of Sunshine Conversations as the contract page gives it; unknown
properties are tolerated, as there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

METADATA_BYTES = 4096
BODY_BYTES = 100_000
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    415: "unsupported_media_type",
    423: "locked",
    429: "too_many_requests",
}
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
PROFILE = {"givenName": 128, "surname": 128, "email": 128, "avatarUrl": 2048, "locale": 64}
DATE_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")


class VendorError(Exception):
    """The simulated Conversations API refuses a request; only a 400 has several titles."""

    def __init__(
        self, status: int, *titles: str, code: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(*titles)
        self.status = status
        self.titles = titles
        self.code = code or CODES.get(status, "error")
        self.retry_after = retry_after


class Form:
    """Collects everything that is wrong with a body, so that one 400 tells it all."""

    def __init__(self, body: object, name: str = "") -> None:
        self.titles: list[str] = []
        self._prefix = f"{name}." if name else ""
        self._body: Mapping[str, Any] = body if isinstance(body, dict) else {}
        if not isinstance(body, dict):
            self.refuse(f"{name or 'The body'} must be an object")

    def refuse(self, title: str) -> None:
        """Note one thing that is wrong."""
        self.titles.append(title)

    def get(self, name: str) -> Any:
        """Return a property, None when absent."""
        return self._body.get(name)

    def text(self, name: str, longest: int, *, is_required: bool = False) -> None:
        """Expect a text of 1 to `longest` characters."""
        value = self._body.get(name)
        if name not in self._body:
            if is_required:
                self.refuse(f"{self._prefix}{name} is required")
        elif not isinstance(value, str):
            self.refuse(f"{self._prefix}{name} must be a string")
        elif not 1 <= utf16_length(value) <= longest:
            self.refuse(f"{self._prefix}{name} must have 1 to {longest} characters")

    def one_of(self, name: str, allowed: tuple[str, ...], *, is_required: bool = True) -> None:
        """Expect one of a few words."""
        if self._body.get(name) not in allowed and (is_required or name in self._body):
            self.refuse(f"{self._prefix}{name} must be one of {', '.join(allowed)}")

    def flag(self, name: str) -> None:
        """Expect a boolean, where the property is there."""
        if name in self._body and not isinstance(self._body[name], bool):
            self.refuse(f"{self._prefix}{name} must be a boolean")

    def flat(self, name: str, *, is_null_allowed: bool = False) -> None:
        """Expect flat metadata of at most 4 kB, where the property is there."""
        value = self._body.get(name)
        if value is None and (name not in self._body or is_null_allowed):
            return
        if not isinstance(value, dict):
            self.refuse(f"{self._prefix}{name} must be an object")
            return
        allowed = (str, int, float, type(None)) if is_null_allowed else (str, int, float)
        if not all(isinstance(one, allowed) for one in value.values()):
            self.refuse(f"{self._prefix}{name} must be flat: strings, numbers and booleans")
        if len(json.dumps(value, ensure_ascii=False).encode()) > METADATA_BYTES:
            self.refuse(f"{self._prefix}{name} must not exceed 4 kB")

    def within(self, other: Form) -> None:
        """Take over what is wrong with a nested object."""
        self.titles += other.titles

    def done(self) -> None:
        """Raise when anything was wrong."""
        if self.titles:
            raise VendorError(400, *self.titles)


def utf16_length(text: str) -> int:
    """Return a text's length as Zendesk counts it."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def check_user(body: object, *, is_new: bool) -> None:
    """Refuse a wrong userCreateBody or userUpdateBody."""
    form = Form(body)
    if is_new:
        form.text("externalId", 1024, is_required=True)
    form.flat("metadata", is_null_allowed=not is_new)
    form.text("signedUpAt", 64)
    if isinstance(form.get("signedUpAt"), str) and not DATE_PATTERN.fullmatch(
        form.get("signedUpAt")
    ):
        form.refuse("signedUpAt must be an ISO 8601 time")
    if form.get("profile") is not None:
        profile = Form(form.get("profile"), "profile")
        for name, longest in PROFILE.items():
            profile.text(name, longest)
        form.within(profile)
    form.done()


def check_conversation(body: object, *, is_new: bool) -> None:
    """Refuse a wrong conversationCreateBody or conversationUpdateBody."""
    form = Form(body)
    form.text("displayName", 100)
    form.text("description", 100)
    form.text("iconUrl", 2048)
    form.flat("metadata", is_null_allowed=not is_new)
    if is_new:
        form.one_of("type", ("personal", "sdkGroup"))
        _check_participants(form)
    form.done()


def _check_participants(form: Form) -> None:
    given = form.get("participants")
    participants = [] if given is None else given
    if not isinstance(participants, list):
        form.refuse("participants must be an array")
        return
    if form.get("type") == "personal" and len(participants) != 1:
        form.refuse("A personal conversation must have exactly 1 participant")
    if len(participants) > 10:
        form.refuse("participants must not exceed 10")
    for index, one in enumerate(participants):
        form.within(user_reference(one, f"participants[{index}]"))


def user_reference(value: object, name: str = "") -> Form:
    """Check an object that names a user by exactly one of its ids."""
    form = Form(value, name)
    form.text("userId", 1024)
    form.text("userExternalId", 1024)
    form.flag("subscribeSDKClient")
    if not form.titles and (form.get("userId") is None) == (form.get("userExternalId") is None):
        form.refuse(f"{name or 'The body'} must have one of userId or userExternalId")
    return form


def check_activity(body: object) -> None:
    """Refuse a wrong activityPost; a user's typing is not supported."""
    form = Form(body)
    form.one_of("type", ("conversation:read", "typing:start", "typing:stop"))
    author = Form(form.get("author"), "author")
    author.one_of("type", ("user", "business"))
    if author.get("type") == "user":
        form.within(user_reference(form.get("author"), "author"))
        if form.get("type") != "conversation:read":
            form.refuse("Only conversation:read is supported when author.type is user")
    form.within(author)
    form.done()


def check_control(body: object, *, is_target_needed: bool) -> None:
    """Refuse a wrong passControlBody, offerControlBody, acceptControlBody or releaseControlBody."""
    form = Form(body)
    if is_target_needed:
        form.text("switchboardIntegration", 128, is_required=True)
    form.flat("metadata")
    form.done()


def check_webhook(body: object, triggers: tuple[str, ...], *, is_new: bool) -> None:
    """Refuse a wrong webhookBody."""
    form = Form(body)
    form.text("target", 2048, is_required=is_new)
    target = form.get("target")
    if isinstance(target, str) and not target.startswith(("http://", "https://")):
        form.refuse("target must be a URL")
    form.flag("includeFullUser")
    form.flag("includeFullSource")
    given = form.get("triggers")
    if given is None:
        if is_new:
            form.refuse("triggers is required")
    elif not isinstance(given, list) or not given:
        form.refuse("triggers must be a non-empty array")
    elif unknown := [str(one) for one in given if one not in triggers]:
        form.refuse(f"Unknown triggers: {', '.join(unknown)}")
    form.done()


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
