"""A stand-in for the portal: takes webhooks over real HTTP, and feeds them to a connector."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from integrations.connections.tokens import MemoryTokens
from integrations.contract.connector import (
    OutboundMessage,
    VendorSession,
    WebhookItem,
    WebhookRequest,
)
from integrations.contract.errors import ConnectorError, WebhookVerificationError
from integrations.contract.events import LiveAgentMessage, VendorEvent
from integrations.http.client import HttpClient, open_session
from integrations.http.recording import VendorCallRecord
from integrations.kit.waiting import PauseStore
from integrations.simulators.simulator import running_simulator
from integrations.vendors.genesys.connector import GenesysConnector
from integrations.vendors.genesys.connector.channel import MAX_CONVERSATIONS
from integrations.vendors.genesys.connector.records import GenesysTiming
from integrations.vendors.genesys.manifest import MANIFEST
from integrations.vendors.genesys.simulator import GenesysSimulator
from tests.contract.bench import handoff_request, until
from tests.vendors.desk import Desk

PATH = "/handoff/webhooks/genesys/ws-1/PROJECT-1/live/events"
QUICK = GenesysTiming(
    poll=30,
    poll_alone=0.3,
    poll_offered=0.1,
    settle=0.2,
    lag=0.1,
    silence=5,
    first_delay=0.05,
    max_delay=0.2,
    refused_delay=0.2,
    typing_out=0.3,
    lookup=0.05,
)
E = TypeVar("E", bound=VendorEvent)


class Handoff:
    """One open handoff: runs `listen` and `receive` side by side, as a relay session does."""

    def __init__(self, portal: Portal, connector: GenesysConnector, session: VendorSession) -> None:
        self.connector = connector
        self.session = session
        self.events: list[VendorEvent] = []
        self.error: ConnectorError | None = None
        self.has_returned = False
        self._portal = portal
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._receive())]

    @property
    def conversation_id(self) -> str:
        return self.session.vendor_conversation_id

    async def _listen(self) -> None:
        try:
            async for session, event in self.connector.listen(self.session):
                self._take(session, event)
            self.has_returned = True
        except ConnectorError as error:
            self.error = error

    async def _receive(self) -> None:
        taken = 0
        while True:
            waiting = self._portal.items_of(self.session)
            for item in waiting[taken:]:
                for session, event in await self.connector.receive(self.session, item):
                    self._take(session, event)
                taken += 1
            await asyncio.sleep(0.01)

    def _take(self, session: VendorSession, event: VendorEvent) -> None:
        self.session = session
        if event.vendor_event_id not in {known.vendor_event_id for known in self.events}:
            self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.of(LiveAgentMessage)]

    async def wait_for(self, kind: type[E], count: int = 1) -> list[E]:
        await until(lambda: len(self.of(kind)) >= count or self.error)
        assert self.error is None, self.error
        return self.of(kind)

    async def say(self, text: str) -> OutboundMessage:
        message = OutboundMessage(
            message_id=str(uuid.uuid4()), text=text, sent_at=datetime.now(UTC)
        )
        self.session = await self.connector.send_message(self.session, message)
        return message

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


@dataclass(frozen=True, kw_only=True)
class Genesys:
    """A simulator that runs, and where."""

    simulator: GenesysSimulator
    url: str


class Portal(Desk):
    """The simulator with its desk, the webhook receiver, and connectors between them."""

    def __init__(
        self, genesys: Genesys, http: aiohttp.ClientSession, desk: aiohttp.ClientSession
    ) -> None:
        super().__init__(desk)
        self.simulator = genesys.simulator
        self.url = genesys.url
        self.tokens = MemoryTokens()
        self.records: list[VendorCallRecord] = []
        self.answers: list[int] = []
        self.is_deaf = False
        self.missed_until: datetime | None = None
        self.unheard_calls: list[str] = []
        self.webhook_url = ""
        self._items: dict[str, WebhookItem] = {}
        self._http = http
        self._connectors: list[GenesysConnector] = []
        self._handoffs: list[Handoff] = []

    def credentials(self, **changes: str) -> dict[str, str]:
        known = self.simulator.configuration()
        names = ("client_id", "client_secret", "integration_id", "webhook_secret")
        return {
            **{name: known[name] for name in names},
            "region": "mypurecloud.com",
            "use_notifications": "true",
            "queue_name_attribute": "QueueName",
            "login_base_url": self.url,
            "api_base_url": self.url,
            **changes,
        }

    def connector(
        self,
        timing: GenesysTiming = QUICK,
        max_followed: int = MAX_CONVERSATIONS,
        pauses: PauseStore | None = None,
        **changes: str,
    ) -> GenesysConnector:
        """Make a connector, as another worker would: it shares the token cache only."""
        credentials = self.credentials(**changes)
        http = HttpClient(
            self._http,
            allow_local=True,
            recorder=self.records.append,
            loggable_keys=MANIFEST.loggable_keys,
            secrets=[credentials["client_secret"], credentials["webhook_secret"]],
            pauses=pauses,
        )
        connector = GenesysConnector(
            credentials=credentials,
            http=http,
            tokens=self.tokens,
            timing=timing,
            max_followed=max_followed,
        )
        self._connectors.append(connector)
        return connector

    def follow(self, connector: GenesysConnector, session: VendorSession) -> Handoff:
        handoff = Handoff(self, connector, session)
        self._handoffs.append(handoff)
        return handoff

    async def started(
        self, connector: GenesysConnector, *, accept: bool = True, **changes: Any
    ) -> Handoff:
        handoff = self.follow(connector, await connector.start(handoff_request(**changes)))
        if accept:
            await self.accept(handoff)
        return handoff

    def items_of(self, session: VendorSession) -> list[WebhookItem]:
        keys = {session.vendor_conversation_id, *session.keys}
        return [item for item in self._items.values() if item.key in keys]

    async def without(self, *permissions: str) -> None:
        """Take permissions from the role."""
        allowed = self.simulator.configuration()["permissions"]
        await self.configure(permissions=[name for name in allowed if name not in permissions])

    async def said(self, handoff: Handoff, speaker: str = "end_user") -> list[str]:
        messages = (await self.conversation(handoff))["messages"]
        return [m["text"] for m in messages if m["from"] == speaker]

    async def requests(self, *, method: str = "", containing: str = "") -> list[dict[str, Any]]:
        rows = await self.get("requests")
        return [r for r in rows if method in ("", r["method"]) and containing in r["path"]]

    async def call(self, body: bytes, signature: str) -> int:
        """Call the portal as Genesys would."""
        headers = {"X-Hub-Signature-256": signature, "Content-Type": "application/json"}
        async with self._http.post(self.webhook_url, data=body, headers=headers) as answer:
            return answer.status

    async def take(self, request: web.Request) -> web.Response:
        if self.is_deaf:
            self.missed_until = datetime.now(UTC)
            self.unheard_calls.append((await request.read()).decode())
            return web.Response(status=503)
        call = WebhookRequest(
            endpoint="events",
            method=request.method,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query),
            body=await request.read(),
        )
        status = 401
        try:
            result = GenesysConnector.parse_webhook(call, self.credentials())
            status = result.status
            for item in result.items:
                marked = replace(item, missed_until=self.missed_until)
                self._items.setdefault(item.item_id, marked)
        except WebhookVerificationError:
            pass
        self.answers.append(status)
        return web.Response(status=status)

    async def close(self) -> None:
        for handoff in self._handoffs:
            await handoff.stop()
        for connector in self._connectors:
            await connector.close()


@contextmanager
def running_genesys() -> Iterator[Genesys]:
    """Run the simulator; starting one takes longer than most tests."""
    simulator = GenesysSimulator()
    with running_simulator(simulator) as url:
        yield Genesys(simulator=simulator, url=url)


@asynccontextmanager
async def running_portal(genesys: Genesys, **switches: Any) -> AsyncIterator[Portal]:
    """Run a portal before an empty Genesys, each knowing the other's address."""
    async with (
        open_session(allow_local=True) as http,
        aiohttp.ClientSession(genesys.url) as desk,
    ):
        portal = Portal(genesys, http, desk)
        app = web.Application()
        app.router.add_post(PATH, portal.take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        portal.webhook_url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
        await portal.post("reset")
        address = {"webhook_url": portal.webhook_url, "webhook_retry_pause_seconds": 0.2}
        await portal.configure(**address, **switches)
        try:
            yield portal
        finally:
            await portal.close()
            await runner.cleanup()
