"""What Zendesk is told: messages with our marks; at a handover user, conversation and ticket."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from integrations.contract.connector import HandoffRequest
from integrations.kit.cutting import json_bytes, pieces, shortened, utf16_units
from integrations.kit.hints import hint_list, hint_pairs, hint_text, identity_of
from integrations.kit.json_values import (
    Json,
    as_id,
    as_moment,
    as_object,
    as_text,
    count_read,
    json_text,
)
from integrations.kit.transcript import Limits, opening_texts

# Our marks in metadata, which Zendesk echoes everywhere.
HANDOFF_KEY = "portalHandoff"
SESSION_KEY = "portalSession"
MESSAGE_KEY = "portalMessageId"
PART_KEY = "portalPart"
# Between the handoff's id and a number, in the mark of an opening message.
OPENING_MARK = ":start:"

MAX_TEXT_UNITS = 4096  # Zendesk counts UTF-16 units
BOT_NAME = "AI agent"
_MAX_ALT_TEXT = 128

NEXT = "next"
AGENT_WORKSPACE_TYPE = "zd:agentWorkspace"
AGENT_WORKSPACE_NAME = "zd-agentWorkspace"
# On control moved for this portal's own sake; its value says what for.
CONTROL_KEY = "portalControl"
TAKING, HEARING, ENDING = "start", "listen", "end"

TAG_PREFIX = "portal_"
MAX_METADATA_BYTES = 4000
_MAX_TAG = 100
_FIELD = "dataCapture.ticketField."
_SYSTEM = "dataCapture.systemField."
_TAG_HINTS = ("queue", "skills", "department")
_ID_HINTS = ("group_id", "brand_id", "assignee_id", "organization_id")
_PRIORITIES = ("low", "low", "low", "normal", "normal", "normal", "high", "high", "high", "urgent")
_ORIGINS = {"webchat": "web"}
MAX_TRANSCRIPT_PARTS = 12
_LIMITS = Limits(size=MAX_TEXT_UNITS, measure=utf16_units, parts=MAX_TRANSCRIPT_PARTS)
_MAX_PROFILE = 128
_MAX_LOCALE = 64
_MAX_EXTERNAL_ID = 1000
_SHOWN_HINTS = ("reason", "queue", "skills", "department", "priority", "language")
_OPENING = "The end user asked for a live agent."


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One message to post; `mark` and `part` tell it apart from every other one of ours."""

    mark: str
    part: int
    body: Json = field(repr=False)


def end_user_author(state: Json) -> Json:
    """Return the author of what the end user says; merged users are known by Zendesk's id."""
    if user_id := as_text(state.get("user_id")):
        return {"type": "user", "userId": user_id}
    return {"type": "user", "userExternalId": as_text(state.get("user_external_id"))}


def text_postings(mark: str, content: Json, author: Json) -> list[Posting]:
    """Return a text content as messages that each fit."""
    parts = list(pieces(as_text(content.get("text")), MAX_TEXT_UNITS, utf16_units)) or [" "]
    return [
        _posting(mark, number, author, {**content, "text": part})
        for number, part in enumerate(parts)
    ]


def file_posting(
    mark: str, uploaded: Json, file_name: str, mime_type: str, author: Json
) -> Posting:
    """Return an uploaded file as a message."""
    kind = "image" if mime_type.startswith("image/") else "file"
    url, alt = as_text(uploaded.get("mediaUrl")), shortened(file_name, _MAX_ALT_TEXT)
    return _posting(mark, 0, author, {"type": kind, "mediaUrl": url, "altText": alt})


def opening_postings(handoff_id: str, texts: Iterable[str]) -> list[Posting]:
    """Return context and transcript, marked alike on every try; no end user wrote them."""
    author = {"type": "business", "displayName": BOT_NAME}
    return [
        _posting(f"{handoff_id}{OPENING_MARK}{number}", 0, author, {"type": "text", "text": text})
        for number, text in enumerate(texts)
    ]


def notice_posting(mark: str, text: str) -> Posting:
    """Return a line of this portal's for the live agent."""
    return _posting(mark, 0, {"type": "business"}, {"type": "text", "text": text})


def read_activity(author: Json) -> Json:
    """Return the news that the end user has read everything."""
    return {"author": dict(author), "type": "conversation:read"}


def mark_of(message: Json) -> tuple[str, int] | None:
    """Return our mark and part on a message; None on anybody else's."""
    metadata = as_object(message.get("metadata"))
    mark, part = as_text(metadata.get(MESSAGE_KEY)), as_id(metadata.get(PART_KEY))
    return (mark, count_read(part) or 0) if mark else None


def marked(messages: Iterable[Json]) -> dict[tuple[str, int], Json]:
    """Return those of the messages that are ours, by mark and part."""
    return {mark: message for message in messages if (mark := mark_of(message)) is not None}


def handoffs_in(marks: Iterable[tuple[str, int]]) -> set[str]:
    """Return the handoffs whose opening messages are among our marks."""
    split = (mark.partition(OPENING_MARK) for mark, _ in marks)
    return {handoff_id for handoff_id, divider, _ in split if divider}


def event_of(message: Json) -> Json:
    """Return a kept message's event as the webhook would have told it, with the same id."""
    return {
        "id": as_text(message.get("id")),
        "type": "conversation:message",
        "createdAt": message.get("received"),
        "payload": {"message": message},
    }


def message_in(event: Json) -> Json:
    """Return the message that an event tells of; empty where it tells of none."""
    return as_object(as_object(event.get("payload")).get("message"))


def happened_at(event: Json) -> datetime:
    """Return when an event's message was received, else when the event happened."""
    return moment(message_in(event).get("received") or event.get("createdAt"))


def moment(text: object) -> datetime:
    """Read a time of Zendesk's; now, where it said none that can be read."""
    return as_moment(text) or datetime.now(UTC)


def _posting(mark: str, part: int, author: Json, content: Mapping[str, object]) -> Posting:
    metadata: dict[str, object] = {MESSAGE_KEY: mark, PART_KEY: part}
    body = {"author": dict(author), "content": dict(content), "metadata": metadata}
    return Posting(mark=mark, part=part, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switchboard:
    """Reads switchboard integrations with the eyes of one connection.

    `target` is where control is passed, `own_name` this portal's own entry; both as configured.
    """

    integration_id: str
    own_name: str
    target: str

    def is_own(self, entry: Json) -> bool:
        """Say whether an entry is this portal's."""
        if as_text(entry.get("integrationId")) == self.integration_id and self.integration_id:
            return True
        return bool(self.own_name) and entry.get("name") == self.own_name

    def is_agents(self, entry: Json) -> bool:
        """Say whether an entry is that of the live agents."""
        kind, name = entry.get("integrationType"), entry.get("name")
        if kind == AGENT_WORKSPACE_TYPE or name == AGENT_WORKSPACE_NAME:
            return True
        return self.target != NEXT and self.target in (entry.get("id"), name, kind)

    def own_target(self, conversation: Json) -> str:
        """Return the name or id under which control can be passed to this portal, if any."""
        for entry in (active_of(conversation), _pending_of(conversation)):
            if self.is_own(entry) and (found := as_text(entry.get("id"))):
                return found
        return self.own_name

    def agents_target(self, active: Json) -> str:
        """Return where to pass control; `next` would lead past live agents who have it already."""
        if self.target == NEXT and self.is_agents(active):
            return as_text(active.get("id")) or AGENT_WORKSPACE_NAME
        return self.target


def active_of(conversation: Json) -> Json:
    """Return the integration in control; empty when nobody is."""
    return as_object(conversation.get("activeSwitchboardIntegration"))


def _pending_of(conversation: Json) -> Json:
    return as_object(conversation.get("pendingSwitchboardIntegration"))


def ticket_tag(handoff_id: str) -> str:
    """Return the tag by which ticket events find the handoff."""
    return TAG_PREFIX + re.sub(r"[^a-z0-9_]", "_", handoff_id.lower())


def control_metadata(
    request: HandoffRequest, credentials: Mapping[str, str], *, first_message_id: str
) -> Json:
    """Return what the ticket is made of, most needed first, within the 4 kB Zendesk takes."""
    routing, identity = request.routing, identity_of(request)
    pairs: dict[str, object] = {
        HANDOFF_KEY: request.handoff_id,
        SESSION_KEY: request.conversation_id,
        f"{_SYSTEM}tags": ",".join(_tags(request)),
        "first_message_id": first_message_id,
        "origin_source_type": _ORIGINS.get(request.channel, ""),
        _field(credentials, "conversation_field_id"): request.conversation_id,
        f"{_SYSTEM}requester.name": identity.name,
        f"{_SYSTEM}requester.email": identity.email,
        # No page names a system field for it; a ticket shows the other metadata as well.
        "user_phone": identity.phone,
        # No message: Zendesk may mail those to the end user.
        "note": routing.get("note"),
    }
    pairs |= {f"{_SYSTEM}{name}": routing.get(name) for name in ("subject", *_ID_HINTS)}
    pairs |= {f"{_SYSTEM}priority": _priority(routing.get("priority"))}
    fields = hint_pairs(routing.get("ticket_fields"))
    pairs |= {f"{_FIELD}{name}": value for name, value in fields.items()}
    attributes = hint_pairs(routing.get("attributes"))
    pairs |= {name: value for name, value in attributes.items() if name not in pairs}
    pairs[_field(credentials, "summary_field_id")] = routing.get("summary")
    return _fitted({name: value for name, value in pairs.items() if name})


def _field(credentials: Mapping[str, str], name: str) -> str:
    number = credentials.get(name, "").strip()
    return f"{_FIELD}{number}" if number else ""


def _tags(request: HandoffRequest) -> Iterator[str]:
    yield ticket_tag(request.handoff_id)
    for hint in _TAG_HINTS:
        for value in hint_list(request.routing.get(hint)):
            yield _slug(f"{hint.removesuffix('s')}_{value}")
    yield from map(_slug, hint_list(request.routing.get("tags")))


def _slug(text: str) -> str:
    return re.sub(r"[^\w/-]+", "_", text.strip().lower())[:_MAX_TAG]


def _priority(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _PRIORITIES[min(max(value, 0), len(_PRIORITIES) - 1)]
    return as_text(value)


def _fitted(pairs: Mapping[str, object]) -> dict[str, object]:
    """Keep pairs while they fit, and cut the text that is the first not to."""
    kept: dict[str, object] = {}
    for name, value in pairs.items():
        flat = value if isinstance(value, bool | int | float | str) else ",".join(hint_list(value))
        room = MAX_METADATA_BYTES - _size({**kept, name: ""})
        if isinstance(flat, str):
            flat = shortened(flat, max(room, 0), json_bytes)
        if flat != "" and _size({**kept, name: flat}) <= MAX_METADATA_BYTES:
            kept[name] = flat
    return kept


def _size(value: object) -> int:
    return len(json_text(value).encode())


def user_external_id(request: HandoffRequest) -> str:
    """Name the end user the same way every time; a visitor's claim never meets a verified one."""
    if known := identity_of(request).external_id:
        name = f"portal:{known}"
    elif claimed := request.end_user.external_id:
        name = f"portal:unverified:{claimed}"
    else:
        name = f"portal:conversation:{request.conversation_id}"
    if len(name) > _MAX_EXTERNAL_ID:
        return f"portal:sha256:{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}"
    return name


def user_body(request: HandoffRequest) -> Json:
    """Return the user to create; name and e-mail only where somebody vouches for them."""
    identity = identity_of(request)
    profile = {
        "givenName": shortened(identity.first_name, _MAX_PROFILE),
        "surname": shortened(identity.last_name, _MAX_PROFILE),
        "email": identity.email[:_MAX_PROFILE],
        "locale": hint_text(request.routing.get("language") or request.locale)[:_MAX_LOCALE],
    }
    kept = {name: value for name, value in profile.items() if value}
    return {"externalId": user_external_id(request), **({"profile": kept} if kept else {})}


def conversation_body(request: HandoffRequest) -> Json:
    """Return the conversation to create; its marks let a second try find it."""
    participant = {"userExternalId": user_external_id(request), "subscribeSDKClient": False}
    return {
        "type": "personal",
        "participants": [participant],
        "metadata": {HANDOFF_KEY: request.handoff_id, SESSION_KEY: request.conversation_id},
    }


def opening_lines(request: HandoffRequest) -> list[str]:
    """Return context, summary and transcript; never nothing, or Zendesk makes no ticket."""
    return [*_context(request.routing), *opening_texts(request, _LIMITS)] or [_OPENING]


def _context(routing: Mapping[str, object]) -> Iterator[str]:
    shown = {name.capitalize(): hint_list(routing.get(name)) for name in _SHOWN_HINTS}
    lines = [f"{name}: {', '.join(values)}" for name, values in shown.items() if values]
    attributes = hint_pairs(routing.get("attributes"))
    lines += [f"{name}: {hint_text(value)}" for name, value in attributes.items()]
    if lines:
        text = "\n".join(["Details of the handoff", *lines])
        yield from pieces(text, MAX_TEXT_UNITS, utf16_units)
