"""The signature of the public contract: the same in both directions."""

from __future__ import annotations

import hashlib
import hmac

TIMESTAMP_HEADER = "X-Handoff-Timestamp"
SIGNATURE_HEADER = "X-Handoff-Signature"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return HMAC-SHA256 over `{timestamp}.{body}` in hexadecimal digits."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
