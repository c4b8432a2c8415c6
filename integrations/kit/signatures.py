"""Judges a vendor's call (HMAC-SHA256 over its raw bytes, shared secrets, age); signs JWTs of ours.

All comparisons take constant time, and without a secret of ours nothing fits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import jwt

from integrations.contract.errors import InvalidAuthError, WebhookVerificationError

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


def signed_jwt(
    claims: Mapping[str, object],
    private_key: str,
    *,
    seconds: int,
    algorithm: str = "RS256",
    key_id: str = "",
    field: str = "",
) -> str:
    """Sign claims that are good from now on for so long; raises InvalidAuthError about `field`."""
    now = int(time.time())
    headers = {"kid": key_id} if key_id else None
    dated = {**claims, "iat": now, "exp": now + seconds}
    try:
        return jwt.encode(dated, private_key, algorithm=algorithm, headers=headers)
    except (ValueError, TypeError, jwt.PyJWTError):
        raise InvalidAuthError(
            "signed_jwt: the private key cannot sign", field=field
        ) from None  # the library's own words may quote the key


def outbound_signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a call of ours (agent_api section 16): HMAC-SHA256 of `{timestamp}.{body}`, in hex."""
    return hex_signature(secret, timestamp.encode() + b"." + body)


def outbound_headers(secrets: Sequence[str], body: bytes, event_id: str) -> Mapping[str, str]:
    """Return the headers of a signed call of ours (agent_api section 16), repeatable by its id.

    While a secret is being replaced there are several: then the signatures stand side by side, with
    commas between them, and one that fits is enough.
    """
    timestamp = str(int(time.time()))
    signatures = [outbound_signature(secret, timestamp, body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": event_id,
        "X-Handoff-Event-ID": event_id,
        "X-Handoff-Timestamp": timestamp,
        "X-Handoff-Signature": ",".join(signatures),
    }


def _hmac(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def _is_one_of(given: str, expected: Sequence[str]) -> bool:
    # Each of them is compared: the time must not tell which one came close.
    found = [hmac.compare_digest(_bytes(given), _bytes(one)) for one in expected]
    return any(found)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
