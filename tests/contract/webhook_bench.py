"""The bench for vendors that call back: their simulator calls a little portal of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from integrations.contract.connector import Connector, VendorSession, WebhookItem
from integrations.contract.errors import ConnectorError
from integrations.contract.events import ConversationEnded
from integrations.contract.registry import connector_class
from integrations.http.client import open_session
from integrations.simulators.simulator import running_simulator
from tests.contract.bench import Bench, Listener
from tests.contract.vendors import SETUPS
from tests.contract.webhook_portal import WebhookPortal, running_portal

RETRY_SECONDS = 0.05


class WebhookListener(Listener):
    """Feeds a session what webhooks brought for it, beside `listen` where there is one."""

    def __init__(self, connector: Connector, session: VendorSession, portal: WebhookPortal) -> None:
        self._portal = portal
        self._done: set[str] = set()
        super().__init__(connector, session)

    async def _run(self) -> None:
        work = [asyncio.create_task(self._feed())]
        if type(self._connector).listen is not Connector.listen:
            work.append(asyncio.create_task(super()._run()))
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        for task in done:
            task.result()

    async def _feed(self) -> None:
        while not self.has_returned:
            self._portal.changed.clear()
            if (item := self._next()) is None:
                await self._portal.changed.wait()
            else:
                await self._receive(item)

    async def _receive(self, item: WebhookItem) -> None:
        try:
            steps = await self._connector.receive(self.session, item)
        except ConnectorError as error:
            assert error.retryable, error
            await asyncio.sleep(RETRY_SECONDS)
            return
        for self.session, event in steps:
            self.events.append(event)
            self.has_returned |= isinstance(event, ConversationEnded)
        self._done.add(item.item_id)

    def _next(self) -> WebhookItem | None:
        """Return what came first of what is not applied yet; the keys may be learnt late."""
        names = {self.session.vendor_conversation_id, *self.session.keys}
        waiting = (item for item in self._portal.items if item.item_id not in self._done)
        return next((item for item in waiting if item.key in names), None)


class WebhookBench(Bench):
    """One vendor under test, and the portal that it calls."""

    def __init__(self, *args: Any, portal: WebhookPortal) -> None:
        super().__init__(*args)
        self.portal = portal

    def listen(self, connector: Connector, session: VendorSession) -> Listener:
        listener = WebhookListener(connector, session, self.portal)
        self.listeners.append(listener)
        return listener


@asynccontextmanager
async def running_webhook_bench(key: str) -> AsyncIterator[WebhookBench]:
    """Run a vendor's simulator, connect to it, and have it call back."""
    setup = SETUPS[key]
    async with AsyncExitStack() as stack:
        url = stack.enter_context(running_simulator(setup.simulator()))
        session = await stack.enter_async_context(open_session(allow_local=True))
        portal = await stack.enter_async_context(
            running_portal(connector_class(key), setup.credentials(url))
        )
        bench = WebhookBench(key, url, session, portal=portal)
        if setup.webhook_config is not None:
            await bench.desk("POST", "/config", **setup.webhook_config(portal.url))
        yield bench
        for listener in bench.listeners:
            await listener.stop()
