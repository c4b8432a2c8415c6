"""Texts as the search index reads them, the same in PostgreSQL and SQLite.

Words are folded and cut here, so that neither database has an opinion of its own about them; a
script without blanks is cut into its characters, which are then searched as a phrase.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

# What a row holds at most; PostgreSQL indexes a megabyte.
CHARACTERS_MAX = 100_000
WORD_MAX = 60
_CHARACTER = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_WORDS = re.compile(rf"{_CHARACTER}|[^\W_]+?(?={_CHARACTER})|[^\W_]+")
_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
# Of a telephone, a card, an order: what has three digits in a row, and what hangs on it.
_NUMBER = re.compile(r"\d[\d \-.()/]{1,30}\d")
_BLANK = re.compile(r"\s")
_NAME_PART_MIN = 2


def words_of(text: str) -> list[str]:
    """Return the words of a text, folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [word[:WORD_MAX] for word in _WORDS.findall(folded)]


def indexed(texts: Iterable[str], terms: Iterable[str]) -> str:
    """Return what the index keeps of texts and terms."""
    marks = " ".join(sorted({term_mark(term) for term in terms}))
    said = " ".join(word for text in texts for word in words_of(text))
    return f"{marks} {said}"[:CHARACTERS_MAX].strip()


def term_mark(term: str) -> str:
    """Return the one word that stands for an exact term, such as `vendor:zendesk`."""
    folded = unicodedata.normalize("NFKC", term).casefold().strip()
    return f"x{hashlib.blake2b(folded.encode(), digest_size=8).hexdigest()}"


def _without_numbers(text: str) -> str:
    """Take numbers out, looking at each character but a few times, however long a word is."""
    kept, done = [], 0
    for found in _NUMBER.finditer(text):
        if found.end() <= done:
            continue
        start = found.start()
        while start > done and not text[start - 1].isspace():
            start -= 1
        blank = _BLANK.search(text, found.end())
        kept.append(text[done:start])
        done = blank.start() if blank else len(text)
    return " ".join([*kept, text[done:]])


def masked(text: str, names: Iterable[str]) -> str:
    """Return a text without e-mail addresses, numbers and the words of these names."""
    text = _without_numbers(_EMAIL.sub(" ", text))
    parts = {part for name in names for part in words_of(name) if len(part) >= _NAME_PART_MIN}
    if not parts:
        return text
    return " ".join(word for word in words_of(text) if word not in parts)
