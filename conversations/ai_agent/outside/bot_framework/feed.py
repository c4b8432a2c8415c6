"""What a bot says, as it comes: over a stream where the service has one, else by asking again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from conversations.ai_agent.outside.bot_framework.client import DirectLineClient, Page, page_of
from conversations.ai_agent.outside.bot_framework.kept import Kept
from integrations.contract.errors import ConnectorError
from integrations.kit.plain_json import vendor_json

# Asked often at first, when most bots answer, then more and more rarely.
FIRST_PAUSE, LONGEST_PAUSE, PAUSE_GROWTH = 0.2, 2.0, 1.4


class Feed:
    """Pages in the order of their arrival; a failure ends it, after what came before."""

    def __init__(self) -> None:
        """Start empty."""
        self._queue: asyncio.Queue[Page | ConnectorError] = asyncio.Queue()

    def put(self, page: Page | ConnectorError) -> None:
        """Add what came, or why nothing comes any more."""
        self._queue.put_nowait(page)

    async def next(self, seconds: float) -> Page | None:
        """Return the next page, None after so many seconds; raises what ended the feed."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                found = await self._queue.get()
        except TimeoutError:
            return None
        if isinstance(found, ConnectorError):
            self._queue.put_nowait(found)
            raise found
        return found


@asynccontextmanager
async def open_feed(client: DirectLineClient, kept: Kept, stream_url: str) -> AsyncIterator[Feed]:
    """Listen to the kept conversation for the length of the block, from its watermark on."""
    feed, is_open = Feed(), asyncio.Event()
    task = asyncio.create_task(_pump(client, kept, stream_url, feed, is_open))
    try:
        # What is sent before the stream is open would be answered to nobody.
        await is_open.wait()
        yield feed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _pump(
    client: DirectLineClient, kept: Kept, stream_url: str, feed: Feed, is_open: asyncio.Event
) -> None:
    """Fill the feed; a stream that breaks or never opens is replaced by asking."""
    watermark = kept.watermark
    try:
        if stream_url:
            with suppress(ConnectorError):
                async with client.stream(stream_url) as socket:
                    is_open.set()
                    async for text in socket:
                        page = _frame(text)
                        watermark = page.watermark or watermark
                        feed.put(page)
        is_open.set()
        await _ask_again(client, kept.conversation_id, watermark, feed)
    except ConnectorError as error:
        feed.put(error)
    finally:
        is_open.set()


async def _ask_again(
    client: DirectLineClient, conversation_id: str, watermark: str, feed: Feed
) -> None:
    pause = FIRST_PAUSE
    while True:
        wait = 0.0
        try:
            async for page in client.activities(conversation_id, watermark):
                watermark = page.watermark or watermark
                if page.activities:
                    feed.put(page)
        except ConnectorError as error:
            if not error.retryable:
                raise
            wait = error.retry_after or LONGEST_PAUSE
        await asyncio.sleep(max(pause, wait))
        pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE)


def _frame(text: str) -> Page:
    """Read a frame of a stream; an empty one keeps the connection alive and says nothing."""
    try:
        return page_of(vendor_json(text))
    except ValueError:
        return Page([], "")
