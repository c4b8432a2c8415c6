"""Judges a vendor's call: HMAC-SHA256 over its raw bytes, shared secrets, and how old it is.

All comparisons take constant time, and without a secret of ours nothing fits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from integrations.contract.errors import WebhookVerificationError

Signature = Callable[[str, bytes], str]


def hex_signature(secret: str, signed: bytes) -> str:
    """Return the HMAC-SHA256 in hexadecimal digits."""
    return _hmac(secret, signed).hex()


def base64_signature(secret: str, signed: bytes) -> str:
    """Return the HMAC-SHA256 in Base64."""
    return base64.b64encode(_hmac(secret, signed)).decode()


def require_signature(
    given: str,
    secret: str,
    signed: bytes,
    *,
    written: Sequence[Signature] = (hex_signature,),
    prefix: str = "",
) -> None:
    """Raise WebhookVerificationError unless `given` signs these bytes in one of the ways."""
    expected = [f"{prefix}{write(secret, signed)}" for write in written]
    if not (secret and _is_one_of(given.strip(), expected)):
        raise WebhookVerificationError("webhook: the signature does not fit the body")


def require_secret(given: str, secret: str) -> None:
    """Raise WebhookVerificationError unless the call brought the secret that was agreed."""
    if not (secret and _is_one_of(given, [secret])):
        raise WebhookVerificationError("webhook: the secret does not fit")


def require_recent(moment: datetime | None, window: timedelta) -> None:
    """Raise WebhookVerificationError for a call without a time, or one too far from now."""
    if moment is None or abs(datetime.now(UTC) - moment) > window:
        raise WebhookVerificationError("webhook: the call is too old")


def _hmac(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def _is_one_of(given: str, expected: Sequence[str]) -> bool:
    # Each of them is compared: the time must not tell which one came close.
    found = [hmac.compare_digest(_bytes(given), _bytes(one)) for one in expected]
    return any(found)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
