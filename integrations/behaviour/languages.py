"""The languages in which Baton speaks to end users; a further one is one file in words/."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

WORDS = Path(__file__).parent / "words"
DEFAULT = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language: its own name, its direction, and its words where they come from a file."""

    code: str
    name: str
    is_right_to_left: bool = False
    sentences: dict[str, str] = field(default_factory=dict, repr=False)
    widget: dict[str, str] = field(default_factory=dict, repr=False)


# Their sentences stand in sentences.py, the widget's words in widget/words/.
_FIRST = (
    Language(code="en", name="English"),
    Language(code="de", name="Deutsch"),
    Language(code="ar", name="العربية", is_right_to_left=True),
)


@cache
def languages() -> dict[str, Language]:
    """Return every language by its code, English first."""
    further = [_read(path) for path in sorted(WORDS.glob("*.json"))]
    return {one.code: one for one in (*_FIRST, *further)}


def language_of(locale: str) -> str:
    """Return the code of a locale such as de-CH; English where there are no words for it."""
    code = locale.replace("_", "-").split("-")[0].lower()
    return code if code in languages() else DEFAULT


def _read(path: Path) -> Language:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Language(
        code=path.stem,
        name=found["name"],
        is_right_to_left=found.get("direction") == "rtl",
        sentences=found["sentences"],
        widget=found["widget"],
    )
