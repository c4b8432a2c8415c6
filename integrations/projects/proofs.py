"""What a signed-in session has proved, and when: kept in the session itself."""

from __future__ import annotations

import time

from django.contrib.sessions.backends.base import SessionBase

CONFIRMED_SECONDS = 300
_FACTOR = "baton_second_factor"
_CONFIRMED_AT = "baton_confirmed_at"
WAY = "baton_way"
SEEN_AT = "baton_seen_at"
# Minutes; stands in the session that comes after one that ended by itself.
ENDED_AFTER = "baton_ended_after"
# Stands in the session after signing out here, while the provider may know better.
SIGNED_OUT = "baton_signed_out"


def factor_proved(session: SessionBase) -> bool:
    """Say whether more than a password was shown in this session."""
    return bool(session.get(_FACTOR))


def mark_factor(session: SessionBase, *, is_proved: bool = True) -> None:
    """Note that a second factor was shown, or that there is none any more."""
    session[_FACTOR] = is_proved


def mark_confirmed(session: SessionBase) -> None:
    """Note that its member has shown just now who they are."""
    session[_CONFIRMED_AT] = int(time.time())


def is_recently_confirmed(session: SessionBase) -> bool:
    """Say whether its member has shown who they are in the last five minutes."""
    return time.time() - int(session.get(_CONFIRMED_AT, 0)) < CONFIRMED_SECONDS
