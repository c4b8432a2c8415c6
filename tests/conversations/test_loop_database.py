"""Statements from an event loop: a lost connection costs a repeat, an error is Django's."""

from __future__ import annotations

import asyncio

import pytest
from django.db import DataError, IntegrityError, OperationalError, connections

from conversations.event_loop.database import LoopDatabase
from conversations.event_loop.executor import run_sync
from tests import factories
from tests.postgres_sessions import is_waiting_for_lock, session_kill, session_open
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
LOCK = 4711


async def backend(database):
    [[pid]] = await database.rows("SELECT pg_backend_pid()", {})
    return pid


async def test_statements_of_one_loop_go_over_one_connection():
    database = LoopDatabase()

    assert await backend(database) == await backend(database)


async def test_each_loop_has_a_connection_of_its_own():
    database = LoopDatabase()

    here = await backend(database)
    there = await asyncio.to_thread(lambda: asyncio.run(backend(database)))

    assert here != there
    assert await backend(database) == here


async def test_values_go_in_as_values():
    rows = await LoopDatabase().rows("SELECT %(text)s::text", {"text": "it's; DROP -- %s"})

    assert rows == [("it's; DROP -- %s",)]


async def test_a_connection_that_was_lost_meanwhile_is_replaced_unseen():
    database = LoopDatabase()
    lost = await backend(database)

    await run_sync(session_kill, lost)
    fresh = await backend(database)

    assert fresh != lost
    assert await backend(database) == fresh


async def test_a_statement_that_was_under_way_is_repeated():
    database = LoopDatabase()
    lost = await backend(database)
    statement = "SELECT pg_backend_pid() FROM pg_advisory_xact_lock(%(lock)s)"

    with session_open() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        task = asyncio.create_task(database.rows(statement, {"lock": LOCK}))
        await eventually_async(lambda: run_sync(is_waiting_for_lock, lost))
        await run_sync(session_kill, lost)
    [[fresh]] = await task

    assert fresh != lost


async def test_a_new_connection_that_fails_is_not_tried_for_ever():
    database = LoopDatabase()
    statement = "SELECT pg_terminate_backend(pg_backend_pid())"

    with pytest.raises(OperationalError):
        await database.rows(statement, {})

    assert await backend(database)


async def test_a_database_that_cannot_be_reached_is_an_error_and_is_found_again(monkeypatch):
    database = LoopDatabase()
    lost = await backend(database)
    port = connections["default"].settings_dict["PORT"]

    with monkeypatch.context() as away:
        away.setitem(connections["default"].settings_dict, "PORT", "9")
        await run_sync(session_kill, lost)
        with pytest.raises(OperationalError):
            await database.rows("SELECT 1", {})

    assert connections["default"].settings_dict["PORT"] == port
    assert await database.rows("SELECT 1", {}) == [(1,)]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (
            "INSERT INTO django_migrations (app, name, applied, id) "
            "SELECT app, name, applied, id FROM django_migrations LIMIT 1 RETURNING id",
            IntegrityError,
        ),
        ("INSERT INTO django_migrations (app) VALUES (NULL) RETURNING id", IntegrityError),
        ("SELECT 1 / 0", DataError),
        ("SELECT '\\u0000'::jsonb", DataError),
        ("SELECT * FROM no_such_table", OperationalError),
    ],
)
async def test_errors_are_djangos_and_say_nothing_of_the_values(statement, error):
    database = LoopDatabase()
    before = await backend(database)

    with pytest.raises(error) as raised:
        await database.rows(statement, {"text": "My parcel is lost"})

    assert "parcel" not in str(raised.value)
    assert await backend(database) == before


async def test_what_a_statement_wrote_is_committed_when_it_returns():
    project = await run_sync(factories.project)
    statement = "UPDATE integrations_project SET name = %(name)s WHERE id = %(id)s RETURNING name"

    await LoopDatabase().rows(statement, {"name": "Renamed", "id": project.pk})

    await run_sync(project.refresh_from_db)
    assert project.name == "Renamed"
