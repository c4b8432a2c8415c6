"""The simulator keeps its state over a restart, and serves below a prefix."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from integrations.simulators.simulator import running_simulator
from integrations.vendors.zendesk.simulator import ZendeskSimulator
from tests.vendors.desk import Desk
from tests.vendors.zendesk.simulator_harness import INT_KEY, Caller, Chat, basic


async def test_restart_with_a_state_file_loses_nothing(tmp_path: Path):
    state_file = tmp_path / "zendesk.json"
    with running_simulator(ZendeskSimulator(state_file=state_file)) as url:
        async with aiohttp.ClientSession(url) as http:
            desk, caller = Desk(http), Caller(http)
            await desk.configure(queue="Billing")
            chat = await caller.conversation(metadata={"portalSession": "hs-88"})
            await chat.hand_over(**{"dataCapture.systemField.tags": "a,b"})
            await desk.accept(chat)
            await desk.act(chat, "say", text="before")
            before = await desk.conversation(chat)
            hooks = await caller.on("GET", "/integrations/me/webhooks")

    with running_simulator(ZendeskSimulator(state_file=state_file)) as url:
        async with aiohttp.ClientSession(url) as http:
            desk, caller = Desk(http), Caller(http)
            restored = Chat(caller, chat.conversation_id, chat.user_id)
            after = await desk.conversation(restored)
            assert await caller.on("GET", "/integrations/me/webhooks") == hooks
            await desk.act(restored, "say", text="after")
            await restored.say("still here")
            texts = [one["text"] for one in (await desk.conversation(restored))["messages"]]

    assert after == before
    assert texts == ["My parcel is late", "before", "after", "still here"]


async def test_restart_without_a_state_file_begins_anew():
    with running_simulator(ZendeskSimulator()) as url:
        async with aiohttp.ClientSession(url) as http:
            chat = await Caller(http).conversation()
            await chat.hand_over()

    with running_simulator(ZendeskSimulator()) as url:
        async with aiohttp.ClientSession(url) as http:
            assert await Desk(http).get("conversations") == []


async def test_vendor_paths_may_lie_below_a_prefix():
    with running_simulator(ZendeskSimulator(path_prefix="/zendesk.com")) as url:
        async with aiohttp.ClientSession(url) as http:
            headers = {"Authorization": basic(INT_KEY)}
            path = "/sc/v2/tokenInfo"
            async with http.get("/zendesk.com" + path, headers=headers) as below:
                assert below.status == 200
            async with http.get(path, headers=headers) as bare:
                assert bare.status == 404


async def test_switches_may_be_given_at_the_start():
    simulator = ZendeskSimulator(app_id="0" * 24, keys={"int_own": "own-secret"})
    with running_simulator(simulator) as url:
        async with aiohttp.ClientSession(url) as http:
            headers = {"Authorization": basic(("int_own", "own-secret"))}
            async with http.get(
                f"/sc/v2/apps/{'0' * 24}/integrations/me/webhooks", headers=headers
            ) as response:
                assert response.status == 200
