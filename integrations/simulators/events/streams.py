"""Server-sent events of a pretend vendor: streams that can fall silent, end or break."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


@dataclass(slots=True, kw_only=True, eq=False)
class EventStream:
    """One open stream; a vendor adds whose it is and what was read."""

    is_closed: bool = False
    is_cut: bool = False
    stalled_until: float = 0.0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def notify(self) -> None:
        """Wake the stream from any thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.wake.set)

    def stall(self, seconds: float) -> None:
        """Send nothing for a while."""
        self.stalled_until = time.monotonic() + seconds
        self.notify()

    def close(self, *, is_cut: bool = False) -> None:
        """End the stream: properly, or cut in the middle of the chunked body."""
        self.is_closed, self.is_cut = True, is_cut
        self.notify()

    async def rest(self, seconds: float) -> None:
        """Wait to be woken, but no longer than this."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self.wake.wait()
        except TimeoutError:
            return


class EventStreamResponse(Response):
    """Sends a stream's frames until either side closes; then `on_end` is called."""

    def __init__(
        self, stream: EventStream, frames: AsyncIterator[bytes], *, on_end: Callable[[], None]
    ) -> None:
        super().__init__(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._stream = stream
        self._frames = frames
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream; a cut stream is left without its last chunk, as a broken connection is."""
        watcher = asyncio.ensure_future(self._close_on_disconnect(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            async for frame in self._frames:
                await send({"type": "http.response.body", "body": frame, "more_body": True})
            if not self._stream.is_cut:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watcher.cancel()
            self._on_end()

    async def _close_on_disconnect(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stream.close()
