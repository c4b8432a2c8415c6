"""Which requests the simulated Conversations API refuses, and with which code.

Imitates the official OpenAPI file of Sunshine Conversations as the contract page gives it; unknown
properties are tolerated, as there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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
