"""The messaging access token: short-lived, signed, bound to a channel and its sessions."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

import jwt
from django.conf import settings

from conversations.models import Channel

_ALGORITHM = "HS256"
# With it begins the secret token of a server; a page's key has another.
SECRET_PREFIX = "ct_"  # noqa: S105 - what all of them begin with

# What comes along when somebody copies a key or an id.
AROUND = " \t\r\n\"'\u201c\u201d\u2018\u2019"


class TokenError(Exception):
    """The token, key or host does not fit; the text is fit for the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A verified token; sessions opened with it belong to `family`, which a refresh keeps."""

    channel_id: int
    family: uuid.UUID
    is_trusted: bool


def token_issue(channel: Channel, *, family: uuid.UUID, is_trusted: bool) -> str:
    """Return a signed token of ACCESS_TOKEN_SECONDS."""
    now = int(time.time())
    claims = {
        "chn": channel.pk,
        "fam": str(family),
        "tru": is_trusted,
        "iat": now,
        "exp": now + settings.ACCESS_TOKEN_SECONDS,
    }
    return jwt.encode(claims, _key(), algorithm=_ALGORITHM)


def token_verify(token: str, *, for_refresh: bool = False) -> AccessToken:
    """Return the token's content; raises TokenError. A refresh accepts one expired not long ago."""
    grace = settings.ACCESS_TOKEN_REFRESH_SECONDS if for_refresh else 0
    try:
        claims = jwt.decode(
            token, _key(), algorithms=[_ALGORITHM], leeway=grace, options={"require": ["exp"]}
        )
        return AccessToken(
            channel_id=claims["chn"], family=uuid.UUID(claims["fam"]), is_trusted=claims["tru"]
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenError("The access token has expired. Request a new one.") from error
    except (jwt.InvalidTokenError, KeyError, ValueError, TypeError) as error:
        raise TokenError("The access token is not valid. Request a new one.") from error


def channel_for_token(raw: str) -> tuple[Channel, bool]:
    """Return the channel of a public key or secret token, and whether it was the secret one."""
    raw = raw.strip(AROUND)
    channel, is_trusted = channel_by_key(raw), False
    if channel is None and raw.startswith(SECRET_PREFIX):
        channel = (
            Channel.objects.select_related("project")
            .filter(secret_token_hash=secret_hash(raw))
            .first()
        )
        is_trusted = channel is not None
    if channel is None or not channel.is_enabled:
        raise TokenError("X-Token is not the key of a channel that is switched on.")
    return channel, is_trusted


def channel_by_key(key: str) -> Channel | None:
    """Return the channel of a public key, whether it is switched on or not."""
    found = Channel.objects.select_related("project").filter(public_key=key.strip(AROUND))
    return found.first()


def secret_make() -> str:
    """Return a new secret connector token, to be shown once."""
    return f"{SECRET_PREFIX}{secrets.token_urlsafe(32)}"


def secret_hash(raw: str) -> str:
    """Return what is stored of a secret connector token."""
    return hashlib.sha256(raw.encode()).hexdigest()


def host_allowed(channel: Channel, host: str) -> bool:
    """Say whether a page on `host` (a name, a name with port, or an origin) may use the channel."""
    wanted = _place(host)
    # Every sandboxed page and every file is the origin null.
    if wanted.name in ("", "null"):
        return False
    registered = [*channel.allowed_origins, settings.PUBLIC_URL]
    return any(_covers(_place(entry), wanted) for entry in registered)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page or an app is at home; an app's scheme is its own, a web page's is left out."""

    name: str
    port: int | None = None
    scheme: str = ""


def _covers(registered: _Place, wanted: _Place) -> bool:
    if not registered.name:
        return False
    if registered.port and wanted.port and registered.port != wanted.port:
        return False
    if registered.scheme and wanted.scheme not in ("", registered.scheme):
        return False
    return wanted.name == registered.name or wanted.name.endswith("." + registered.name)


def _place(value: str) -> _Place:
    try:
        parts = urlsplit(value if "://" in value else f"//{value}")
        default = {"http": 80, "https": 443}.get(parts.scheme)
        name = (parts.hostname or "").lower().removesuffix(".")
        return _Place(name, parts.port or default, _own_scheme(parts.scheme))
    except ValueError:
        return _Place("")


def _own_scheme(scheme: str) -> str:
    """Return a scheme that tells something; of pages of the web all are alike here."""
    return "" if scheme in ("http", "https") else scheme


def _key() -> bytes:
    # A key of its own, so that a token never doubles as anything else that SECRET_KEY signs.
    return hmac.digest(settings.SECRET_KEY.encode(), b"baton messaging access token", "sha256")
