"""The reference server of the docs, as a process of its own, in front of a real relay session."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from config.demo.embedded import free_port
from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType
from conversations.models import Event
from conversations.socket.responder import GivenAnswer
from handoffs.models import Handoff
from handoffs.responder import message_accept
from integrations.connect.testing import (
    integration_test,
    integration_test_finish,
    integration_test_start,
)
from integrations.connections.addresses import webhook_urls
from integrations.kit.signatures import hex_signature
from integrations.models import Integration
from integrations.vendors.custom.client import signed_bytes
from tests import factories
from tests.handoffs.talk import Talk
from tests.vendors.custom.conftest import EXAMPLES, RunExample
from tests.vendors.custom.events_url import EventsUrl
from tests.waiting import database_threads_rest, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "a-signing-secret-made-for-this-test"
MAX_LINES = 70
Start = Callable[[str], str]


@pytest.fixture
def start_server(run_example: RunExample) -> Start:
    """Start the server with an Events URL and return its address."""

    def start(events_url: str) -> str:
        return run_example("custom_connector.py", EVENTS_URL=events_url, SIGNING_SECRET=SECRET)

    return start


@pytest.fixture
def connection(live_server: Any, settings: Any, start_server: Start) -> Integration:
    """A connection to the running server, which posts its events to the portal under test."""
    settings.PUBLIC_URL = live_server.url
    made = factories.integration(
        connector_key="custom",
        integration_key="custom_integration",
        credentials={"connector": "echo", "signing_secret": SECRET, "capabilities": "end_by_user"},
    )
    made.credentials["base_url"] = start_server(webhook_urls(made)["events"])
    made.save()
    return made


def test_the_server_is_short_enough_to_be_read() -> None:
    assert (
        len((EXAMPLES / "custom_connector.py").read_text(encoding="utf-8").splitlines())
        <= MAX_LINES
    )


async def test_a_whole_conversation_goes_through_the_reference_server(talk: Talk) -> None:
    await talk.serve()
    await talk.reaches("active")

    await talk.write("Hello", "Are you there?")
    await eventually_async(lambda: _has_said(talk, "You said: Are you there?"))
    await talk.write("bye")
    await talk.finished()

    assert await talk.said_by_agent() == [
        "You said: Hello",
        "You said: Are you there?",
        "You said: bye",
    ]
    kinds = [kind for kind, _ in await talk.journal()]
    assert "LIVE_AGENT_JOINED" in kinds
    assert kinds[-2:] == ["LIVE_AGENT_LEFT", "SESSION_END"]
    assert set(await talk.statuses()) == {"sent"}
    assert (await talk.now()).end_reason == "live_agent_ended"


async def test_what_the_server_offers_is_answered_and_it_hears_what_was_taken(talk: Talk) -> None:
    await talk.serve()
    await talk.reaches("active")

    for word, answer, taken in (("choices", "Yes", "yes"), ("cards", "1", "box")):
        await talk.write(word)
        await eventually_async(lambda said=f"You said: {word}": _has_said(talk, said))
        await talk.write(answer)
        await eventually_async(lambda took=f"You took: {taken}": _has_said(talk, took))
    await talk.write("form")
    await eventually_async(lambda: _has_said(talk, "You said: form\nStreet"))
    offer = (await run_sync(_newest_offer, talk.handoff)).payload
    await run_sync(
        message_accept,
        conversation_id=talk.handoff.conversation_id,
        text="",
        client_event_id="",
        metadata=None,
        answer=GivenAnswer(
            message_id=uuid.UUID(offer["message_id"]),
            payload="f1",
            values={"street": "Main Street 4"},
        ),
    )
    talk.wake()

    took = "You took: home {'street': 'Main Street 4'}"
    await eventually_async(lambda: _has_said(talk, took))
    assert offer["content"]["form"]["fields"][0]["label"] == "Street"


async def test_the_end_user_leaves_and_the_server_is_told(talk: Talk) -> None:
    await talk.serve()
    await talk.reaches("active")

    await talk.leave()
    await talk.finished()

    assert (await talk.now()).vendor_end_until is None


async def test_the_connection_test_is_green_and_brings_the_first_event(
    connection: Integration,
) -> None:
    run = await run_sync(integration_test_start, integration=connection, actor=None)

    results = [result async for result in integration_test(run)]
    await run_sync(integration_test_finish, run)

    async def is_seen() -> bool:
        fresh = await run_sync(Integration.objects.get, pk=connection.pk)
        return fresh.last_webhook_at is not None

    assert (results[0].name, results[0].code) == ("ping", "ok")
    await eventually_async(is_seen)
    await database_threads_rest()


async def test_events_wait_in_order_while_baton_is_down(start_server: Start) -> None:
    portal = EventsUrl(free_port())
    server = start_server(portal.url)
    async with aiohttp.ClientSession() as http:
        answer = await _call(http, f"{server}/handoffs", "HOF-1", handoff_id="HOF-1")
        messages = f"{server}/handoffs/{answer['external_id']}/messages"
        for text in ("one", "two", "bye"):
            await _call(http, messages, f"key of {text}", text=text)
        await _call(http, messages, "key of one", text="one")

    portal.status = 503
    await portal.open()
    await eventually_async(lambda: len(portal.attempts) >= 2)
    portal.status = 200
    await eventually_async(lambda: any(one["type"] == "closed" for one in portal.taken))
    await portal.close()

    refused = [one for one in portal.attempts if one.status == 503]
    assert {one.event["type"] for one in refused} == {"joined"}
    assert len({one.signature for one in refused}) > 1
    assert all(one.is_signed_with(SECRET) for one in portal.attempts)
    said = [one["data"].get("text", one["type"]) for one in portal.taken]
    assert said[:5] == ["joined", "You said: one", "You said: two", "You said: bye", "closed"]
    ids = [one["event_id"] for one in portal.taken]
    assert ids[5:] in ([], [ids[1]]), "a repeated call may only repeat its event"


async def _call(http: aiohttp.ClientSession, url: str, key: str, **body: str) -> dict[str, Any]:
    raw, timestamp = json.dumps(body).encode(), str(int(time.time()))
    headers = {
        "X-Handoff-Timestamp": timestamp,
        "X-Handoff-Signature": hex_signature(SECRET, signed_bytes(timestamp, raw)),
        "Idempotency-Key": key,
    }
    async with http.post(url, data=raw, headers=headers) as answer:
        assert answer.status == 200
        answered: dict[str, Any] = await answer.json()
        return answered


def _newest_offer(handoff: Handoff) -> Event:
    lines = handoff.conversation.events.filter(type=EventType.LIVE_AGENT_MESSAGE)
    return lines.order_by("sequence").last()


async def _has_said(talk: Talk, text: str) -> bool:
    return text in await talk.said_by_agent()
