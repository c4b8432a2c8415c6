"""Vendors behind a company's proxy: real TLS through a real CONNECT, with an own authority."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from config.checks import check_route
from integrations.contract.errors import CannotConnectError
from integrations.http.client import HttpClient, open_session
from integrations.http.route import Route, route_problems
from tests.closed_network import Names, Proxy, authority, running_proxy

VENDOR = "vendor.example"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: Any) -> tuple[Path, ssl.SSLContext]:
    return authority(tmp_path_factory.mktemp("authority"), VENDOR)


async def answer(request: web.Request) -> web.StreamResponse:
    if request.path == "/ws":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("from the vendor")
        await socket.close()
        return socket
    if request.path == "/events":
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: from the vendor\n\n")
        return response
    return web.json_response({"path": request.path})


@pytest.fixture
async def proxy(certificates: tuple[Path, ssl.SSLContext]) -> AsyncIterator[tuple[Proxy, str]]:
    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificates[1]).start()
    async with running_proxy({VENDOR: runner.addresses[0][:2]}) as running:
        yield running
    await runner.cleanup()


@asynccontextmanager
async def client(route: Route, **names: str) -> AsyncIterator[HttpClient]:
    async with open_session(allow_local=False, resolver=Names(**names), route=route) as session:
        yield HttpClient(session, allow_local=False)


async def test_calls_streams_and_sockets_reach_a_vendor_that_only_the_proxy_can_resolve(
    proxy: tuple[Proxy, str], certificates: tuple[Path, ssl.SSLContext]
):
    route = Route(proxy=f"http://{proxy[1]}", ca_bundle=str(certificates[0]))
    async with client(route) as http:
        called = await http.request("op", "GET", f"https://{VENDOR}/a")
        async with http.stream_events(
            "op", f"https://{VENDOR}/events", headers={}, idle_timeout=5
        ) as events:
            event = await anext(events)
        async with http.websocket("op", f"wss://{VENDOR}/ws", idle_timeout=5) as socket:
            texts = [text async for text in socket]

    assert called.json() == {"path": "/a"}
    assert (event.data, texts) == ("from the vendor", ["from the vendor"])
    assert {line for line, _ in proxy[0].asked} == {f"CONNECT {VENDOR}:443 HTTP/1.1"}


async def test_the_proxys_name_and_password_are_used_and_never_told(
    proxy: tuple[Proxy, str], certificates: tuple[Path, ssl.SSLContext]
):
    port = proxy[1].rpartition(":")[2]
    route = Route(
        proxy=f"http://mira:pr0xy-pass@proxy.internal:{port}", ca_bundle=str(certificates[0])
    )
    async with client(route, proxy_internal="127.0.0.1") as http:
        await http.request("op", "GET", f"https://{VENDOR}/a")
    proxy[0].refuses = True
    async with client(route, proxy_internal="127.0.0.1") as http:
        with pytest.raises(CannotConnectError) as caught:
            async with http.websocket("op", f"wss://{VENDOR}/ws", idle_timeout=5):
                raise AssertionError("the proxy refused")

    sent = proxy[0].asked[0][1].partition("Basic ")[2]
    assert base64.b64decode(sent) == b"mira:pr0xy-pass"
    assert "pr0xy-pass" not in f"{route!r} {caught.value}"


async def test_an_authority_that_no_setting_names_is_not_trusted(proxy: tuple[Proxy, str]):
    async with client(Route(proxy=f"http://{proxy[1]}")) as http:
        with pytest.raises(CannotConnectError) as caught:
            await http.request("op", "GET", f"https://{VENDOR}/a")

    assert caught.value.reason == "tls"


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "169.254.169.254"])
async def test_the_proxy_is_not_asked_for_an_address_known_as_private(
    proxy: tuple[Proxy, str], address: str
):
    async with client(Route(proxy=f"http://{proxy[1]}"), vendor_example=address) as http:
        for call in (
            http.request("op", "GET", f"https://{VENDOR}/a"),
            http.websocket("op", f"wss://{VENDOR}/ws", idle_timeout=5).__aenter__(),
            http.stream_events(
                "op", f"https://{VENDOR}/events", headers={}, idle_timeout=5
            ).__aenter__(),
        ):
            with pytest.raises(CannotConnectError) as caught:
                await call
            assert caught.value.reason == "address"

    assert proxy[0].asked == []


async def test_only_the_proxys_own_port_is_open_on_its_private_address(proxy: tuple[Proxy, str]):
    route = Route(proxy=f"http://{proxy[1]}", no_proxy=VENDOR)
    async with client(route, vendor_example="127.0.0.1") as http:
        with pytest.raises(CannotConnectError) as caught:
            await http.request("op", "GET", f"https://{VENDOR}/a")

    assert caught.value.reason == "address"


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_straight"),
    [
        ("", "https://a.vendor.example/x", False),
        ("vendor.example", "https://a.vendor.example/x", True),
        (".vendor.example", "https://vendor.example", True),
        ("*.vendor.example, other", "wss://a.VENDOR.example/x", True),
        ("endor.example", "https://vendor.example", False),
        ("vendor.example:8443", "https://vendor.example", False),
        ("vendor.example:443", "https://vendor.example", True),
        ("*", "https://vendor.example", True),
        (", ,", "https://vendor.example", False),
        ("", "http://127.0.0.1:8790/x", True),
    ],
)
def test_no_proxy_means_a_host_and_what_is_below_it(no_proxy: str, url: str, is_straight: bool):
    route = Route(proxy="http://proxy.example:3128", no_proxy=no_proxy)

    assert (route.proxy_for(url) is None) == is_straight


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"proxy": "proxy.example:3128"}, "HTTPS_PROXY"),
        ({"proxy": "http://mira:s3cr3t@proxy.example"}, "HTTPS_PROXY"),
        ({"proxy": "socks5://proxy.example:1080"}, "HTTPS_PROXY"),
        ({"proxy": "http://proxy.example:port"}, "HTTPS_PROXY"),
        ({"ca_bundle": "/no/such/file.pem"}, "VENDOR_CA_BUNDLE"),
        ({"ca_bundle": __file__}, "VENDOR_CA_BUNDLE"),
    ],
)
def test_a_route_that_cannot_work_is_named_by_its_setting(values: dict[str, str], named: str):
    [problem] = route_problems(Route(**values))

    assert problem.startswith(named)
    assert "s3cr3t" not in problem


def test_the_check_at_start_reads_the_settings(settings: Any):
    settings.VENDOR_PROXY, settings.VENDOR_CA_BUNDLE = "proxy:3128", "/no/such/file.pem"
    assert [error.id for error in check_route(None)] == ["integrations.E003"] * 2

    settings.VENDOR_PROXY, settings.VENDOR_CA_BUNDLE = "http://proxy.example:3128", ""
    assert check_route(None) == []
