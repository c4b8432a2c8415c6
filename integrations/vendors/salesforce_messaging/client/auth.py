"""Salesforce's access tokens: what they are made of, and the identity we sign for end users."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import jwt

from integrations.contract.errors import InvalidAuthError, UnexpectedResponseError
from integrations.kit.json_values import as_count, as_object, as_text

# A token that does not tell when it expires is used for as long as a channel's sample setting.
DEFAULT_LIFE_SECONDS = 6 * 3600
_ANONYMOUS_SUBJECT = "/ANON/"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """One end user's right to use the API, and where their event stream begins."""

    value: str = field(repr=False)
    last_event_id: str
    expires_at: float
    is_authenticated: bool

    def dump(self) -> str:
        """Return the token as text for the token cache."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> AccessToken:
        """Read what `dump` wrote."""
        return cls(**json.loads(text))


def token_from_answer(answer: object, *, was_signed: bool) -> AccessToken:
    """Read a token answer; a signed request may still be answered with an anonymous token."""
    fields = as_object(answer)
    value = as_text(fields.get("accessToken"))
    if not value:
        raise UnexpectedResponseError("access_token: the answer holds no token")
    end_user = as_object(as_object(fields.get("context")).get("endUser"))
    is_anonymous = _ANONYMOUS_SUBJECT in as_text(end_user.get("subject"))
    return AccessToken(
        value=value,
        last_event_id=str(fields.get("lastEventId") or ""),
        expires_at=_expiry(value),
        is_authenticated=was_signed and not is_anonymous,
    )


def customer_identity_token(credentials: Mapping[str, str], subject: str) -> str:
    """Sign who the end user is; raises InvalidAuthError when the key cannot sign."""
    now = int(time.time())
    life = int(credentials.get("jwt_ttl_seconds") or 300)
    claims = {
        "iss": credentials.get("jwt_issuer", ""),
        "sub": subject,
        "iat": now,
        "exp": now + life,
    }
    try:
        return jwt.encode(
            claims,
            credentials.get("jwt_private_key", ""),
            algorithm=credentials.get("jwt_alg") or "RS256",
            headers={"kid": credentials.get("jwt_key_id", ""), "typ": "JWT"},
        )
    except (ValueError, TypeError, jwt.PyJWTError):
        raise InvalidAuthError(
            "customer_identity_token: the private key cannot sign", field="jwt_private_key"
        ) from None  # the library's own words may quote the key


def _expiry(value: str) -> float:
    """Read `exp` without judging the token, which is Salesforce's own affair."""
    part = value.split(".")[1] if value.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        claims = {}
    expiry = as_count(as_object(claims).get("exp"))
    return float(expiry) if expiry else time.time() + DEFAULT_LIFE_SECONDS
