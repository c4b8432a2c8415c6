"""What a passkey is to sign: kept in the browser's session, for one purpose, used once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from integrations.entry.passkeys.refusals import PasskeyRefusedError

ADD, SIGN_IN, SECOND, CONFIRM = "add", "sign in", "second factor", "confirm"
CHALLENGE_SECONDS = 600
_KEPT = "baton_passkey_challenges"
# So many tabs may ask at once.
_TABS = 6


def challenge_keep(session: SessionBase, purpose: str, state: Mapping[str, Any]) -> None:
    """Remember a challenge that was just made."""
    until = int(time.time()) + CHALLENGE_SECONDS
    kept = [*session.get(_KEPT, []), {"purpose": purpose, "until": until, **state}]
    session[_KEPT] = kept[-_TABS:]


def challenge_take(session: SessionBase, purpose: str, challenge: str) -> Mapping[str, Any]:
    """Return what was kept of a challenge, once; raises PasskeyRefusedError."""
    kept = session.get(_KEPT, [])
    found: dict[str, Any] | None = next((o for o in kept if o["challenge"] == challenge), None)
    if found is None or found["purpose"] != purpose:
        raise PasskeyRefusedError("late")
    session[_KEPT] = [one for one in kept if one is not found]
    if found["until"] < time.time():
        raise PasskeyRefusedError("late")
    return found
