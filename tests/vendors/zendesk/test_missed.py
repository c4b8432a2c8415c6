"""Words whose calls the portal could not take: told in Zendesk's order, before later ones."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from integrations.contract.connector import Connector, VendorSession, WebhookItem
from integrations.contract.errors import CannotConnectError
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentMessage,
    VendorEvent,
)
from tests.contract.bench import outbound, until
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench
from tests.vendors.zendesk.connector_harness import calls


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("zendesk") as bench:
        yield bench


class Away:
    """A conversation of which a worker takes items by hand, marked as after a miss."""

    def __init__(self, bench: WebhookBench, connector: Connector, session: VendorSession) -> None:
        self.bench, self.connector, self.session = bench, connector, session

    async def unheard(self, action: str, **body: str) -> None:
        """Let the live agent do something of which the first call is not taken."""
        portal = self.bench.portal
        portal.down = 503
        await self.bench.act(self.session, action, **body)
        await until(lambda: any(_tells(call.decode(), body) for call in portal.refused))
        portal.down = None

    async def heard(self, action: str, **body: str) -> WebhookItem:
        """Let the live agent do something; return its item, marked."""
        await self.bench.act(self.session, action, **body)
        return await self.item_of(**body)

    async def item_of(self, **body: str) -> WebhookItem:
        """Wait for the item that tells of something, marked; others may come before and after."""
        items = self.bench.portal.items
        await until(lambda: any(_tells(json.dumps(item.body), body) for item in items))
        item = next(item for item in items if _tells(json.dumps(item.body), body))
        return replace(item, missed_until=datetime.now(UTC))

    async def receive(
        self, item: WebhookItem, connector: Connector | None = None
    ) -> list[VendorEvent]:
        steps = await (connector or self.connector).receive(self.session, item)
        for self.session, _ in steps:
            pass
        return [event for _, event in steps]

    async def reads(self) -> int:
        return len(
            await calls(self.bench, f"/{self.session.vendor_conversation_id}/messages", "GET")
        )


def _tells(call: str, body: Mapping[str, str]) -> bool:
    """Tell whether a call brings what a live agent did; the content of a file is not in it."""
    told = (value for name, value in body.items() if name != "content_base64")
    return all(json.dumps(value) in call for value in told)


@pytest.fixture
async def away(bench: WebhookBench) -> Away:
    """A conversation with a live agent; what Zendesk tries again comes after half a second."""
    connector = bench.connector()
    _, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await listener.stop()
    await bench.desk("POST", "/config", retry_speed=10)
    return Away(bench, connector, listener.session)


def texts(events: list[VendorEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, LiveAgentMessage)]


async def test_words_that_were_not_taken_stand_before_those_said_later(away: Away):
    await away.unheard("say", text="one")

    events = await away.receive(await away.heard("say", text="two"))

    assert texts(events) == ["one", "two"]


async def test_repetition_of_the_call_is_the_same_event_whatever_was_said(away: Away):
    content = base64.b64encode(b"a plan").decode()
    file = {"name": "plan.txt", "mime_type": "text/plain", "content_base64": content}
    await away.unheard("say", text="one")
    await away.unheard("file", **file)

    told = await away.receive(await away.heard("say", text="two"))
    items = [await away.item_of(**body) for body in ({"text": "one"}, {"text": "two"}, file)]
    repeated = [
        event
        for item in items
        for event in await away.receive(replace(item, missed_until=None))
        if isinstance(event, LiveAgentMessage)
    ]

    said = [event for event in told if isinstance(event, LiveAgentMessage)]
    assert [len(event.files) for event in said] == [0, 1, 0]
    assert len(repeated) == 3
    assert {e.vendor_event_id for e in repeated} == {e.vendor_event_id for e in told}


async def test_history_is_read_once_for_a_miss_and_not_told_twice(away: Away):
    await away.unheard("say", text="one")
    first = await away.heard("say", text="two")
    before = await away.reads()
    await away.receive(first)

    later = await away.heard("say", text="three")
    events = await away.receive(replace(later, missed_until=first.missed_until))

    assert texts(events) == ["three"]
    assert await away.reads() == before + 1


async def test_last_words_come_before_the_end_though_no_call_brought_them(away: Away):
    await away.unheard("say", text="Goodbye")

    events = await away.receive(await away.heard("status", status="SOLVED"))

    assert texts(events) == ["Goodbye"]
    assert isinstance(events[-1], ConversationEnded)


async def test_end_users_own_word_brings_what_was_said_in_a_long_absence(away: Away):
    await away.bench.desk("POST", "/config", retry_speed=1e-6)  # Zendesk has given up
    await away.unheard("say", text="Are you there?")
    await away.connector.send_message(away.session, outbound("Hello?"))
    item = await away.item_of(text="Hello?")

    assert texts(await away.receive(item)) == ["Are you there?"]


async def test_worker_that_goes_on_with_a_session_finds_what_nobody_told(away: Away):
    await away.bench.desk("POST", "/config", retry_speed=1e-6)
    await away.unheard("say", text="Are you there?")
    asked = WebhookItem(item_id="ho_1:2", key="", body={}, missed_until=datetime.now(UTC))

    events = await away.receive(asked, away.bench.connector())

    assert texts(events) == ["Are you there?"]


async def test_what_was_told_long_ago_is_not_told_again(away: Away):
    item = await away.heard("say", text="one")
    await away.receive(item)
    told_at = datetime.fromisoformat(away.session.cursor)
    long_after = (told_at + timedelta(minutes=10)).isoformat()
    away.session = replace(away.session, cursor=long_after)
    asked = WebhookItem(item_id="ho_1:2", key="", body={}, missed_until=datetime.now(UTC))

    events = await away.receive(asked, away.bench.connector())

    assert events == []


async def test_conversation_younger_than_the_miss_costs_no_request(away: Away):
    item = await away.heard("say", text="one")
    before = await away.reads()

    events = await away.receive(replace(item, missed_until=datetime.now(UTC) - timedelta(hours=1)))

    assert texts(events) == ["one"]
    assert await away.reads() == before


async def test_history_that_fails_is_tried_again_with_the_item(away: Away):
    await away.unheard("say", text="one")
    item = await away.heard("say", text="two")
    await away.bench.fault("fail_next", status=503, count=1, path_suffix="/messages")

    with pytest.raises(CannotConnectError):
        await away.receive(item)
    again = await away.receive(item)

    assert texts(again) == ["one", "two"]


async def test_history_that_is_forbidden_costs_nothing(away: Away):
    await away.unheard("say", text="one")
    item = await away.heard("say", text="two")
    await away.bench.fault("fail_next", status=403, count=1, path_suffix="/messages")

    events = await away.receive(item)

    assert texts(events) == ["two"]
    assert away.session.cursor == ""
