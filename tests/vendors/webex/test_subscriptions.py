"""The portal makes its two subscriptions, repairs them, and leaves those of others alone."""

from __future__ import annotations

import pytest

from integrations.contract.checks import check_code
from integrations.contract.errors import InvalidRoutingError
from integrations.vendors.webex.simulator import WebexSimulator
from integrations.vendors.webex.simulator.world import ORG_ID
from tests.contract.bench import handoff_request
from tests.vendors.webex.conftest import Connect

URLS = {"events": "https://portal.example/handoff/webhooks/webex/ws/p/live/events"}


async def test_connecting_twice_makes_two_and_brings_them_up_to_date(
    simulator: WebexSimulator, connect: Connect
):
    simulator.configure(allow_insecure=False)
    await connect(subscription_secret="").on_connected({"events": "https://old.example/hook"})
    given = await connect(subscription_secret="").on_connected(URLS)

    kept = list(simulator.world.subscriptions.values())
    assert [one.resourceVersion for one in kept] == ["task:1.0.0", "task-message:1.0.0"]
    assert {one.destinationUrl for one in kept} == {URLS["events"]}
    assert {one.secret for one in kept} == {given["subscription_secret"]}


async def test_a_stopped_one_fails_the_test_and_the_next_probe_activates_it(
    simulator: WebexSimulator, connect: Connect
):
    given = await connect().on_connected(URLS)
    connector = connect(webhook_url=URLS["events"], **given)
    for one in simulator.world.subscriptions.values():
        one.status = "inactive"

    tested = [r.code async for r in connector.test_connection()]
    probed = [r.code async for r in connector.probe()]

    assert tested[-1] == "disabled"
    assert probed[-1] == "ok"
    assert {one.status for one in simulator.world.subscriptions.values()} == {"active"}


async def test_a_probe_makes_what_is_gone_mends_what_calls_elsewhere_and_then_rests(
    simulator: WebexSimulator, connect: Connect
):
    given = await connect().on_connected(URLS)
    task, message = simulator.world.subscriptions.values()
    del simulator.world.subscriptions[message.id]
    task.destinationUrl = "https://old.example/hook"
    connector = connect(webhook_url=URLS["events"], **given)

    tested = [r async for r in connector.test_connection()]
    probed = [r async for r in connector.probe()]
    again = [r async for r in connector.probe()]

    kept = list(simulator.world.subscriptions.values())
    assert {one.destinationUrl for one in kept} == {URLS["events"]}
    assert [one.secret for one in kept] == [given["subscription_secret"]] * 2
    assert "another address" in tested[-1].detail
    assert probed[-1].detail == "2 were missing, inactive or out of date, and are mended."
    assert again[-1].detail == ""


async def test_events_that_an_organization_lacks_are_left_out_but_for_those_we_need(
    simulator: WebexSimulator, connect: Connect
):
    simulator.configure(lacks_events=["task:parked", "task:consulting"])

    await connect().on_connected(URLS)

    task = next(iter(simulator.world.subscriptions.values()))
    assert {"task:new", "task:failed", "task:conference-transferred"} < set(task.eventTypes)
    assert not {"task:parked", "task:consulting"} & set(task.eventTypes)


async def test_disconnecting_deletes_ours_alone(simulator: WebexSimulator, connect: Connect):
    simulator.configure(webhook_url=URLS["events"], is_subscribed=True)
    await connect().on_connected(URLS)

    await connect().on_disconnected()

    names = [one.name for one in simulator.world.subscriptions.values()]
    assert names == ["made at the desk: task", "made at the desk: task-message"]


async def test_the_scope_that_lacks_is_named(simulator: WebexSimulator, connect: Connect):
    simulator.configure(scopes=["cjp:task_write"])

    found = [r async for r in connect().test_connection()]

    assert found[-1].code == "missing_permission"
    assert "cjp:config_read" in found[-1].detail


async def test_an_inactive_channel_is_named_when_a_handoff_is_tried(
    simulator: WebexSimulator, connect: Connect
):
    simulator.configure(is_channel_active=False)

    with pytest.raises(InvalidRoutingError) as caught:
        await connect().start(handoff_request())

    assert (caught.value.field, check_code(caught.value)) == ("channel_name", "disabled")


async def test_a_token_of_another_organization_is_named(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect(org_id="7f31c2aa-0000-4000-8000-000000000009")

    found = {r.name: r async for r in connector.test_connection()}

    assert found["organization"].code == "wrong_type"
    assert ORG_ID in found["organization"].detail
