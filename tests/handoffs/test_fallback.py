"""The fallback: one second attempt, one message, nothing lost; or a ticket is opened."""

from __future__ import annotations

import re

import pytest

from conversations.event_loop.executor import run_sync
from handoffs.lifecycle.details import handoff_details
from handoffs.models import PastAttempt
from handoffs.portal.one_handoff.timeline import timeline_get
from handoffs.relay.leases import handoffs_with_work
from integrations.models import Integration
from tests.handoffs.chains import TO_AMAZON, TO_TICKETS, has_moved, kinds, moved, system_messages
from tests.handoffs.talk import equals
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


# ---- from one vendor to another ----


async def test_nobody_at_the_first_vendor_the_second_serves_and_the_end_user_reads_one_message(
    chain, amazon
):
    one = await chain(**TO_AMAZON)
    one.simulator.set_agents_offline(is_offline=True)

    await one.serve()
    await moved(one)
    await one.reaches("queued")
    [chat] = amazon.desk_conversations()
    amazon.live_agent_joins(chat["id"], agent_name="Ruth Abara")
    await one.reaches("active")
    amazon.live_agent_says(chat["id"], text="Ruth here.")
    await eventually_async(one.said_by_agent)
    await one.write("My parcel is lost")
    await eventually_async(lambda: "My parcel is lost" in str(amazon.desk_conversations()))

    assert await system_messages(one) == ["handoff_fallback"]
    seen = await kinds(one)
    assert seen.count("HANDOFF_ACCEPTED") == 1
    assert not {"HANDOFF_FAILED", "POLY_AGENT_MESSAGE"} & set(seen[6:])
    await eventually_async(lambda: one.desk()["status"] == "ended")


async def test_a_vendor_that_cannot_be_reached_hands_over_and_its_tile_says_so(chain, amazon):
    one = await chain(**TO_AMAZON)
    one.simulator.fail_next(500, count=3, path_prefix="/iamessage/api/v2/conversation")
    await one.write("Hello?")

    await one.serve()
    await moved(one)
    await one.reaches("queued")

    await eventually_async(lambda: "Hello?" in str(amazon.desk_conversations()))
    first = await run_sync(lambda: Integration.objects.get(connector_key="salesforce_messaging"))
    assert (first.status, first.last_error_code) == ("needs_attention", "cannot_connect")


async def test_what_the_first_vendor_got_while_nobody_was_there_reaches_the_second_once(
    chain, amazon
):
    one = await chain(**TO_AMAZON)
    await one.serve()
    await one.reaches("queued")
    await one.write("I am still waiting.")
    await one.arrives("I am still waiting.")

    fail_routing = one.simulator.vendor_actions["fail_routing"]
    fail_routing(one.simulator, one.desk_id(), {"message": "No agent is available"})
    await moved(one)
    await one.reaches("queued")

    await eventually_async(lambda: "I am still waiting." in str(amazon.desk_conversations()))
    [chat] = amazon.desk_conversations()
    assert [m["text"] for m in chat["messages"]].count("I am still waiting.") == 1


async def test_there_is_one_hop_at_most_and_both_failures_are_on_record(chain, amazon):
    one = await chain(**TO_AMAZON)
    one.simulator.set_agents_offline(is_offline=True)
    back = {
        "on_unavailable": "fallback",
        "fallback_integration": "salesforce_integration/default",
    }
    await run_sync(
        lambda: Integration.objects.filter(connector_key="amazon_connect").update(behaviour=back)
    )
    amazon.set_agents_offline(is_offline=True)

    await one.serve()
    await moved(one)
    failed = await one.reaches("failed")

    details = await run_sync(handoff_details, failed)
    assert (details["attempt"], details["attempts"]) == (
        2,
        [
            {
                "attempt": 1,
                "integration": "salesforce_integration",
                "error_code": "no_live_agents",
            },
            {
                "attempt": 2,
                "integration": "amazon_connect_integration",
                "error_code": "no_live_agents",
            },
        ],
    )
    entries = await run_sync(lambda: timeline_get(handoff=failed, may_read_text=True).entries)
    titles = [entry.title for entry in entries]
    assert "Attempt 2: Amazon Connect in place of Salesforce" in titles
    assert "Salesforce accepted it; waiting for a live agent" in titles
    assert amazon.desk_conversations() == []
    assert (await kinds(one))[-2:] == ["HANDOFF_FAILED", "POLY_AGENT_JOINED"]


async def test_a_worker_that_dies_in_mid_hop_leaves_nothing_undone(chain, amazon):
    one = await chain(**TO_AMAZON)
    one.simulator.set_agents_offline(is_offline=True)
    await one.serve()
    await eventually_async(lambda: has_moved(one))
    # The first vendor does not take the end yet, and the worker dies while it tries.
    one.simulator.fail_next(503, count=1000, path_prefix="/iamessage")
    await moved(one)
    await one.kill()
    still_open = await run_sync(lambda: PastAttempt.objects.get().vendor_session)
    one.simulator.faults.clear()

    await one.serve()
    await one.reaches("queued")

    assert still_open
    assert len(amazon.desk_conversations()) == 1
    await eventually_async(lambda: one.desk()["status"] == "ended")
    await eventually_async(lambda: run_sync(lambda: not PastAttempt.objects.get().vendor_session))
    now = await one.now()
    assert now.vendor_end_until is None
    assert now.owner_id is not None
    assert await run_sync(handoffs_with_work, now.owner_id) == []


async def test_each_attempt_has_a_key_of_its_own_at_the_vendor(chain, amazon):
    one = await chain(**TO_AMAZON)
    one.simulator.set_agents_offline(is_offline=True)

    await one.serve()
    await moved(one)
    await one.reaches("queued")

    [start] = [row for row in amazon.requests.all() if row.path == "/contact/chat"]
    assert f'"{one.handoff.pk}-2-start"' in start.body


async def test_a_fallback_that_is_gone_fails_the_handoff_as_before(talk):
    one = await talk(**TO_AMAZON)
    one.simulator.set_agents_offline(is_offline=True)

    await one.serve()
    failed = await one.reaches("failed")

    assert (failed.attempt, failed.error_code) == (1, "no_live_agents")


# ---- a ticket ----


async def test_a_ticket_is_opened_and_its_number_told_and_the_ai_agent_goes_on(chain, zendesk):
    one = await chain(**TO_TICKETS)
    one.simulator.set_agents_offline(is_offline=True)
    await one.serve()
    await eventually_async(lambda: has_moved(one))
    await one.write("Please call me.")

    await moved(one)
    ended = await one.reaches("ended")
    await eventually_async(lambda: equals(one.statuses, ["sent"]))
    one.wake()  # as the worker's timer does
    await one.finished()

    [ticket] = zendesk.desk_conversations()
    said = await run_sync(
        lambda: [
            line.payload["message"]
            for line in one.handoff.conversation.events.filter(type="SYSTEM_MESSAGE")
        ]
    )
    assert len(said) == 1
    assert re.findall(r"ticket (\d+)", said[0]) == [ended.vendor_conversation_id]
    assert ended.end_reason == "ticket_opened"
    assert ended.conversation.state == "bot"
    assert (await kinds(one))[-1] == "POLY_AGENT_JOINED"
    assert "My parcel is lost" in str(ticket)
    assert "Please call me." in str(ticket)
