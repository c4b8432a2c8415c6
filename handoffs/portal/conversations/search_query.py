"""What is typed into the search box: words, "phrases" and filters such as agent:noor."""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from conversations.models import ConversationSearch
from handoffs.portal.conversations.search_text import term_mark, words_of

QUERY_MAX, PARTS_MAX = 200, 12
# What may stand before a colon, and what it takes; None takes anything.
FIELDS: dict[str, tuple[str, ...] | None] = {
    "agent": None,
    "topic": None,
    "reason": None,
    "vendor": None,
    "queue": None,
    "tag": None,
    "channel": None,
    "rating": None,
    "has": ("undelivered", "file", "note", "tool_error"),
    "handoff": ("none", "answered", "abandoned", "failed", "open"),
    "outcome": None,
}
_PART = re.compile(
    r"(?P<phone>[+0(][\d ()/.\-]{5,24}\d)(?=\s|$)|"
    r'(?P<field>[A-Za-z_]+):(?!//)(?P<value>"[^"]*"|\S*)|"(?P<phrase>[^"]*)"?|(?P<word>\S+)'
)
_RATING = re.compile(r"(<=|>=|<|>|)([1-5])")
_SIGNS: dict[str, Callable[[int, int], bool]] = {
    "": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_PHONE_DIGITS_MIN = 6
_POSTGRESQL = {
    "words": "words_vector @@ to_tsquery('simple', %s)",
    "masked": "masked_vector @@ to_tsquery('simple', %s)",
}
_SQLITE = "SELECT rowid FROM conversation_search_index WHERE conversation_search_index MATCH %s"


class QueryError(ValueError):
    """What was typed cannot be searched for; the text names it and the cure."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Words that must stand one behind the other; of a prefix, the last may go on."""

    words: tuple[str, ...]
    is_prefix: bool = False


# All of the groups must be found, and of each group one.
Groups = list[list[Sought]]


def query_read(text: str) -> Groups:
    """Return what is sought; raises QueryError for a filter that does not exist."""
    parts = list(_PART.finditer(text.replace("\x00", "")[:QUERY_MAX]))[:PARTS_MAX]
    return [group for number, part in enumerate(parts) if (group := _group(part, parts, number))]


def _group(part: re.Match[str], parts: Sequence[Any], number: int) -> list[Sought]:
    if part["field"]:
        return _filter(part["field"].lower(), part["value"].strip('"'))
    if part["phrase"] is not None:
        return _phrase(part["phrase"], is_prefix=False)
    is_last = number == len(parts) - 1
    return _word(part["phone"] or part["word"], is_prefix=is_last)


def _word(word: str, *, is_prefix: bool) -> list[Sought]:
    """Look for a word, or for the id, e-mail address or telephone that it may be."""
    found = [*_phrase(word, is_prefix=is_prefix), Sought((term_mark(word),))]
    digits = "".join(filter(str.isdigit, word))
    if len(digits) >= _PHONE_DIGITS_MIN:
        found.append(Sought((term_mark(f"phone:{digits}"),)))
    return found


def _phrase(text: str, *, is_prefix: bool) -> list[Sought]:
    words = tuple(words_of(text))
    return [Sought(words, is_prefix)] if words else []


def _filter(name: str, value: str) -> list[Sought]:
    if name not in FIELDS:
        raise QueryError(_unknown(name))
    known = FIELDS[name]
    if not value or (known and value.lower() not in known):
        wanted = f"one of {', '.join(known)}" if known else "something to look for"
        raise QueryError(f"{name}: needs {wanted}, such as {name}:{(known or ('billing',))[0]}.")
    if name == "rating":
        return _ratings(value)
    return field_term(name, value)


def field_term(name: str, value: str) -> list[Sought]:
    """Look for an exact value of a field."""
    return [Sought((term_mark(f"{name}:{value}"),))]


def _ratings(value: str) -> list[Sought]:
    match = _RATING.fullmatch(value)
    if match is None:
        raise QueryError("rating: needs a number from 1 to 5, such as rating:<3.")
    sign, stars = match[1], int(match[2])
    compare = _SIGNS[sign]
    found = [Sought((term_mark(f"rating:{n}"),)) for n in range(1, 6) if compare(n, stars)]
    return found or [Sought((term_mark("rating:none"),))]


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, FIELDS, n=1)
    cure = f"Did you mean {near[0]}:?" if near else f"Filters are {', '.join(FIELDS)}."
    return f"There is no filter {name}:. {cure} Put text with a colon into quotation marks."


def found_among(
    rows: QuerySet[ConversationSearch], groups: Groups, *, sees_personal_data: bool
) -> QuerySet[ConversationSearch, Any]:
    """Return the ids of the conversations among these whose row has what is sought.

    Who may not see personal data searches the masked words. The closer `rows` are bounded, the
    fewer the database looks at of a word that nearly all have.
    """
    column = "words" if sees_personal_data else "masked"
    # Constant statements; what was typed is a parameter.
    if connection.vendor == "sqlite":
        sought = RawSQL(_SQLITE, [f"{column} : ({_fts5(groups)})"])  # noqa: S611
        found = rows.filter(pk__in=sought)
    else:
        found = rows.filter(
            RawSQL(_POSTGRESQL[column], [_tsquery(groups)], output_field=BooleanField())  # noqa: S611
        )
    return found.values("conversation")


def _tsquery(groups: Groups) -> str:
    return " & ".join(f"({' | '.join(map(_tsquery_one, group))})" for group in groups)


def _tsquery_one(sought: Sought) -> str:
    quoted = " <-> ".join(f"'{word}'" for word in sought.words)
    return f"{quoted}:*" if sought.is_prefix else quoted


def _fts5(groups: Groups) -> str:
    return " AND ".join(f"({' OR '.join(map(_fts5_one, group))})" for group in groups)


def _fts5_one(sought: Sought) -> str:
    return f'"{" ".join(sought.words)}"' + ("*" if sought.is_prefix else "")


def any_of(name: str, values: Iterable[str]) -> list[Sought]:
    """Look for any of several values of a field."""
    return [one for value in values for one in field_term(name, value)]
