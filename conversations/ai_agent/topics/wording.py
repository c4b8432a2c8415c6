"""What a topic's content becomes when it is said: values filled in, references left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# References do nothing in a content; whoever reads it is spared them.
_INERT = re.compile(
    r"(?<![ \t])[ \t]*\{\{\s*(?!vrbl)[a-z_]{2,16}\s*:[^{}\n]{0,128}\}\}(?:\([^()\n]{0,500}\))?"
)
_VALUE = re.compile(r"\{\{\s*vrbl\s*:\s*([A-Za-z_]\w{0,63})\s*\}\}|\$([A-Za-z_]\w{0,63})")


def content_said(content: str, state: Mapping[str, Any]) -> str:
    """Return the text of a content, with the values of conv.state that it names.

    A name without a value stays as it is written: `$5` and `$total` may be meant so.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        known = state.get(name)
        return str(known) if isinstance(known, str | int | float) else _kept(found)

    return _VALUE.sub(value, _INERT.sub("", content)).strip()


def has_inert_references(content: str) -> bool:
    """Tell whether a content has references that belong into the actions."""
    return _INERT.search(content) is not None


def _kept(found: re.Match[str]) -> str:
    return "" if found[1] else found[0]
