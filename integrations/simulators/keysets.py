"""The public keys that customers registered with a pretend vendor, and what they signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integrations.simulators.records import Records


class IdentityRefusedError(Exception):
    """A signed identity did not pass verification; the text says which check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredKey:
    """A customer's public key on the keyset."""

    kid: str
    issuer: str
    public_key_pem: str


class Keyset(Records[RegisteredKey]):
    """RSA keys by their ids."""

    def __init__(self, algorithms: Sequence[str]) -> None:
        """Take the algorithms that the vendor accepts."""
        super().__init__(RegisteredKey, "kid")
        self._algorithms = list(algorithms)

    def register(self, *, kid: str, issuer: str, public_key_pem: str) -> None:
        """Put a public key on the keyset; raises ValueError when it is no RSA public key."""
        try:
            key = serialization.load_pem_public_key(public_key_pem.encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError("public_key_pem is not a public key in PEM form") from error
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("public_key_pem is not an RSA key")
        self.add(RegisteredKey(kid=kid, issuer=issuer, public_key_pem=public_key_pem))

    def subject_of(self, identity_token: str, *, is_audience_checked: bool = True) -> str:
        """Return the verified `sub` of a JWT; raises IdentityRefusedError."""
        try:
            claims = self._claims(identity_token, is_audience_checked=is_audience_checked)
        except KeyError as error:
            raise IdentityRefusedError("no key with this kid is on the keyset") from error
        except jwt.InvalidTokenError as error:
            raise IdentityRefusedError(type(error).__name__) from error
        if not claims["sub"]:
            raise IdentityRefusedError("sub is empty")
        return str(claims["sub"])

    def _claims(self, identity_token: str, *, is_audience_checked: bool) -> Mapping[str, Any]:
        key = self[jwt.get_unverified_header(identity_token)["kid"]]
        claims: Mapping[str, Any] = jwt.decode(
            identity_token,
            key.public_key_pem,
            algorithms=self._algorithms,
            issuer=key.issuer,
            options={"require": ["exp", "sub", "iss"], "verify_aud": is_audience_checked},
        )
        return claims
