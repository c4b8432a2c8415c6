"""Files behind a refusal, a redirect or both: one hop, a key for its own host alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from integrations.contract.errors import CannotConnectError, ConnectorError, InvalidAuthError
from integrations.http.client import HttpClient, open_session
from integrations.http.download import download

KEY = {"Authorization": "Basic c2VjcmV0"}


@dataclass
class Store:
    """Two hosts of one machine: files are private at the API's, and somebody else's elsewhere."""

    http: HttpClient
    api_url: str = ""
    elsewhere: str = ""
    # Where a private file really is.
    location: str = "/kept"
    seen: list[tuple[str, str, bool]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        has_key = "Authorization" in request.headers
        self.seen.append((request.method, request.raw_path, has_key))
        if request.path == "/refused" or (request.path == "/private" and not has_key):
            return web.Response(status=401)
        if request.path in ("/private", "/moved"):
            return web.Response(status=302, headers={"Location": self.location})
        return web.Response(body=b"content")

    async def fetch(self, url: str, *, is_signed: bool = False) -> bytes:
        api_url = f"{self.api_url}/api"
        return await download(
            self.http, url, max_bytes=100, api_url=api_url, headers=KEY, is_signed=is_signed
        )


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with open_session(allow_local=True) as session:
        store = Store(HttpClient(session, allow_local=True))
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", store.answer)
        async with TestServer(app) as server:
            store.api_url = f"http://127.0.0.1:{server.port}"
            store.elsewhere = f"http://localhost:{server.port}"
            yield store


async def test_private_and_redirected_file_is_fetched_and_the_key_stays_behind(store: Store):
    store.location = f"{store.elsewhere}/kept%2Foriginal"

    content = await store.fetch(f"{store.api_url}/private")

    assert content == b"content"
    assert store.seen == [
        *(("GET", "/private", False), ("GET", "/private", True)),
        ("GET", "/kept%2Foriginal", False),
    ]


async def test_key_that_is_sent_at_once_stays_behind_as_well(store: Store):
    store.location = f"{store.elsewhere}/kept"

    await store.fetch(f"{store.api_url}/private", is_signed=True)

    assert store.seen == [("GET", "/private", True), ("GET", "/kept", False)]


async def test_another_host_that_refuses_gets_no_key(store: Store):
    store.location = f"{store.elsewhere}/refused"

    with pytest.raises(InvalidAuthError):
        await store.fetch(f"{store.api_url}/moved")

    assert not any(has_key for _, _, has_key in store.seen)


@pytest.mark.parametrize("location", ["http://10.0.0.1/kept", "http://169.254.169.254/latest"])
async def test_redirect_into_a_private_network_is_refused(store: Store, location: str):
    store.location = location

    with pytest.raises(CannotConnectError) as caught:
        await store.fetch(f"{store.api_url}/moved")

    assert caught.value.reason == "address"


async def test_second_redirect_is_not_followed(store: Store):
    store.location = "/moved"

    with pytest.raises(CannotConnectError):
        await store.fetch(f"{store.api_url}/moved")

    assert len(store.seen) == 2


async def test_an_address_that_is_none_is_refused_as_the_vendors_failure(store: Store):
    with pytest.raises(ConnectorError):
        await store.fetch("https://[x")

    store.location = "//[x"
    with pytest.raises(ConnectorError):
        await store.fetch(f"{store.api_url}/moved")
