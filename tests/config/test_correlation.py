"""One id through request, socket, task, session and vendor call, and the bounds of a request."""

from __future__ import annotations

import json
import logging

import pytest
from asgiref.testing import ApplicationCommunicator
from celery import current_app, shared_task
from channels.testing import WebsocketCommunicator
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.test import RequestFactory
from psycopg_pool import PoolTimeout

from config.asgi import application
from config.celery import pass_correlation_on, take_correlation_on
from config.logs import LineFormatter
from config.requests.bounds import DatabaseOutage, RequestBounds
from conversations.event_loop.executor import run_sync
from conversations.socket.bounds import SocketBounds
from integrations.http.recording import RunningCall
from integrations.telemetry.correlation import (
    TASK_HEADER,
    correlation_begin,
    correlation_ensure,
    correlation_id,
    reference,
)


@pytest.fixture(autouse=True)
def _no_id():
    token, other = correlation_id.set(""), reference.set("")
    yield
    correlation_id.reset(token)
    reference.reset(other)


async def ask(path="/healthz", *, app=application, body=(b"",), **headers):
    """Return status, headers and body of a request whose body comes in parts."""
    scope = {
        "type": "http",
        "method": "POST" if body != (b"",) else "GET",
        "path": path,
        "query_string": b"",
        "headers": [
            (b"host", b"testserver"),
            *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
        ],
    }
    communicator = ApplicationCommunicator(app, scope)
    for number, part in enumerate(body, start=1):
        await communicator.send_input(
            {"type": "http.request", "body": part, "more_body": number < len(body)}
        )
    start, text = await communicator.receive_output(10), b""
    while True:
        message = await communicator.receive_output(10)
        text += message.get("body", b"")
        if not message.get("more_body"):
            break
    return start["status"], dict(start["headers"]), text


def line(message="Something happened", as_json=True, **extra):
    record = logging.LogRecord("test", logging.INFO, "", 0, message, (), None)
    vars(record).update(extra)
    return LineFormatter(as_json=as_json).format(record)


# ---- requests ----


async def test_a_request_gets_the_id_it_came_with():
    _, headers, _ = await ask(x_correlation_id="ticket-4711")

    assert headers[b"x-correlation-id"] == b"ticket-4711"


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "a\nb"])
async def test_a_request_without_a_usable_id_gets_a_new_one(given):
    first = (await ask(x_correlation_id=given))[1][b"x-correlation-id"]
    second = (await ask(x_correlation_id=given))[1][b"x-correlation-id"]

    assert len(first) == 32
    assert first != second


async def test_a_refusal_has_the_id_too():
    status, headers, _ = await ask("/no/such/page", x_correlation_id="lost")

    assert (status, headers[b"x-correlation-id"]) == (404, b"lost")


# ---- a request's body ----


async def test_a_body_that_says_it_is_too_large_is_refused_unread(settings):
    settings.REQUEST_MAX_BYTES = 100

    status, _, text = await ask("/api/v1/sessions", body=(b"x",), content_length="101")

    assert status == 413
    assert json.loads(text)["error_code"] == "PAYLOAD_TOO_LARGE"


async def test_a_body_that_turns_out_too_large_is_refused_when_it_does(settings):
    settings.REQUEST_MAX_BYTES = 100

    status, headers, _ = await ask("/api/v1/sessions", body=(b"x" * 60, b"x" * 60, b"x" * 60))

    assert (status, headers[b"connection"]) == (413, b"close")


async def test_a_file_may_be_larger_and_one_that_says_it_is_too_large_is_refused_unread(settings):
    settings.REQUEST_MAX_BYTES, settings.ATTACHMENT_MAX_BYTES = 100, 1000
    path = "/api/v1/sessions/0b1e7f5c-6f0a-4b57-9a55-3b2f8a1f6d10/files"

    taken, _, _ = await ask(path, body=(b"x" * 500,), content_type="text/plain")
    status, headers, text = await ask(path, body=(b"x",), content_length="70000")

    assert taken == 401
    assert (status, json.loads(text)["error_code"]) == (413, "ATTACHMENT_TOO_LARGE")
    assert headers[b"access-control-allow-origin"] == b"*"


async def test_a_body_within_the_bound_reaches_its_view(settings):
    settings.REQUEST_MAX_BYTES = 100

    status, _, text = await ask(
        "/api/v1/sessions", body=(b"{", b"}"), content_type="application/json"
    )

    assert (status, json.loads(text)["error_code"]) == (401, "UNAUTHORIZED")


async def test_a_request_with_an_absurd_length_is_read_all_the_same(settings):
    status, _, _ = await ask("/healthz", content_length="many")

    assert status == 200


# ---- a request without a database ----


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_an_api_call_without_a_database_is_a_503_with_a_time_to_come_back(error):
    answer = DatabaseOutage(lambda request: None).process_exception(
        RequestFactory().get("/api/v1/sessions"), error("couldn't get a connection")
    )

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert json.loads(answer.content)["error_code"] == "DATABASE_UNAVAILABLE"


def test_a_page_without_a_database_says_so_without_needing_one():
    answer = DatabaseOutage(lambda request: None).process_exception(
        RequestFactory().get("/projects"), OperationalError()
    )

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "try again in a few seconds" in answer.content.decode()


def test_a_slip_in_a_query_stays_an_error_of_ours():
    answer = DatabaseOutage(lambda request: None).process_exception(
        RequestFactory().get("/api/v1/sessions"), ProgrammingError()
    )

    assert answer is None


@pytest.mark.django_db(transaction=True)
def test_without_a_free_connection_a_call_is_refused_quickly_and_works_again_after(client):
    pool, taken = connection.pool, []
    before, pool.timeout = pool.timeout, 0.2
    connection.close()
    headers = {"x-token": "wk_x", "x-host": "shop.example"}
    try:
        # A thread of an earlier test may give one back in between: then that one is taken too.
        for _ in range(5):
            with pytest.raises(PoolTimeout):
                while True:
                    taken.append(pool.getconn())
            refused = client.post("/api/v1/access-token", headers=headers)
            connection.close()
            if refused.status_code == 503:
                break
    finally:
        pool.timeout = before
        for one in taken:
            pool.putconn(one)

    answered = client.post("/api/v1/access-token", headers=headers)
    assert (refused.status_code, answered.status_code) == (503, 401)


# ---- sockets, tasks, threads, calls ----


async def test_a_socket_has_an_id_of_its_own_or_the_one_it_came_with():
    seen = []

    async def note(scope, receive, send):
        seen.append(correlation_id.get())
        await send({"type": "websocket.close"})

    for headers in ([], [(b"x-correlation-id", b"page-1")]):
        bounds = SocketBounds(note)
        communicator = WebsocketCommunicator(bounds, "/ws", headers)
        await communicator.connect()

    assert len(seen[0]) == 32
    assert seen[1] == "page-1"


async def test_work_in_a_database_thread_bears_the_id_of_whoever_asked():
    correlation_begin("asked-by-me")

    assert await run_sync(correlation_id.get) == "asked-by-me"


def test_a_task_runs_under_the_id_of_whoever_queued_it():
    headers = {}
    correlation_begin("from-the-request")
    pass_correlation_on(headers=headers)
    correlation_id.set("")

    @shared_task(name="tests.noop")
    def noop():
        return None

    task = current_app.tasks["tests.noop"]
    task.push_request(**headers)
    take_correlation_on(task=task)
    task.pop_request()

    assert headers == {TASK_HEADER: "from-the-request"}
    assert correlation_id.get() == "from-the-request"


def test_a_vendor_call_is_kept_with_the_id():
    correlation_begin("call-me")

    assert RunningCall("say", "POST", "/").record("").correlation_id == "call-me"


def test_an_id_that_holds_is_kept():
    assert correlation_ensure() == correlation_ensure()


# ---- the line ----


def test_a_line_bears_the_ids_and_is_one_json_object():
    correlation_begin("abc")
    reference.set("ho_1")

    entry = json.loads(line("Two\nlines", code="queued"))

    assert entry["correlation_id"] == "abc"
    assert entry["handoff_id"] == "ho_1"
    assert entry["message"] == "Two\nlines"
    assert entry["code"] == "queued"
    assert "\n" not in line("Two\nlines")


def test_a_line_without_ids_has_no_empty_ones():
    assert set(json.loads(line())) == {"at", "level", "logger", "message"}


def test_in_development_a_line_is_read_by_people():
    correlation_begin("abc")

    assert line(as_json=False).endswith("test: Something happened correlation_id=abc")


async def test_the_bounds_pass_on_what_the_application_raises():
    async def fails(scope, receive, send):
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await ask(app=RequestBounds(fails))
