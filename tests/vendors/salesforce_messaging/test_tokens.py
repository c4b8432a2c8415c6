"""Each conversation's token, for whoever speaks as its end user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from integrations.connections.tokens import MemoryTokens
from integrations.http.client import HttpClient, open_session
from integrations.vendors.salesforce_messaging.client import SalesforceMessagingClient
from integrations.vendors.salesforce_messaging.connector.access import ConversationTokens
from tests.vendors.salesforce_messaging.simulator_harness import DEVELOPER_NAME, ORG_ID


class SlowFor(MemoryTokens):
    """A cache that answers for one conversation only when it is let go."""

    def __init__(self, conversation_id: str) -> None:
        super().__init__()
        self.go_on, self._slow = asyncio.Event(), conversation_id

    async def get(self, name: str) -> str | None:
        if self._slow in name:
            await self.go_on.wait()
        return await super().get(name)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    made = open_session(allow_local=True)
    yield made
    await made.close()


def tokens_with(cache: MemoryTokens, session: aiohttp.ClientSession, url: str):
    http = HttpClient(session, allow_local=True)
    client = SalesforceMessagingClient(
        http, base_url=url, org_id=ORG_ID, es_developer_name=DEVELOPER_NAME
    )
    return ConversationTokens(client=client, http=http, cache=cache, credentials={})


async def test_a_token_that_is_slow_to_come_holds_up_no_other_conversation(session, url):
    cache = SlowFor("conversation-1")
    tokens = tokens_with(cache, session, url)
    slow = asyncio.create_task(tokens.open("conversation-1", subject=""))

    other = await asyncio.wait_for(tokens.open("conversation-2", subject=""), 5)

    assert other.value
    assert not slow.done()
    cache.go_on.set()
    assert (await slow).value != other.value


async def test_two_who_ask_at_once_for_a_conversation_get_one_token(session, url):
    tokens = tokens_with(MemoryTokens(), session, url)

    first, second = await asyncio.gather(
        tokens.open("conversation-1", subject=""), tokens.open("conversation-1", subject="")
    )

    assert first.value == second.value
