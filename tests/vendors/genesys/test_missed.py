"""Words whose calls the portal could not take: told in Genesys's order, before later ones."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from integrations.contract.connector import WebhookItem
from integrations.contract.errors import CannotConnectError
from integrations.contract.events import LiveAgentJoined, LiveAgentMessage
from tests.contract.bench import until
from tests.vendors.genesys.portal import Handoff, Portal


@pytest.fixture
async def portal(portal: Portal) -> Portal:
    await portal.configure(webhook_retry_pause_seconds=1.0)
    return portal


async def unheard(portal: Portal, handoff: Handoff, action: str, **body: object) -> None:
    """Let the live agent do something of which the first call is not taken."""
    told = body.get("text", body.get("name"))
    portal.is_deaf = True
    await portal.act(handoff, action, **body)
    await until(lambda: any(f'"{told}"' in call for call in portal.unheard_calls))
    portal.is_deaf = False


def words(handoff: Handoff) -> list[LiveAgentMessage]:
    return [*handoff.of(LiveAgentMessage)]


def words_of(portal: Portal, handoff: Handoff) -> list[WebhookItem]:
    """Return the items of calls that brought words."""
    kinds = ("Text", "Structured")
    return [i for i in portal.items_of(handoff.session) if i.body.get("type") in kinds]


async def reads(portal: Portal) -> int:
    return len(await portal.requests(method="POST", containing="/messages/bulk"))


async def attended(portal: Portal) -> Handoff:
    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)
    return handoff


async def test_words_that_were_not_taken_stand_before_those_said_later(portal: Portal):
    handoff = await attended(portal)
    await portal.act(handoff, "say", text="one")
    await handoff.wait_for(LiveAgentMessage)

    await unheard(portal, handoff, "say", text="two")
    await portal.act(handoff, "say", text="three")
    await handoff.wait_for(LiveAgentMessage, 3)

    assert handoff.texts == ["one", "two", "three"]


async def test_repetition_of_the_call_is_the_same_event_whatever_was_said(portal: Portal):
    handoff = await attended(portal)
    content = base64.b64encode(b"a plan").decode()
    file = {"name": "plan.txt", "mime_type": "text/plain", "content_base64": content}
    choices = {"kind": "choices", "text": "Which one?", "options": ["Red", "Blue"]}

    await unheard(portal, handoff, "say", text="one")
    await unheard(portal, handoff, "file", **file)
    await unheard(portal, handoff, "rich", **choices)
    await portal.act(handoff, "say", text="last")
    await until(lambda: "last" in handoff.texts)
    told = words(handoff)
    await until(lambda: len(words_of(portal, handoff)) == 4)
    repeated = [
        event
        for item in words_of(portal, handoff)
        for _, event in await handoff.connector.receive(handoff.session, item)
    ]

    assert [event.text for event in told] == ["one", "", "Which one?", "last"]
    assert {e.vendor_event_id: e for e in repeated} == {e.vendor_event_id: e for e in told}


async def test_history_is_read_once_for_a_miss(portal: Portal):
    handoff = await attended(portal)
    await unheard(portal, handoff, "say", text="one")

    for text in ("two", "three", "four"):
        await portal.act(handoff, "say", text=text)
        await until(lambda text=text: text in handoff.texts)

    assert handoff.texts == ["one", "two", "three", "four"]
    assert await reads(portal) == 1


async def test_conversation_younger_than_the_miss_costs_no_request(portal: Portal):
    portal.missed_until = datetime.now(UTC) - timedelta(hours=1)
    handoff = await attended(portal)

    await portal.act(handoff, "say", text="one")
    await handoff.wait_for(LiveAgentMessage)

    assert await reads(portal) == 0


async def test_history_that_is_forbidden_delays_nothing(portal: Portal):
    handoff = await attended(portal)
    await portal.without("conversation:message:view")
    await unheard(portal, handoff, "say", text="one")

    await portal.act(handoff, "say", text="two")
    await handoff.wait_for(LiveAgentMessage, 2)

    assert sorted(handoff.texts) == ["one", "two"]


async def test_history_that_fails_is_tried_again_with_the_item(portal: Portal):
    handoff = await attended(portal)
    item = await held_back(portal, handoff)
    await portal.fault("fail_next", status=503, count=1, path_suffix="/messages/bulk")

    with pytest.raises(CannotConnectError):
        await handoff.connector.receive(handoff.session, item)
    again = await handoff.connector.receive(handoff.session, item)

    said = [event.text for _, event in again if isinstance(event, LiveAgentMessage)]
    assert said == ["one", "two"]


async def test_another_worker_finds_what_was_missed_as_well(portal: Portal):
    handoff = await attended(portal)
    item = await held_back(portal, handoff)

    told = await portal.connector().receive(handoff.session, item)

    said = [event.text for _, event in told if isinstance(event, LiveAgentMessage)]
    assert said == ["one", "two"]


async def held_back(portal: Portal, handoff: Handoff) -> WebhookItem:
    """Return the item of `two`, which came while the call of `one` was not taken."""
    await handoff.stop()
    await unheard(portal, handoff, "say", text="one")
    await portal.act(handoff, "say", text="two")
    await until(lambda: _bringing("two", portal, handoff))
    (item,) = _bringing("two", portal, handoff)
    return replace(item, missed_until=portal.missed_until)


def _bringing(text: str, portal: Portal, handoff: Handoff) -> list[WebhookItem]:
    return [item for item in words_of(portal, handoff) if item.body.get("text") == text]
