"""One vocabulary for what goes wrong: in a test, on a tile, in a retry and on a timeline.

The codes are those of `errors.py`. A connection test looks closer, so it has a few more: three
kinds of `cannot_connect`, and what may be wrong with a thing that exists at the vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

# A code once released is never renamed.
CheckCode = Literal[
    "ok",
    "skipped",
    "dns",
    "tls",
    "timeout",
    "cannot_connect",
    "rate_limited",
    "invalid_auth",
    "missing_permission",
    "rejected",
    "invalid_routing",
    "no_live_agents",
    "unexpected_response",
    "unsupported_feature",
    "unknown",
    "not_published",
    "disabled",
    "wrong_region",
    "wrong_type",
    "licence",
    "webhook_not_seen",
]

# What the help for a check is kept under, where the vendor's own trouble has no help by its code.
UNKNOWN = "unknown"
OWN_TROUBLE = "vendor_error"

# The documented answer of a connection test has words of its own for these; the others it shares.
ANSWER_WORDS: Mapping[str, str] = {
    "invalid_auth": "auth",
    "missing_permission": "forbidden",
    "invalid_routing": "not_found",
    "cannot_connect": OWN_TROUBLE,
    "rejected": OWN_TROUBLE,
    "no_live_agents": OWN_TROUBLE,
    "unexpected_response": OWN_TROUBLE,
    "unsupported_feature": OWN_TROUBLE,
    UNKNOWN: OWN_TROUBLE,
}


def answer_word(code: str) -> str:
    """Name a code as the documented answer of a connection test does."""
    return ANSWER_WORDS.get(code, code)
