"""Make the identifiers that outsiders see."""

from __future__ import annotations

import secrets
import time
import uuid

HANDOFF_PREFIX = "HOF-"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid7() -> uuid.UUID:
    """Return a UUID that sorts by the millisecond in which it was made (RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def conversation_id() -> str:
    """Return a new conversation id, such as CONV-0192…; opaque to everybody."""
    return f"CONV-{uuid7().hex}"


def handoff_id() -> str:
    """Return a new handoff id."""
    return f"{HANDOFF_PREFIX}{uuid7()}"


def workspace_id() -> str:
    """Return a new workspace id: `ws-` and eight hexadecimal digits."""
    return f"ws-{secrets.token_hex(4)}"


def project_id() -> str:
    """Return a new project id: `PROJECT-` and eight characters."""
    return "PROJECT-" + "".join(secrets.choice(_CROCKFORD) for _ in range(8))


def variant_id() -> str:
    """Return a new variant id: `VARIANT-` and eight characters."""
    return "VARIANT-" + "".join(secrets.choice(_CROCKFORD) for _ in range(8))


def invitation_id() -> str:
    """Return a new invitation id."""
    return f"INV-{uuid7()}"


def public_widget_key() -> str:
    """Return a new public widget key: no secret, but not to be guessed either."""
    return f"wk_{secrets.token_urlsafe(18)}"


def api_key() -> str:
    """Return a new API key, shown once."""
    return f"bk_{secrets.token_urlsafe(32)}"
