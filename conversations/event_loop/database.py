"""Prepared statements straight from an event loop, for what every message needs.

Everything else goes through threads (executor.py). Here a thread's two changes of hands would cost
more than the statement itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import psycopg
from django.conf import settings
from django.db import DataError, IntegrityError, OperationalError, connections

_open: WeakSet[psycopg.AsyncConnection[Any]] = WeakSet()


class LoopDatabase:
    """One PostgreSQL connection for each event loop, opened when it is first needed.

    Statements run one after the other, each in a transaction of its own.
    """

    def __init__(self) -> None:
        """Open nothing yet."""
        self._connections: WeakKeyDictionary[
            asyncio.AbstractEventLoop, psycopg.AsyncConnection[Any]
        ] = WeakKeyDictionary()

    async def rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows.

        A connection that broke since it was last used is replaced, and the statement repeated: it
        must be one that does nothing the second time. Raises IntegrityError, DataError and
        OperationalError of Django.
        """
        loop = asyncio.get_running_loop()
        known = self._connections.get(loop)
        with errors_of_django():
            if known is not None and not known.closed:
                try:
                    return await _rows(known, statement, values)
                except psycopg.OperationalError:
                    await known.close()
            fresh = self._connections[loop] = await _connect()
            return await _rows(fresh, statement, values)


@contextmanager
def errors_of_django() -> Iterator[None]:
    """Raise Django's error for psycopg's; its text, which may hold a value, goes no further."""
    try:
        yield
    except psycopg.IntegrityError as error:
        raise IntegrityError(type(error).__name__) from error
    except psycopg.DataError as error:
        raise DataError(type(error).__name__) from error
    except (psycopg.Error, TimeoutError, OSError) as error:
        raise OperationalError(type(error).__name__) from error


async def _rows(
    connection: psycopg.AsyncConnection[Any], statement: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement, values, prepare=True)
    return await cursor.fetchall()


async def _connect() -> psycopg.AsyncConnection[Any]:
    """Connect as Django does, to the database that it uses."""
    options = prepared_options() | {"cursor_factory": psycopg.AsyncCursor}
    async with asyncio.timeout(settings.DATABASE_POOL_SECONDS):
        connection = await psycopg.AsyncConnection.connect(autocommit=True, **options)
    _open.add(connection)
    return connection


def prepared_options() -> dict[str, Any]:
    """Return how Django connects, but that each statement is prepared and planned once."""
    options = connections["default"].get_connection_params()
    return {
        **options,
        "prepare_threshold": 0,
        # A plan for each call would cost as much as the call.
        "options": f"{options.get('options', '')} -c plan_cache_mode=force_generic_plan",
    }


def loop_connections_close() -> None:
    """Close what any loop has opened; for tests, which drop the database at the end."""
    for connection in list(_open):
        connection.pgconn.finish()
