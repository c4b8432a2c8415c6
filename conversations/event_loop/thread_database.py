"""Prepared statements from threads, for what every turn of the AI agent needs.

As database.py has them on event loops: the ORM would build, parse and plan each of them anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import psycopg
from django.conf import settings
from django.db import connection

from conversations.event_loop.database import errors_of_django, prepared_options

# A statement takes about a millisecond; more threads than this seldom run one at the same moment.
CONNECTIONS = 4
_open: WeakSet[psycopg.Connection[Any]] = WeakSet()


def is_apart() -> bool:
    """Say whether a statement on another connection sees what this thread has written."""
    return not settings.IS_SQLITE and not connection.in_atomic_block


class ThreadDatabase:
    """A few PostgreSQL connections, opened when they are first needed; thread-safe.

    Each statement is a transaction of its own.
    """

    def __init__(self) -> None:
        """Open nothing yet."""
        self._idle: list[psycopg.Connection[Any]] = []
        self._free = threading.BoundedSemaphore(CONNECTIONS)

    def rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows; JSON is read already.

        A connection that broke since it was last used is replaced, and the statement repeated: it
        must be one that does nothing the second time. Raises IntegrityError, DataError and
        OperationalError of Django.
        """
        with errors_of_django(), self._place():
            return self._rows(statement, values)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._free.acquire(timeout=settings.DATABASE_POOL_SECONDS):
            raise TimeoutError
        try:
            yield
        finally:
            self._free.release()

    def _rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        while (known := self._known()) is not None:
            try:
                return self._run(known, statement, values)
            except psycopg.OperationalError:
                known.close()
        return self._run(_connect(), statement, values)

    def _known(self) -> psycopg.Connection[Any] | None:
        """Take an open connection that nobody uses now."""
        while True:
            try:
                known = self._idle.pop()
            except IndexError:
                return None
            if not known.closed:
                return known

    def _run(
        self, used: psycopg.Connection[Any], statement: str, values: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        try:
            return used.execute(statement, values, prepare=True).fetchall()
        finally:
            if not used.closed:
                self._idle.append(used)


def _connect() -> psycopg.Connection[Any]:
    """Connect as Django does, to the database that it uses, but with psycopg's own types."""
    options = prepared_options()
    # Django's types leave JSON to its fields.
    del options["context"]
    chosen = {
        "cursor_factory": psycopg.Cursor,
        "connect_timeout": max(1, round(settings.DATABASE_POOL_SECONDS)),
        "options": f"{options['options']} -c TimeZone=UTC",
    }
    opened = psycopg.connect(autocommit=True, **{**options, **chosen})
    _open.add(opened)
    return opened


def thread_connections_close() -> None:
    """Close what any thread has opened; for tests, which drop the database at the end."""
    for opened in list(_open):
        opened.close()
