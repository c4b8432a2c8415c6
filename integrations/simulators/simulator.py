"""The vendor-neutral half of a simulator: a stateful pretend vendor, its desk and its server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import uvicorn
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from integrations.simulators.desk import (
    Action,
    DeskError,
    DeskWords,
    Fault,
    answer_desk_error,
    desk_mount,
)
from integrations.simulators.traffic import (
    FaultMiddleware,
    FaultPlan,
    PlannedFailure,
    RecordingMiddleware,
    RequestLog,
)

__all__ = ["DeskError", "DeskWords", "Simulator", "running_simulator", "serve"]

START_SECONDS = 10.0
STOP_SECONDS = 1.0
TICK_SECONDS = 0.1


class Simulator(ABC):
    """A pretend vendor; its methods are safe to call from any thread."""

    key: ClassVar[str]
    words: ClassVar[DeskWords]
    cors_headers: ClassVar[tuple[str, ...]] = ("authorization", "content-type")
    cors_methods: ClassVar[tuple[str, ...]] = ("GET", "POST", "DELETE")
    # Actions and faults only this vendor has, by their name in the desk's calls.
    vendor_actions: ClassVar[Mapping[str, Action]] = {}
    vendor_faults: ClassVar[Mapping[str, Fault]] = {}
    # Senders of rich content by kind, in the order of the desk's buttons; a kind that the vendor's
    # page does not list is missing.
    rich_messages: ClassVar[Mapping[str, Action]] = {}

    def __init__(self, *, state_file: str | Path | None = None) -> None:
        self.lock = threading.RLock()
        self.requests = RequestLog()
        self.faults: FaultPlan = FaultPlan()
        self.base_url = ""
        # Whether live agents see none of the values that came with a conversation.
        self.hides_values = False
        self._state_path = Path(state_file) if state_file else None
        self._change_depth = 0

    # -- Subclasses write these --------------------------------------------------------------

    @abstractmethod
    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the vendor's contract at the vendor's paths."""

    @abstractmethod
    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure in the vendor's own error shape."""

    @abstractmethod
    def state_as_dict(self) -> dict[str, Any]:
        """Return everything a restart must keep, as plain JSON values."""

    @abstractmethod
    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_as_dict` returned."""

    @abstractmethod
    def forget(self) -> None:
        """Forget conversations, tokens and switches."""

    @abstractmethod
    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all conversations in the desk's shape."""

    @abstractmethod
    def desk_file(self, file_id: str) -> Response:
        """Return a file of a conversation."""

    @abstractmethod
    def configure(self, **switches: Any) -> None:
        """Change switches; an unknown name or a wrong type is refused with a DeskError."""

    @abstractmethod
    def configuration(self) -> dict[str, Any]:
        """Return the switches as they stand."""

    @abstractmethod
    def live_agent_joins(self, conversation_id: str, *, agent_name: str) -> None:
        """Accept the waiting conversation, or join the one a colleague is in."""

    @abstractmethod
    def live_agent_says(
        self, conversation_id: str, *, text: str, agent_name: str | None = None
    ) -> None:
        """Send a text to the end user."""

    @abstractmethod
    def live_agent_types(
        self, conversation_id: str, *, is_typing: bool, agent_name: str | None = None
    ) -> None:
        """Start or stop the typing indicator."""

    @abstractmethod
    def live_agent_sends_file(
        self,
        conversation_id: str,
        *,
        name: str,
        mime_type: str,
        content: bytes,
        agent_name: str | None = None,
    ) -> None:
        """Send a file to the end user."""

    @abstractmethod
    def live_agent_reads(self, conversation_id: str) -> None:
        """Mark what the end user wrote as read."""

    @abstractmethod
    def live_agent_transfers(
        self, conversation_id: str, *, queue: str | None = None, agent_name: str | None = None
    ) -> None:
        """Hand the conversation to a queue or to a colleague."""

    @abstractmethod
    def live_agent_leaves(self, conversation_id: str, *, agent_name: str | None = None) -> None:
        """Leave the conversation; the last one to leave ends it."""

    @abstractmethod
    def live_agent_ends(self, conversation_id: str) -> None:
        """End the conversation for everybody."""

    @abstractmethod
    def drop_streams(self) -> None:
        """Cut every open event stream."""

    @abstractmethod
    def stall_streams(self, *, seconds: float) -> None:
        """Keep the open event streams open in silence; events wait."""

    @abstractmethod
    def expire_tokens(self) -> None:
        """Let every token issued so far expire."""

    @abstractmethod
    def duplicate_next(self) -> None:
        """Deliver the next event twice."""

    @abstractmethod
    def swap_next_two(self) -> None:
        """Deliver the next two events in the wrong order."""

    @abstractmethod
    def set_agents_offline(self, *, is_offline: bool) -> None:
        """Have nobody there to take a conversation, or have them back."""

    @abstractmethod
    def close_streams(self) -> None:
        """End every open event stream because the server stops."""

    # -- Subclasses may write this -------------------------------------------------------------

    def desk_routes(self) -> list[BaseRoute]:
        """Return what the desk has besides, or in place of, what every vendor's has."""
        return []

    def failure_response_at(self, failure: PlannedFailure, path: str) -> Response:
        """Return a planned failure for a path, where the vendor's services differ in shape."""
        return self.failure_response(failure)

    # -- Subclasses leave these alone --------------------------------------------------------

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return the webhooks sent to the portal; vendors that send some override this."""
        return []

    def fail_next(self, status: int, **details: Any) -> None:
        """Fail the next matching request; see `PlannedFailure` for the details."""
        self.faults.add(PlannedFailure(status=status, **details))

    def set_latency(self, *, ms: float) -> None:
        """Delay every vendor-side answer."""
        self.faults.latency_seconds = ms / 1000

    def hide_values(self, *, is_hidden: bool = True) -> None:
        """Show live agents none of the values, or show them again; they are there all the same."""
        self.hides_values = is_hidden

    def reset(self) -> None:
        """Forget everything: conversations, tokens, requests, faults."""
        with self.change():
            self.close_streams()
            self.forget()
            self.faults.clear()
            self.hides_values = False
            self.requests.clear()

    @cached_property
    def app(self) -> ASGIApp:
        """Return the ASGI application: the vendor's paths, and the desk beside them."""
        vendor = RecordingMiddleware(
            CORSMiddleware(
                FaultMiddleware(self.vendor_app(), self.faults, self.failure_response_at),
                allow_origins=["*"],
                allow_methods=self.cors_methods,
                allow_headers=self.cors_headers,
            ),
            self.requests,
        )
        return Starlette(
            routes=[desk_mount(self), Mount("/", app=vendor)],
            exception_handlers={DeskError: answer_desk_error},
        )

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock, and save the state when the outermost change is complete."""
        with self.lock:
            self._change_depth += 1
            try:
                yield
            finally:
                self._change_depth -= 1
            if not self._change_depth and self._state_path:
                _write_atomically(self._state_path, self.state_as_dict())

    def load_state(self) -> None:
        """Restore the state file, where there is one."""
        if self._state_path and self._state_path.exists():
            with self.lock:
                self.restore_state(json.loads(self._state_path.read_text(encoding="utf-8")))


def _write_atomically(path: Path, state: Mapping[str, Any]) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(state), encoding="utf-8")
    os.replace(draft, path)


class _WebSocket(WebSocketsSansIOProtocol):
    def shutdown(self) -> None:
        """Say goodbye, unless the other side just did: uvicorn fails then, and stops nothing."""
        if not self.transport.is_closing():
            super().shutdown()


class _Server(uvicorn.Server):
    """Ends as soon as it is told to: a suite of tests starts hundreds of these."""

    def __init__(self, app: ASGIApp, *, close_streams: Callable[[], None], **options: Any) -> None:
        """Serve an application; `options` go to uvicorn."""
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                ws=_WebSocket,
                # Streams that are cut on purpose would be logged as errors.
                log_level="critical",
                access_log=False,
                # On a busy machine more than the usual 5 seconds pass between two calls.
                timeout_keep_alive=75,
                **options,
            )
        )
        self._close_streams = close_streams
        self._end: Callable[[], object] = lambda: None

    def end(self) -> None:
        """Tell it to end; from any thread."""
        self.should_exit = True
        self._end()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Be ready to be told before anybody knows that it has started."""
        self._is_over = asyncio.Event()
        self._end = partial(asyncio.get_running_loop().call_soon_threadsafe, self._is_over.set)
        await super().startup(sockets)

    async def main_loop(self) -> None:
        """Do uvicorn's chores ten times a second until it is over."""
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._is_over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End open streams first, then wait no longer than it takes."""
        self._close_streams()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        deadline = time.monotonic() + STOP_SECONDS
        while self._is_busy() and time.monotonic() < deadline:  # noqa: ASYNC110 - uvicorn's way
            await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()

    def _is_busy(self) -> bool:
        return bool(self.server_state.connections or self.server_state.tasks)


def _listen(host: str, port: int) -> socket.socket:
    """Take a port; raises OSError when somebody has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol's name asyncio leaves Nagle's algorithm on: 40 ms for every answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket, scheme: str) -> str:
    """Return the address of what listens there."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def serve(
    simulator: Simulator,
    host: str,
    port: int,
    *,
    on_ready: Callable[[str], None] | None = None,
    **options: Any,
) -> None:
    """Serve a simulator until the process is told to stop; port 0 takes a free one.

    `options` go to uvicorn (for instance `ssl_certfile`). Raises OSError when the address is taken.
    """
    server = _Server(simulator.app, close_streams=simulator.close_streams, **options)
    with _listen(host, port) as listener:
        scheme = "https" if server.config.ssl_certfile else "http"
        simulator.base_url = _url(listener, scheme)
        if on_ready:
            on_ready(simulator.base_url)
        await server.serve(sockets=[listener])


@contextmanager
def running_simulator(
    simulator: Simulator, host: str = "127.0.0.1", port: int = 0
) -> Iterator[str]:
    """Serve a simulator from a thread of its own for the length of a block; gives its URL."""
    server = _Server(simulator.app, close_streams=simulator.close_streams)
    with _listen(host, port) as listener:
        simulator.base_url = _url(listener, "http")
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listener])),
            name=f"simulator-{simulator.key}",
            daemon=True,
        )
        thread.start()
        try:
            _wait_until(lambda: server.started or not thread.is_alive())
            yield simulator.base_url
        finally:
            server.end()
            thread.join(START_SECONDS)


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("The simulator did not start.")
        time.sleep(0.005)
