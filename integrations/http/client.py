"""The one way to a vendor: every request passes here, and every failure leaves as our error."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp

from integrations.contract.errors import CannotConnectError, ConnectorError, UnexpectedResponseError
from integrations.http.errors import (
    NO_STATUSES,
    ErrorReader,
    Errors,
    StatusTable,
    VendorResponse,
    our_errors,
    status_error,
)
from integrations.http.recording import Masker, Recorder, RunningCall
from integrations.http.route import STRAIGHT, GuardedConnector, Route, proxy_of
from integrations.http.socket import (
    SWITCHED,
    VendorSocket,
    open_socket,
    refuse_redirects,
    socket_url_problem,
)
from integrations.http.sse import SseEvent, SseParser
from integrations.http.url_guard import url_problem
from integrations.kit.json_values import json_text
from integrations.kit.waiting import PauseStore
from integrations.telemetry.correlation import HEADER, correlation_id
from integrations.telemetry.metrics import stream_opened

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 10.0
STREAM_OPEN_SECONDS = 10.0
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
MAX_RESPONSE_BYTES = 5 * 1024 * 1024

# What others name: the library stays in this room.
Session = aiohttp.ClientSession
FormData = aiohttp.FormData


def open_session(
    *,
    allow_local: bool,
    resolver: aiohttp.abc.AbstractResolver | None = None,
    route: Route = STRAIGHT,
) -> aiohttp.ClientSession:
    """Make the one session a process shares; must be called on the loop that will use it."""
    return aiohttp.ClientSession(
        connector=GuardedConnector(allow_local=allow_local, resolver=resolver, route=route),
        cookie_jar=aiohttp.DummyCookieJar(),  # shared by all projects: nothing may stick
        headers={"User-Agent": "Baton"},
        trust_env=False,
        trace_configs=[refuse_redirects()],
        json_serialize=json_text,
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
        pauses: PauseStore | None = None,
        tells_correlation: bool = False,
    ) -> None:
        """Keep the session; `secrets` are values that no record may ever show.

        `pauses` is for a connector's RateBudget: what the vendor has asked other workers for. With
        `tells_correlation` each request bears our correlation id: not for a vendor, whose API
        knows no such header.
        """
        self.pauses = pauses
        self._session = session
        self._allow_local = allow_local
        self._recorder = recorder
        self._tells_correlation = tells_correlation
        self._masker = Masker(loggable_keys=loggable_keys, secrets=secrets)

    def without_secrets(self, text: str) -> str:
        """Clean a vendor's own words before an admin reads them."""
        return self._masker.without_secrets(text)

    def note(self, operation: str, code: str) -> None:
        """Put a remark among the recorded calls, for what no status code tells."""
        self._record(RunningCall(operation, "", ""), error_code=code)

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
        silence: float | None = None,
        statuses: StatusTable = NO_STATUSES,
        returns: Collection[int] = (),
        refusals: Collection[int] = (),
        expects: Errors = (),
        read_error: ErrorReader = status_error,
        max_bytes: int = MAX_RESPONSE_BYTES,
        hidden: str = "",
    ) -> VendorResponse:
        """Send one request and return its answer; any failure is raised as a ConnectorError.

        `statuses` overrides which error a status means; those in `returns` come back like 2xx, and
        are recorded as expected; those in `refusals` come back as what they are, to be read. What
        is raised of `expects` is recorded as expected too.
        `read_error` is for vendors who put more into a refusal than its status. `hidden` is a
        secret in the path, which no record shows. Without a byte for `silence` seconds the call is
        given up before `timeout`.
        """
        call, target = self._prepare(operation, method, url, params, hidden=hidden)
        call.request_body = self._masker.masked(json if data is None else data)
        with self._recorded(call, expects):
            response = await self._exchange(
                call, target, headers, json, data, (timeout, silence), max_bytes
            )
            if not 200 <= response.status < 300 and response.status not in refusals:
                if response.status not in returns:
                    raise read_error(response, statuses)
                call.is_expected = True
        return response

    @asynccontextmanager
    async def stream_events(
        self,
        operation: str,
        url: str,
        *,
        method: str = "GET",
        json: object = None,
        headers: Mapping[str, str],
        idle_timeout: float,
        open_timeout: float = STREAM_OPEN_SECONDS,
        statuses: StatusTable = NO_STATUSES,
        read_error: ErrorReader = status_error,
    ) -> AsyncIterator[AsyncIterator[SseEvent]]:
        """Open an event stream; entering means that the vendor answered 200.

        The events end when the vendor closes the stream. Silence longer than `idle_timeout` and a
        broken connection raise CannotConnectError.
        """
        call, target = self._prepare(operation, method, url)
        call.request_body = self._masker.masked(json)
        with self._recorded(call), our_errors(operation):
            async with asyncio.timeout(open_timeout):
                response = await self._open_stream(call, target, headers, json, idle_timeout)
                await _refuse_no_stream(operation, response, statuses, read_error)
        stream_opened(operation)
        events = self._events(operation, response)
        try:
            with self._recording_breaks(call):
                yield events
        finally:
            response.close()
            await events.aclose()

    @asynccontextmanager
    async def websocket(
        self,
        operation: str,
        url: str,
        *,
        headers: Mapping[str, str] = NO_HEADERS,
        protocols: Sequence[str] = (),
        idle_timeout: float,
        open_timeout: float = STREAM_OPEN_SECONDS,
        statuses: StatusTable = NO_STATUSES,
    ) -> AsyncIterator[VendorSocket]:
        """Open a WebSocket; entering means that the vendor switched protocols.

        The address may carry a secret in its query: only the path is recorded. How it ends and
        breaks is told at VendorSocket.
        """
        self._refuse(operation, "GET", socket_url_problem(url, allow_local=self._allow_local))
        call = RunningCall(operation, "GET", self._masker.masked_path(urlsplit(url).path))
        with self._recorded(call):
            socket = await open_socket(
                self._session,
                operation,
                url,
                headers=headers,
                protocols=protocols,
                idle_timeout=idle_timeout,
                open_timeout=open_timeout,
                statuses=statuses,
            )
            call.status = SWITCHED
        stream_opened(operation)
        try:
            with self._recording_breaks(call):
                yield socket
        finally:
            await socket.close()

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
        call: RunningCall,
        target: str,
        headers: Mapping[str, str],
        json: object,
        idle_timeout: float,
    ) -> aiohttp.ClientResponse:
        response = await self._session.request(
            call.method,
            target,
            json=json,
            headers={
                "Accept": "text/event-stream",
                "Cache-Control": "no-store",
                **self._correlation(),
                **headers,
            },
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_SECONDS, sock_read=idle_timeout
            ),
            allow_redirects=False,
            proxy=await proxy_of(self._session, target),
        )
        call.status = response.status
        return response

    async def _exchange(
        self,
        call: RunningCall,
        target: str,
        headers: Mapping[str, str] | None,
        json: object,
        data: bytes | Mapping[str, str] | aiohttp.FormData | None,
        seconds: tuple[float, float | None],
        max_bytes: int,
    ) -> VendorResponse:
        timeout, silence = seconds
        limits = aiohttp.ClientTimeout(
            total=timeout, sock_connect=min(timeout, CONNECT_SECONDS), sock_read=silence
        )
        with our_errors(call.operation):
            async with asyncio.timeout(timeout):
                proxy = await proxy_of(self._session, target)
            async with self._session.request(
                call.method,
                target,
                headers={"Accept": "application/json", **self._correlation(), **(headers or {})},
                json=json,
                data=data,
                timeout=limits,
                allow_redirects=False,
                proxy=proxy,
            ) as raw:
                call.status = raw.status
                response = await _read(call.operation, raw, max_bytes)
        call.response_body = self._masker.masked_body(response.body, raw.content_type)
        return response

    def _correlation(self) -> Mapping[str, str]:
        known = correlation_id.get() if self._tells_correlation else ""
        return {HEADER: known} if known else NO_HEADERS

    def _prepare(
        self,
        operation: str,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        hidden: str = "",
    ) -> tuple[RunningCall, str]:
        target = f"{url}?{urlencode(params)}" if params else url
        self._refuse(operation, method, url_problem(target, allow_local=self._allow_local))
        parts = urlsplit(target)
        path = self._masker.masked_path(parts.path, parse_qsl(parts.query), hidden=hidden)
        return RunningCall(operation, method, path), target

    def _refuse(self, operation: str, method: str, problem: str | None) -> None:
        if problem is not None:
            with self._recorded(RunningCall(operation, method, "")):
                raise CannotConnectError(f"{operation}: {problem}", reason="address")

    @contextmanager
    def _recorded(self, call: RunningCall, expects: Errors = ()) -> Iterator[None]:
        try:
            yield
        except ConnectorError as error:
            call.status = call.status or error.status
            call.is_expected = isinstance(error, expects)
            self._record(call, error_code="" if call.is_expected else error.code)
            raise
        self._record(call)

    @contextmanager
    def _recording_breaks(self, call: RunningCall) -> Iterator[None]:
        try:
            yield
        except ConnectorError as error:
            if error.reason == "stream":
                self._record(call, error_code=error.code)
            raise

    def _record(self, call: RunningCall, *, error_code: str = "") -> None:
        if self._recorder is not None:
            self._recorder(call.record(error_code))


async def _refuse_no_stream(
    operation: str,
    response: aiohttp.ClientResponse,
    statuses: StatusTable,
    read_error: ErrorReader,
) -> None:
    """Raise, and let go of the connection, where the answer is no event stream."""
    try:
        if response.status != 200:
            raise read_error(await _read(operation, response), statuses)
        if response.content_type != "text/event-stream":
            raise UnexpectedResponseError(f"{operation}: the answer is no event stream")
    except BaseException:
        response.close()
        raise


async def _read(
    operation: str, raw: aiohttp.ClientResponse, max_bytes: int = MAX_RESPONSE_BYTES
) -> VendorResponse:
    body = bytearray()
    async for chunk in raw.content.iter_chunked(65536):
        body += chunk
        if len(body) > max_bytes:
            raise UnexpectedResponseError(f"{operation}: the answer is too large")
    return VendorResponse(
        operation=operation, status=raw.status, headers=raw.headers, body=bytes(body)
    )
