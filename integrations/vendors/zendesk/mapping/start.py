"""What Zendesk is told when a handoff starts: user, conversation, transcript, ticket data."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from integrations.contract.connector import HandoffRequest, TranscriptLine
from integrations.vendors.zendesk.mapping.json import Json
from integrations.vendors.zendesk.mapping.text import MAX_TEXT_UNITS, pieces, units

# Our marks in metadata, which Zendesk echoes everywhere.
HANDOFF_KEY = "portalHandoff"
SESSION_KEY = "portalSession"
MESSAGE_KEY = "portalMessageId"
PART_KEY = "portalPart"
# Between the handoff's id and a number, in the mark of an opening message.
OPENING_MARK = ":start:"
# On control moved for this portal's own sake; its value says what for.
CONTROL_KEY = "portalControl"
TAKING, HEARING, ENDING = "start", "listen", "end"

TAG_PREFIX = "portal_"
MAX_METADATA_BYTES = 4000
MAX_TRANSCRIPT_PARTS = 12
_MAX_PROFILE = 128
_MAX_EXTERNAL_ID = 1000
_HEADING_ROOM = 200
_FIELD = "dataCapture.ticketField."
_SYSTEM = "dataCapture.systemField."
_SPEAKERS = {"end_user": "End user", "ai_agent": "AI agent", "system": "System"}
_SHOWN_HINTS = ("reason", "queue", "skills", "department", "priority", "language")
_TAG_HINTS = ("queue", "skills", "department")
_ID_HINTS = ("group_id", "brand_id", "assignee_id", "organization_id")
_PRIORITIES = ("low", "low", "low", "normal", "normal", "normal", "high", "high", "high", "urgent")
_ORIGINS = {"webchat": "web"}
_OPENING = "The end user asked for a live agent."


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningMessage:
    """One message written before control is passed; `mark` is the same on every try."""

    mark: str
    text: str = field(repr=False)


def user_external_id(request: HandoffRequest) -> str:
    """Name the end user the same way every time; a visitor's claim never meets a verified one."""
    user, given = request.end_user, request.routing.get("user_external_id")
    if user.is_verified and user.external_id:
        name = f"portal:{user.external_id}"
    elif isinstance(given, str) and given:
        name = f"portal:{given}"
    elif user.external_id:
        name = f"portal:unverified:{user.external_id}"
    else:
        name = f"portal:conversation:{request.conversation_id}"
    if len(name) > _MAX_EXTERNAL_ID:
        return f"portal:sha256:{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}"
    return name


def user_body(request: HandoffRequest) -> Json:
    """Return the user to create; name and e-mail only where somebody vouches for them."""
    name, email = identity(request)
    first, _, last = name.partition(" ")
    profile = {"givenName": first, "surname": last.strip(), "email": email}
    locale = request.routing.get("language") or request.locale
    if isinstance(locale, str):
        profile["locale"] = locale[:64]
    kept = {key: value[:_MAX_PROFILE] for key, value in profile.items() if value}
    return {"externalId": user_external_id(request), **({"profile": kept} if kept else {})}


def identity(request: HandoffRequest) -> tuple[str, str]:
    """Return name and e-mail: vouched for, or given by the tool; never what a visitor claims."""
    user, routing = request.end_user, request.routing
    name, email = routing.get("user_display_name"), routing.get("user_email")
    if user.is_verified:
        name, email = user.name or name, user.email or email
    return str(name or "").strip(), str(email or "").strip()


def conversation_body(request: HandoffRequest) -> Json:
    """Return the conversation to create; its marks let a second try find it."""
    participant = {"userExternalId": user_external_id(request), "subscribeSDKClient": False}
    return {
        "type": "personal",
        "participants": [participant],
        "metadata": {HANDOFF_KEY: request.handoff_id, SESSION_KEY: request.conversation_id},
    }


def ticket_tag(handoff_id: str) -> str:
    """Return the tag by which ticket events find the handoff."""
    return TAG_PREFIX + re.sub(r"[^a-z0-9_]", "_", handoff_id.lower())


def opening_messages(request: HandoffRequest) -> list[OpeningMessage]:
    """Return context, summary and transcript; never nothing, or Zendesk makes no ticket."""
    mode = request.routing.get("transcript") or "full"
    texts = list(_context(request.routing))
    summary = request.routing.get("summary")
    if isinstance(summary, str) and summary.strip() and mode != "none":
        texts += pieces(f"Summary of the conversation so far\n{summary.strip()}")
    if mode == "full":
        texts += _transcript_parts(request.transcript)
    return [
        OpeningMessage(mark=f"{request.handoff_id}{OPENING_MARK}{number}", text=text)
        for number, text in enumerate(texts or [_OPENING])
    ]


def control_metadata(
    request: HandoffRequest, credentials: Mapping[str, str], *, first_message_id: str
) -> Json:
    """Return what the ticket is made of, most needed first, within the 4 kB Zendesk takes."""
    routing = request.routing
    pairs: dict[str, object] = {
        HANDOFF_KEY: request.handoff_id,
        SESSION_KEY: request.conversation_id,
        f"{_SYSTEM}tags": ",".join(_tags(request)),
        "first_message_id": first_message_id,
        "origin_source_type": _ORIGINS.get(request.channel, ""),
        _field(credentials, "conversation_field_id"): request.conversation_id,
    }
    pairs |= _requester(request)
    pairs |= {f"{_SYSTEM}{name}": routing.get(name) for name in ("subject", *_ID_HINTS)}
    pairs |= {f"{_SYSTEM}priority": _priority(routing.get("priority"))}
    pairs |= {f"{_FIELD}{name}": value for name, value in _items(routing.get("ticket_fields"))}
    own_names = set(pairs)
    pairs |= {n: value for n, value in _items(routing.get("attributes")) if n not in own_names}
    pairs[_field(credentials, "summary_field_id")] = routing.get("summary")
    return _fitted({name: value for name, value in pairs.items() if name})


def _field(credentials: Mapping[str, str], name: str) -> str:
    number = credentials.get(name, "").strip()
    return f"{_FIELD}{number}" if number else ""


def _requester(request: HandoffRequest) -> dict[str, object]:
    name, email = identity(request)
    return {f"{_SYSTEM}requester.name": name, f"{_SYSTEM}requester.email": email}


def _tags(request: HandoffRequest) -> Iterator[str]:
    yield ticket_tag(request.handoff_id)
    for hint in _TAG_HINTS:
        for value in _listed(request.routing.get(hint)):
            yield _slug(f"{hint.removesuffix('s')}_{value}")
    for tag in _listed(request.routing.get("tags")):
        yield _slug(tag)


def _slug(text: str) -> str:
    return re.sub(r"[^\w/-]+", "_", text.strip().lower())[:100]


def _priority(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _PRIORITIES[min(max(value, 0), len(_PRIORITIES) - 1)]
    return value if isinstance(value, str) else ""


def _fitted(pairs: Mapping[str, object]) -> dict[str, object]:
    """Keep pairs while they fit, and cut the text that is the first not to."""
    kept: dict[str, object] = {}
    for name, value in pairs.items():
        if value is None or value == "":
            continue
        flat = value if isinstance(value, bool | int | float | str) else ",".join(_listed(value))
        room = MAX_METADATA_BYTES - _size({**kept, name: ""})
        if room <= 0:
            continue
        if isinstance(flat, str) and _size(flat) > room:
            flat = _shortened(flat, room)
        if flat != "":
            kept[name] = flat
    return kept


def _shortened(text: str, room: int) -> str:
    while text and _size(text) > room:
        text = text[: min(len(text) - 1, room)] if len(text) > room else text[: len(text) * 3 // 4]
    return text


def _size(value: object) -> int:
    return len(json.dumps(value).encode())


def _context(routing: Mapping[str, object]) -> Iterator[str]:
    lines = [f"{name.capitalize()}: {', '.join(found)}" for name, found in _shown(routing)]
    lines += [f"{name}: {value}" for name, value in _items(routing.get("attributes"))]
    if lines:
        yield from pieces("\n".join(["Details of the handoff", *lines]))


def _shown(routing: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    for name in _SHOWN_HINTS:
        if found := _listed(routing.get(name)):
            yield name, found


def _transcript_parts(transcript: Sequence[TranscriptLine]) -> list[str]:
    room = MAX_TEXT_UNITS - _HEADING_ROOM
    blocks = _packed([piece for line in transcript for piece in pieces(_written(line), room)], room)
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


def _packed(lines: Sequence[str], room: int) -> list[str]:
    """Join lines into as few blocks as fit."""
    blocks: list[str] = []
    for line in lines:
        if blocks and units(blocks[-1]) + units(line) + 1 <= room:
            blocks[-1] += f"\n{line}"
        else:
            blocks.append(line)
    return blocks


def _listed(value: object) -> list[str]:
    if value is None or value == "":
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def _items(value: object) -> list[tuple[str, object]]:
    if not isinstance(value, Mapping):
        return []
    return [(str(name), item) for name, item in value.items() if item is not None]
