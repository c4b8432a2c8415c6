"""What a ticket is made of: subject, requester, the transcript as its first comment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from integrations.contract.connector import EndUserIdentity, HandoffRequest, TranscriptLine
from integrations.contract.tool_operations import text_given
from integrations.kit.cutting import pieces, shortened, utf8_bytes
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.json_values import Json, as_id, count_read
from integrations.kit.transcript import newest_lines

MAX_SUBJECT = 150
# Zendesk cuts comments at 64 kB, of the text and not of the JSON around it.
MAX_BODY_BYTES = 60_000
# The end of a conversation matters more than what stands above it.
_MAX_CONTEXT_BYTES = MAX_BODY_BYTES // 2
_DEFAULT_SUBJECT = "Conversation that nobody could take"
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
    named = identity_of(request)
    if not named.email:
        # A number that is known stands in the context, and is no claim.
        return replace(request.end_user, phone="") if named.phone else request.end_user
    return EndUserIdentity(external_id="", is_verified=True, name=named.name, email=named.email)


def subject_for(request: HandoffRequest) -> str:
    """Return the ticket's title."""
    subject = _text(request.routing.get("subject")) or _text(request.routing.get("reason"))
    return subject or _DEFAULT_SUBJECT


def context_for(request: HandoffRequest) -> list[str]:
    """Return what stands above the transcript, a line each."""
    routing = request.routing
    shown = {name.capitalize(): _text(routing.get(name)) for name in _SHOWN_HINTS}
    lines = [f"{name}: {value}" for name, value in shown.items() if value]
    attributes = hint_pairs(routing.get("attributes"))
    lines += [f"{name}: {hint_text(value)}" for name, value in attributes.items()]
    if phone := identity_of(request).phone:
        lines.append(f"Phone: {phone}")
    lines.append(f"Conversation: {request.conversation_id}")
    if summary := _text(routing.get("summary")):
        lines += ["", "Summary", summary]
    return lines


def body_for(
    transcript: Sequence[TranscriptLine],
    requester: EndUserIdentity,
    context: Sequence[str],
    link: str = "",
) -> str:
    """Return the first comment; never empty, or Zendesk refuses the ticket."""
    lines = list(context)
    claims = ", ".join(filter(None, (requester.name, requester.email, requester.phone)))
    if claims and not requester.is_verified:
        lines.append(f"The end user calls themselves, not verified: {claims}")
    above = shortened("\n".join(lines).strip(), _MAX_CONTEXT_BYTES, utf8_bytes)
    if not transcript:
        return above or _DEFAULT_SUBJECT
    above = f"{above}\n\nTranscript\n".lstrip()
    return above + newest_lines(transcript, MAX_BODY_BYTES - utf8_bytes(above), utf8_bytes, link)


def note_parts(text: str) -> list[str]:
    """Cut a text that is too long for one comment."""
    return list(pieces(text, MAX_BODY_BYTES, utf8_bytes)) or [""]


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
        "subject": shortened(subject, MAX_SUBJECT),
        "comment": {"body": body, "public": has_requester},
        **({"external_id": external_id} if external_id else {}),
        "tags": sorted({*_tags(credentials.get("tags", "")), *_tags(routing.get("tags"))}),
    }
    if has_requester:
        name = requester.name or requester.email
        ticket["requester"] = {"name": name, "email": requester.email}
    if fields := hint_pairs(routing.get("ticket_fields")):
        ticket["custom_fields"] = [
            {"id": number, "value": value}
            for name, value in fields.items()
            if (number := count_read(name)) is not None
        ]
    if (priority := _text(routing.get("priority"))) in _PRIORITIES:
        ticket["priority"] = priority
    return ticket | _numbers(routing, credentials)


def tool_ticket(given: Json, credentials: Mapping[str, str]) -> Json:
    """Return the ticket that a tool opens; raises ValueError for what can be no ticket."""
    requester = EndUserIdentity(
        external_id="",
        is_verified=True,
        name=text_given(given, "name"),
        email=text_given(given, "email"),
    )
    return ticket_body(
        subject=text_given(given, "subject"),
        body=shortened(text_given(given, "text"), MAX_BODY_BYTES, utf8_bytes),
        requester=requester,
        external_id="",
        routing={"tags": given.get("tags"), "priority": text_given(given, "priority")},
        credentials=credentials,
    )


def _numbers(routing: Json, credentials: Mapping[str, str]) -> dict[str, object]:
    found = {
        "group_id": _text(routing.get("group_id")) or credentials.get("group_id", ""),
        "ticket_form_id": credentials.get("ticket_form_id", ""),
    }
    numbers = {name: count_read(value) for name, value in found.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _tags(value: object) -> list[str]:
    given = value.split(",") if isinstance(value, str) else value
    texts = [str(item) for item in given] if isinstance(given, list | tuple) else []
    slugs = (re.sub(r"[^\w/-]+", "_", text.strip().lower()) for text in texts)
    return [slug for slug in slugs if slug]


def _text(value: object) -> str:
    return hint_text(value).strip()
