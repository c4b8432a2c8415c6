"""Codes of an authenticator app (RFC 6238), and recovery codes for its loss."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.utils.safestring import SafeString, mark_safe

DIGITS = 6
STEP_SECONDS = 30
# An app whose clock is one step off is let in.
_DRIFT = (0, -1, 1)
_KEY_BYTES = 20
RECOVERY_CODES = 10
_RECOVERY_HALF = 5
# Without what people read as something else.
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
ISSUER = "Baton"


def key_make() -> str:
    """Return a new key, as an app takes it by hand."""
    return base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()


def key_in_groups(key: str) -> str:
    """Return a key in groups of four, so that it can be typed."""
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def code_at(key: str, at: float) -> str:
    """Return the code that an app with this key shows at a time."""
    return _totp(key).generate(int(at)).decode()


def step_of(key: str, code: str) -> int | None:
    """Return the time step of a code that is good now; None for any other one."""
    now = int(time.time())
    for drift in _DRIFT:
        at = now + drift * STEP_SECONDS
        try:
            _totp(key).verify(code.encode(), at)
        except InvalidToken:
            continue
        return at // STEP_SECONDS
    return None


def qr_code(key: str, account: str) -> SafeString:
    """Draw what an app's camera reads, as SVG in the page: nobody else is asked for it."""
    address = _totp(key).get_provisioning_uri(account, ISSUER)
    drawn = segno.make(address, error="m").svg_inline(scale=4, border=4, light="white")
    return mark_safe(drawn)  # noqa: S308 - the library's own drawing, in which no text stands


def recovery_codes_make() -> list[str]:
    """Return new recovery codes; each is good once."""
    return [f"{_half()}-{_half()}" for _ in range(RECOVERY_CODES)]


def recovery_hash(code: str) -> str:
    """Return what is kept of a recovery code, however it was typed."""
    return hashlib.sha256(plain(code).encode()).hexdigest()


def plain(code: str) -> str:
    """Return a code without the blanks and hyphens that people put in."""
    return "".join(char for char in code.upper() if char.isalnum() and char.isascii())


def _half() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_RECOVERY_HALF))


def _totp(key: str) -> TOTP:
    # The apps in use know SHA-1 alone; it is not the hash's collisions that matter in an HMAC.
    return TOTP(base64.b32decode(key), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303
