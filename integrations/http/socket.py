"""A WebSocket to a vendor: how it is opened and read, and what its failures mean to us."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
from yarl import URL

from integrations.contract.errors import CannotConnectError, UnexpectedResponseError
from integrations.http.errors import StatusTable, VendorResponse, our_errors, status_error
from integrations.http.route import proxy_of
from integrations.http.url_guard import url_problem

MAX_MESSAGE_BYTES = 1024 * 1024
CLOSE_SECONDS = 1.0
SEND_SECONDS = 10.0
SWITCHED = int(HTTPStatus.SWITCHING_PROTOCOLS)

_HTTP_SCHEMES = {"wss": "https", "ws": "http"}


def socket_url_problem(url: str, *, allow_local: bool) -> str | None:
    """Say in one sentence what is wrong with a socket's address, or None."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in _HTTP_SCHEMES:
        return "This is no address of a WebSocket. It starts with wss://."
    return url_problem(f"{_HTTP_SCHEMES[scheme.lower()]}://{rest}", allow_local=allow_local)


def refuse_redirects() -> aiohttp.TraceConfig:
    """Make the session raise where the library would follow a redirect, as it does for sockets."""

    async def refuse(
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestRedirectParams,
    ) -> None:
        params.response.close()
        raise UnexpectedResponseError("answered with a redirect", status=params.response.status)

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


class VendorSocket:
    """An open WebSocket; iterating yields texts until the vendor closes it.

    A message of another kind than text is passed over. Silence longer than the idle timeout and a
    broken connection raise CannotConnectError with reason `stream`; the vendor's pings count as
    signs of life.
    """

    def __init__(self, operation: str, raw: aiohttp.ClientWebSocketResponse[bool]) -> None:
        """Keep the library's socket."""
        self._operation = operation
        self._raw = raw

    @property
    def protocol(self) -> str:
        """Name the subprotocol the vendor chose, or nothing."""
        return self._raw.protocol or ""

    @property
    def close_code(self) -> int | None:
        """Return the code the vendor closed with, None while the socket is open."""
        return self._raw.close_code

    def __aiter__(self) -> VendorSocket:
        """Iterate over the texts that arrive."""
        return self

    async def __anext__(self) -> str:
        """Return the next text, or stop when the vendor closed the socket."""
        while True:
            with our_errors(self._operation, reason="stream"):
                message = await self._raw.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                return str(message.data)
            if message.type is not aiohttp.WSMsgType.BINARY:
                self._raise_unless_closed(message.type)
                raise StopAsyncIteration

    async def send_text(self, text: str) -> None:
        """Send one text; raises CannotConnectError when the connection is gone."""
        with our_errors(self._operation, reason="stream"):
            async with asyncio.timeout(SEND_SECONDS):
                await self._raw.send_str(text)

    async def close(self) -> None:
        """Close it; twice is fine."""
        await self._raw.close()

    def _raise_unless_closed(self, kind: aiohttp.WSMsgType) -> None:
        if self._raw.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            raise UnexpectedResponseError(f"{self._operation}: a message is too large")
        if kind not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING):
            raise CannotConnectError(f"{self._operation}: the socket broke", reason="stream")


async def open_socket(
    session: aiohttp.ClientSession,
    operation: str,
    url: str,
    *,
    headers: Mapping[str, str],
    protocols: Sequence[str],
    idle_timeout: float,
    open_timeout: float,
    statuses: StatusTable,
) -> VendorSocket:
    """Open a socket to an address that was judged before; raises our errors only."""
    limits = aiohttp.ClientWSTimeout(ws_receive=idle_timeout, ws_close=CLOSE_SECONDS)
    with our_errors(operation):
        try:
            async with asyncio.timeout(open_timeout):
                raw = await session.ws_connect(
                    URL(url, encoded=True),  # a signed query must arrive as it was signed
                    headers=headers,
                    protocols=protocols,
                    timeout=limits,
                    max_msg_size=MAX_MESSAGE_BYTES,
                    proxy=await proxy_of(session, url),
                )
        except aiohttp.WSServerHandshakeError as error:
            answer = VendorResponse(
                operation=operation, status=error.status, headers=error.headers or {}, body=b""
            )
            raise status_error(answer, statuses) from error
        except AssertionError as error:
            # aiohttp asserts that the connection is still there when the handshake is over.
            raise CannotConnectError(f"{operation}: the socket broke", reason="stream") from error
    return VendorSocket(operation, raw)
