"""The suite's PostgreSQL: a migrated database is made once, kept in var/ and copied after that.

The parts of the suite run side by side, each with a server of its own; without this each would
migrate from nothing. What is kept holds until a migration or a pinned package changes, so that
every state of the migrations runs from nothing once, by manage.py migrate itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from config.demo.processes import BASE_DIR
from tests.postgres import MIGRATED, PostgresServer, database_create

KEPT = BASE_DIR / "var" / "test-postgres"


class MigratedPostgresServer(PostgresServer):
    """A server with a database of the name MIGRATED, from which others are made."""

    def _make_files(self) -> None:
        with _only_one(), _cluster_kept().open("rb") as archive:
            self._package.pgdata.mkdir(parents=True, exist_ok=True)
            _tar("-x", self._package.pgdata, stdin=archive)
        self._package.ensure_pgdata_inited()  # for its permissions; the files are there


def prepare() -> None:
    """Make what servers will be copied from, unless it is there."""
    with _only_one():
        _cluster_kept()


def _cluster_kept() -> Path:
    archive = KEPT / f"{_state()}.tar"
    if not archive.exists():
        for old in KEPT.glob("*.tar"):
            old.unlink()
        unfinished = archive.with_suffix(".unfinished")
        with tempfile.TemporaryDirectory(prefix="baton-") as directory:
            _cluster_make(Path(directory) / "postgres", unfinished)
        unfinished.rename(archive)
    return archive


def _cluster_make(directory: Path, archive: Path) -> None:
    with PostgresServer(directory) as server:
        url = database_create(server.url, MIGRATED)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
            cwd=BASE_DIR,
            env={**os.environ, "DATABASE_URL": url},
            check=True,
        )
    with archive.open("wb") as file:
        archive.chmod(0o600)
        _tar("-c", directory, ".", stdout=file)


def _state() -> str:
    """Name the state of everything that the cluster is made from."""
    sources = [*BASE_DIR.glob("*/migrations/*.py"), *BASE_DIR.glob("requirements*.txt")]
    sources += BASE_DIR.glob("tests/*postgres.py")
    hashed = hashlib.sha256()
    for path in sorted(sources):
        hashed.update(str(path.relative_to(BASE_DIR)).encode() + path.read_bytes())
    return hashed.hexdigest()[:32]


@contextmanager
def _only_one() -> Iterator[None]:
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tar(way: str, directory: Path, *names: str, **streams: IO[bytes]) -> None:
    command = ["tar", way, "-p", "--numeric-owner", "-f", "-", "-C", str(directory), *names]
    subprocess.run(command, check=True, **streams)  # type: ignore[call-overload]
