"""The one way to a vendor, against a real server on a loopback port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.http.client import MAX_RESPONSE_BYTES, HttpClient, open_session
from integrations.http.recording import VendorCallRecord

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Answers every path with the handler of the moment."""

    def __init__(self) -> None:
        self.url = ""
        self.handler: Handler = self.echo
        self.requests: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        await request.read()
        return await self.handler(request)

    async def echo(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"got": (await request.read()).decode()})

    def will_answer(self, status: int, body: str = "", **headers: str) -> None:
        async def handler(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, text=body, headers=headers)

        self.handler = handler

    def will_stream(self, *chunks: bytes, silence: float = 0, status: int = 200) -> None:
        async def handler(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(
                status=status, headers={"Content-Type": "text/event-stream"}
            )
            await response.prepare(request)
            for chunk in chunks:
                await response.write(chunk)
            await asyncio.sleep(silence)
            return response

        self.handler = handler


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
def records() -> list[VendorCallRecord]:
    return []


@pytest.fixture
async def http(records: list[VendorCallRecord]) -> AsyncIterator[HttpClient]:
    async with open_session(allow_local=True) as session:
        yield HttpClient(
            session,
            allow_local=True,
            recorder=records.append,
            loggable_keys=frozenset({"id", "limit"}),
            secrets=["s3cr3t"],
        )


async def test_answer_comes_back_whole_and_parsed(http: HttpClient, server: Server):
    response = await http.request("op", "POST", server.url + "/a", json={"x": 1})

    assert response.status == 200
    assert response.json() == {"got": '{"x": 1}'}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, UnexpectedResponseError),
        (400, RejectedError),
        (401, InvalidAuthError),
        (403, MissingPermissionError),
        (404, RejectedError),
        (408, CannotConnectError),
        (429, RateLimitedError),
        (500, CannotConnectError),
        (503, CannotConnectError),
    ],
)
async def test_each_status_leaves_as_our_error_and_a_good_one_after_it_succeeds(
    http: HttpClient,
    server: Server,
    records: list[VendorCallRecord],
    status: int,
    kind: type[ConnectorError],
):
    server.will_answer(status, '{"errorCode": "SOME_CODE", "message": "secret words"}')

    with pytest.raises(kind) as caught:
        await http.request("op", "GET", server.url)

    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.vendor_code == "SOME_CODE"
    assert "secret words" not in repr(caught.value)
    assert records[-1].error_code == kind.code
    server.will_answer(200)
    assert (await http.request("op", "GET", server.url)).status == 200


async def test_caller_decides_what_its_vendors_statuses_mean(http: HttpClient, server: Server):
    server.will_answer(404)

    with pytest.raises(ConversationGoneError):
        await http.request("op", "GET", server.url, statuses={404: ConversationGoneError})
    assert (await http.request("op", "GET", server.url, returns=(404,))).status == 404


async def test_a_refusal_that_the_caller_goes_on_with_is_no_error_in_the_records(
    http: HttpClient, server: Server, records: list[VendorCallRecord]
):
    server.will_answer(404)

    await http.request("op", "GET", server.url, returns=(404,))
    await http.request("op", "GET", server.url, refusals=(404,))

    assert [one.is_error for one in records] == [False, True]


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ('{"retry_after": 7}', 7.0),
        ('{"error": {"details": [{"retryAfterSeconds": "7.5"}]}}', 7.5),
        ('{"message": "Rate limit exceeded. Retry the request in [7] seconds", "retry": 3}', 7.0),
        ("Too many requests: try again after 7 s", 7.0),
        ('{"retry_after": "soon", "wait_seconds": 7}', 7.0),
        ('{"message": "Too many requests", "retryAfterMs": 7}', None),
        ('{"retry_after": -7}', None),
        ("[" * 2000, None),
        ("", None),
    ],
)
async def test_a_wait_that_only_the_body_names_is_read(
    http: HttpClient, server: Server, body: str, seconds: float | None
):
    server.will_answer(429, body)

    with pytest.raises(RateLimitedError) as caught:
        await http.request("op", "GET", server.url)

    assert caught.value.retry_after == seconds


async def test_retry_after_is_read_as_seconds_and_as_a_date(http: HttpClient, server: Server):
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    found = []
    for value in ("7", in_a_minute, "soon"):
        server.will_answer(429, **{"Retry-After": value})
        with pytest.raises(RateLimitedError) as caught:
            await http.request("op", "GET", server.url)
        found.append(caught.value.retry_after)

    assert found[0] == 7
    assert 50 < found[1] <= 60
    assert found[2] is None


async def test_a_wait_beyond_all_reason_is_the_longest_one_kept(http: HttpClient, server: Server):
    server.will_answer(429, **{"Retry-After": "9" * 400})

    with pytest.raises(RateLimitedError) as caught:
        await http.request("op", "GET", server.url)

    assert caught.value.retry_after == 3600


async def test_redirects_are_not_followed(http: HttpClient, server: Server):
    server.will_answer(302, Location=server.url + "/elsewhere")

    with pytest.raises(UnexpectedResponseError):
        await http.request("op", "GET", server.url + "/here")

    assert [request.path for request in server.requests] == ["/here"]


async def test_dead_host_and_unknown_name_and_silence_are_told_apart(
    http: HttpClient, server: Server, unused_tcp_port: int
):
    reasons = []
    server.will_stream(silence=5)
    for url in (f"http://127.0.0.1:{unused_tcp_port}", "https://no-such-host.invalid", server.url):
        with pytest.raises(CannotConnectError) as caught:
            await http.request("op", "GET", url, timeout=2)
        reasons.append(caught.value.reason)

    assert reasons == ["connection", "dns", "timeout"]


async def test_server_without_tls_is_a_tls_failure(server: Server):
    async with open_session(allow_local=True) as session:
        http = HttpClient(session, allow_local=True)

        with pytest.raises(CannotConnectError) as caught:
            await http.request("op", "GET", server.url.replace("http:", "https:"))

    assert caught.value.reason == "tls"


async def test_endless_answer_is_cut_off(http: HttpClient, server: Server):
    server.will_answer(200, "x" * (MAX_RESPONSE_BYTES + 1))

    with pytest.raises(UnexpectedResponseError):
        await http.request("op", "GET", server.url)


async def test_caller_may_ask_for_more_than_the_usual_size(http: HttpClient, server: Server):
    server.will_answer(200, "x" * (MAX_RESPONSE_BYTES + 1))

    response = await http.request("op", "GET", server.url, max_bytes=2 * MAX_RESPONSE_BYTES)

    assert len(response.body) == MAX_RESPONSE_BYTES + 1


async def test_caller_may_read_the_error_out_of_the_answer_itself(
    http: HttpClient, server: Server, records: list[VendorCallRecord]
):
    server.will_answer(400, "gone", **{"X-Error": "it is over"})

    with pytest.raises(ConversationGoneError):
        await http.request(
            "op",
            "GET",
            server.url,
            read_error=lambda response, _: ConversationGoneError(response.headers["X-Error"]),
        )

    assert records[-1].error_code == "conversation_gone"


async def test_answer_that_is_no_json_says_so_without_quoting_it(http: HttpClient, server: Server):
    server.will_answer(200, "<html>secret words</html>")
    response = await http.request("op", "GET", server.url)

    with pytest.raises(UnexpectedResponseError) as caught:
        response.json()

    assert "secret words" not in repr(caught.value)
    assert "secret words" not in repr(response)


class RebindingResolver(AbstractResolver):
    """Answers as a hostile name server would."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict]:
        return [
            {"hostname": host, "host": a, "port": port, "family": 2, "proto": 0, "flags": 0}
            for a in self.addresses
        ]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("10.0.0.1", "127.0.0.1")])
async def test_name_that_resolves_to_a_private_address_is_never_connected_to(
    server: Server, addresses: tuple[str, ...]
):
    resolver = RebindingResolver(*addresses)
    async with open_session(allow_local=False, resolver=resolver) as session:
        http = HttpClient(session, allow_local=False)

        with pytest.raises(CannotConnectError) as caught:
            await http.request("op", "GET", "https://rebound.example")

    assert caught.value.reason == "address"


async def test_session_refuses_loopback_even_if_the_client_would_not(server: Server):
    async with open_session(allow_local=False) as session:
        http = HttpClient(session, allow_local=True)

        with pytest.raises(CannotConnectError) as caught:
            await http.request("op", "GET", server.url)

    assert caught.value.reason == "address"
    assert server.requests == []


async def test_the_setting_for_simulators_opens_loopback_and_no_plain_http_elsewhere(
    http: HttpClient, server: Server, records: list[VendorCallRecord]
):
    assert (await http.request("op", "GET", server.url)).status == 200

    with pytest.raises(CannotConnectError) as caught:
        await http.request("op", "GET", "http://example.com/s3cr3t")

    assert caught.value.reason == "address"
    assert records[-1].error_code == "cannot_connect"


async def test_each_call_is_recorded_with_its_shape_and_without_its_content(
    http: HttpClient, server: Server, records: list[VendorCallRecord]
):
    server.will_answer(201, '{"id": "b6a2", "text": "Hello Ines"}', **{"Content-Type": "x/json"})

    await http.request(
        "create",
        "POST",
        server.url + "/things/b6a2",
        headers={"Authorization": "Bearer s3cr3t"},
        json={"id": "b6a2", "text": "My parcel", "note": "s3cr3t"},
        params={"limit": "5", "key": "s3cr3t"},
    )

    record = records[0]
    assert record.operation == "create"
    assert record.method == "POST"
    assert record.path == "/things/b6a2?limit=5&key=‹secret›"
    assert record.status == 201
    assert record.error_code == ""
    assert record.request_body == {"id": "b6a2", "text": "‹text 9›", "note": "‹secret›"}
    assert record.response_body == {"id": "b6a2", "text": "‹text 10›"}
    assert "s3cr3t" not in json.dumps([repr(record), repr(http)])


@pytest.mark.parametrize("secret", ["ab+c/d==", "a-token"])
async def test_a_secret_in_a_path_is_in_no_record_however_it_is_written(
    http: HttpClient, server: Server, records: list[VendorCallRecord], secret: str
):
    written = quote(secret, safe="")

    for number in range(2):
        url = f"{server.url}/{'p' * (294 if number else 1)}/{written}/messages"
        await http.request("messages", "GET", url, hidden=secret)

    short, cut = (record.path for record in records)
    assert short == "/p/‹secret›/messages"
    assert cut.startswith("/ppp") and written[:2] not in cut.lstrip("/p")


async def test_a_secret_of_the_connection_is_hidden_in_a_path_that_writes_it_otherwise(
    server: Server, records: list[VendorCallRecord]
):
    async with open_session(allow_local=True) as session:
        http = HttpClient(session, allow_local=True, recorder=records.append, secrets=["k=/1+2"])
        await http.request("read", "GET", f"{server.url}/keys/{quote('k=/1+2')}")

    assert records[0].path == "/keys/‹secret›"


async def test_stream_is_open_when_entered_and_ends_with_the_server(
    http: HttpClient, server: Server, records: list[VendorCallRecord]
):
    server.will_stream(b"id: 1\ndata: a\n", b"\ndata: b\n\n")

    async with http.stream_events("sse", server.url, headers={}, idle_timeout=5) as events:
        assert records[0].status == 200
        assert [(event.id, event.data) async for event in events] == [("1", "a"), ("1", "b")]

    assert server.requests[0].headers["Accept"] == "text/event-stream"


async def test_silence_breaks_a_stream_and_is_recorded(
    http: HttpClient, server: Server, records: list[VendorCallRecord]
):
    server.will_stream(b"data: a\n\n", silence=30)
    seen = []

    with pytest.raises(CannotConnectError) as caught:
        async with http.stream_events("sse", server.url, headers={}, idle_timeout=0.2) as events:
            seen.extend([event.data async for event in events])

    assert caught.value.reason == "stream"
    assert records[-1].error_code == "cannot_connect"


async def test_bytes_of_any_kind_keep_a_stream_alive(http: HttpClient, server: Server):
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(6):  # together longer than the timeout, each far below it
            await asyncio.sleep(0.3)
            await response.write(b": keep-alive\n\n")
        await response.write(b"data: a\n\n")
        return response

    server.handler = handler
    async with http.stream_events("sse", server.url, headers={}, idle_timeout=1.5) as events:
        assert [event.data async for event in events] == ["a"]


@pytest.mark.parametrize(
    ("status", "kind"), [(204, UnexpectedResponseError), (401, InvalidAuthError)]
)
async def test_stream_that_is_refused_raises_before_it_is_entered(
    http: HttpClient, server: Server, status: int, kind: type[ConnectorError]
):
    server.will_answer(status)

    with pytest.raises(kind):
        async with http.stream_events("sse", server.url, headers={}, idle_timeout=5):
            pytest.fail("the stream must not open")


async def test_page_in_place_of_a_stream_is_refused(http: HttpClient, server: Server):
    server.will_answer(200, "<html></html>")

    with pytest.raises(UnexpectedResponseError):
        async with http.stream_events("sse", server.url, headers={}, idle_timeout=5):
            pytest.fail("the stream must not open")


async def test_server_that_never_answers_a_stream_is_given_up(http: HttpClient, server: Server):
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    server.handler = handler
    with pytest.raises(CannotConnectError) as caught:
        async with http.stream_events(
            "sse", server.url, headers={}, idle_timeout=30, open_timeout=0.2
        ):
            pytest.fail("the stream must not open")

    assert caught.value.reason == "timeout"


async def test_nothing_that_one_project_receives_sticks_to_the_shared_session(server: Server):
    async with open_session(allow_local=True) as session:
        http = HttpClient(session, allow_local=True)
        server.will_answer(200, **{"Set-Cookie": "who=me"})
        await http.request("op", "GET", server.url)
        await http.request("op", "GET", server.url)

    assert "Cookie" not in server.requests[1].headers
    assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
