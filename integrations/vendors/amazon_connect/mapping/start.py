"""What Amazon Connect is told when a handoff starts: attributes, name, summary, transcript."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from integrations.contract.connector import HandoffRequest
from integrations.contract.errors import InvalidRoutingError
from integrations.kit.cutting import shortened, utf8_bytes
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.transcript import (
    TRANSCRIPT_TITLE,
    Limits,
    newest_lines,
    summary_texts,
    transcript_is_wanted,
)
from integrations.vendors.amazon_connect.mapping.interactive import (
    INTERACTIVE,
    INTERACTIVE_RESPONSE,
    MARKDOWN,
    TEXT,
)

MAX_CONTENT_BYTES = 16384
MAX_ATTRIBUTE_BYTES = 32768
MAX_DISPLAY_NAME = 256
MIN_MINUTES, DEFAULT_MINUTES, MAX_MINUTES = 60, 1500, 10080
AT_START = "start"
ENTIRE_PAST_SESSION = "ENTIRE_PAST_SESSION"
CONTENT_TYPES = (TEXT, MARKDOWN, INTERACTIVE, INTERACTIVE_RESPONSE)

_HINTS = ("queue", "skills", "department", "priority", "language", "subject", "reason")


def start_request(
    request: HandoffRequest,
    credentials: Mapping[str, str],
    *,
    instance_id: str,
    contact_flow_id: str,
) -> dict[str, object]:
    """Write the body of StartChatContact; the same handoff always gives the same body."""
    body: dict[str, object] = {
        "InstanceId": instance_id,
        "ContactFlowId": contact_flow_id,
        "ParticipantDetails": {"DisplayName": display_name(request, credentials)},
        "Attributes": contact_attributes(request),
        "SupportedMessagingContentTypes": list(CONTENT_TYPES),
        "ParticipantConfiguration": {"ResponseMode": "COMPLETE"},
        "ClientToken": f"{request.handoff_id}-start",
    }
    if is_told_at_once(credentials) and (opening := opening_text(request)):
        body["InitialMessage"] = {"ContentType": TEXT, "Content": opening}
    return body | _optional(request, credentials) | _persistent(request, credentials)


def is_told_at_once(credentials: Mapping[str, str]) -> bool:
    """Say whether the chat opens with summary and transcript.

    Amazon Connect takes them for the customer's first words, and a flow's bot answers them;
    else they wait for a live agent to join.
    """
    return credentials.get("transcript_when", "") == AT_START


def ends_at(body: Mapping[str, object], now: datetime) -> datetime:
    """Return when Amazon Connect ends a chat that is started now, whoever is in it."""
    minutes = body.get("ChatDurationInMinutes")
    return now + timedelta(minutes=minutes if isinstance(minutes, int) else DEFAULT_MINUTES)


def display_name(request: HandoffRequest, credentials: Mapping[str, str]) -> str:
    """Return who the live agent sees; the default is for end users whom nobody vouches for."""
    default = credentials.get("user_display_name_default", "").strip() or "Guest"
    return shortened(identity_of(request).name.strip() or default, MAX_DISPLAY_NAME)


def contact_attributes(request: HandoffRequest) -> dict[str, str]:
    """Return the contact's attributes: ours first, then hints, then the tool's own.

    Raises InvalidRoutingError for more than a contact may have.
    """
    routing, user = request.routing, identity_of(request)
    identity = {
        "user_email": user.email,
        "user_phone": user.phone,
        "user_external_id": user.external_id,
    }
    wanted = {
        "handoff_id": request.handoff_id,
        "conversation_id": request.conversation_id,
        "channel": request.channel,
        **{name: routing[name] for name in _HINTS if routing.get(name) is not None},
        **{name: value for name, value in identity.items() if value},
        **hint_pairs(routing.get("attributes")),
    }
    named = ((re.sub(r"[^A-Za-z0-9_-]", "_", name), value) for name, value in wanted.items())
    attributes = {name: hint_text(value) for name, value in named if name}
    size = sum(utf8_bytes(name + text) for name, text in attributes.items())
    if size > MAX_ATTRIBUTE_BYTES:
        raise InvalidRoutingError(
            f"The contact attributes have {size} bytes; Amazon Connect takes {MAX_ATTRIBUTE_BYTES}",
            vendor_code="attributes_too_large",
            field="attributes",
        )
    return attributes


def opening_text(request: HandoffRequest) -> str:
    """Write summary and transcript into one message; of a transcript too long, the end is kept."""
    half = Limits(size=MAX_CONTENT_BYTES // 2, measure=utf8_bytes, parts=1)
    parts = summary_texts(request, half)[:1]
    if transcript_is_wanted(request) and request.transcript:
        room = MAX_CONTENT_BYTES - utf8_bytes("\n\n".join([*parts, TRANSCRIPT_TITLE, ""]))
        parts.append(f"{TRANSCRIPT_TITLE}\n{newest_lines(request.transcript, room, utf8_bytes)}")
    return "\n\n".join(parts)


def _persistent(request: HandoffRequest, credentials: Mapping[str, str]) -> dict[str, object]:
    """Name the chat that this one continues: the tool's, else the end user's last one."""
    routing = request.routing
    named = hint_text(routing.get("source_contact_id")).strip()
    is_allowed = credentials.get("persistent_chat") == "true"
    source = named or (request.previous_conversation_id if is_allowed else "")
    # One excludes the other, and the tool has asked for this one.
    if not source or routing.get("related_contact_id"):
        return {}
    # The id that we know of an earlier chat is its first contact's, which is of this type.
    kind = hint_text(routing.get("rehydration_type")) if named else ""
    past = {"RehydrationType": kind or ENTIRE_PAST_SESSION, "SourceContactId": source}
    return {"PersistentChat": past}


def _optional(request: HandoffRequest, credentials: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    asked = hint_text(request.routing.get("chat_duration_minutes"))
    wanted = asked or credentials.get("chat_duration_minutes", "")
    if minutes := int(wanted) if wanted.isdecimal() else 0:
        found["ChatDurationInMinutes"] = min(max(minutes, MIN_MINUTES), MAX_MINUTES)
    for hint, member in (("related_contact_id", "RelatedContactId"), ("customer_id", "CustomerId")):
        value = request.routing.get(hint)
        if isinstance(value, str) and value.strip():
            found[member] = value.strip()
    return found
