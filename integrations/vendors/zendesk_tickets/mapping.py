"""What a ticket is made of: subject, requester, the transcript as its first comment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from integrations.contract.connector import EndUserIdentity, HandoffRequest, TranscriptLine

Json = Mapping[str, object]
MAX_SUBJECT = 150
# Zendesk cuts comments at 64 kB; the end of a conversation matters more than its beginning.
MAX_BODY_BYTES = 60_000
_DEFAULT_SUBJECT = "Conversation that nobody could take"
_SPEAKERS = {
    "end_user": "End user",
    "ai_agent": "AI agent",
    "live_agent": "Live agent",
    "system": "System",
}
_SHOWN_HINTS = ("reason", "queue", "skills", "department", "language")
_PRIORITIES = {"low", "normal", "high", "urgent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An opened ticket; `number` is what the end user reads."""

    ticket_id: str
    number: str


def ticket_from(answer: Json) -> Ticket:
    """Read a ticket of Zendesk's, whose number is its id."""
    ticket_id = as_id(answer.get("id"))
    return Ticket(ticket_id=ticket_id, number=ticket_id)


def requester_of(request: HandoffRequest) -> EndUserIdentity:
    """Return who asks: vouched for, or named by the tool; a visitor's claim is not verified."""
    user, routing = request.end_user, request.routing
    if user.is_verified and user.email:
        return user
    email, name = _text(routing.get("user_email")), _text(routing.get("user_display_name"))
    if email:
        return EndUserIdentity(external_id="", is_verified=True, name=name, email=email)
    return user


def subject_for(request: HandoffRequest) -> str:
    """Return the ticket's title."""
    subject = _text(request.routing.get("subject")) or _text(request.routing.get("reason"))
    return subject or _DEFAULT_SUBJECT


def context_for(request: HandoffRequest) -> list[str]:
    """Return what stands above the transcript, a line each."""
    routing = request.routing
    lines = [
        f"{name.capitalize()}: {_text(routing[name])}"
        for name in _SHOWN_HINTS
        if routing.get(name) not in (None, "")
    ]
    attributes = as_object(routing.get("attributes"))
    lines += [f"{name}: {value}" for name, value in attributes.items() if value is not None]
    lines.append(f"Conversation: {request.conversation_id}")
    if summary := _text(routing.get("summary")):
        lines += ["", "Summary", summary]
    return lines


def body_for(
    transcript: Sequence[TranscriptLine], requester: EndUserIdentity, context: Sequence[str]
) -> str:
    """Return the first comment; never empty, or Zendesk refuses the ticket."""
    lines = list(context)
    if not requester.is_verified:
        claims = filter(None, (requester.name, requester.email, requester.phone))
        given = ", ".join(claims)
        lines += [f"The end user calls themselves, not verified: {given}"] if given else []
    if transcript:
        lines += ["", "Transcript", *map(_written, transcript)]
    return _last_bytes("\n".join(lines).strip() or _DEFAULT_SUBJECT)


def note_parts(text: str) -> list[str]:
    """Cut a text that is too long for one comment, never inside a character."""
    parts, rest = [], text.encode("utf-8", errors="replace")
    while len(rest) > MAX_BODY_BYTES:
        part = rest[:MAX_BODY_BYTES].decode("utf-8", errors="ignore")
        parts.append(part)
        rest = rest[len(part.encode()) :]
    return [*parts, rest.decode("utf-8")]


def ticket_body(
    *,
    subject: str,
    body: str,
    requester: EndUserIdentity,
    external_id: str,
    routing: Json,
    credentials: Mapping[str, str],
) -> Json:
    """Return the ticket to open; without a verified requester its comment is an internal note."""
    has_requester = requester.is_verified and bool(requester.email)
    ticket: dict[str, object] = {
        "subject": subject[:MAX_SUBJECT],
        "comment": {"body": body, "public": has_requester},
        "external_id": external_id,
        "tags": sorted({*_tags(credentials.get("tags", "")), *_tags(routing.get("tags"))}),
    }
    if has_requester:
        name = requester.name or requester.email
        ticket["requester"] = {"name": name, "email": requester.email}
    if fields := as_object(routing.get("ticket_fields")):
        ticket["custom_fields"] = [
            {"id": int(name), "value": value}
            for name, value in fields.items()
            if str(name).isascii() and str(name).isdigit()
        ]
    if (priority := _text(routing.get("priority"))) in _PRIORITIES:
        ticket["priority"] = priority
    return ticket | _numbers(routing, credentials)


def _numbers(routing: Json, credentials: Mapping[str, str]) -> dict[str, object]:
    found = {
        "group_id": _text(routing.get("group_id")) or credentials.get("group_id", ""),
        "ticket_form_id": credentials.get("ticket_form_id", ""),
    }
    return {name: int(value) for name, value in found.items() if value.isdigit()}


def _written(line: TranscriptLine) -> str:
    at = line.sent_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"[{at}] {_SPEAKERS.get(line.speaker, line.speaker)}: {line.text}"


def _last_bytes(text: str) -> str:
    encoded = text.encode("utf-8", errors="replace")
    if len(encoded) <= MAX_BODY_BYTES:
        return encoded.decode("utf-8")
    kept = encoded[-MAX_BODY_BYTES:].decode("utf-8", errors="ignore")
    return f"(Earlier lines are left out.)\n{kept}"


def _tags(value: object) -> list[str]:
    given = value.split(",") if isinstance(value, str) else value
    texts = [str(item) for item in given] if isinstance(given, list | tuple) else []
    slugs = (re.sub(r"[^\w/-]+", "_", text.strip().lower()) for text in texts)
    return [slug for slug in slugs if slug]


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value.strip() if isinstance(value, str) else ""


def as_object(value: object) -> Json:
    """Narrow to a JSON object; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_objects(value: object) -> list[Json]:
    """Narrow to a list of JSON objects; anything else in it is left out."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def as_id(value: object) -> str:
    """Narrow to an id, which Zendesk writes as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
