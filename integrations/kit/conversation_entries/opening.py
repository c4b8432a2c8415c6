"""What a conversation begins with: routing attributes, language, summary, transcript."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from integrations.contract.connector import HandoffRequest
from integrations.kit.conversation_entries.answers import stable_id
from integrations.kit.cutting import json_bytes, shortened
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.transcript import (
    Limits,
    summary_texts,
    transcript_is_wanted,
    transcript_texts,
)

MAX_ATTRIBUTES = 50
MAX_ATTRIBUTE_NAME = 64
MAX_ATTRIBUTE_VALUE = 1024
# 22 messages a minute are allowed in a conversation, and the end user wants to write too.
MAX_TRANSCRIPT_PARTS = 12

_ATTRIBUTE_HINTS = (
    *("queue", "skills", "department", "priority", "language", "subject", "reason", "note"),
)
_MAPPING_HINTS = ("attributes", "pre_chat", "routing_attributes")  # later ones win
_REGION = re.compile(r"[A-Za-z]{2}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}")


def read_pairs(text: str) -> dict[str, str]:
    """Read a key-value field, a JSON object; raises ValueError for anything else."""
    if not text.strip():
        return {}
    pairs = json.loads(text)
    if not isinstance(pairs, dict):
        raise ValueError("not an object")
    return _attributes(pairs)


def pairs_error(text: str) -> str:
    """Say what is wrong with the configured attributes; empty where nothing is."""
    try:
        pairs = read_pairs(text)
    except ValueError:
        return 'The routing attributes are no pairs. Enter them as {"Order_Ref": "BL-20931"}.'
    if len(pairs) > MAX_ATTRIBUTES:
        return f"There are {len(pairs)} routing attributes. Keep {MAX_ATTRIBUTES} at most."
    for name, value in pairs.items():
        if not name or len(name) > MAX_ATTRIBUTE_NAME:
            return f"A name is empty or longer than {MAX_ATTRIBUTE_NAME} characters. Shorten it."
        if len(value) > MAX_ATTRIBUTE_VALUE:
            return f"{name} is longer than {MAX_ATTRIBUTE_VALUE} characters. Shorten its value."
    return ""


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
        parts = transcript_texts(request.transcript, limits, request.transcript_url)
        texts += [(f"transcript:{n}", text) for n, text in enumerate(parts)]
    return [(stable_id("message", request.handoff_id, name), text) for name, text in texts]


def _identity_attributes(request: HandoffRequest) -> dict[str, str]:
    """Give who the end user is: vouched for, or given by the tool; never what a visitor claims."""
    user = identity_of(request)
    found = {"_firstName": user.first_name, "_lastName": user.last_name, "_email": user.email}
    # There are standard pre-chat fields for the name and the e-mail only.
    found |= {"user_phone": user.phone, "user_external_id": user.external_id}
    return _attributes({name: value for name, value in found.items() if value})


def _attributes(values: Mapping[str, object]) -> dict[str, str]:
    """Turn scalars and lists into the strings Salesforce takes; None means not given."""
    pairs = hint_pairs(values).items()
    return {name: shortened(hint_text(value), MAX_ATTRIBUTE_VALUE) for name, value in pairs}
