"""Between the right password and the code: who is signing in, kept in the browser's session."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare

_PENDING = "baton_sign_in_pending"
PENDING_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Whose code is awaited, and what comes after it."""

    user: Any
    backend: str
    target: str


def pending_begin(session: SessionBase, user: Any, target: str) -> None:
    """Remember whose password was right; that signs nobody in."""
    session[_PENDING] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "backend": user.backend,
        "target": target,
        "until": int(time.time()) + PENDING_SECONDS,
    }


def pending_find(session: SessionBase) -> Pending | None:
    """Return who is signing in; None once it took too long, or the password has changed."""
    kept = session.get(_PENDING)
    if not kept or kept["until"] < time.time():
        return None
    user = get_user_model().objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(kept["hash"], user.get_session_auth_hash()):
        return None
    return Pending(user=user, backend=kept["backend"], target=kept["target"])


def pending_end(session: SessionBase) -> None:
    """Forget who was signing in."""
    session.pop(_PENDING, None)
