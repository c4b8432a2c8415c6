"""A connector in front of its vendor's simulator, over real HTTP, with a desk to play agents."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiohttp

from integrations.connections import tokens
from integrations.contract.connector import (
    Connector,
    EndUserIdentity,
    HandoffRequest,
    OutboundMessage,
    TranscriptLine,
    VendorSession,
)
from integrations.contract.errors import ConnectorError
from integrations.contract.events import LiveAgentMessage, VendorEvent
from integrations.contract.registry import manifest_get
from integrations.contract.rich_content import Author, VendorFile
from integrations.http.client import HttpClient, open_session
from integrations.http.recording import VendorCallRecord
from integrations.kit.waiting import PauseStore
from integrations.simulators.simulator import running_simulator
from tests.contract.vendors import SETUPS, build_connector

WAIT_SECONDS = 40.0
AGENT = "Noor Halvorsen"
E = TypeVar("E", bound=VendorEvent)


class MemoryTokens(tokens.MemoryTokens):
    """The portal's own for trials, whose content a test may look at and change."""

    @property
    def values(self) -> dict[str, tuple[str, float]]:
        """Return each value with when it expires, by time.monotonic()."""
        return self._kept


class Listener:
    """Runs `listen` as a relay would: keeps the session after each event."""

    def __init__(self, connector: Connector, session: VendorSession) -> None:
        self.session = session
        self.events: list[VendorEvent] = []
        self.error: ConnectorError | None = None
        self.has_returned = False
        self._connector = connector
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            async for session, event in self._connector.listen(self.session):
                self.events.append(event)
                self.session = session
            self.has_returned = True
        except ConnectorError as error:
            self.error = error

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind, each once, as the portal's inbox would keep them.

        Messages are those of live agents; `of_bots` has the others.
        """
        return [event for event in self._kept(kind) if not _is_bots(event)]

    def of_bots(self) -> list[LiveAgentMessage]:
        """Return what the vendor's own bots and flows said."""
        return [event for event in self._kept(LiveAgentMessage) if _is_bots(event)]

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.of(LiveAgentMessage)]

    def _kept(self, kind: type[E]) -> list[E]:
        return list({e.vendor_event_id: e for e in self.events if isinstance(e, kind)}.values())

    async def wait_for(self, kind: type[E], count: int = 1) -> list[E]:
        await until(lambda: len(self.of(kind)) >= count or self.error)
        assert self.error is None, self.error
        return self.of(kind)

    async def wait_for_files(self, count: int = 1) -> list[VendorFile]:
        """Return the files of all messages that came."""
        await until(lambda: len(self._files) >= count or self.error)
        return self._files

    @property
    def _files(self) -> list[VendorFile]:
        return [file for event in self._kept(LiveAgentMessage) for file in event.files]

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if not self._task.cancelled() and (error := self._task.exception()):
            raise error


def _is_bots(event: VendorEvent) -> bool:
    return isinstance(event, LiveAgentMessage) and event.by is Author.VENDOR_BOT


class Bench:
    """One vendor under test."""

    def __init__(self, key: str, url: str, session: aiohttp.ClientSession) -> None:
        self.key = key
        self.setup = SETUPS[key]
        self.manifest = manifest_get(key)
        self.url = url
        self.records: list[VendorCallRecord] = []
        self.tokens = MemoryTokens()
        self.pauses: PauseStore | None = None
        self.listeners: list[Listener] = []
        self._session = session

    def connector(self, **changes: str) -> Connector:
        """Make a connector, as another worker would: it shares tokens and pauses only."""
        credentials = {**self.setup.credentials(self.url), **changes}
        secrets = [credentials.get(f.name, "") for f in self.manifest.fields if f.kind.is_secret]
        http = HttpClient(
            self._session,
            allow_local=True,
            recorder=self.records.append,
            loggable_keys=self.manifest.loggable_keys,
            secrets=secrets,
            pauses=self.pauses,
        )
        return build_connector(
            self.key, self.setup.options, credentials=credentials, http=http, tokens=self.tokens
        )

    def listen(self, connector: Connector, session: VendorSession) -> Listener:
        listener = Listener(connector, session)
        self.listeners.append(listener)
        return listener

    async def desk(self, method: str, path: str, **body: object) -> Any:
        async with self._session.request(method, f"{self.url}/_desk{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.content_type == "application/json" else None

    async def act(self, session: VendorSession, action: str, **body: object) -> None:
        """Do something as the live agent."""
        await self.desk("POST", f"/conversations/{session.vendor_conversation_id}/{action}", **body)

    async def fault(self, kind: str, **body: object) -> None:
        await self.desk("POST", "/faults", kind=kind, **body)

    async def seen_by_agent(self, session: VendorSession) -> Mapping[str, Any]:
        """Return the conversation as the live agent sees it."""
        answer = await self.desk("GET", "/conversations")
        rows = answer if isinstance(answer, list) else answer["conversations"]
        return next(row for row in rows if row["id"] == session.vendor_conversation_id)

    async def said_by(self, session: VendorSession, speaker: str) -> list[str]:
        row = await self.seen_by_agent(session)
        return [m["text"] for m in row["messages"] if m["from"] == speaker]

    async def started(
        self, connector: Connector, *, accept: bool = True, **changes: Any
    ) -> tuple[VendorSession, Listener]:
        """Start a handoff, listen, and let a live agent accept."""
        session = await connector.start(handoff_request(**changes))
        listener = self.listen(connector, session)
        if accept:
            await self.act(session, "accept", agent_name=AGENT)
            # Some vendors route nothing before the listener has connected.
            await until_seen(self, session, lambda row: row["status"] == "active")
        return session, listener


def handoff_request(**changes: Any) -> HandoffRequest:
    """Make a request that differs from every other one in its id."""
    fields: dict[str, Any] = {
        "handoff_id": f"ho_{uuid.uuid4().hex}",
        "conversation_id": "cv_ines",
        "end_user": EndUserIdentity(external_id=""),
        "channel": "webchat",
        "transcript": [
            TranscriptLine(speaker="end_user", text="Where is it?", sent_at=datetime.now(UTC)),
            TranscriptLine(speaker="ai_agent", text="Let me see.", sent_at=datetime.now(UTC)),
        ],
        "routing": {},
    }
    return HandoffRequest(**{**fields, **changes})


def outbound(text: str) -> OutboundMessage:
    """Make a message of the end user's."""
    return OutboundMessage(message_id=str(uuid.uuid4()), text=text, sent_at=datetime.now(UTC))


async def until(is_so: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Poll until something is so; fails when it never is."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


async def until_seen(bench: Bench, session: VendorSession, is_so: Callable[[Any], object]) -> Any:
    """Poll the live agent's view until something is so; returns that view."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so(row := await bench.seen_by_agent(session)):
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)
    return row


@asynccontextmanager
async def running_bench(key: str) -> AsyncIterator[Bench]:
    """Run a vendor's simulator and connect to it."""
    with running_simulator(SETUPS[key].simulator()) as url:
        async with open_session(allow_local=True) as session:
            bench = Bench(key, url, session)
            yield bench
            for listener in bench.listeners:
                await listener.stop()
