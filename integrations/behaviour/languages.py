"""The languages in which Baton speaks to end users; a further one is one file beside words/en.json.

A file holds `name`, `direction` where it is "rtl", `sentences` (those of sentences.py by key) and
`widget` (what the widget says by itself). What it leaves out is said in English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

WORDS = Path(__file__).parent / "words"
DEFAULT = "en"
_CODE = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language: its own name, its direction, and its words."""

    code: str
    name: str
    direction: str
    sentences: Mapping[str, str]
    widget: Mapping[str, str]


def languages() -> dict[str, Language]:
    """Return every language by its code, English first."""
    return _read_from(settings.WORDS_FOLDER)


def language_of(locale: str) -> str:
    """Return the code of a locale such as de-CH; English where there are no words for it."""
    found = _CODE.match(locale.strip().lower())
    return found[0] if found and found[0] in languages() else DEFAULT


@cache
def _read_from(folder: str) -> dict[str, Language]:
    """Return the languages that come along, and those of an operator's own folder."""
    english = _read(WORDS / f"{DEFAULT}.json", {})
    paths = [*WORDS.glob("*.json"), *(Path(folder).glob("*.json") if folder else ())]
    further = {path.stem: _read(path, english.widget) for path in paths}
    del further[DEFAULT]
    return {DEFAULT: english} | {code: further[code] for code in sorted(further)}


def _read(path: Path, usual: Mapping[str, str]) -> Language:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Language(
            code=path.stem,
            name=found["name"],
            direction=found.get("direction", "ltr"),
            sentences=found.get("sentences", {}),
            widget={**usual, **found.get("widget", {})},
        )
    except (ValueError, KeyError, TypeError) as error:
        told = "a language is an object of name, sentences and widget"
        raise ImproperlyConfigured(f"{path}: {told} ({error!r})") from error
