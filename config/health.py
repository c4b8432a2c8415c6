"""Say whether this process is up, and whether the whole product can serve."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, JsonResponse
from redis import Redis
from redis.exceptions import RedisError

from handoffs.relay.leases import workers_alive


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer while the process is up."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database, Redis and a relay worker are there, else 503 with what is not."""
    checks = {"database": _database, "redis": _redis, "relay_worker": _relay_worker}
    results = {name: _try(check) for name, check in checks.items()}
    is_ready = all(result == "ok" for result in results.values())
    return JsonResponse(
        {"status": "ok" if is_ready else "not ready", "checks": results},
        status=200 if is_ready else 503,
    )


def _try(check: Callable[[], str]) -> str:
    try:
        return check()
    except (DatabaseError, RedisError, OSError) as error:
        return f"unreachable ({type(error).__name__})"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


@cache
def _client() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def _redis() -> str:
    _client().ping()
    return "ok"


def _relay_worker() -> str:
    return "ok" if workers_alive().exists() else "no relay worker has a fresh heartbeat"
