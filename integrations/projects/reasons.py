"""A project's reasons for handing off: codes that reports count by, and what tools say for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypedDict

REASONS_MAX = 50
LABEL_MAX = 80
_CODE = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")


class Reason(TypedDict):
    """One reason: what is stored, and what people read."""

    code: str
    label: str


def reasons_read(lines: Iterable[str]) -> list[Reason]:
    """Return the reasons of `code = label` lines; a code alone is its own label.

    Raises ValueError with a sentence that names the line at fault.
    """
    found: dict[str, Reason] = {}
    for line in filter(None, map(str.strip, lines)):
        code, _, label = (part.strip() for part in line.partition("="))
        if not _CODE.fullmatch(code):
            raise ValueError(
                f"“{line[:60]}” has no code: up to 40 small letters, digits and underscores, such "
                "as user_request = The end user asked for a person."
            )
        if len(label) > LABEL_MAX or not label.isprintable():
            raise ValueError(f"The label of {code} may have {LABEL_MAX} printable characters.")
        if code in found:
            raise ValueError(f"{code} is given twice.")
        found[code] = {"code": code, "label": label or code.replace("_", " ").capitalize()}
    if len(found) > REASONS_MAX:
        raise ValueError(f"{len(found)} reasons are given; at most {REASONS_MAX} fit.")
    return list(found.values())


def reason_lines(reasons: Sequence[Reason]) -> list[str]:
    """Return the lines that reasons_read would read so."""
    return [f"{one['code']} = {one['label']}" for one in reasons]


def reason_code(reasons: Sequence[Reason], said: str) -> str:
    """Return the code that is meant by a code or a label, however it is written; "" for none."""
    wanted = _plain(said)
    if not wanted:
        return ""
    by_label = {_plain(one["label"]): one["code"] for one in reasons}
    by_code = {_plain(one["code"]): one["code"] for one in reasons}
    return {**by_label, **by_code}.get(wanted, "")


def reason_label(reasons: Sequence[Reason], code: str, said: str) -> str:
    """Return what people read of a reason: its label, else what was said."""
    return next((one["label"] for one in reasons if one["code"] == code), said)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().casefold()
