"""What is said in a chat, either way: how it opens, what messages offer, what goes back.

The templates are those of the admin guide; the answers are what the vendor's own widget sends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import HandoffRequest
from integrations.contract.errors import InvalidRoutingError
from integrations.contract.rich_content import (
    NO_RICH_CONTENT,
    Card,
    Choice,
    ChoiceKind,
    Markup,
    RichContent,
    Slot,
)
from integrations.kit.cutting import shortened, utf8_bytes
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.json_values import Json, as_object, as_objects, as_text, count_read, json_text
from integrations.kit.plain_json import vendor_json, vendor_object
from integrations.kit.transcript import (
    TRANSCRIPT_TITLE,
    Limits,
    newest_lines,
    summary_texts,
    transcript_is_wanted,
)

TEXT = "text/plain"
MARKDOWN = "text/markdown"
INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
INTERACTIVE_RESPONSE = f"{INTERACTIVE}.response"
# For programs: data that a flow leaves, and what the end user answered.
_SILENT_TYPES = frozenset({"application/json", INTERACTIVE_RESPONSE})
VIEW = "ViewResource"
_PICKERS = frozenset({"ListPicker", "Panel", "QuickReply", "TimePicker"})
_PAGING = frozenset({"SHOW_MORE", "PREVIOUS_OPTIONS"})
# The members that a paging answer repeats, in the widget's order.
_PAGING_MEMBERS = ("preIndex", "nextIndex", "listId", "templateType", "referenceId")
_VERSION = "1.0"
MAX_CONTENT_BYTES = 16384
MAX_ATTRIBUTE_BYTES = 32768
MAX_DISPLAY_NAME = 256
MIN_MINUTES, DEFAULT_MINUTES, MAX_MINUTES = 60, 1500, 10080
AT_START = "start"
ENTIRE_PAST_SESSION = "ENTIRE_PAST_SESSION"
CONTENT_TYPES = (TEXT, MARKDOWN, INTERACTIVE, INTERACTIVE_RESPONSE)
_HINTS = ("queue", "skills", "department", "priority", "language", "subject", "reason", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message as we pass it on; false when there is nothing to pass on."""

    text: str = field(default="", repr=False)
    markup: Markup = Markup.PLAIN
    rich: RichContent = NO_RICH_CONTENT

    def __bool__(self) -> bool:
        """Say whether it says or offers anything."""
        return bool(self.text.strip() or self.rich)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What SendMessage is called with; as JSON text it is the token of a choice."""

    content: str = field(repr=False)
    content_type: str = TEXT

    @property
    def token(self) -> str:
        """Return it as the core keeps it."""
        return json_text({"ContentType": self.content_type, "Content": self.content})


def reply_of(token: str, label: str) -> Reply:
    """Return what a choice's token stands for; the label for one that cannot be read."""
    kept = vendor_object(token)
    content = as_text(kept.get("Content"))
    if not content:
        return Reply(content=label)
    return Reply(content=content, content_type=as_text(kept.get("ContentType")) or TEXT)


def reply_to_view(text: str) -> Reply:
    """Return a text that is written while a guide's view is open: its "no match" branch."""
    answer = {"action": " ", "data": {"content": text}, "templateType": VIEW, "version": _VERSION}
    return Reply(content=json_text(answer), content_type=INTERACTIVE_RESPONSE)


def is_view(rich: RichContent) -> bool:
    """Say whether a message opens a guide's view."""
    return rich.unknown_kind == VIEW


def read_message(content_type: str, content: str) -> Said:
    """Read a message; one of a type that we do not know is named, so that it is not lost."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in (TEXT, ""):
        return Said(text=content)
    if kind == MARKDOWN:
        return Said(text=content, markup=Markup.MARKDOWN)
    if kind == INTERACTIVE:
        return _read_template(content)
    if kind in _SILENT_TYPES:
        return Said()
    return Said(rich=RichContent(unknown_kind=kind))


def _read_template(content: str) -> Said:
    try:
        template = as_object(vendor_json(content))
    except ValueError:
        template = {}
    kind = as_text(template.get("templateType"))
    body = as_object(as_object(template.get("data")).get("content"))
    if kind in _PICKERS:
        return _picker(kind, body)
    if kind == "Carousel":
        cards = tuple(map(_inner_card, as_objects(body.get("elements"))))
        return Said(text=_heading(body), markup=Markup.MARKDOWN, rich=RichContent(cards=cards))
    if kind == VIEW:
        return Said(rich=RichContent(unknown_kind=VIEW))
    lines = [_heading(body), *(f"- {_title(one)}" for one in as_objects(body.get("elements")))]
    text = "\n".join(filter(None, lines))
    return Said(text=text, rich=RichContent(unknown_kind=kind or INTERACTIVE))


def _picker(kind: str, body: Json) -> Said:
    """Read a list, a panel, quick replies or times; the picture above them is a card of its own."""
    image = _image(body)
    about = as_text(body.get("imageDescription"))
    slots, odd_slots = _slots(body)
    rich = RichContent(
        choices=(*_choices(kind, body), *odd_slots),
        cards=(Card(title=about, image_url=image),) if image else (),
        slots=slots,
        place=_title(as_object(body.get("location"))),
    )
    return Said(text=_heading(body), markup=Markup.MARKDOWN, rich=rich)


def _inner_card(template: Json) -> Card:
    """Read one picker of a carousel: its choices answer with the picker's name beside the title."""
    body = as_object(as_object(template.get("data")).get("content"))
    identifier, title = template.get("templateIdentifier"), _title(body)

    def answered(chosen: str) -> str:
        named = {"templateIdentifier": identifier} if isinstance(identifier, str) else {}
        answer = {**named, "listTitle": title, "selectionText": chosen}
        return Reply(content=json_text(answer)).token

    return Card(
        title=title,
        text=as_text(body.get("subtitle")),
        image_url=_image(body),
        choices=tuple(
            _choice(one, answered(as_text(one.get("title"))))
            for one in as_objects(body.get("elements"))
            if _title(one)
        ),
    )


def _choices(kind: str, body: Json) -> tuple[Choice, ...]:
    return tuple(
        _choice(one, (_turned(kind, body, one) or Reply(content=as_text(one["title"]))).token)
        for one in as_objects(body.get("elements"))
        if _title(one)
    )


def _choice(element: Json, token: str) -> Choice:
    url = _web_address(element.get("url"))
    is_link = element.get("type") == "hyperlink" and url
    return Choice(
        label=_title(element),
        token="" if is_link else token,
        kind=ChoiceKind.LINK if is_link else ChoiceKind.REPLY,
        url=url if is_link else "",
        image_url=_image(element),
        description=as_text(element.get("subtitle")),
    )


def _turned(kind: str, body: Json, element: Json) -> Reply | None:
    """Return the answer that turns a list's page; None for a choice that is no such button."""
    action = element.get("actionDetail")
    if action not in _PAGING:
        return None
    place = {**body, "templateType": kind}
    kept = {name: place[name] for name in _PAGING_MEMBERS if name in place}
    answer = {"version": _VERSION, "data": {"actionName": action, **kept}, "action": action}
    return Reply(content=json_text(answer), content_type=INTERACTIVE_RESPONSE)


def _slots(body: Json) -> tuple[tuple[Slot, ...], tuple[Choice, ...]]:
    """Read times; one that names no moment is offered as it is written.

    The unit of `duration` is not documented, so that it is left out.
    """
    slots: list[Slot] = []
    others: list[Choice] = []
    offset = _minutes(body.get("timeZoneOffset"))
    for timeslot in as_objects(body.get("timeslots")):
        written = as_text(timeslot.get("date"))
        at, written = _moved(written, offset)
        token = Reply(content=written).token
        if at is not None:
            slots.append(Slot(starts_at=at, token=token))
        elif written.strip():
            others.append(Choice(label=written, token=token))
    return tuple(slots), tuple(others)


def _moved(written: str, minutes: int) -> tuple[datetime | None, str]:
    """Return a time and how it goes back, moved by the template's offset as the widget does."""
    try:
        at = datetime.fromisoformat(written.strip())
        moved = at.astimezone(UTC) + timedelta(minutes=minutes)
    except (ValueError, OverflowError):
        return None, written
    if at.tzinfo is None:
        return None, written
    # The widget writes hundredths of a second, and a zone, once it has moved a time.
    return moved, f"{moved:%Y-%m-%dT%H:%M:%S.00+00:00}" if minutes else written


def _minutes(value: object) -> int:
    """Read an offset, which is a number, or one written as text; at most a day either way."""
    try:
        minutes = int(value) if isinstance(value, int | float | str) else 0
    except (ValueError, OverflowError):
        return 0
    return minutes if abs(minutes) <= 24 * 60 else 0


def _heading(body: Json) -> str:
    return "\n\n".join(filter(None, (_title(body), as_text(body.get("subtitle")).strip())))


def _title(body: Json) -> str:
    return as_text(body.get("title")).strip()


def _image(body: Json) -> str:
    return _web_address(body.get("imageData"))


def _web_address(value: object) -> str:
    url = as_text(value).strip()
    return url if url.lower().startswith(("https://", "http://")) else ""


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
        lines = newest_lines(request.transcript, room, utf8_bytes, request.transcript_url)
        parts.append(f"{TRANSCRIPT_TITLE}\n{lines}")
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
    if minutes := count_read(wanted):
        found["ChatDurationInMinutes"] = min(max(minutes, MIN_MINUTES), MAX_MINUTES)
    for hint, member in (("related_contact_id", "RelatedContactId"), ("customer_id", "CustomerId")):
        value = request.routing.get(hint)
        if isinstance(value, str) and value.strip():
            found[member] = value.strip()
    return found
