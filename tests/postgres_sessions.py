"""A second session of the test database: it holds locks, watches the others and ends them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, connections


@contextmanager
def session_open() -> Iterator[psycopg.Connection[Any]]:
    """Open a session outside the pool; its locks go when it closes, autocommit is on."""
    options = connections["default"].get_connection_params()
    names = ("dbname", "host", "port", "user", "password")
    given = {name: options[name] for name in names if name in options}
    with psycopg.connect(**given, autocommit=True) as session:
        yield session


def session_kill(pid: int) -> None:
    """End a session and return when it is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def is_waiting_for_lock(pid: int) -> bool:
    """Say whether a session waits for a lock that somebody else holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE pid = %s AND NOT granted", [pid])
        return bool(cursor.rowcount)
