"""A system that ran yesterday's version goes on with this one: its rows, its queues, its settings.

`yesterday/` holds what version 0.1 of 28 November 2026 left in PostgreSQL (made by pg_dump) and in
Redis (the queued messages as they lay there); nobody edits it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.utils.module_loading import import_string

from config.celery import app
from config.demo.embedded import RedisServer
from config.demo.processes import ChildProcess, wait_until
from tests.postgres import database_create, database_drop

ROOT = Path(__file__).parents[2]
YESTERDAY = Path(__file__).parent / "yesterday"
QUEUES = json.loads((YESTERDAY / "queues.json").read_text(encoding="utf-8"))
ENCRYPTION_KEY = base64.urlsafe_b64encode(b"yesterday's key, of a test alone").decode()
# Deadlines shall be as far away as they were when the old version was stopped.
AS_IF_TODAY = """
    DO $$
    DECLARE
        found record;
        age interval := now() - (SELECT max(applied) FROM django_migrations);
    BEGIN
        FOR found IN
            SELECT c.table_name, c.column_name FROM information_schema.columns c
            JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
                AND c.data_type = 'timestamp with time zone'
        LOOP
            EXECUTE format('UPDATE %I SET %I = %I + $1', found.table_name, found.column_name,
                found.column_name) USING age;
        END LOOP;
    END $$;
"""


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[str]:
    """Yesterday's database, migrated."""
    url = database_create(postgres_url, "yesterday")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((YESTERDAY / "database.sql").read_text(encoding="utf-8").encode())
        connection.execute(AS_IF_TODAY)
    _manage(url, "migrate", "--no-input")
    yield url
    database_drop(postgres_url, "yesterday")


@pytest.fixture
def queued(redis_server: RedisServer) -> RedisServer:
    """A broker in which yesterday's tasks still lie, in their order."""
    with redis.Redis.from_url(redis_server.url) as client:
        for name, messages in QUEUES.items():
            client.rpush(name, *map(json.dumps, messages))
    return redis_server


@pytest.fixture
def worker(database: str, queued: RedisServer, tmp_path: Path) -> Iterator[ChildProcess]:
    """A worker of this version for every queue, on what yesterday's left."""
    environment = _environment(database) | {"REDIS_URL": queued.url}
    command = [sys.executable, "-m", "celery", "-q", "-A", "config", "worker", "-P", "threads"]
    command += ["-Q", ",".join(QUEUES), "-c", "4", "--without-gossip"]
    started = ChildProcess(
        "worker", command, log_path=tmp_path / "worker.log", environment=environment
    )
    started.start()
    yield started
    started.stop()


def test_nothing_is_left_to_migrate_in_yesterdays_database(database: str) -> None:
    _manage(database, "migrate", "--check")


def test_yesterdays_secrets_can_be_read(database: str) -> None:
    code = (
        "from integrations.models import Integration\n"
        "print(Integration.objects.get().credentials['org_id'])\n"
    )

    assert _manage(database, "shell", "--command", code).splitlines()[-1] == "00D8Y0000012abc"


def test_yesterdays_task_names_are_still_known() -> None:
    app.loader.import_default_modules()
    names = {message["headers"]["task"] for queue in QUEUES.values() for message in queue}

    assert len(names) == 8
    assert names - set(app.tasks) == set()


def test_yesterdays_tasks_are_run(database: str, queued: RedisServer, worker: ChildProcess) -> None:
    wait_until(lambda: _is_answered(database) and _is_taken(database), seconds=60, step_seconds=0.2)

    assert _is_answered(database), _log(worker)
    assert _is_taken(database), _log(worker)
    with redis.Redis.from_url(queued.url) as client:
        wait_until(lambda: not any(client.llen(name) for name in QUEUES), seconds=30)
        assert [name for name in QUEUES if client.llen(name)] == []
    assert "unregistered task" not in _log(worker)
    assert "Traceback" not in _log(worker)


@pytest.mark.parametrize("path", ["handoffs.responder.HandoffResponder"])
def test_a_dotted_path_of_yesterdays_settings_still_loads(path: str) -> None:
    assert import_string(path)().queue_status


def _is_answered(url: str) -> bool:
    """Whether the AI agent has answered the end user who waited when the old version stopped."""
    statement = "SELECT count(*) FROM conversations_event WHERE payload->>'text' = %s"
    with psycopg.connect(url) as connection:
        found = connection.execute(statement, ["We are open from nine to five."]).fetchone()
    return bool(found and found[0])


def _is_taken(url: str) -> bool:
    """Whether a relay worker has taken the handoff that was asked for."""
    statement = "SELECT count(*) FROM handoffs_handoff WHERE state = 'requested'"
    with psycopg.connect(url) as connection:
        found = connection.execute(statement).fetchone()
    return found == (0,)


def _log(worker: ChildProcess) -> str:
    return worker.log_path.read_text(encoding="utf-8")


def _environment(database: str) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": database, "BATON_ENCRYPTION_KEYS": ENCRYPTION_KEY}


def _manage(database: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=_environment(database),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
