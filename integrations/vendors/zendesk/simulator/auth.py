"""Who calls the simulated Conversations API: Basic and JWT authentication, scopes, the rate."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from dataclasses import dataclass

import jwt

from integrations.vendors.zendesk.simulator.account import Account
from integrations.vendors.zendesk.simulator.checks import VendorError

# Key prefix -> scope; a service account may what an account key may.
SCOPES = {"int": "integration", "app": "app", "act": "account", "svc": "account"}
SCOPE_ORDER = ("integration", "app", "account")
RATE_WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated key."""

    key_id: str
    scope: str

    def may(self, scope: str) -> bool:
        """Tell whether the key reaches a scope."""
        return SCOPE_ORDER.index(self.scope) >= SCOPE_ORDER.index(scope)


def authenticate(account: Account, authorization: str) -> Caller:
    """Return the caller; raises VendorError 401 for anything but a good key, 429 above the rate."""
    scheme, _, given = authorization.partition(" ")
    readers = {"basic": _from_basic, "bearer": _from_jwt}
    if scheme.lower() not in readers or account.are_keys_revoked:
        raise VendorError(401, "Unauthorized")
    caller = readers[scheme.lower()](account, given.strip())
    _count(account)
    return caller


def _from_basic(account: Account, given: str) -> Caller:
    try:
        key_id, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise VendorError(401, "Unauthorized") from error
    known = account.switches.keys.get(key_id)
    if known is None or not secrets.compare_digest(known.encode(), secret.encode()):
        raise VendorError(401, "Unauthorized")
    return Caller(key_id=key_id, scope=_scope(key_id))


def _from_jwt(account: Account, given: str) -> Caller:
    try:
        key_id = str(jwt.get_unverified_header(given).get("kid"))
        secret = account.switches.keys[key_id]
        claims = jwt.decode(given, secret, algorithms=["HS256"])
    except (jwt.InvalidTokenError, KeyError) as error:
        raise VendorError(401, "Unauthorized") from error
    # A token of scope user is refused, and a key signs for its own scope only.
    if claims.get("scope") != _scope(key_id):
        raise VendorError(401, "Unauthorized")
    return Caller(key_id=key_id, scope=_scope(key_id))


def _scope(key_id: str) -> str:
    scope = SCOPES.get(key_id.partition("_")[0])
    if scope is None:
        raise VendorError(401, "Unauthorized")
    return scope


def _count(account: Account) -> None:
    limit = account.switches.rate_limit_per_minute
    now = time.monotonic()
    account.calls_at[:] = [at for at in account.calls_at if now - at < RATE_WINDOW_SECONDS]
    if limit is not None and len(account.calls_at) >= limit:
        retry_after = account.switches.rate_limit_retry_after
        raise VendorError(429, "Too many requests", retry_after=retry_after)
    account.calls_at.append(now)
