"""Read what a browser answers for a passkey, and check what holds for every answer."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

from integrations.entry.passkeys.refusals import PasskeyRefusedError
from integrations.entry.passkeys.relying_party import own_origin

ANSWER_BYTES = 32_768
_TRANSPORTS = ("usb", "nfc", "ble", "hybrid", "internal", "smart-card")
# What the library raises, here and there, for bytes that are not what they should be.
_BROKEN = (
    *(ValueError, TypeError, KeyError, AttributeError, IndexError, AssertionError),
    *(struct.error, RecursionError, NotImplementedError, OverflowError, UnsupportedAlgorithm),
)
Answer = TypeVar("Answer", RegistrationResponse, AuthenticationResponse)


@contextmanager
def refusing(code: str) -> Iterator[None]:
    """Turn whatever the library raises for strange bytes into one refusal."""
    try:
        yield
    except _BROKEN as error:
        raise PasskeyRefusedError(code) from error


def answer_read(kind: type[Answer], text: str) -> Answer:
    """Return a browser's answer; raises PasskeyRefusedError."""
    if len(text) > ANSWER_BYTES:
        raise PasskeyRefusedError("unreadable")
    with refusing("unreadable"):
        return kind.from_dict(json.loads(text))  # type: ignore[no-any-return]


def transports_in(text: str) -> list[str]:
    """Return how a browser reaches a device that has just answered, as far as it says."""
    with refusing("unreadable"):
        said = json.loads(text)["response"].get("transports") or []
        return [one for one in _TRANSPORTS if one in said]


def challenge_of(client: CollectedClientData) -> str:
    """Return the challenge that was signed."""
    with refusing("unreadable"):
        return websafe_encode(client.challenge)


def check_origin(client: CollectedClientData) -> None:
    """Refuse an answer made on another page, or on this one inside another's frame."""
    if client.origin != own_origin() or client.cross_origin is not False:
        raise PasskeyRefusedError("origin")


def check_verified(data: AuthenticatorData) -> None:
    """Refuse a device that did not ask for PIN, finger or face."""
    if not data.is_user_verified():
        raise PasskeyRefusedError("unverified")
