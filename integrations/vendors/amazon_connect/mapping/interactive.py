"""What a message of Amazon Connect says and offers, and what goes back when something is taken.

The templates are those of the admin guide; the answers are what the vendor's own widget sends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from integrations.contract.rich_content import (
    NO_RICH_CONTENT,
    Card,
    Choice,
    ChoiceKind,
    Markup,
    RichContent,
    Slot,
)
from integrations.kit.json_values import Json, as_object, as_objects, as_text, json_text
from integrations.kit.plain_json import vendor_json, vendor_object

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
