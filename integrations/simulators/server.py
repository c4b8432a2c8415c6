"""The server behind a simulator: uvicorn, which starts and ends within milliseconds."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

STOP_SECONDS = 1.0
TICK_SECONDS = 0.1


class SimulatorServer(uvicorn.Server):
    """Ends as soon as it is told to: a suite of tests starts hundreds of these."""

    def __init__(self, app: ASGIApp, *, close_streams: Callable[[], None], **options: Any) -> None:
        """Serve an application; `options` go to uvicorn."""
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                # Streams that are cut on purpose would be logged as errors.
                log_level="critical",
                access_log=False,
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
                await asyncio.wait_for(self._is_over.wait(), TICK_SECONDS)

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


def listen(host: str, port: int) -> socket.socket:
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


def url_of(listener: socket.socket, scheme: str) -> str:
    """Return the address of what listens there."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
