"""Takes off what came along when a value was copied: quotes, its name, what stands around it."""

from __future__ import annotations

import json
import re

from integrations.contract.manifest import CredentialField, FieldKind
from integrations.kit.pasted import mended_pem

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\xad"))
_QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u201e": "\u201c",
    "\u201d": "\u201d",
    "\u2018": "\u2019",
    "\u201a": "\u2018",
    "\u00ab": "\u00bb",
    "<": ">",
}
_NAMED = re.compile(
    r"""["'`]?(?P<name>[A-Za-z][\w .-]{0,60}?)["'`]?\s*[:=]\s*(?P<value>.*)""", re.S
)
# YAML's marks for a text of several lines, and an export of a shell.
_BLOCK = re.compile(r"[|>][+-]?\s*\n")
_EXPORT = re.compile(r"(?:export|set|const|let|var)\s+")
_ROUNDS = 4
# Names and numbers: a pattern that any of them fits is too wide to look for in a text.
_ORDINARY = ("name", "client_id", "Organization", "12", "1234567890", "portal-chat", "a.b")
_KINDS_WITH_TEXT = (FieldKind.TEXT, FieldKind.SECRET, FieldKind.URL, FieldKind.NUMBER)


def unwrapped(item: CredentialField, given: str) -> str:
    """Return the value of a field in whatever it was pasted."""
    text = trimmed(given)
    if item.kind is FieldKind.MULTILINE_SECRET:
        return mended_pem(_bare(item, text))
    if item.kind not in (*_KINDS_WITH_TEXT, FieldKind.CHOICE):
        return text
    return _bare(item, text)


def trimmed(given: str) -> str:
    """Return a text without blanks around it, and without what nobody sees in it."""
    return given.replace("\r\n", "\n").translate(_INVISIBLE).strip()


def found_inside(item: CredentialField, text: str) -> str:
    """Return the one value of the field's form in a longer text, such as an address or an ARN.

    The text itself where there is none, or more than one, or where the form is too wide.
    """
    pattern = item.pattern.removeprefix("^").removesuffix("$")
    is_wide = any(re.fullmatch(pattern, word) for word in ("", *_ORDINARY))
    if item.kind is not FieldKind.TEXT or not pattern or is_wide or re.fullmatch(pattern, text):
        return text
    whole = re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])")
    inside = {found.group() for found in whole.finditer(text)}
    return inside.pop() if len(inside) == 1 else text


def pairs_read(text: str) -> list[tuple[str, str]] | None:
    """Return the pairs of a pasted JSON object; None where the text is none."""
    if not text.startswith("{"):
        return None
    try:
        pairs = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, dict):
        return None
    return [
        (str(name), value if isinstance(value, str) else json.dumps(value))
        for name, value in pairs.items()
    ]


def without_quotes(text: str) -> str:
    """Take off one pair of quotes, and what a file puts behind it."""
    bare = text.strip()
    cut = bare.rstrip(",; \t")
    for value in (bare, cut):
        if len(value) > 1 and _QUOTES.get(value[0]) == value[-1]:
            return value[1:-1].strip()
    return bare


def _bare(item: CredentialField, text: str) -> str:
    for _ in range(_ROUNDS):
        bare = without_quotes(_without_name(item, text))
        if bare == text:
            break
        text = bare
    return text


def _without_name(item: CredentialField, text: str) -> str:
    """Take off the field's name before its value, as in files of settings and on vendors' pages."""
    if text.casefold().startswith(f"{item.label}:".casefold()):
        return text[len(item.label) + 1 :].strip()
    found = _NAMED.fullmatch(_EXPORT.sub("", text, count=1).lstrip("{").lstrip())
    if found is None or _plain(found["name"]) not in _names(item):
        return text
    return _BLOCK.sub("", found["value"].rstrip("} \n"), count=1).strip()


def _names(item: CredentialField) -> set[str]:
    """Return how a field may be called: the last words of its name count too."""
    words = item.name.split("_")
    ends = {_plain("_".join(words[start:])) for start in range(len(words) - 1)}
    return ends | {_plain(item.name), _plain(item.label)}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
