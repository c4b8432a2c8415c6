"""What Salesforce is told when a handoff starts: ids, routing attributes, summary, transcript."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC

from integrations.contract.connector import EndUserIdentity, HandoffRequest, TranscriptLine

MAX_ATTRIBUTES = 50
MAX_ATTRIBUTE_NAME = 64
MAX_ATTRIBUTE_VALUE = 1024
# Requests above 8 KB are refused by one account; the JSON around the text needs some room.
MAX_TEXT_BYTES = 7000
# 22 messages a minute are allowed in a conversation, and the end user wants to write too.
MAX_TRANSCRIPT_PARTS = 12

_ATTRIBUTE_HINTS = ("queue", "skills", "department", "priority", "language", "subject", "reason")
_MAPPING_HINTS = ("attributes", "pre_chat", "routing_attributes")  # later ones win
_SPEAKERS = {"end_user": "End user", "ai_agent": "AI agent", "system": "System"}
_REGION = re.compile(r"[A-Za-z]{2}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}")


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
    hints = {name: routing[name] for name in _ATTRIBUTE_HINTS if routing.get(name) is not None}
    merged |= _attributes(hints)
    if "subject" in merged:
        merged["_subject"] = merged["subject"]
    merged |= _identity_attributes(request.end_user, routing)
    for name in _MAPPING_HINTS:
        given = routing.get(name)
        merged |= _attributes(given) if isinstance(given, Mapping) else {}
    kind = "authenticated" if is_authenticated else "unauthenticated"
    merged[credentials.get("session_attribute_name") or "PortalSessionId"] = request.conversation_id
    merged[credentials.get("consumer_type_attribute") or "Chat_Consumer_Type"] = kind
    return merged


def session_opening(attributes: Mapping[str, str], language: str) -> dict[str, object]:
    """Return what a message carries that opens a session; the language only where it is known."""
    opening: dict[str, object] = {"routingAttributes": dict(attributes)}
    return opening | ({"language": language} if language else {})


def language_for(request: HandoffRequest) -> str:
    """Return a locale as Salesforce writes it, such as en_US; empty when there is none."""
    wanted = request.routing.get("language") or request.locale
    parts = re.split(r"[-_]", wanted) if isinstance(wanted, str) else []
    if not parts or not _LANGUAGE.fullmatch(parts[0]):
        return ""
    region = next((part.upper() for part in parts[1:] if _REGION.fullmatch(part)), "")
    return parts[0].lower() + (f"_{region}" if region else "")


def opening_messages(request: HandoffRequest) -> list[tuple[str, str]]:
    """Return id and text of what is written before anything else: summary, then transcript."""
    mode = request.routing.get("transcript") or "full"
    texts: list[tuple[str, str]] = []
    summary = request.routing.get("summary")
    if isinstance(summary, str) and summary.strip() and mode != "none":
        pieces = _pieces(f"Summary of the conversation so far\n{summary.strip()}")
        texts += [(f"summary:{number}", piece) for number, piece in enumerate(pieces)]
    if mode == "full":
        parts = _transcript_parts(request.transcript)
        texts += [(f"transcript:{number}", part) for number, part in enumerate(parts)]
    return [(stable_id("message", request.handoff_id, name), text) for name, text in texts]


def _transcript_parts(transcript: Sequence[TranscriptLine]) -> list[str]:
    blocks = _packed([piece for line in transcript for piece in _pieces(_written(line))])
    left_out = len(blocks) - MAX_TRANSCRIPT_PARTS
    if left_out > 0:
        blocks = blocks[left_out:]
        blocks[0] = f"(Earlier lines are left out.)\n{blocks[0]}"
    count = len(blocks)
    title = "Transcript of the conversation with the AI agent"
    return [
        f"{title}{f', part {number} of {count}' if count > 1 else ''}\n{block}"
        for number, block in enumerate(blocks, start=1)
    ]


def _written(line: TranscriptLine) -> str:
    at = line.sent_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"[{at}] {_SPEAKERS.get(line.speaker, line.speaker)}: {line.text}"


def _packed(lines: Sequence[str]) -> list[str]:
    """Join lines into as few blocks as fit."""
    blocks: list[str] = []
    for line in lines:
        if blocks and _size(blocks[-1]) + _size(line) + 1 <= MAX_TEXT_BYTES:
            blocks[-1] += f"\n{line}"
        else:
            blocks.append(line)
    return blocks


def _pieces(text: str) -> Iterator[str]:
    """Cut a text that is too long on its own, never inside a character."""
    while _size(text) > MAX_TEXT_BYTES:
        head = _encoded(text)[:MAX_TEXT_BYTES].decode("utf-8", errors="ignore")
        yield head
        text = text[len(head) :]
    if text:
        yield text


def _size(text: str) -> int:
    return len(_encoded(text))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="replace")


def _identity_attributes(user: EndUserIdentity, routing: Mapping[str, object]) -> dict[str, str]:
    """Give name and e-mail: vouched for, or given by the tool; never what a visitor claims."""
    name, email = routing.get("user_display_name"), routing.get("user_email")
    if user.is_verified:
        name, email = user.name or name, user.email or email
    first, _, last = str(name or "").strip().partition(" ")
    found = {"_firstName": first, "_lastName": last.strip(), "_email": email}
    return _attributes({key: value for key, value in found.items() if value})


def _attributes(values: Mapping[str, object]) -> dict[str, str]:
    """Turn scalars and lists into the strings Salesforce takes; None means not given."""
    return {
        str(name): _attribute_value(value)[:MAX_ATTRIBUTE_VALUE]
        for name, value in values.items()
        if value is not None
    }


def _attribute_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
