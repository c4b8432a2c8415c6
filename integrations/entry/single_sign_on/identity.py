"""Read who somebody is from the provider's signed answer, and believe nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from django.conf import settings
from django.utils.crypto import constant_time_compare

from integrations.entry.single_sign_on.provider import Provider, keys_get, person_at
from integrations.entry.single_sign_on.refusals import SignOnRefusedError

# Signed with a key that only the provider has: no `none`, and nothing by a shared secret.
_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
_CLOCKS_APART_SECONDS = 60
_CODES: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "expired"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "audience"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person of the provider, whose e-mail address it has verified."""

    issuer: str
    subject: str
    email: str
    name: str


def identity_read(provider: Provider, tokens: Mapping[str, Any], nonce: str) -> Identity:
    """Return who the tokens are about; raises SignOnRefusedError for whatever is not proved."""
    token = tokens.get("id_token")
    if not isinstance(token, str):
        raise SignOnRefusedError("provider")
    claims = _claims(provider, token)
    if not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise SignOnRefusedError("nonce")
    audience = claims["aud"]
    client = settings.SINGLE_SIGN_ON_CLIENT_ID
    is_shared = isinstance(audience, list) and len(audience) > 1
    if claims.get("azp", client if not is_shared else None) != client:
        raise SignOnRefusedError("audience")
    return _with_email(provider, claims, str(tokens.get("access_token", "")))


def _claims(provider: Provider, token: str) -> dict[str, Any]:
    try:
        key = _key(provider, jwt.get_unverified_header(token))
        return jwt.decode(
            token,
            key,
            algorithms=sorted(_ALGORITHMS.intersection(provider.algorithms)),
            audience=settings.SINGLE_SIGN_ON_CLIENT_ID,
            issuer=provider.issuer,
            leeway=_CLOCKS_APART_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except jwt.PyJWTError as error:
        code = next((code for kind, code in _CODES if isinstance(error, kind)), "signature")
        raise SignOnRefusedError(code) from error


def _key(provider: Provider, header: Mapping[str, Any]) -> jwt.PyJWK:
    """Return the key that the token names; the set is read anew where it is not in it."""
    for anew in (False, True):
        keys = jwt.PyJWKSet.from_dict(dict(keys_get(provider, anew=anew))).keys
        fitting = [key for key in keys if key.key_id == header.get("kid")]
        if len(keys) == 1 and "kid" not in header:
            fitting = keys
        if fitting:
            return fitting[0]
    raise jwt.InvalidKeyError("no such key")


def _with_email(provider: Provider, claims: dict[str, Any], access_token: str) -> Identity:
    if "email" not in claims or "email_verified" not in claims:
        more = person_at(provider, access_token)
        # What is told of somebody else must not count for this one (OpenID Connect Core 5.3.2).
        if more.get("sub") == claims["sub"]:
            claims = {**more, **claims}
    email = str(claims.get("email") or "").strip()
    if "@" not in email:
        raise SignOnRefusedError("no_email")
    if claims.get("email_verified") not in (True, "true"):
        raise SignOnRefusedError("unverified")
    return Identity(
        issuer=provider.issuer,
        subject=str(claims["sub"])[:255],
        email=email.casefold(),
        name=str(claims.get("name") or "")[:150],
    )
