"""The simulated token office: signs access tokens, checks them, verifies customer identity tokens.

Imitates developer.salesforce.com/docs/service/messaging-api, guide/authorization.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integrations.simulators.keysets import Keyset

CUSTOMER_ALGORITHMS = ["RS256", "RS512"]
KEY_ID = "simulator-messaging-1"


class TokenRefusedError(Exception):
    """A token is not good; the text goes into the 401 answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a good access token says about its bearer."""

    token_id: str
    subject: str
    client_identifier: str
    expires_at: int

    @property
    def is_authenticated(self) -> bool:
        """Tell whether the end user was verified."""
        return self.subject.startswith("v2/iamessage/AUTH/")


class TokenOffice:
    """Issues and judges tokens for one org."""

    def __init__(self, org_id: str) -> None:
        self._org_id = org_id
        self._private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.keyset = Keyset(CUSTOMER_ALGORITHMS)
        self._good: set[str] = set()
        self._revoked: set[str] = set()
        self._expired: set[str] = set()

    # -- Access tokens ------------------------------------------------------------------------

    def issue(self, subject: str, *, ttl_seconds: float) -> tuple[str, AccessToken]:
        """Sign a token for an end user."""
        return self._sign(subject, expires_at=int(time.time() + ttl_seconds))

    def continue_from(self, token: AccessToken) -> tuple[str, AccessToken]:
        """Sign a token for the same end user and a new client; the expiry stays as it was."""
        return self._sign(token.subject, expires_at=token.expires_at)

    def _sign(self, subject: str, *, expires_at: int) -> tuple[str, AccessToken]:
        token = AccessToken(
            token_id=uuid.uuid4().hex,
            subject=subject,
            client_identifier=str(uuid.uuid4()),
            expires_at=expires_at,
        )
        claims = {
            "jti": token.token_id,
            "sub": subject,
            "orgId": self._org_id,
            "clientId": token.client_identifier,
            "iat": int(time.time()),
            "exp": expires_at,
        }
        self._good.add(token.token_id)
        signed = jwt.encode(claims, self._private_key, algorithm="RS256", headers={"kid": KEY_ID})
        return signed, token

    def check(self, bearer: str) -> AccessToken:
        """Return what a token says; raises TokenRefusedError for any but a good one."""
        try:
            claims = jwt.decode(
                bearer,
                self._private_key.public_key(),
                algorithms=["RS256"],
                options={"require": ["exp", "sub", "jti"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenRefusedError("Jwt is expired") from error
        except jwt.InvalidTokenError as error:
            raise TokenRefusedError("Jwt verification fails") from error
        token = AccessToken(
            token_id=claims["jti"],
            subject=claims["sub"],
            client_identifier=claims["clientId"],
            expires_at=claims["exp"],
        )
        self.recheck(token)
        return token

    def recheck(self, token: AccessToken) -> None:
        """Judge a token again that was good before; raises TokenRefusedError."""
        if token.token_id in self._expired or token.expires_at <= time.time():
            raise TokenRefusedError("Jwt is expired")
        if token.token_id in self._revoked:
            raise TokenRefusedError("Jwt is revoked")
        if token.token_id not in self._good:
            raise TokenRefusedError("Jwt verification fails")

    def revoke(self, token: AccessToken) -> None:
        """Let one token be good no longer."""
        self._revoked.add(token.token_id)

    def expire_all(self) -> None:
        """Let every token issued so far count as expired."""
        self._expired |= self._good

    def verify_identity(self, identity_token: str) -> str:
        """Return the verified `sub` of a customer identity token; raises IdentityRefusedError.

        `aud` is not looked at: the contract's sources disagree about it.
        """
        return self.keyset.subject_of(identity_token, is_audience_checked=False)

    # -- Keeping ------------------------------------------------------------------------------

    def forget(self) -> None:
        """Forget all tokens and registered keys; the signing key stays."""
        self.keyset.forget()
        for tokens in (self._good, self._revoked, self._expired):
            tokens.clear()

    def as_json(self) -> dict[str, Any]:
        """Return everything a restart must keep."""
        return {
            "private_key_pem": _key_as_pem(self._private_key),
            "keys": self.keyset.as_json(),
            "good": sorted(self._good),
            "revoked": sorted(self._revoked),
            "expired": sorted(self._expired),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_json` returned."""
        self._private_key = _key_from_pem(kept["private_key_pem"])
        self.keyset.restore(kept["keys"])
        self._good, self._revoked, self._expired = (
            set(kept[name]) for name in ("good", "revoked", "expired")
        )


def _key_as_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _key_from_pem(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
