"""Which statements PostgreSQL was sent, by its own log: whoever sent them, and by whatever way."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg

LENGTH = 90
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")
LOGGED = re.compile(r"^.*LOG: (?:statement|execute [^:]*): (.*)$")
NEW_LINE = re.compile(r"\n(?!\t)")  # a tab begins what belongs to the line before
VALUES = re.compile(r"'[^']*'|\$?\b\d+\b")
# Says in the log that everything before it has been written.
MARK = "SELECT 'statement log mark'"


@contextmanager
def statements_logged(log_path: Path, database_url: str) -> Iterator[Callable[[], Counter[str]]]:
    """Let PostgreSQL log every statement; what is yielded counts those since it was called last."""
    _configure(database_url, "ALTER SYSTEM SET log_statement = 'all'")
    try:
        with log_path.open() as log:
            log.seek(0, 2)
            yield lambda: _count(_read(log, database_url))
    finally:
        _configure(database_url, "ALTER SYSTEM RESET log_statement")


def _configure(database_url: str, statement: LiteralString) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement)
        connection.execute("SELECT pg_reload_conf()")


def _read(log: object, database_url: str) -> str:
    """Return what was logged until now."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(MARK)
    text, until = "", time.monotonic() + 10
    while MARK not in text and time.monotonic() < until:
        text += log.read()  # type: ignore[attr-defined]
        time.sleep(0.01)
    return text


def _count(text: str) -> Counter[str]:
    """Count statements, with their values left out, by their beginning."""
    found: Counter[str] = Counter()
    for line in NEW_LINE.split(text):
        match = LOGGED.match(" ".join(line.split()))
        if match and match[1] != MARK:
            found[VALUES.sub("?", match[1])[:LENGTH]] += 1
    return found
