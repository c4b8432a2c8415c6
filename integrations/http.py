"""The one way to a vendor: every request passes here, and every failure leaves as our error."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp

from integrations.errors import CannotConnectError, ConnectorError, UnexpectedResponseError
from integrations.http_errors import (
    NO_STATUSES,
    StatusTable,
    VendorResponse,
    our_errors,
    status_error,
)
from integrations.sse import SseEvent, SseParser
from integrations.url_guard import may_connect, url_problem
from integrations.vendor_calls import Masker, Recorder, VendorCallRecord

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 10.0
STREAM_OPEN_SECONDS = 10.0
MAX_RESPONSE_BYTES = 5 * 1024 * 1024


def open_session(
    *, allow_local: bool, resolver: aiohttp.abc.AbstractResolver | None = None
) -> aiohttp.ClientSession:
    """Make the one session a process shares; must be called on the loop that will use it.

    The address is judged when a socket is made for it, so a name that resolves to something else
    the second time gains nothing.
    """

    def guarded_socket(addr_info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = addr_info
        if not may_connect(str(address[0]), allow_local=allow_local):
            raise PermissionError(errno.EACCES, "the address is not public")
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        limit=0, ttl_dns_cache=60, resolver=resolver, socket_factory=guarded_socket
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),  # shared by all projects: nothing may stick
        headers={"User-Agent": "Baton"},
        trust_env=False,
    )


class HttpClient:
    """Speaks HTTP for one integration over the shared session; records each call, masked."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        allow_local: bool,
        recorder: Recorder | None = None,
        loggable_keys: frozenset[str] = frozenset(),
        secrets: Iterable[str] = (),
    ) -> None:
        """Keep the session; `secrets` are values that no record may ever show."""
        self._session = session
        self._allow_local = allow_local
        self._recorder = recorder
        self._masker = Masker(loggable_keys=loggable_keys, secrets=secrets)

    def without_secrets(self, text: str) -> str:
        """Clean a vendor's own words before an admin reads them."""
        return self._masker.without_secrets(text)

    def note(self, operation: str, code: str) -> None:
        """Put a remark among the recorded calls, for what no status code tells."""
        self._record(_Call(operation, "", ""), error_code=code)

    async def request(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        data: bytes | Mapping[str, str] | aiohttp.FormData | None = None,
        params: Mapping[str, str] | None = None,
        timeout: float = REQUEST_SECONDS,
        statuses: StatusTable = NO_STATUSES,
        returns: Collection[int] = (),
    ) -> VendorResponse:
        """Send one request and return its answer; any failure is raised as a ConnectorError.

        `statuses` overrides which error a status means; those in `returns` come back like 2xx.
        """
        call, target = self._prepare(operation, method, url, params)
        call.request_body = self._masker.masked(json if data is None else data)
        try:
            response = await self._exchange(call, target, headers, json, data, timeout)
            if not 200 <= response.status < 300 and response.status not in returns:
                raise status_error(response, statuses)
        except ConnectorError as error:
            self._record(call, error_code=error.code)
            raise
        self._record(call)
        return response

    @asynccontextmanager
    async def stream_events(
        self,
        operation: str,
        url: str,
        *,
        headers: Mapping[str, str],
        idle_timeout: float,
        open_timeout: float = STREAM_OPEN_SECONDS,
        statuses: StatusTable = NO_STATUSES,
    ) -> AsyncIterator[AsyncIterator[SseEvent]]:
        """Open an event stream; entering means that the vendor answered 200.

        The events end when the vendor closes the stream. Silence longer than `idle_timeout` and a
        broken connection raise CannotConnectError.
        """
        call, target = self._prepare(operation, "GET", url, None)
        try:
            with our_errors(operation):
                async with asyncio.timeout(open_timeout):
                    response = await self._open_stream(
                        call, target, headers, idle_timeout, statuses
                    )
        except ConnectorError as error:
            self._record(call, error_code=error.code)
            raise
        self._record(call)
        events = self._events(operation, response)
        try:
            yield events
        except ConnectorError as error:
            if error.reason == "stream":
                self._record(call, error_code=error.code)
            raise
        finally:
            response.close()
            await events.aclose()

    async def _events(
        self, operation: str, response: aiohttp.ClientResponse
    ) -> AsyncGenerator[SseEvent, None]:
        parser = SseParser()
        with our_errors(operation, reason="stream"):
            async for chunk in response.content.iter_any():
                for event in parser.feed(chunk):
                    yield event

    async def _open_stream(
        self,
        call: _Call,
        target: str,
        headers: Mapping[str, str],
        idle_timeout: float,
        statuses: StatusTable,
    ) -> aiohttp.ClientResponse:
        response = await self._session.get(
            target,
            headers={"Accept": "text/event-stream", "Cache-Control": "no-store", **headers},
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_SECONDS, sock_read=idle_timeout
            ),
            allow_redirects=False,
        )
        call.status = response.status
        try:
            if response.status != 200:
                raise status_error(await _read(call.operation, response), statuses)
            if response.content_type != "text/event-stream":
                raise UnexpectedResponseError(f"{call.operation}: the answer is no event stream")
        except BaseException:
            response.close()
            raise
        return response

    async def _exchange(
        self,
        call: _Call,
        target: str,
        headers: Mapping[str, str] | None,
        json: object,
        data: bytes | Mapping[str, str] | aiohttp.FormData | None,
        timeout: float,
    ) -> VendorResponse:
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, CONNECT_SECONDS))
        with our_errors(call.operation):
            async with self._session.request(
                call.method,
                target,
                headers={"Accept": "application/json", **(headers or {})},
                json=json,
                data=data,
                timeout=limits,
                allow_redirects=False,
            ) as raw:
                call.status = raw.status
                response = await _read(call.operation, raw)
        call.response_body = self._masker.masked_body(response.body, raw.content_type)
        return response

    def _prepare(
        self, operation: str, method: str, url: str, params: Mapping[str, str] | None
    ) -> tuple[_Call, str]:
        target = f"{url}?{urlencode(params)}" if params else url
        problem = url_problem(target, allow_local=self._allow_local)
        if problem is not None:
            error = CannotConnectError(f"{operation}: {problem}", reason="address")
            self._record(_Call(operation, method, ""), error_code=error.code)
            raise error
        parts = urlsplit(target)
        path = self._masker.masked_path(parts.path, parse_qsl(parts.query))
        return _Call(operation, method, path), target

    def _record(self, call: _Call, *, error_code: str = "") -> None:
        if self._recorder is not None:
            self._recorder(call.record(error_code))


class _Call:
    """What is known of a call while it runs."""

    def __init__(self, operation: str, method: str, path: str) -> None:
        self.operation = operation
        self.method = method
        self.path = path
        self.status: int | None = None
        self.request_body: object = None
        self.response_body: object = None
        self._started_at = datetime.now(UTC)
        self._started = time.perf_counter()

    def record(self, error_code: str) -> VendorCallRecord:
        """Return what is kept of it."""
        return VendorCallRecord(
            operation=self.operation,
            method=self.method,
            path=self.path,
            status=self.status,
            duration_ms=round((time.perf_counter() - self._started) * 1000),
            started_at=self._started_at,
            error_code=error_code,
            request_body=self.request_body,
            response_body=self.response_body,
        )


async def _read(operation: str, raw: aiohttp.ClientResponse) -> VendorResponse:
    body = bytearray()
    async for chunk in raw.content.iter_chunked(65536):
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise UnexpectedResponseError(f"{operation}: the answer is too large")
    return VendorResponse(
        operation=operation, status=raw.status, headers=raw.headers, body=bytes(body)
    )
