"""The docs' worked example for Talkdesk, between a real relay session and a stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from conversations.event_loop.executor import run_sync
from integrations.connect.testing import integration_test, integration_test_start
from integrations.connections.addresses import webhook_urls
from integrations.models import Integration
from tests import factories
from tests.handoffs.talk import Talk
from tests.vendors.custom.conftest import RunExample
from tests.vendors.custom.talkdesk import Talkdesk
from tests.waiting import database_threads_rest, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "a-signing-secret-made-for-this-test"


@pytest.fixture
async def talkdesk() -> AsyncIterator[Talkdesk]:
    stand_in = Talkdesk()
    await stand_in.server.start_server()
    yield stand_in
    await stand_in.server.close()


@pytest.fixture
async def connection(
    live_server: Any, settings: Any, run_example: RunExample, talkdesk: Talkdesk
) -> Integration:
    """A connection to the running example, which is connected to the stand-in."""
    settings.PUBLIC_URL = live_server.url
    ticks = {"connector": "talkdesk", "signing_secret": SECRET, "capabilities": "end_by_user"}

    def build() -> Integration:
        made = factories.integration(
            connector_key="custom", integration_key="custom_integration", credentials=ticks
        )
        made.credentials["base_url"] = run_example(
            "talkdesk.py",
            EVENTS_URL=webhook_urls(made)["events"],
            SIGNING_SECRET=SECRET,
            **talkdesk.environment(),
        )
        made.save()
        return made

    made = await run_sync(build)
    talkdesk.webhook = f"{made.credentials['base_url']}/talkdesk"
    return made


async def test_a_whole_conversation_goes_through_talkdesk(talk: Talk, talkdesk: Talkdesk) -> None:
    await talk.serve()
    await talk.reaches("queued")
    agent = {"id": "u-7", "name": "Noor Halvorsen", "type": "agent"}
    hello = {"message_id": "a-1", "content": "Hello", "sender": agent}
    await talkdesk.says(hello)
    await talkdesk.says(hello)
    await talk.reaches("active")

    await talk.write("Where is it?")
    await eventually_async(lambda: talkdesk.conversation.said)
    talkdesk.tokens.clear()
    await talk.write("Hello?")
    await eventually_async(lambda: len(talkdesk.conversation.said) == 2)
    await talkdesk.says({"content": "Where is it?", "author": {"type": "CONTACT_PERSON"}})
    await talkdesk.says({"message": {"message_id": "a-2", "content": "In Lyon."}, "author": "Noor"})
    await talkdesk.ends()
    await talk.finished()

    opened = talkdesk.conversation.opened
    told = [(line["type"], line["content"]) for line in opened["previous_messages"]]
    assert told[-2:] == [("USER", "My parcel is lost"), ("EXTERNAL", "I'll transfer you.")]
    assert opened["context_parameters"]["queue"] == "Parcels"
    assert talkdesk.conversation.said == ["Where is it?", "Hello?"]
    assert talkdesk.tokens_given == 2
    assert await talk.said_by_agent() == ["Hello", "In Lyon."]
    kinds = [kind for kind, _ in await talk.journal()]
    assert kinds[-2:] == ["LIVE_AGENT_LEFT", "SESSION_END"]


async def test_the_live_agent_reads_that_the_end_user_left_and_a_forged_call_is_refused(
    talk: Talk, talkdesk: Talkdesk
) -> None:
    await talk.serve()
    await talk.reaches("queued")
    await talkdesk.says({"message_id": "a-1", "content": "Hello"})
    await talk.reaches("active")

    await talkdesk.posts("MESSAGE_CREATED", {"content": "Forged"}, bearer="guessed", status=401)
    await talk.leave()
    await talk.finished()

    assert talkdesk.conversation.said == ["Customer left the chat"]
    assert await talk.said_by_agent() == ["Hello"]


async def test_a_conversation_that_is_over_there_without_a_word_is_over_here(
    talk: Talk, talkdesk: Talkdesk
) -> None:
    await talk.serve()
    await talk.reaches("queued")
    await talkdesk.says({"message_id": "a-1", "content": "Hello"})
    await talk.reaches("active")

    talkdesk.conversation.is_over = True
    await talk.write("Are you there?")
    await talk.reaches("ended")

    assert (await talk.now()).end_reason == "vendor_closed"


async def test_the_connection_test_shows_whether_talkdesk_takes_the_client(
    connection: Integration, talkdesk: Talkdesk
) -> None:
    run = await run_sync(integration_test_start, integration=connection, actor=None)

    results = [result async for result in integration_test(run)]

    assert (results[0].name, results[0].code, talkdesk.tokens_given) == ("ping", "ok", 1)
    await database_threads_rest()
