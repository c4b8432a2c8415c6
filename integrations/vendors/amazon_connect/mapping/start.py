"""What Amazon Connect is told when a handoff starts: attributes, name, summary, transcript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC

from integrations.contract.connector import HandoffRequest, TranscriptLine

MAX_CONTENT_BYTES = 16384
MAX_ATTRIBUTE_BYTES = 32768
MAX_DISPLAY_NAME = 256
MIN_MINUTES, MAX_MINUTES = 60, 10080
CONTENT_TYPES = (
    "text/plain",
    "text/markdown",
    "application/vnd.amazonaws.connect.message.interactive",
)

_HINTS = ("queue", "skills", "department", "priority", "language", "subject", "reason")
_SPEAKERS = {"end_user": "End user", "ai_agent": "AI agent", "system": "System"}
_LEFT_OUT = "(Earlier lines are left out.)"


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
    opening = opening_text(request)
    if opening:
        body["InitialMessage"] = {"ContentType": "text/plain", "Content": opening}
    return body | _optional(request, credentials)


def display_name(request: HandoffRequest, credentials: Mapping[str, str]) -> str:
    """Return who the live agent sees: vouched for, or given by the tool, never a visitor's claim.

    The default is for everybody else.
    """
    vouched = request.end_user.name if request.end_user.is_verified else ""
    named = request.routing.get("user_display_name")
    default = credentials.get("user_display_name_default", "")
    candidates = (vouched, named if isinstance(named, str) else "", default, "Guest")
    return next(name.strip() for name in candidates if name.strip())[:MAX_DISPLAY_NAME]


def contact_attributes(request: HandoffRequest) -> dict[str, str]:
    """Return the contact's attributes: ours first, then hints, then the tool's own.

    Amazon Connect refuses a contact with too many, so those that do not fit are left out.
    """
    routing = request.routing
    wanted: dict[str, object] = {
        "handoff_id": request.handoff_id,
        "conversation_id": request.conversation_id,
        "channel": request.channel,
    }
    wanted |= {name: routing.get(name) for name in _HINTS}
    wanted |= _identity(request)
    given = routing.get("attributes")
    own = dict(given) if isinstance(given, Mapping) else {}
    kept: dict[str, str] = {}
    room = MAX_ATTRIBUTE_BYTES
    for name, value in {**wanted, **own}.items():
        key, text = _attribute_name(str(name)), _attribute_value(value)
        size = _size(key) + _size(text)
        if value is not None and key and size <= room:
            kept[key] = text
            room -= size
    return kept


def opening_text(request: HandoffRequest) -> str:
    """Write summary and transcript into one message; of a transcript too long, the end is kept."""
    mode = request.routing.get("transcript") or "full"
    summary = request.routing.get("summary")
    parts = []
    if isinstance(summary, str) and summary.strip() and mode != "none":
        text = next(text_parts(summary.strip(), MAX_CONTENT_BYTES // 2))
        parts.append(f"Summary of the conversation so far\n{text}")
    if mode == "full" and request.transcript:
        title = "Transcript of the conversation with the AI agent"
        room = MAX_CONTENT_BYTES - _size("\n\n".join([*parts, title])) - 4
        parts.append(f"{title}\n{_newest_lines(request.transcript, room)}")
    return "\n\n".join(parts)


def text_parts(text: str, max_bytes: int = MAX_CONTENT_BYTES) -> Iterator[str]:
    """Cut a text into parts that the vendor takes, never inside a character."""
    while _size(text) > max_bytes:
        head = _encoded(text)[:max_bytes].decode("utf-8", errors="ignore")
        yield head
        text = text[len(head) :]
    yield text


def read_pairs(text: str) -> dict[str, str]:
    """Read a key-value field, a JSON object; raises ValueError for anything else."""
    pairs = json.loads(text) if text.strip() else {}
    if not isinstance(pairs, dict):
        raise ValueError("not an object")
    return {str(name): _attribute_value(value) for name, value in pairs.items()}


def _optional(request: HandoffRequest, credentials: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    wanted = request.routing.get("chat_duration_minutes") or credentials.get(
        "chat_duration_minutes"
    )
    minutes = int(str(wanted)) if str(wanted or "").isdecimal() else 0
    if minutes:
        found["ChatDurationInMinutes"] = min(max(minutes, MIN_MINUTES), MAX_MINUTES)
    for hint, member in (("related_contact_id", "RelatedContactId"), ("customer_id", "CustomerId")):
        value = request.routing.get(hint)
        if isinstance(value, str) and value.strip():
            found[member] = value.strip()
    return found


def _identity(request: HandoffRequest) -> dict[str, object]:
    user, routing = request.end_user, request.routing
    vouched = user.is_verified
    email = (user.email if vouched else "") or routing.get("user_email")
    phone = (user.phone if vouched else "") or routing.get("user_phone")
    external_id = (user.external_id if vouched else "") or routing.get("user_external_id")
    found = {"user_email": email, "user_phone": phone, "user_external_id": external_id}
    return {name: value for name, value in found.items() if value}


def _newest_lines(transcript: Sequence[TranscriptLine], room: int) -> str:
    kept: list[str] = []
    room -= _size(_LEFT_OUT) + 1
    for line in reversed(transcript):
        written = _written(line)
        if _size(written) + 1 > room:
            if not kept:  # one line alone is too long: its end says more than nothing
                kept.append(_encoded(written)[-room:].decode("utf-8", errors="ignore"))
            return "\n".join([_LEFT_OUT, *reversed(kept)])
        kept.append(written)
        room -= _size(written) + 1
    return "\n".join(reversed(kept))


def _written(line: TranscriptLine) -> str:
    at = line.sent_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"[{at}] {_SPEAKERS.get(line.speaker, line.speaker)}: {line.text}"


def _attribute_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _attribute_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def _size(text: str) -> int:
    return len(_encoded(text))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="replace")
