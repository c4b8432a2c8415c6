"""Writes what a message offers as plain text, and names each thing that can be taken."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time, get_timezone_gmt

from integrations.contract.rich_content import Choice, ChoiceKind, Form, FormField, RichContent

FORM_ID = "f1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Something that can be taken, under our short id; valid for its message alone."""

    id: str
    label: str = field(repr=False)
    token: str = field(repr=False)


def choice_id(number: int, card: int = 0) -> str:
    """Return the id of a message's choice, or of one on its card; both are counted from 1."""
    return f"k{card}c{number}" if card else f"c{number}"


def slot_id(number: int) -> str:
    """Return the id of a message's slot, counted from 1."""
    return f"s{number}"


def option_id(field_number: int, number: int) -> str:
    """Return the id of an option of the form's field, both counted from 1."""
    return f"f{field_number}o{number}"


def replies(rich: RichContent) -> list[Reply]:
    """Return what can be taken, in the order in which the text form numbers it."""
    found = list(_replies(rich.choices))
    for number, card in enumerate(rich.cards, start=1):
        found += _replies(card.choices, number)
    found += [
        Reply(id=slot_id(number), label=slot.label, token=slot.token)
        for number, slot in enumerate(rich.slots, start=1)
    ]
    return found


def localised(rich: RichContent, *, locale: str, zone: tzinfo | None) -> RichContent:
    """Return the content with every slot labelled by its local time, its zone named.

    Without the end user's zone the times stay in the vendor's.
    """
    slots = (
        replace(slot, label=_line(time_text(slot.starts_at, locale=locale, zone=zone), slot.label))
        for slot in rich.slots
    )
    return replace(rich, slots=tuple(slots))


def text_form(text: str, rich: RichContent) -> str:
    """Return text and offer as lines to read; what can be taken is numbered from 1 on.

    A form is its questions. The slots are labelled by `localised`.
    """
    numbers = {reply.id: number for number, reply in enumerate(replies(rich), start=1)}
    form = [form_text(rich.form)] if rich.form else []
    lines = [text.strip(), *form, *_choices(rich.choices, numbers)]
    for number, card in enumerate(rich.cards, start=1):
        lines += [
            _line(card.title, card.text, between=": "),
            *_choices(card.choices, numbers, number),
        ]
    lines += [rich.place] if rich.slots else []
    lines += [f"{numbers[slot_id(n)]}. {s.label}" for n, s in enumerate(rich.slots, start=1)]
    return "\n".join(line for line in lines if line)


def form_text(form: Form) -> str:
    """Return a form as its questions, one a line."""
    return "\n".join(line for line in (form.title, *map(_question, form.fields)) if line)


def _question(asked: FormField) -> str:
    options = ", ".join(option.label for option in asked.options)
    question = _line(asked.label or asked.name, f"({options})" if options else "", between=" ")
    return _line(question, asked.value, between=": ")


def _replies(choices: tuple[Choice, ...], card: int = 0) -> Iterator[Reply]:
    for number, choice in enumerate(choices, start=1):
        if choice.kind is ChoiceKind.REPLY:
            yield Reply(id=choice_id(number, card), label=choice.label, token=choice.token)


def _choices(choices: tuple[Choice, ...], numbers: dict[str, int], card: int = 0) -> Iterator[str]:
    for number, choice in enumerate(choices, start=1):
        label = _line(choice.label, choice.description)
        if choice.kind is ChoiceKind.REPLY:
            yield f"{numbers[choice_id(number, card)]}. {label}"
        else:
            url = choice.url.removeprefix("tel:")
            yield f"{label} ({url})" if label and url and label != url else label or url


def _line(first: str, second: str, *, between: str = " – ") -> str:
    return between.join(part.strip() for part in (first, second) if part.strip())


# ---- times as the end user reads them: in their zone and language, the zone named ----


def zone_named(name: str) -> tzinfo | None:
    """Return the zone of an IANA name, or None where there is none of that name."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def time_text(at: datetime, *, locale: str, zone: tzinfo | None = None) -> str:
    """Return day, date and time, and in brackets the zone they are in.

    Without a zone the moment's own is taken; a moment without any is UTC.
    """
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    known = _locale(locale)
    local = at.astimezone(zone) if zone else at
    day = format_skeleton("yMMMEd", local, tzinfo=local.tzinfo, locale=known)
    time = format_time(local, format="short", tzinfo=local.tzinfo, locale=known)
    return f"{day}, {time} ({_zone_text(local, known)})"


def _zone_text(local: datetime, locale: Locale) -> str:
    key = getattr(local.tzinfo, "key", "")
    offset = str(get_timezone_gmt(local, locale=locale)) if local.utcoffset() else "UTC"
    city = key.rpartition("/")[2].replace("_", " ") if "/" in key else ""
    return f"{offset}, {city}" if city else offset


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    """Return the nearest locale there are texts for; English at last."""
    for wanted in (name, name.replace("_", "-").split("-")[0]):
        try:
            return Locale.parse(wanted.replace("-", "_"))
        except (ValueError, TypeError, UnknownLocaleError):
            continue
    return Locale("en")


def western(text: str) -> str:
    """Return a text with the digits of any script as 0 to 9: so a numbered line is answered."""
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)
