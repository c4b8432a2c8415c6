"""Who is locked out after too many guesses, until when, and how somebody else lets them in."""

from __future__ import annotations

import logging
import unicodedata
from typing import Any

from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

from integrations.entry.rate_limit import redis_client

logger = logging.getLogger(__name__)
# Longer than any count runs that an unlocking is to make void.
_UNLOCKED_SECONDS = 24 * 3600


def folded(name: str) -> str:
    """Return a user name as it is compared, however it was typed."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def mark(text: str) -> str:
    """Return a mark of a name or an address that only this portal can make."""
    return salted_hmac("integrations.entry.sign_in", text, algorithm="sha256").hexdigest()[:32]


def round_of(name: str) -> str:
    """Return what to add to the keys of this name's counts: another one after an unlocking."""
    try:
        found = redis_client().get(f"baton:unlocked:{mark(folded(name))}")
    except RedisError:
        return ""
    return f":{int(found)}" if found else ""  # type: ignore[arg-type]  # no coroutine here


def lock_note(name: str, seconds: int) -> None:
    """Note that attempts with a name are refused for a while."""
    try:
        redis_client().set(f"baton:locked:{mark(folded(name))}", 1, ex=seconds)
    except RedisError:
        logger.warning("No Redis: nobody is told who is locked out")


def locked_seconds(user: Any) -> int:
    """Return for how long attempts to sign in as a user are refused, at one address at least."""
    try:
        left = [int(redis_client().ttl(f"baton:locked:{one}")) for one in _marks(user)]  # type: ignore[arg-type]
    except RedisError:
        return 0
    return max(0, *left)


def unlock(user: Any) -> bool:
    """Void what was counted against a user's names; say if there was Redis to do it in."""
    try:
        with redis_client().pipeline() as pipe:
            for one in _marks(user):
                pipe.incr(f"baton:unlocked:{one}")
                pipe.expire(f"baton:unlocked:{one}", _UNLOCKED_SECONDS)
                pipe.delete(f"baton:locked:{one}")
            pipe.execute()
    except RedisError:
        return False
    return True


def _marks(user: Any) -> list[str]:
    names = dict.fromkeys(folded(name) for name in (user.get_username(), user.email) if name)
    return [mark(name) for name in names]
