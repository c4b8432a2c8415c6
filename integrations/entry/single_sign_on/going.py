"""One sign-on under way: what only this browser knows, used once."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from integrations.entry.single_sign_on.provider import Provider
from integrations.entry.single_sign_on.refusals import SignOnRefusedError

GOING_SECONDS = 600
_GOING = "baton_sign_ons"
# So many tabs may be on their way at once.
_TABS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """What comes back with the answer (state), in it (nonce), and what proves the code is ours."""

    state: str
    nonce: str
    verifier: str
    target: str
    until: int


def going_begin(session: SessionBase, target: str) -> Going:
    """Begin a sign-on; those of other tabs go on."""
    going = Going(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        target=target,
        until=int(time.time()) + GOING_SECONDS,
    )
    session[_GOING] = [*session.get(_GOING, []), asdict(going)][-_TABS:]
    return going


def going_take(session: SessionBase, state: str) -> Going:
    """Return the sign-on that a state belongs to, once; raises SignOnRefusedError."""
    kept = session.get(_GOING, [])
    found = next((one for one in kept if constant_time_compare(one["state"], state)), None)
    if found is None:
        raise SignOnRefusedError("state")
    session[_GOING] = [one for one in kept if one is not found]
    if found["until"] < time.time():
        raise SignOnRefusedError("state")
    return Going(**found)


def address_back() -> str:
    """Return the address that must be registered at the provider."""
    return f"{settings.PUBLIC_URL}{reverse('single_sign_on_back')}"


def address_there(provider: Provider, going: Going) -> str:
    """Return the provider's page, with all that is asked of it."""
    digest = hashlib.sha256(going.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": settings.SINGLE_SIGN_ON_CLIENT_ID,
        "redirect_uri": address_back(),
        "scope": "openid email profile",
        "state": going.state,
        "nonce": going.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in provider.authorization_endpoint else "?"
    return f"{provider.authorization_endpoint}{joint}{urlencode(asked)}"
