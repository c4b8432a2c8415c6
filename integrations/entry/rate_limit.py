"""Count requests in fixed windows in Redis; without Redis nobody is refused."""

from __future__ import annotations

import time
from functools import cache

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError


@cache
def redis_client() -> Redis:
    """Return the process's client for counters."""
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def retry_after(key: str, *, limit: int, window_seconds: int, amount: int = 1) -> int:
    """Count one request, or an amount; return 0 if it may go on, else the seconds to wait.

    `key` must not hold a secret: it is stored in Redis as it is.
    """
    now = int(time.time())
    name = f"baton:rate:{key}:{now // window_seconds}"
    try:
        with redis_client().pipeline() as pipe:
            pipe.incr(name, amount)
            pipe.expire(name, window_seconds)
            count = int(pipe.execute()[0])
    except RedisError:
        return 0
    return 0 if count <= limit else window_seconds - now % window_seconds
