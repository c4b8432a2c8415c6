"""The hints that every integration understands; what only one knows is in its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.contract.hints import (
    Hint,
    flat_dict,
    hints_by_name,
    one_of,
    pattern,
    scalar,
    text,
    texts,
    whole_number,
)

_LANGUAGE = pattern(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,5}", "a language tag such as en-GB")
_EMAIL = pattern(r"(?=.{3,254}\Z)[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+", "an e-mail address")
_PHONE = pattern(r"\+[1-9][0-9]{6,14}", "a phone number such as +14155550100")
_PRIORITIES = ("low", "normal", "high", "urgent")
_PRIORITY = whole_number(0, 10, also=_PRIORITIES, or_words=" or low, normal, high, urgent")
_WAIT = whole_number(10, 86400, also=(0,), or_words=", or 0 to wait for ever")

# The connector decides what each of them means at its vendor.
COMMON_HINTS: Final[Mapping[str, Hint]] = hints_by_name(
    Hint(name="queue", check=text(1, 128)),
    Hint(name="skills", check=texts(20, text(1, 128), or_single=True), aliases=("skill",)),
    Hint(name="department", check=text(1, 128)),
    Hint(name="priority", check=_PRIORITY),
    Hint(name="language", check=_LANGUAGE),
    Hint(name="subject", check=text(1, 255)),
    Hint(name="user_display_name", check=text(1, 256)),
    Hint(name="user_email", check=_EMAIL),
    Hint(name="user_phone", check=_PHONE),
    Hint(name="user_external_id", check=text(1, 255)),
    Hint(name="attributes", check=flat_dict(text(1, 64), scalar)),
    Hint(name="reason", check=text(0, 128)),
    Hint(name="summary", check=text(0, 4000)),
    Hint(name="note", check=text(0, 1000), aliases=("private_note",)),
    Hint(name="transcript", check=one_of("full", "summary", "link", "none")),
    Hint(name="wait_timeout_seconds", check=_WAIT),
    Hint(name="on_unavailable", check=one_of("queue", "fail", "fallback", "return_to_bot")),
    Hint(name="after_agent", check=one_of("end", "return_to_bot")),
    Hint(name="credential_set", check=text(1, 64)),
)
