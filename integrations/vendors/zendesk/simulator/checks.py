"""Which requests the simulated Conversations API refuses, and with which code.

Imitates the official OpenAPI file of Sunshine Conversations as the contract page gives it; unknown
properties are tolerated, as there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from integrations.simulators.answers import AsciiJSONResponse

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
TRIGGERS = (
    *("client:add", "client:remove", "client:update"),
    *("conversation:create", "conversation:join", "conversation:leave", "conversation:remove"),
    *("conversation:message", "conversation:postback", "conversation:read"),
    *("conversation:referral", "conversation:typing"),
    *(f"conversation:message:delivery:{kind}" for kind in ("channel", "failure", "user")),
    "passthrough:messaging",
    *(f"switchboard:{action}Control" for action in ("accept", "offer", "pass", "release")),
    *(f"switchboard:{action}Control:failure" for action in ("accept", "offer", "pass")),
    *("user:merge", "user:remove", "user:update"),
)
DATE_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")
URL_PATTERN = re.compile(r"https?://.{1,2040}")
# What is wrong with a value, whose name goes along.
Check = Callable[[Any, str], list[str]]


class VendorError(Exception):
    """The simulated Conversations API refuses a request; only a 400 has several titles."""

    def __init__(
        self, status: int, *titles: str, code: str = "", retry_after: int | None = None
    ) -> None:
        super().__init__(*titles)
        code = code or CODES.get(status, "error")
        self.status = status
        self.retry_after = retry_after
        self.body: Mapping[str, Any] = {
            "errors": [{"code": code, "title": title} for title in titles]
        }

    def response(self) -> AsciiJSONResponse:
        """Return the refusal as it is answered."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return AsciiJSONResponse(self.body, status_code=self.status, headers=headers)


def require(check: Check, body: object) -> None:
    """Refuse a body, and tell all that is wrong with it at once."""
    if wrong := check(body, ""):
        raise VendorError(400, *wrong)


# -- What schemas are made of -------------------------------------------------------------------


def _shape(
    *rules: Check, needs: Mapping[str, Check] | None = None, may: Mapping[str, Check] | None = None
) -> Check:
    """Expect an object with some properties and perhaps others.

    `rules` look at it as a whole, once each of its properties is right.
    """
    needs, may = needs or {}, may or {}

    def check(value: Any, name: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{name or 'The body'} must be an object"]
        prefix = f"{name}." if name else ""
        wrong = [f"{prefix}{one} is required" for one in needs if one not in value]
        for one, its_check in {**needs, **may}.items():
            wrong += its_check(value[one], f"{prefix}{one}") if one in value else []
        return wrong or [title for rule in rules for title in rule(value, name)]

    return check


def _text(longest: int) -> Check:
    def check(value: Any, name: str) -> list[str]:
        if not isinstance(value, str):
            return [f"{name} must be a string"]
        fits = 1 <= utf16_length(value) <= longest
        return [] if fits else [f"{name} must have 1 to {longest} characters"]

    return check


def _that(is_right: Callable[[Any], bool], expected: str) -> Check:
    return lambda value, name: [] if is_right(value) else [f"{name or 'The body'} {expected}"]


def _word(*allowed: str) -> Check:
    return _that(lambda value: value in allowed, f"must be one of {', '.join(allowed)}")


def _array(check: Check, least: int, most: int) -> Check:
    def check_all(value: Any, name: str) -> list[str]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            return [f"{name} must be an array of {least} to {most}"]
        found = (check(one, f"{name}[{index}]") for index, one in enumerate(value))
        return [title for titles in found for title in titles]

    return check_all


def _or_null(check: Check) -> Check:
    return lambda value, name: [] if value is None else check(value, name)


def _flat(*also: type) -> Check:
    """Expect flat metadata of at most 4 kB."""

    def check(value: Any, name: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{name} must be an object"]
        size = len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
        is_flat = all(isinstance(one, (str, int, float, *also)) for one in value.values())
        wrong = [] if is_flat else [f"{name} must be flat: strings, numbers and booleans"]
        return wrong if size <= METADATA_BYTES else [*wrong, f"{name} must not exceed 4 kB"]

    return check


def utf16_length(text: str) -> int:
    """Return a text's length as Zendesk counts it."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


_URL = _that(lambda url: bool(URL_PATTERN.fullmatch(str(url))), "must be a URL")
_FLAG = _that(lambda value: isinstance(value, bool), "must be a boolean")
_DATE = _that(
    lambda value: isinstance(value, str) and bool(DATE_PATTERN.fullmatch(value)),
    "must be an ISO 8601 time",
)
_METADATA, _CHANGED_METADATA = _or_null(_flat()), _or_null(_flat(type(None)))


def _texts(names: Iterable[str], longest: int) -> dict[str, Check]:
    return dict.fromkeys(names, _text(longest))


# -- Users, conversations, control, webhooks ----------------------------------------------------

_PROFILE = _shape(
    may={
        **_texts(("givenName", "surname", "email"), 128),
        "avatarUrl": _text(2048),
        "locale": _text(64),
    }
)
_USER: dict[str, Check] = {"signedUpAt": _DATE, "profile": _or_null(_PROFILE)}
NEW_USER = _shape(needs={"externalId": _text(1024)}, may={**_USER, "metadata": _METADATA})
USER_CHANGE = _shape(may={**_USER, "metadata": _CHANGED_METADATA})
USER_REFERENCE = _shape(
    _that(
        lambda it: (it.get("userId") is None) != (it.get("userExternalId") is None),
        "must have one of userId or userExternalId",
    ),
    may={**_texts(("userId", "userExternalId"), 1024), "subscribeSDKClient": _FLAG},
)
_CONVERSATION: dict[str, Check] = {
    **_texts(("displayName", "description"), 100),
    "iconUrl": _text(2048),
}
NEW_CONVERSATION = _shape(
    _that(
        lambda it: it["type"] != "personal" or len(it.get("participants") or ()) == 1,
        "must have exactly 1 participant when it is personal",
    ),
    needs={"type": _word("personal", "sdkGroup")},
    may={
        **_CONVERSATION,
        "metadata": _METADATA,
        "participants": _or_null(_array(USER_REFERENCE, 0, 10)),
    },
)
LEAVE = _shape(may=_texts(("participantId", "userId", "userExternalId"), 1024))
CONVERSATION_CHANGE = _shape(may={**_CONVERSATION, "metadata": _CHANGED_METADATA})
CONTROL = _shape(may={"metadata": _METADATA})
TRANSFER = _shape(needs={"switchboardIntegration": _text(128)}, may={"metadata": _METADATA})
_WEBHOOK: dict[str, Check] = {
    "target": _URL,
    "triggers": _array(_word(*TRIGGERS), 1, len(TRIGGERS)),
}
_INCLUDES = {"includeFullUser": _FLAG, "includeFullSource": _FLAG}
NEW_WEBHOOK = _shape(needs=_WEBHOOK, may=_INCLUDES)
WEBHOOK_CHANGE = _shape(may=_WEBHOOK | _INCLUDES)
SWITCHBOARD_CHANGE = _shape(
    may={"deliverStandbyEvents": _FLAG, "nextSwitchboardIntegrationId": _text(128)}
)
REMOVED_FILE = _shape(needs={"mediaUrl": _text(2048)})

# -- Messages -----------------------------------------------------------------------------------


def _check_user(author: Any, name: str) -> list[str]:
    return USER_REFERENCE(author, name) if author.get("type") == "user" else []


_AUTHOR = _shape(
    _check_user,
    needs={"type": _word("user", "business")},
    may={
        "displayName": _text(255),
        "avatarUrl": _text(2048),
        "subtypes": _or_null(_array(_word("AI", "activity"), 0, 2)),
    },
)
ACTIVITY = _shape(
    _that(
        lambda it: it["author"]["type"] != "user" or it["type"] == "conversation:read",
        "supports only conversation:read when author.type is user",
    ),
    needs={
        "type": _word("conversation:read", "typing:start", "typing:stop"),
        "author": _shape(_check_user, needs={"type": _word("user", "business")}),
    },
)
# Action type -> what it needs beside `text`.
_ACTIONS: Mapping[str, Mapping[str, Check]] = {
    "reply": {"payload": _text(2048)},
    "postback": {"payload": _text(2048)},
    "link": {"uri": _text(2048)},
    "webview": {"uri": _text(2048), "fallback": _text(2048)},
    "buy": {"amount": _that(lambda value: isinstance(value, int), "must be an integer")},
    "locationRequest": {},
}


def _action(*allowed: str) -> Check:
    def check(value: Any, name: str) -> list[str]:
        kind = str(value.get("type")) if isinstance(value, dict) else ""
        needs = {"type": _word(*allowed), "text": _text(128), **_ACTIONS.get(kind, {})}
        return _shape(needs=needs, may={"metadata": _METADATA})(value, name)

    return check


_TEXTS = {
    **dict.fromkeys(("text", "htmlText", "markdownText"), _or_null(_text(4096))),
    "actions": _or_null(_array(_action(*_ACTIONS), 0, 100)),
}
_ITEM = _shape(
    needs={
        "title": _text(128),
        "actions": _array(_action("buy", "link", "postback", "webview"), 1, 3),
    },
    may={"description": _text(128), "mediaUrl": _text(2048)},
)
_FIELD = _shape(
    _that(lambda it: it["type"] != "select" or it.get("options"), "needs options for select"),
    needs={"type": _word("text", "email", "select"), **_texts(("name", "label"), 128)},
)
_COORDINATES = _shape(
    needs=dict.fromkeys(
        ("lat", "long"), _that(lambda value: isinstance(value, int | float), "must be a number")
    )
)
_MEDIA = _shape(needs={"mediaUrl": _URL}, may={"altText": _text(128), **_TEXTS})
_ITEMS = _shape(needs={"items": _array(_ITEM, 1, 10)})
_CONTENTS: Mapping[str, Check] = {
    "text": _shape(
        _that(
            lambda it: any(it.get(one) is not None for one in ("text", "htmlText", "markdownText")),
            "must have one of text, htmlText, markdownText",
        ),
        may={**_TEXTS, "payload": _text(4096), "blockChatInput": _FLAG},
    ),
    "image": _MEDIA,
    "file": _MEDIA,
    "carousel": _ITEMS,
    "list": _ITEMS,
    "form": _shape(needs={"fields": _array(_FIELD, 1, 20)}),
    "location": _shape(needs={"coordinates": _COORDINATES}),
    "template": _shape(needs={"template": _shape()}),
}


def content_problems(content: Any, name: str = "content") -> list[str]:
    """Return what is wrong with a content that is posted; a formResponse cannot be."""
    kind = content.get("type") if isinstance(content, dict) else None
    known = _CONTENTS.get(kind) if isinstance(kind, str) else None
    return (known or _shape(needs={"type": _word(*_CONTENTS)}))(content, name)


MESSAGE = _shape(
    _that(
        lambda it: it.get("destination") is None or it["author"]["type"] != "user",
        "has a destination, which is for messages of the business only",
    ),
    needs={"author": _AUTHOR, "content": content_problems},
    may={"metadata": _METADATA},
)
