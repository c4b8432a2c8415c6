"""What a handoff starts with: the token answer, ids, routing attributes, summary, transcript."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from integrations.contract.connector import HandoffRequest
from integrations.contract.errors import UnexpectedResponseError
from integrations.kit.cutting import json_bytes, shortened
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.json_values import Json, as_count, as_object, as_text, json_text
from integrations.kit.transcript import (
    Limits,
    summary_texts,
    transcript_is_wanted,
    transcript_texts,
)

MAX_ATTRIBUTES = 50
MAX_ATTRIBUTE_NAME = 64
MAX_ATTRIBUTE_VALUE = 1024
# Requests above 8 KB are refused by one account; what is around the text needs some room.
_BODY_BYTES = 7500
_MAX_TEXT_BYTES = 7000
_MIN_TEXT_BYTES = 1000
# 22 messages a minute are allowed in a conversation, and the end user wants to write too.
MAX_TRANSCRIPT_PARTS = 12

_ATTRIBUTE_HINTS = ("queue", "skills", "department", "priority", "language", "subject", "reason")
_MAPPING_HINTS = ("attributes", "pre_chat", "routing_attributes")  # later ones win
_REGION = re.compile(r"[A-Za-z]{2}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}")
# A token that does not tell when it expires is used for as long as a channel's sample setting.
DEFAULT_LIFE_SECONDS = 6 * 3600
_ANONYMOUS_SUBJECT = "/ANON/"
# The answer names the size of a file in megabytes.
_MEGABYTE = 1024 * 1024


def stable_id(*parts: str) -> str:
    """Make the same lowercase, version 4 shaped UUID for the same parts, on every try."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def conversation_id_for(handoff_id: str) -> str:
    """Return the id under which a handoff's conversation exists in Salesforce."""
    return stable_id("salesforce_messaging", "conversation", handoff_id)


def read_pairs(text: str) -> dict[str, str]:
    """Read a key-value field, a JSON object; raises ValueError for anything else."""
    if not text.strip():
        return {}
    pairs = json.loads(text)
    if not isinstance(pairs, dict):
        raise ValueError("not an object")
    return _attributes(pairs)


def routing_attributes(
    request: HandoffRequest, credentials: Mapping[str, str], *, is_authenticated: bool
) -> dict[str, str]:
    """Merge configured attributes, hints, the tool's own and ours; later ones win."""
    routing = request.routing
    merged = read_pairs(credentials.get("routing_attributes", ""))
    merged |= _attributes({name: routing.get(name) for name in _ATTRIBUTE_HINTS})
    if "subject" in merged:
        merged["_subject"] = merged["subject"]
    merged |= _identity_attributes(request)
    for name in _MAPPING_HINTS:
        merged |= _attributes(hint_pairs(routing.get(name)))
    kind = "authenticated" if is_authenticated else "unauthenticated"
    merged[credentials.get("session_attribute_name") or "PortalSessionId"] = request.conversation_id
    merged[credentials.get("consumer_type_attribute") or "Chat_Consumer_Type"] = kind
    return merged


def session_opening(attributes: Mapping[str, str], language: str) -> dict[str, object]:
    """Return what a message carries that opens a session; the language only where it is known."""
    opening: dict[str, object] = {"routingAttributes": dict(attributes)}
    return opening | ({"language": language} if language else {})


def text_limit(opening: Mapping[str, object]) -> int:
    """Return how long a text may be, as JSON, beside what opens a session."""
    room = _BODY_BYTES - len(json_text(opening).encode())
    return max(min(room, _MAX_TEXT_BYTES), _MIN_TEXT_BYTES)


def language_for(request: HandoffRequest) -> str:
    """Return a locale as Salesforce writes it, such as en_US; empty when there is none."""
    wanted = request.routing.get("language") or request.locale
    parts = re.split(r"[-_]", wanted) if isinstance(wanted, str) else []
    if not parts or not _LANGUAGE.fullmatch(parts[0]):
        return ""
    region = next((part.upper() for part in parts[1:] if _REGION.fullmatch(part)), "")
    return parts[0].lower() + (f"_{region}" if region else "")


def opening_messages(request: HandoffRequest, limit: int) -> list[tuple[str, str]]:
    """Return id and text of what is written before anything else: summary, then transcript."""
    limits = Limits(size=limit, measure=json_bytes, parts=MAX_TRANSCRIPT_PARTS)
    texts = [(f"summary:{n}", text) for n, text in enumerate(summary_texts(request, limits))]
    if transcript_is_wanted(request):
        parts = transcript_texts(request.transcript, limits)
        texts += [(f"transcript:{n}", text) for n, text in enumerate(parts)]
    return [(stable_id("message", request.handoff_id, name), text) for name, text in texts]


def _identity_attributes(request: HandoffRequest) -> dict[str, str]:
    """Give name and e-mail: vouched for, or given by the tool; never what a visitor claims."""
    user = identity_of(request)
    found = {"_firstName": user.first_name, "_lastName": user.last_name, "_email": user.email}
    return _attributes({name: value for name, value in found.items() if value})


def _attributes(values: Mapping[str, object]) -> dict[str, str]:
    """Turn scalars and lists into the strings Salesforce takes; None means not given."""
    pairs = hint_pairs(values).items()
    return {name: shortened(hint_text(value), MAX_ATTRIBUTE_VALUE) for name, value in pairs}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """One end user's right to use the API, and where their event stream begins."""

    value: str = field(repr=False)
    last_event_id: str
    expires_at: float
    is_authenticated: bool
    # The largest file that the channel takes; 0 where it does not say.
    max_file_bytes: int = 0

    def dump(self) -> str:
        """Return the token as text for the token cache."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> AccessToken:
        """Read what `dump` wrote."""
        return cls(**json.loads(text))


def token_from_answer(answer: object, *, was_signed: bool) -> AccessToken:
    """Read a token answer; a signed request may still be answered with an anonymous token."""
    fields = as_object(answer)
    value = as_text(fields.get("accessToken"))
    if not value:
        raise UnexpectedResponseError("access_token: the answer holds no token")
    end_user = as_object(as_object(fields.get("context")).get("endUser"))
    is_anonymous = _ANONYMOUS_SUBJECT in as_text(end_user.get("subject"))
    return AccessToken(
        value=value,
        last_event_id=str(fields.get("lastEventId") or ""),
        expires_at=_expiry(value),
        is_authenticated=was_signed and not is_anonymous,
        max_file_bytes=_max_file_bytes(fields),
    )


def _max_file_bytes(answer: Json) -> int:
    configuration = as_object(as_object(answer.get("context")).get("configuration"))
    config = as_object(configuration.get("embeddedServiceConfig"))
    size = as_count(as_object(config.get("attachments")).get("maxFileSize"))
    return (size or 0) * _MEGABYTE


def _expiry(value: str) -> float:
    """Read `exp` without judging the token, which is Salesforce's own affair."""
    part = value.split(".")[1] if value.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        claims = {}
    expiry = as_count(as_object(claims).get("exp"))
    return float(expiry) if expiry else time.time() + DEFAULT_LIFE_SECONDS
