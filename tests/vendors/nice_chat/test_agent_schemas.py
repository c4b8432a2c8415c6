"""The vendor's own schemas of its agents' side judge what both simulators of CXone tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from integrations.simulators.simulator import running_simulator
from integrations.vendors.nice_chat.mapping.frames import Guest
from integrations.vendors.nice_chat.simulator import NiceChatSimulator
from integrations.vendors.nice_chat.simulator.world import BRAND_ID, CHANNEL_ID
from tests.contract.bench import Bench, outbound, until
from tests.contract.webhook_bench import running_webhook_bench
from tests.vendors.node_client import NodeClient, node_client
from tests.waiting import eventually_async

pytestmark = pytest.mark.long  # fetches the vendor's package
FILES = Path(__file__).parent / "agent_schemas"
THREAD = "0b0f3a52-5d5c-4f0c-8a44-52d0b1c9d7aa"
GUEST = Guest(
    brand_id=int(BRAND_ID), channel_id=CHANNEL_ID, thread_id=THREAD, customer_id="guest-of-ours"
)
MESSAGE, EVENT = "messageAddedIntoCaseEventSchema", "CXoneEventSchema"
STATUS, TYPING = "caseStatusChangedEventSchema", "SenderTypingEventSchema"
SCHEMAS = {
    "MessageCreated": MESSAGE,
    "MessageUpdated": MESSAGE,
    "CaseCreated": STATUS,
    "CaseStatusChanged": STATUS,
    "CaseInboxAssigneeChanged": "caseInboxAssigneeChangedEventSchema",
    "SenderTypingStarted": TYPING,
    "SenderTypingEnded": TYPING,
}
# Content that these schemas have no word for, and what is made up to be unknown.
WITHOUT_A_WORD = ("streamed", "unknown")


class Heard:
    """A guest on the gateway: asks as the connector does, and keeps all that comes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.frames: list[dict[str, Any]] = []
        self._socket = socket
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for part in self._socket:
            self.frames.append(json.loads(part.data))

    async def ask(self, event: str, data: dict[str, Any]) -> dict[str, Any]:
        event_id = f"ask-{len(self.frames)}-{event}"
        await self._socket.send_str(GUEST.frame(event, data, event_id))
        found = await eventually_async(
            lambda: [one for one in self.frames if one.get("eventId") == event_id]
        )
        return dict(found[0])

    async def until(self, event: str) -> None:
        await eventually_async(lambda: event in [one.get("eventType") for one in self.frames])

    @property
    def pushes(self) -> list[dict[str, Any]]:
        return [one for one in self.frames if "eventType" in one]

    async def stop(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


@asynccontextmanager
async def guest_at(url: str) -> AsyncIterator[Heard]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/?{GUEST.query()}") as socket,
    ):
        heard = Heard(socket)
        given = {"authorization": {"authorizationCode": None}, "disableChannelInfo": True}
        version = {"sdkVersion": "3.3.0", "sdkPlatform": "web"}
        await heard.ask("AuthorizeCustomer", {**given, **version})
        yield heard
        await heard.stop()


@pytest.fixture(scope="module")
def judge() -> Any:
    """Return what asks the schemas about many bodies, and gives the faults of those that fail."""

    async def judged(client: NodeClient, asked: list[tuple[str, Any]]) -> dict[str, list[str]]:
        bodies = [{"schema": schema, "body": body} for schema, body in asked]
        answer = await client.do("judge", bodies)
        found: dict[str, list[str]] = {}
        for (schema, body), faults in zip(asked, answer["faults"], strict=True):
            name = f"{schema} {body.get('eventType', body.get('id'))}"
            if faults:
                found.setdefault(name, faults)
        return found

    return judged


def a_whole_chat(simulator: Any, conversation_id: str) -> None:
    """Let two live agents do what all desks know, and offer all that this vendor's can."""
    simulator.live_agent_joins(conversation_id, agent_name="Noor Halvorsen")
    simulator.live_agent_types(conversation_id)
    simulator.live_agent_says(conversation_id, text="Let me look.")
    simulator.live_agent_reads(conversation_id)
    for kind, offer in simulator.rich_messages.items():
        if kind not in WITHOUT_A_WORD:
            offer(simulator, conversation_id, {})
    simulator.live_agent_sends_file(
        conversation_id, name="a.txt", mime_type="text/plain", content=b"hello"
    )
    simulator.live_agent_transfers(conversation_id, agent_name="Sam Achterberg")
    for action in ("bot", "edit"):
        if act := simulator.vendor_actions.get(action):
            act(simulator, conversation_id, {})
    simulator.live_agent_ends(conversation_id)


async def test_every_push_and_all_of_the_history_are_as_the_agents_side_has_them(judge: Any):
    simulator = NiceChatSimulator()
    with running_simulator(simulator) as url:
        async with guest_at(url) as guest, node_client(FILES) as client:
            content = {"type": "TEXT", "payload": {"text": "Where is it?"}}
            named = {**GUEST.thread, "idOnExternalPlatform": THREAD, "attachments": []}
            await guest.ask("SendMessage", {**named, "messageContent": content})
            await asyncio.to_thread(a_whole_chat, simulator, THREAD)
            await guest.until("CaseStatusChanged")
            history = (await guest.ask("RecoverThread", GUEST.thread))["postback"]["data"]
            asked = [(SCHEMAS.get(one["eventType"], EVENT), one) for one in guest.pushes]
            asked += [("CXoneMessageSchema", one) for one in history["messages"]]

            spoiled = {**guest.pushes[0], "eventType": "Spoiled", "data": {"case": {"id": 7}}}

            faults = await judge(client, [*asked, (STATUS, spoiled)])

    assert {one["eventType"] for one in guest.pushes} >= set(SCHEMAS) - {"SenderTypingEnded"}
    assert len(history["messages"]) > 10
    assert faults.pop(f"{STATUS} Spoiled")
    assert faults == {}


async def test_a_contact_and_its_messages_are_what_the_agents_side_reads(judge: Any):
    async with running_webhook_bench("nice_byoc") as bench, node_client(FILES) as client:
        connector = bench.connector()
        session, listener = await bench.started(connector)
        await connector.send_message(session, outbound("Is anybody there?"))
        read = partial(read_at, bench, f"/contacts/{session.state['contact_id']}")
        opened = await read()
        for kind in set(await bench.desk("GET", "/rich")).difference(WITHOUT_A_WORD):
            await bench.act(session, "rich", kind=kind)
        messages = (await read("/messages"))["data"]
        await bench.act(session, "end")
        await until(lambda: listener.has_returned)

        asked = [("CXoneCaseSchema", one) for one in (opened, await read())]
        faults = await judge(client, [*asked, *(("CXoneMessageSchema", one) for one in messages)])

    assert faults == {}
    assert len(messages) > 5


async def read_at(bench: Bench, path: str, more: str = "") -> dict[str, Any]:
    """Read something of the API with the connector's own token."""
    [(token, _)] = bench.tokens.values.values()
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{bench.url}/dfo/3.0{path}{more}") as answer,
    ):
        found: dict[str, Any] = await answer.json()
        return found
