"""Give the suite stores of its own, and point Django at them before its settings are read."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import django
import hypothesis
import pytest
import redis
from asgiref.sync import SyncToAsync
from cryptography.fernet import Fernet
from django.db import connections

from config.demo.embedded import RedisServer, postgres_check
from tests.emptying import empty_quickly
from tests.migrated import MigratedPostgresServer, prepare
from tests.postgres import database_migrated
from tests.statement_log import statements_logged

GARBAGE_THRESHOLD = 50_000
WORK_DIR = Path(tempfile.mkdtemp(prefix="baton-"))
# Never a Redis that somebody gave: the suite empties it before every test.
REDIS = RedisServer(WORK_DIR / "redis")
GIVEN_POSTGRES_URL = os.environ.get("TEST_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
if not GIVEN_POSTGRES_URL.startswith("postgres"):
    GIVEN_POSTGRES_URL = ""
POSTGRES = None if GIVEN_POSTGRES_URL else MigratedPostgresServer(WORK_DIR / "postgres")

os.environ.update(
    {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": POSTGRES.url if POSTGRES else GIVEN_POSTGRES_URL,
        "REDIS_URL": REDIS.url,
        # Not Django's own generator: django-environ takes a leading $ for a variable's name.
        "SECRET_KEY": secrets.token_urlsafe(50),
        "BATON_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "BATON_VAR_DIR": str(WORK_DIR / "var"),
        "ALLOW_LOCAL_VENDORS": "true",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "DEBUG": "false",
        "LOG_LEVEL": "INFO",
        # A test's transaction stands open while simulators start; on a busy machine that is long.
        "DATABASE_FROZEN_SECONDS": "45",
    }
)


# Where collected files would lie: WhiteNoise warns of every process that has none.
(WORK_DIR / "var" / "static").mkdir(parents=True)

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("baton", deadline=None, max_examples=25)
# For make long, which runs all tests of any values again.
hypothesis.settings.register_profile("long", deadline=None, max_examples=300)
hypothesis.settings.load_profile("baton")

# Test modules import models while they are collected, which is before pytest-django sets up.
django.setup()
empty_quickly()

from conversations.event_loop.database import loop_connections_close  # noqa: E402 - needs the apps
from conversations.event_loop.thread_database import thread_connections_close  # noqa: E402


def pytest_collection_finish() -> None:
    """Leave what stays for the whole run out of every look for garbage: a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Make what every part copies before the first test's time runs."""
    if (
        POSTGRES
        and not session.config.option.collectonly
        and any(map(_needs_postgres, session.items))
    ):
        prepare()


def _needs_postgres(item: pytest.Item) -> bool:
    is_given = "postgres_url" in getattr(item, "fixturenames", ())
    return is_given or item.get_closest_marker("django_db") is not None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Look for garbage once; pytest looks ten times more, each time at all that is alive."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Remove everything the suite wrote."""
    shutil.rmtree(WORK_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server's address, with the right to create databases."""
    if POSTGRES is None:
        postgres_check(GIVEN_POSTGRES_URL)
        yield GIVEN_POSTGRES_URL
    else:
        with POSTGRES:
            yield POSTGRES.url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    postgres_url: str, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Start PostgreSQL just before pytest-django looks for its test database."""
    if POSTGRES:
        name = connections["default"].creation._get_test_db_name()
        database_migrated(postgres_url, name)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Take the copied database; a server that somebody gave has none, and keeps none."""
    return POSTGRES is not None


@pytest.fixture
def statements_sent(postgres_url: str) -> Iterator[Callable[[], Counter[str]]]:
    """Count what PostgreSQL was sent since the last call, by its own log."""
    if POSTGRES is None:
        pytest.skip("The log of a server that was given is not ours to read.")
    with statements_logged(POSTGRES.process.log_path, postgres_url) as sent:
        yield sent


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The Redis that settings point at."""
    with REDIS:
        yield REDIS


@pytest.fixture(scope="session")
def _redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty_redis(_redis_client: redis.Redis) -> None:
    _redis_client.flushall()


@pytest.fixture(autouse=True)
def _loop_connections() -> Iterator[None]:
    """Leave no connection of a loop that has ended, nor of the thread behind all loops."""
    yield
    loop_connections_close()
    thread_connections_close()
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()
