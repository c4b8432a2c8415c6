"""Reads one value out of what an end user said: deterministic, and None rather than a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches

from django.utils.timezone import localdate

from conversations.ai_agent.phrases.words import normalise
from integrations.contract.hints import is_finite_number

Value = str | int | float | bool
# From this likeness on an option counts as meant.
OPTION_LIKENESS = 0.8
TEXT_MAX = 500

_NUMBER = re.compile(r"(?<![\w.,])[-+]?\d[\d.,' ]*(?!\w)|(?<![\w.,])[-+]?\d+(?!\w)")
_CODE = re.compile(r"(?<!\w)(?=[\w-]*\d)[A-Za-z0-9][A-Za-z0-9-]{1,39}(?!\w)")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<!\w)\+?\(?\d[\d ()/.-]{5,22}\d(?!\w)")
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_DOTTED_DATE = re.compile(r"(?<!\d)(\d{1,2})([./])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_YES = frozenset(
    {
        "yes",
        "yeah",
        "yep",
        "yup",
        "sure",
        "ok",
        "okay",
        "correct",
        "right",
        "exactly",
        "please",
        "ja",
        "jo",
        "genau",
        "klar",
        "gerne",
        "richtig",
        "si",
        "sí",
        "claro",
        "vale",
        "correcto",
        "oui",
        "sim",
    }
)
_NO = frozenset(
    {
        "no",
        "nope",
        "nah",
        "not",
        "never",
        "wrong",
        "don't",
        "dont",
        "nein",
        "nicht",
        "falsch",
        "keine",
        "nee",
        "nunca",
        "tampoco",
        "non",
        "não",
    }
)
_DAYS = {
    **dict.fromkeys(("today", "heute", "hoy"), 0),
    **dict.fromkeys(("tomorrow", "morgen", "mañana"), 1),
    **dict.fromkeys(("yesterday", "gestern", "ayer"), -1),
}
_NAME_OPENING = re.compile(
    r"^\s*(?:hi[, ]+|hello[, ]+)?(?:my name is|i am|i'm|it's|this is|the name is|ich hei(?:ß|ss)e|"
    r"mein name ist|ich bin|me llamo|mi nombre es|soy)\s+",
    re.IGNORECASE,
)


# A value, and how it was written.
Read = tuple[Value, str]
# Without being asked: “I'm late” tells no name.
_NAME_TOLD = re.compile(
    r"^\s*(?:hi[, ]+|hello[, ]+)?(?:my name is|the name is|ich hei(?:ß|ss)e|mein name ist|"
    r"me llamo|mi nombre es)\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityKind:
    """A kind of value: its name in forms, and how it is read."""

    key: str
    label: str
    example: str
    read: Callable[[str, Sequence[str]], Read | None]
    # Whether it is recognised inside of a sentence that was not asked for it.
    is_marked: bool = True


def entity_read(kind: str, text: str, options: Sequence[str] = ()) -> Value | None:
    """Return the value of that kind in a text, or None; an unknown kind reads nothing."""
    found = entity_find(kind, text, options)
    return found[0] if found else None


def entity_find(kind: str, text: str, options: Sequence[str] = ()) -> Read | None:
    """Return the value of that kind in a text and the words in which it stands there, or None."""
    known = ENTITY_KINDS.get(kind)
    return known.read(text.strip()[:TEXT_MAX], options) if known and text.strip() else None


def entities_in(text: str) -> dict[str, Read]:
    """Return what a text holds of itself, by kind: each is read where no other stands.

    A date is no code, and the digits of a phone number are no number.
    """
    found: dict[str, Read] = {}
    left = text[:TEXT_MAX]
    for kind in ("email", "date", "phone_number", "alphanumeric", "numeric"):
        read = entity_find(kind, left)
        if read is not None:
            found[kind] = read
            left = left.replace(read[1], " ; ")
    if "numeric" not in found and isinstance(
        number := _plain_number(found.get("alphanumeric", ("", ""))[1]), int | float
    ):
        found["numeric"] = (number, found["alphanumeric"][1])
    return found


def says_name(text: str) -> bool:
    """Say whether somebody tells their name of themselves: “my name is …”."""
    return _NAME_TOLD.match(text) is not None


def _numeric(text: str, _: Sequence[str]) -> Read | None:
    """Take the only number of a text; 1.234,5 and 1,234.5 are both understood."""
    said = [(_plain_number(one), one.strip(" .,'")) for one in _NUMBER.findall(text)]
    found = [(value, raw) for value, raw in said if value is not None]
    return found[0] if len(found) == 1 else None


def _plain_number(text: str) -> int | float | None:
    raw = re.sub(r"[' ]", "", text).rstrip(".,")
    comma, point = raw.rfind(","), raw.rfind(".")
    if comma >= 0 and point >= 0:
        thousands, decimal = (",", ".") if point > comma else (".", ",")
        raw = raw.replace(thousands, "").replace(decimal, ".")
    elif comma >= 0:
        is_thousands = re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+", raw)
        raw = raw.replace(",", "" if is_thousands else ".")
    try:
        number = float(raw) if "." in raw else int(raw)
    except ValueError:
        return None
    return number if is_finite_number(number) else None


def _alphanumeric(text: str, _: Sequence[str]) -> Read | None:
    """Take the only code of a text, such as an order number: it has a digit."""
    found = _CODE.findall(text)
    if len(found) > 1:
        found = [one for one in found if not one.replace("-", "").isdigit()]
    return (found[0], found[0]) if len(found) == 1 else None


def _enum(text: str, options: Sequence[str]) -> Read | None:
    option = _option(text, options)
    if option is None:
        return None
    at = text.casefold().find(option.casefold())
    return option, text[at : at + len(option)] if at >= 0 else text


def _option(text: str, options: Sequence[str]) -> str | None:
    """Take the option that was said, by its words, its number in the list, or nearly so."""
    said = normalise(text)
    by_words = {normalise(option): option for option in options}
    if said in by_words:
        return by_words[said]
    if said.isdecimal() and 0 < int(said) <= len(options):
        return options[int(said) - 1]
    inside = [option for words, option in by_words.items() if f" {words} " in f" {said} "]
    if len(inside) == 1:
        return inside[0]
    near = get_close_matches(said, by_words, n=1, cutoff=OPTION_LIKENESS)
    return by_words[near[0]] if near and not inside else None


def _date(text: str, _: Sequence[str]) -> Read | None:
    """Return an ISO date: of 2026-11-29, 29.11.2026, 29/11/26, or today and its neighbours.

    Today is that of the time zone which the turn has made the current one.
    """
    day = None
    if found := _ISO_DATE.search(text):
        day = _day(*map(int, found.groups()))
    elif found := _DOTTED_DATE.search(text):
        year = int(found[4]) + (2000 if len(found[4]) == 2 else 0)
        day = _day(year, int(found[3]), int(found[1])) or _day(year, int(found[1]), int(found[3]))
    if found:
        return (day, found[0]) if day else None
    word = next((one for one in re.findall(r"\w+", text) if one.casefold() in _DAYS), None)
    if word is None:
        return None
    return (localdate() + timedelta(days=_DAYS[word.casefold()])).isoformat(), word


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _phone(text: str, _: Sequence[str]) -> Read | None:
    found = _PHONE.search(text)
    if found is None:
        return None
    plus = "+" if found[0].startswith("+") else ""
    digits = re.sub(r"\D", "", found[0])
    return (plus + digits, found[0]) if 7 <= len(digits) <= 15 else None


def _email(text: str, _: Sequence[str]) -> Read | None:
    found = _EMAIL.search(text)
    return (found[0].rstrip("."), found[0].rstrip(".")) if found else None


def _yes_no(text: str, _: Sequence[str]) -> Read | None:
    """Tell an agreement from a refusal; both or neither is nothing."""
    words = set(re.findall(r"[\w']+", text.casefold()))
    agrees, refuses = bool(words & _YES), bool(words & _NO)
    return None if agrees == refuses else (agrees, text)


def _free_text(text: str, _: Sequence[str]) -> Read | None:
    return text, text


def _name(text: str, _: Sequence[str]) -> Read | None:
    """Take a name, without “my name is”."""
    said = _NAME_OPENING.sub("", text).strip(" .!,")
    words = said.split()
    is_name = 0 < len(words) <= 5 and not any(char.isdigit() or char in "?@" for char in said)
    return (said, said) if is_name else None


_KINDS = (
    EntityKind(
        key="free_text",
        label="Any text",
        example="It arrived broken",
        read=_free_text,
        is_marked=False,
    ),
    EntityKind(
        key="name", label="Name of a person", example="Noor Halvorsen", read=_name, is_marked=False
    ),
    EntityKind(
        key="numeric", label="Number", example="3 or 1,250.50", read=_numeric, is_marked=False
    ),
    EntityKind(key="alphanumeric", label="Code with digits", example="A-1042", read=_alphanumeric),
    EntityKind(
        key="enum",
        label="One of several options",
        example="an option's words or number",
        read=_enum,
    ),
    EntityKind(key="yes_no", label="Yes or no", example="sure", read=_yes_no, is_marked=False),
    EntityKind(key="date", label="Date", example="2026-11-29, 29.11.2026, tomorrow", read=_date),
    EntityKind(key="phone_number", label="Phone number", example="+44 20 7946 0000", read=_phone),
    EntityKind(key="email", label="E-mail address", example="noor@example.com", read=_email),
)
ENTITY_KINDS: Mapping[str, EntityKind] = {kind.key: kind for kind in _KINDS}
