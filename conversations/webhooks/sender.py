"""Sends what is due on one event loop of the process: a slow receiver holds no thread."""

from __future__ import annotations

import asyncio

from django.conf import settings

from conversations.event_loop.background import BackgroundLoop, failure_log
from conversations.event_loop.executor import run_sync
from conversations.webhooks.attempts import Attempt, attempt_settle, deliveries_claim
from conversations.webhooks.sending import attempt_make
from integrations.http.client import Session, open_session
from integrations.http.route import Route


class WebhookSender:
    """Owns the loop and its session; thread-safe, but for after a fork."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._loop = BackgroundLoop("webhooks", closing=self._close)
        self._session: Session | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._looks_again = False

    def wake(self) -> None:
        """Have what is due sent; from any thread, and as often as one likes."""
        self._loop.running().call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._looks_again = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._take())
            self._looking.add_done_callback(failure_log)

    async def _take(self) -> None:
        """Begin what there is room for; whoever ends an attempt looks again."""
        while self._looks_again:
            self._looks_again = False
            room = settings.WEBHOOKS_AT_ONCE - len(self._under_way)
            for attempt in await run_sync(deliveries_claim, room) if room > 0 else []:
                task = asyncio.get_running_loop().create_task(self._send(attempt))
                self._under_way.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        failure_log(task)
        self._look()

    async def _send(self, attempt: Attempt) -> None:
        if self._session is None or self._session.closed:
            self._session = open_session(
                allow_local=settings.ALLOW_LOCAL_AGENTS, route=outward_route()
            )
        await run_sync(attempt_settle, attempt, await attempt_make(attempt, self._session))

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.close()


def outward_route() -> Route:
    """Return how the settings want the world to be reached, as for vendors."""
    return Route(
        proxy=settings.VENDOR_PROXY,
        no_proxy=settings.VENDOR_NO_PROXY,
        ca_bundle=settings.VENDOR_CA_BUNDLE,
    )


WEBHOOKS = WebhookSender()
