"""What Genesys's calls bring: words, files, typing, repeats, losses."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from integrations.contract.connector import EndReason, VendorSession
from integrations.contract.errors import ConversationGoneError
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentMessage,
)
from integrations.contract.rich_content import Author
from integrations.vendors.genesys.simulator.outbound import sign
from tests.contract.bench import until
from tests.vendors.genesys.portal import (
    QUICK,
    Handoff,
    Portal,
)
from tests.waiting import eventually_async


async def test_each_word_is_confirmed_to_the_live_agent(portal: Portal):
    handoff = await portal.started(portal.connector())
    await portal.act(handoff, "say", text="Hello")
    await handoff.wait_for(LiveAgentMessage)

    async def is_so() -> bool:
        messages = (await portal.conversation(handoff))["messages"]
        return [m["delivered"] for m in messages if m["from"] == "live_agent"] == [True]

    await eventually_async(is_so)


async def test_file_of_the_live_agent_is_fetched_behind_a_redirect_and_without_the_token(
    portal: Portal,
):
    handoff = await portal.started(portal.connector())
    content = base64.b64encode(b"a plan").decode()

    await portal.act(
        handoff, "file", name="plan.txt", mime_type="text/plain", content_base64=content
    )
    [event] = await handoff.wait_for(LiveAgentMessage)
    [file] = event.files

    assert (file.file_name, file.mime_type) == ("plan.txt", "text/plain")
    assert await handoff.connector.fetch_attachment(handoff.session, file.url) == b"a plan"
    # The store behind the redirect refuses who brings the API's token.
    assert len(await portal.requests(containing="/stored-files/")) == 1


async def test_greeting_of_the_flow_is_no_live_agents(portal: Portal):
    await portal.configure(flow_greeting="Welcome to the shop")

    handoff = await portal.started(portal.connector(), accept=False)

    [greeting] = await handoff.wait_for(LiveAgentMessage)
    assert (greeting.text, greeting.by) == ("Welcome to the shop", Author.VENDOR_BOT)
    assert greeting.agent_name == "Portal shop chat"


@pytest.mark.parametrize(
    "switches",
    [
        {"signature": "hex"},
        {"nickname_spelling": "nickName"},
        {"is_conversation_id_sent": False},
        {"is_id_type_sent": False},
        {"success_status": 200},
    ],
)
async def test_every_spelling_that_was_seen_is_understood(portal: Portal, switches: dict):
    await portal.configure(**switches)
    handoff = await portal.started(portal.connector())

    await portal.act(handoff, "say", text="Grüße \U0001f44b")
    await handoff.wait_for(LiveAgentMessage)

    assert handoff.texts == ["Grüße \U0001f44b"]


async def test_call_with_a_wrong_signature_changes_nothing(portal: Portal):
    await portal.configure(signature="wrong")
    handoff = await portal.started(portal.connector())

    await portal.act(handoff, "say", text="Forged")
    await until(lambda: 401 in portal.answers)

    assert handoff.texts == []


async def test_calls_that_were_lost_are_read_from_the_history(portal: Portal):
    handoff = await portal.started(
        portal.connector(replace(QUICK, poll=0.3, webhooks_given_up=0.5))
    )
    [joined] = await handoff.wait_for(LiveAgentJoined)
    portal.is_deaf = True

    await portal.act(handoff, "say", text="Nobody heard this")
    [said] = await handoff.wait_for(LiveAgentMessage)
    portal.is_deaf = False

    assert said.text == "Nobody heard this"
    assert said.agent_id == joined.agent_id


async def test_last_words_come_before_the_end_though_no_call_brought_them(portal: Portal):
    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)
    portal.is_deaf = True

    await portal.act(handoff, "say", text="Goodbye")
    await portal.act(handoff, "end")
    await until(lambda: handoff.has_returned)

    assert handoff.texts == ["Goodbye"]
    assert isinstance(handoff.events[-1], ConversationEnded)


async def test_same_words_by_call_and_from_the_history_are_one_event(portal: Portal):
    handoff = await portal.started(portal.connector())
    await portal.act(handoff, "say", text="Once")
    [by_call] = await handoff.wait_for(LiveAgentMessage)
    await handoff.stop()
    await portal.act(handoff, "end")

    other = Handoff(portal, portal.connector(), handoff.session)
    await until(lambda: other.has_returned)
    await other.stop()

    assert {e.vendor_event_id for e in other.of(LiveAgentMessage)} == {by_call.vendor_event_id}


async def test_signed_call_of_an_unknown_person_is_answered_and_kept_apart(portal: Portal):
    handoff = await portal.started(portal.connector())
    now = datetime.now(UTC).isoformat()
    body = json.dumps({"id": "1", "type": "Text", "channel": {"to": {"id": "x"}, "time": now}})
    secret = portal.credentials()["webhook_secret"]

    status = await portal.call(body.encode(), sign(body.encode(), secret))

    assert status == 200
    assert all(item.key != "x" for item in portal.items_of(handoff.session))


async def test_file_larger_than_an_ordinary_answer_is_fetched_whole(portal: Portal):
    handoff = await portal.started(portal.connector())
    content = b"x" * (6 * 1024 * 1024)

    await portal.act(
        handoff,
        "file",
        name="plan.bin",
        mime_type="application/octet-stream",
        content_base64=base64.b64encode(content).decode(),
    )
    [event] = await handoff.wait_for(LiveAgentMessage)

    url = event.files[0].url
    assert await handoff.connector.fetch_attachment(handoff.session, url) == content


async def test_conversation_that_genesys_does_not_know_is_gone(portal: Portal):
    connector = portal.connector()
    unknown = VendorSession(vendor_conversation_id="00000000-6b18-4a3e-9a51-4f50e0c71d33")

    handoff = portal.follow(connector, unknown)
    await until(lambda: handoff.error)

    assert isinstance(handoff.error, ConversationGoneError)
    await connector.end(unknown, EndReason.END_USER_LEFT)
