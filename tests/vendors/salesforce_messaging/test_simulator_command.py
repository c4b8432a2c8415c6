"""The simulator keeps its state over a restart, and the command serves it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from django.core.management import CommandError, call_command

from integrations.simulators.simulator import running_simulator
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests.vendors.desk import Desk
from tests.vendors.salesforce_messaging.simulator_harness import (
    CustomerKey,
    EndUser,
    anonymous,
    verified,
)

ROOT = Path(__file__).resolve().parents[3]


async def test_restart_with_a_state_file_loses_nothing(tmp_path: Path):
    state_file = tmp_path / "salesforce.json"
    key = CustomerKey()
    with running_simulator(SalesforceMessagingSimulator(state_file=state_file)) as url:
        async with aiohttp.ClientSession(url) as http:
            desk = Desk(http)
            await desk.configure(register_key=key.registration(), queue="Billing")
            before = await anonymous(http)
            await before.create(routingAttributes={"Order_Ref": "BL-1"})
            await desk.act(before.conversation_id, "accept", agent_name="Noor Halvorsen")
            await before.say("before the restart")
            shown = await desk.conversation(before.conversation_id)

    with running_simulator(SalesforceMessagingSimulator(state_file=state_file)) as url:
        async with aiohttp.ClientSession(url) as http:
            after = EndUser(
                http, before.token, before.last_event_id, before.subject, before.conversation_id
            )
            async with after.stream() as stream:
                await stream.until_text("before the restart")
                await after.say("after the restart")
                await stream.until_text("after the restart")
            restored = await Desk(http).conversation(before.conversation_id)
            identified = await verified(http, key.sign())

    ids = [int(event.event_id) for event in stream.events]
    assert ids == sorted(set(ids))
    assert {**restored, "messages": restored["messages"][:-1]} == {
        **shown,
        "messages": shown["messages"],
    }
    assert "/AUTH/" in identified.subject


async def test_restart_without_a_state_file_begins_anew():
    with running_simulator(SalesforceMessagingSimulator()) as url:
        async with aiohttp.ClientSession(url) as http:
            before = await anonymous(http)
            await before.create()

    with running_simulator(SalesforceMessagingSimulator()) as url:
        async with aiohttp.ClientSession(url) as http:
            assert await Desk(http).get("conversations") == []
            stranger = EndUser(http, before.token, "1", before.subject)
            assert (await stranger.create())[0] == 401


async def test_vendor_paths_may_lie_below_a_prefix():
    simulator = SalesforceMessagingSimulator(path_prefix="/salesforce-scrt.com")
    with running_simulator(simulator) as url:
        async with aiohttp.ClientSession(url) as http:
            path = "/iamessage/api/v2/conversation/list"
            async with http.get("/salesforce-scrt.com" + path) as below, http.get(path) as bare:
                assert (below.status, bare.status) == (401, 404)


def test_unknown_vendor_is_refused_by_name():
    with pytest.raises(CommandError, match="no simulator for a vendor named 'acme'"):
        call_command("run_simulator", "acme")


def test_taken_port_is_named():
    with (
        running_simulator(SalesforceMessagingSimulator()) as url,
        pytest.raises(CommandError, match=r"Cannot listen on 127\.0\.0\.1:"),
    ):
        call_command("run_simulator", "salesforce_messaging", port=int(url.rsplit(":", 1)[1]))


async def test_command_announces_its_address_and_serves_without_a_database(tmp_path: Path):
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    process = subprocess.Popen(
        [
            *(sys.executable, str(ROOT / "manage.py"), "run_simulator", "salesforce_messaging"),
            *("--port", "0", "--token-ttl", "60", "--state-file", str(tmp_path / "state.json")),
        ],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        url = re.search(r"ready at (http://127\.0\.0\.1:\d+)", line).group(1)
        async with aiohttp.ClientSession(url) as http:
            created, _ = await (await anonymous(http)).create()
            switches = await Desk(http).get("config")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)

    assert created == 201
    assert switches["token_ttl_seconds"] == 60
    assert (tmp_path / "state.json").exists()


async def test_several_vendors_are_served_by_one_process_which_ends_when_told(tmp_path: Path):
    process = subprocess.Popen(
        [
            *(sys.executable, str(ROOT / "manage.py"), "run_simulator"),
            *("salesforce_messaging:0", "zendesk:0", "--state-directory", str(tmp_path)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        lines = [process.stdout.readline() for _ in range(2)]
        urls = {re.search(r"ready at (http://127\.0\.0\.1:\d+)", line).group(1) for line in lines}
        async with aiohttp.ClientSession() as http:
            for url in urls:
                async with http.post(f"{url}/_desk/config", json={"queue": "Billing"}) as answer:
                    assert answer.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)

    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {"simulator_salesforce_messaging.json", "simulator_zendesk.json"}


def test_port_that_is_none_is_refused():
    with pytest.raises(CommandError, match="soon is not a port"):
        call_command("run_simulator", "salesforce_messaging:soon")
