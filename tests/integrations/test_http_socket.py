"""A WebSocket to a vendor, against a real server on a loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import ClientSession, WSCloseCode, web

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    InvalidAuthError,
    MissingPermissionError,
    RateLimitedError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient, open_session
from integrations.http.recording import VendorCallRecord
from integrations.http.socket import MAX_MESSAGE_BYTES, VendorSocket

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


class Server:
    """Accepts every socket and talks as the test says."""

    def __init__(self) -> None:
        self.url = ""
        self.talk: Talk = self.echo
        self.status = 101
        self.headers: dict[str, str] = {}
        self.requests: list[web.Request] = []
        self.is_gone = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.status != 101:
            return web.Response(status=self.status, headers=self.headers)
        socket = web.WebSocketResponse(protocols=("chat.v1",))
        await socket.prepare(request)
        try:
            await self.talk(socket)
        finally:
            self.is_gone.set()
        return socket

    async def echo(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            await socket.send_str(message.data)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
def records() -> list[VendorCallRecord]:
    return []


@pytest.fixture
async def http(records: list[VendorCallRecord]) -> AsyncIterator[HttpClient]:
    async with open_session(allow_local=True) as session:
        yield HttpClient(
            session, allow_local=True, recorder=records.append, secrets=["s3cr3t-in-a-path"]
        )


async def read_all(socket: VendorSocket) -> list[str]:
    return [text async for text in socket]


async def test_texts_go_both_ways_in_order(http: HttpClient, server: Server):
    async with http.websocket("op", server.url + "/chat", idle_timeout=5) as socket:
        await socket.send_text("one")
        await socket.send_text("two ♥")

        got = [await anext(socket), await anext(socket)]

    assert got == ["one", "two ♥"]


async def test_the_vendors_close_ends_the_texts_with_its_code(http: HttpClient, server: Server):
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("last words")
        await socket.send_bytes(b"\x00not for us")
        await socket.close(code=WSCloseCode.GOING_AWAY)

    server.talk = talk
    async with http.websocket("op", server.url, idle_timeout=5) as socket:
        got = await read_all(socket)

        assert (got, socket.close_code) == (["last words"], WSCloseCode.GOING_AWAY)


async def test_headers_and_protocols_are_offered(http: HttpClient, server: Server):
    async with http.websocket(
        "op", server.url, headers={"X-Key": "k"}, protocols=("chat.v2", "chat.v1"), idle_timeout=5
    ) as socket:
        assert socket.protocol == "chat.v1"

    assert server.requests[0].headers["X-Key"] == "k"
    assert server.requests[0].headers["User-Agent"] == "Baton"


async def test_leaving_closes_the_socket_at_the_vendor_too(http: HttpClient, server: Server):
    async with http.websocket("op", server.url, idle_timeout=5):
        pass

    await asyncio.wait_for(server.is_gone.wait(), 5)


async def test_silence_breaks_a_socket_and_is_recorded(
    http: HttpClient, server: Server, records: list[VendorCallRecord]
):
    with pytest.raises(CannotConnectError) as caught:
        async with http.websocket("op", server.url, idle_timeout=0.2) as socket:
            await read_all(socket)

    assert (caught.value.reason, caught.value.retryable) == ("stream", True)
    assert [r.error_code for r in records] == ["", "cannot_connect"]


async def test_pings_of_the_vendor_keep_a_socket_alive(http: HttpClient, server: Server):
    async def talk(socket: web.WebSocketResponse) -> None:
        for _ in range(5):
            await asyncio.sleep(0.4)
            await socket.ping()
        await socket.send_str("still here")
        await socket.close()

    server.talk = talk
    async with http.websocket("op", server.url, idle_timeout=1.5) as socket:
        assert await read_all(socket) == ["still here"]


async def test_a_cut_connection_is_told_apart_from_a_close(http: HttpClient, server: Server):
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("hello")
        transport = server.requests[0].transport
        assert transport is not None
        transport.abort()

    server.talk = talk
    with pytest.raises(CannotConnectError) as caught:
        async with http.websocket("op", server.url, idle_timeout=5) as socket:
            await read_all(socket)

    assert caught.value.reason == "stream"


async def test_an_oversized_message_is_refused_without_quoting_it(http: HttpClient, server: Server):
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("secret words " + "x" * MAX_MESSAGE_BYTES)

    server.talk = talk
    with pytest.raises(UnexpectedResponseError) as caught:
        async with http.websocket("op", server.url, idle_timeout=5) as socket:
            await read_all(socket)

    assert "secret words" not in repr(caught.value)


async def test_sending_on_a_closed_socket_says_that_it_broke(http: HttpClient, server: Server):
    async with http.websocket("op", server.url, idle_timeout=5) as socket:
        await socket.close()

        with pytest.raises(CannotConnectError) as caught:
            await socket.send_text("too late")

    assert caught.value.reason == "stream"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, UnexpectedResponseError),
        (401, InvalidAuthError),
        (403, MissingPermissionError),
        (429, RateLimitedError),
        (503, CannotConnectError),
    ],
)
async def test_a_refused_handshake_leaves_as_our_error(
    http: HttpClient,
    server: Server,
    records: list[VendorCallRecord],
    status: int,
    kind: type[ConnectorError],
):
    server.status = status

    with pytest.raises(kind) as caught:
        async with http.websocket("op", server.url, idle_timeout=5):
            pytest.fail("entered a socket that was refused")

    assert type(caught.value) is kind
    assert (records[-1].status, records[-1].error_code) == (status, kind.code)


async def test_a_redirect_is_not_followed(http: HttpClient, server: Server):
    server.status = 307
    server.headers = {"Location": server.url.replace("ws:", "http:") + "/elsewhere"}

    with pytest.raises(UnexpectedResponseError):
        async with http.websocket("op", server.url, idle_timeout=5):
            pytest.fail("entered a socket that was moved")

    assert len(server.requests) == 1


async def test_a_vendor_that_does_not_answer_is_given_up(http: HttpClient):
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(ignore, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]

    with pytest.raises(CannotConnectError) as caught:
        async with http.websocket("op", f"ws://127.0.0.1:{port}", idle_timeout=5, open_timeout=0.2):
            pytest.fail("entered a socket that never answered")

    assert caught.value.reason == "timeout"
    silent.close()


@pytest.mark.parametrize(
    "url",
    [
        "ws://example.com/chat",
        "https://example.com/chat",
        "wss://example.com:8443/chat",
        "wss://user:word@example.com/chat",
        "wss://10.0.0.1/chat",
        "wss://127.0.0.1/chat",
        "example.com",
        "",
    ],
)
async def test_only_public_encrypted_addresses_are_opened(
    records: list[VendorCallRecord], url: str
):
    async with open_session(allow_local=False) as session:
        http = HttpClient(session, allow_local=False, recorder=records.append)

        with pytest.raises(CannotConnectError) as caught:
            async with http.websocket("op", url, idle_timeout=5):
                pytest.fail("entered an address that may not be called")

    assert (caught.value.reason, records[0].path) == ("address", "")


async def test_the_record_holds_the_path_and_never_the_query(
    http: HttpClient, server: Server, records: list[VendorCallRecord]
):
    url = server.url + "/chat/s3cr3t-in-a-path?X-Amz-Signature=signed%2Fthere"
    async with http.websocket("op", url, idle_timeout=5):
        pass

    assert server.requests[0].rel_url.raw_query_string == "X-Amz-Signature=signed%2Fthere"
    assert (records[0].status, records[0].path) == (101, "/chat/‹secret›")
    assert "signed" not in repr(records)


async def test_a_connection_that_is_gone_when_the_handshake_is_over_cannot_be_connected_to(
    monkeypatch: pytest.MonkeyPatch, http: HttpClient, server: Server
):
    """aiohttp asserts that the transport is still there; a vendor may hang up before it looks."""

    async def ws_connect(*given: object, **options: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ClientSession, "ws_connect", ws_connect)

    with pytest.raises(CannotConnectError) as caught:
        async with http.websocket("op", server.url, idle_timeout=5):
            pytest.fail("entered a connection that is not there")

    assert caught.value.reason == "stream"
