"""When the periodic tasks ran last, kept in Redis: what is not there has not run."""

from __future__ import annotations

import time
from functools import cache

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

_KEY = "baton:swept_at"
_KEEP_SECONDS = 86400
# Ten times the sweep's interval.
BEAT_LATE_SECONDS = 30.0


@cache
def _client() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def beat_note() -> None:
    """Note that a sweep runs, which takes beat and a worker."""
    try:
        _client().set(_KEY, time.time(), ex=_KEEP_SECONDS)
    except RedisError:
        return


def beat_age_seconds() -> float | None:
    """Return how long ago the last sweep ran, or None; raises RedisError without Redis."""
    value = _client().get(_KEY)
    return None if value is None else max(time.time() - float(value), 0.0)  # type: ignore[arg-type]
