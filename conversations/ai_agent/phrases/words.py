"""Turns texts into the words and letter groups that they are compared by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Of a text as it was written, and again of what normalising has made of it: one character may
# become eighteen.
MAX_TEXT_CHARS = 500
_UNFOLDED_AT_ONCE = 50

# Words that say nothing about the topic, of the languages most chats are in.
FILLER_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    a about an and any are at be been can could d did do does for from get give hello hey hi how i
    if in is it like ll m me my need now of on or our please re s should so some thank thanks that
    the their them there they this to us ve want was we what when where which who why will with
    would you your yours
    don dont doesn didn no not t
    al con de del el en es la las lo los me mi por favor para que quiero se su un una uno y yo
    au aux avec ce des du est et il je le les mon ne nous pas pour sur une veux vous voudrais
    aber auf bitte das dem den der die ein eine einem einen einer er für hat ich ist kann man mein
    meine mich mit möchte nicht sie sind und von will zu
    che di gli il io mio non per sono voglio vorrei com do eu meu não o os quero uma
        """,
    )
)

# Asking for a human is what this product must never miss, whichever of these words is used.
SAME_WORDS = {
    **dict.fromkeys(("speak", "speaking", "talking", "chat", "chatting"), "talk"),
    **dict.fromkeys(("person", "agent", "representative", "rep", "operator", "advisor"), "human"),
    **dict.fromkeys(("humans", "agents", "people", "adviser"), "human"),
}

# Scripts written without spaces between words are compared by pairs of characters.
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def normalise(text: str) -> str:
    """Fold case, width and accents' spelling, and turn punctuation into single spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = (char if unicodedata.category(char)[0] in "LMN" else " " for char in folded)
    return " ".join("".join(kept).split())


def shortened(text: str, most: int = MAX_TEXT_CHARS) -> str:
    """Cut a text as it came and as it unfolds, so that what follows has so much to read at most."""
    unfolded = ""
    for at in range(0, min(most, len(text)), _UNFOLDED_AT_ONCE):
        if len(unfolded) >= most:
            break
        unfolded += unicodedata.normalize("NFKC", text[at : at + _UNFOLDED_AT_ONCE])
    return unfolded[:most]


def meaningful_words(text: str) -> list[str]:
    """Split into words that carry meaning, without repeats; unspaced scripts into pairs."""
    found: list[str] = []
    for word in text.split():
        if word in FILLER_WORDS:
            continue
        pairs = [pair for run in _UNSPACED.findall(word) for pair in _pairs(run)]
        found.extend(pairs or [SAME_WORDS.get(word, word)])
    return list(dict.fromkeys(found))


def trigrams(text: str) -> set[str]:
    """Return the text's three-letter pieces, its ends marked by spaces."""
    padded = f"  {text} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


def likeness(one: set[str], other: set[str]) -> float:
    """Return the Dice coefficient of two texts' pieces."""
    return 2 * len(one & other) / (len(one) + len(other))


def _pairs(run: str) -> Iterable[str]:
    return (run[at : at + 2] for at in range(max(1, len(run) - 1)))
