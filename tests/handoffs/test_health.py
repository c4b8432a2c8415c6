"""What a monitor is told: the process is up, and whether the whole product can serve."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from config.demo.embedded import RedisServer
from handoffs.models import RelayWorker
from handoffs.relay.leases import worker_stop
from tests import factories

ROOT = Path(__file__).parents[2]
ALL_OK = {"database": "ok", "redis": "ok", "relay_worker": "ok"}


def ready() -> tuple[int, dict]:
    response = Client().get("/readyz")
    return response.status_code, response.json()


@pytest.fixture
def no_redis(redis_server: RedisServer) -> Iterator[None]:
    redis_server.stop()
    yield
    redis_server.start()


def test_the_process_is_up():
    response = Client().get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_everything_is_there():
    factories.worker()

    assert ready() == (200, {"status": "ok", "checks": ALL_OK})


@pytest.mark.django_db
def test_without_a_relay_worker_nobody_could_be_handed_off():
    status, body = ready()

    missing = {**ALL_OK, "relay_worker": "no relay worker has a fresh heartbeat"}
    assert (status, body) == (503, {"status": "not ready", "checks": missing})


@pytest.mark.django_db
def test_a_worker_that_died_or_stopped_does_not_count_and_a_new_one_does():
    dead, stopped = factories.worker(), factories.worker()
    old = timezone.now() - timedelta(seconds=60)
    RelayWorker.objects.filter(pk=dead).update(heartbeat_at=old)
    worker_stop(stopped)
    assert ready()[0] == 503

    factories.worker()

    assert ready()[0] == 200


@pytest.mark.django_db
def test_without_redis_it_is_not_ready_and_says_so(no_redis):
    factories.worker()

    status, body = ready()

    assert status == 503
    assert body["checks"] == {**ALL_OK, "redis": "unreachable (ConnectionError)"}


def test_without_a_database_it_is_up_but_not_ready(redis_server):
    code = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "print(Client().get('/healthz').status_code)\n"
        "print(Client().get('/readyz').content.decode())\n"
    )
    environment = {**os.environ, "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    up, answer = done.stdout.splitlines()
    checks = json.loads(answer)["checks"]
    assert up == "200"
    assert checks["database"] == "unreachable (OperationalError)"
    assert checks["redis"] == "ok"
