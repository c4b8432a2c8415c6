"""Empty the test database after a test that commits, in milliseconds.

Django's own flush truncates every table and makes content types and permissions anew, which takes
longer than most of these tests. Here the few rows that are there are deleted.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import OperationalError, connections
from django.test import TransactionTestCase
from psycopg.errors import DeadlockDetected

# Made with the tables, and the same for every test.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
DELETE = """
DO $$
DECLARE
    name text;
    is_used boolean;
BEGIN
    -- As TRUNCATE does: who still writes is waited for, so that nothing comes in behind us.
    SET LOCAL lock_timeout = '30s';
    LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE;
    FOREACH name IN ARRAY ARRAY[{names}] LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO is_used;
        IF is_used THEN
            EXECUTE 'DELETE FROM ' || name;
        END IF;
    END LOOP;
END $$
"""
# Who holds what we wait for: a test must leave no transaction of another thread open.
SESSIONS = """
SELECT pid, state, wait_event, now() - xact_start, pg_blocking_pids(pid), left(query, 1000)
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""


def empty_quickly() -> None:
    """Let tests that commit empty the database by deleting."""
    TransactionTestCase._fixture_teardown = _delete_all  # type: ignore[attr-defined]


def _delete_all(case: Any) -> None:
    for alias in case._databases_names(include_mirrors=False):
        with connections[alias].cursor() as cursor:
            for is_last in (False, False, True):
                try:
                    cursor.execute(_statement(alias))
                    break
                except OperationalError as error:
                    # Whoever writes takes the tables in another order; one of the two gives way.
                    if isinstance(error.__cause__, DeadlockDetected) and not is_last:
                        continue
                    cursor.execute(SESSIONS)
                    raise AssertionError(f"Somebody still writes: {cursor.fetchall()}") from error


@cache
def _statement(alias: str) -> str:
    connection = connections[alias]
    tables = {*connection.introspection.django_table_names(only_existing=True)} - KEPT
    quoted = [connection.ops.quote_name(name) for name in sorted(tables)]
    names = ", ".join(f"'{name}'" for name in quoted)
    return DELETE.format(tables=", ".join(quoted), names=names)
