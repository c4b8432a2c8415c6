"""Reads a token answer: the right to use the API, and what the deployment says of itself."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import asdict, dataclass, field

from integrations.contract.errors import UnexpectedResponseError
from integrations.kit.json_values import Json, as_count, as_object, as_text

# A token that does not tell when it expires is used for as long as a channel's sample setting.
DEFAULT_LIFE_SECONDS = 6 * 3600
_ANONYMOUS_SUBJECT = "/ANON/"
# The answer names the size of a file in megabytes.
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """One end user's right to use the API, and where their event stream begins."""

    value: str = field(repr=False)
    last_event_id: str
    expires_at: float
    is_authenticated: bool
    # The largest file that the channel takes; 0 where it does not say.
    max_file_bytes: int = 0

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
        max_file_bytes=_max_file_bytes(fields),
    )


def _max_file_bytes(answer: Json) -> int:
    configuration = as_object(as_object(answer.get("context")).get("configuration"))
    config = as_object(configuration.get("embeddedServiceConfig"))
    size = as_count(as_object(config.get("attachments")).get("maxFileSize"))
    return (size or 0) * _MEGABYTE


def _expiry(value: str) -> float:
    """Read `exp` without judging the token, which is Salesforce's own affair."""
    part = value.split(".")[1] if value.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        claims = {}
    expiry = as_count(as_object(claims).get("exp"))
    return float(expiry) if expiry else time.time() + DEFAULT_LIFE_SECONDS
