"""Reads everything that a running product writes, so that a test can look for what must not be."""

from __future__ import annotations

import base64
import re
import threading
from typing import Any

import psycopg
import redis

from tests.journeys.stack import Stack

# A body of Celery's in a message, as kombu packs it.
_BODY = re.compile(r'\\?"body\\?": \\?"([A-Za-z0-9+/=]+)\\?"')
# The tables that hold what people said, on purpose; nothing else may. A clock fills the second.
JOURNAL = "conversations_event"
SPOKEN = {JOURNAL, "conversations_conversationsearch"}
# Asked of Redis when nothing more is to be heard.
_LAST = "the last of it"


class RedisTap:
    """Writes down every command that Redis gets, tasks in clear; publishing apart."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._is_listening = threading.Event()
        self.commands: list[str] = []
        self.published: list[str] = []

    def start(self) -> None:
        """Return when nothing is missed any more."""
        self._thread.start()
        assert self._is_listening.wait(10)

    def stop(self) -> None:
        """Return when all that was asked of Redis so far has been heard."""
        self._client.echo(_LAST)
        self._thread.join(10)
        self._client.close()

    def _listen(self) -> None:
        with self._client.monitor() as monitor:
            self._is_listening.set()
            for command in monitor.listen():
                text = str(command["command"])
                if text == f"ECHO {_LAST}":
                    return
                where = self.published if text.startswith("PUBLISH") else self.commands
                where.append(text + _bodies(text))


def _bodies(text: str) -> str:
    return "".join(
        " " + base64.b64decode(found).decode(errors="replace") for found in _BODY.findall(text)
    )


def log_files(stack: Stack) -> dict[str, str]:
    """Return all that every process has logged, by its name."""
    files = [*stack.directory.glob("log/*.log*"), *stack.directory.glob("redis/*.log")]
    return {path.stem: path.read_text(errors="replace") for path in files}


def redis_keys(url: str) -> str:
    """Return every key with what it holds."""
    reads: dict[bytes, Any] = {
        b"string": lambda client, key: client.get(key),
        b"list": lambda client, key: client.lrange(key, 0, -1),
        b"set": lambda client, key: client.smembers(key),
        b"zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
        b"hash": lambda client, key: client.hgetall(key),
        b"stream": lambda client, key: client.xrange(key),
    }
    with redis.Redis.from_url(url) as client:
        held = {key: reads[client.type(key)](client, key) for key in client.scan_iter()}
    text = str(held)
    return text + _bodies(text)


def rows(database_url: str, *tables: str) -> dict[str, str]:
    """Return the content of tables as text, by table; of all when none are named."""
    found = {}
    with psycopg.connect(database_url) as connection:
        names = tables or [
            name
            for (name,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
        ]
        for name in names:
            lines = connection.execute(f'SELECT t::text FROM "{name}" AS t').fetchall()
            found[name] = "\n".join(line for (line,) in lines)
    return found
