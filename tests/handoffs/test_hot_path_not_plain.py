"""What is not plain writes nothing on the hot path: the services have rules for it."""

from __future__ import annotations

import asyncio

import pytest

from conversations.event_loop.executor import run_sync
from handoffs.models import Delivery
from handoffs.sending.hot_path import mark_sent
from handoffs.states import State
from integrations.models import Integration
from tests import factories
from tests.handoffs.passing import (
    active,
    agent_left,
    at_the_ai_agent,
    columns,
    ended,
    everything,
    hear,
    mark_of,
    nothing_happens,
    owned_by_nobody,
    sent_before,
    taken_over,
    write,
)

pytestmark = pytest.mark.django_db(transaction=True)
STOPS = {
    "stop": "stop",
    "STOP": "  sToP\n",
    "stok": "STO\u212a",  # a Kelvin sign is a k
    # Whatever is said: only the services compare such words.
    " stop ": "Hello",
    "stop now": "Hello",
    "Schlu\u00df": "Hello",
}
NO_STOPS = ("", "stop", "STOP!", "a.c", "^$", "[a-z]+", "\\d")


@pytest.mark.parametrize("before", [ended, at_the_ai_agent, sent_before])
async def test_what_is_not_plain_to_the_vendor_writes_nothing(before):
    handoff = await active(after_agent="return_to_bot")
    await run_sync(before, handoff)
    rows = await run_sync(everything, handoff)

    assert await write(handoff, client_event_id="c-1") is None

    assert await run_sync(everything, handoff) == rows


async def test_a_stop_word_is_left_to_the_services_in_any_letters_and_spaces():
    handoffs = [await active(stop_word=word) for word in STOPS]
    rows = [await run_sync(everything, one) for one in handoffs]

    said = zip(handoffs, STOPS.values(), strict=True)
    written = await asyncio.gather(*(write(one, text) for one, text in said))

    assert written == [None] * len(STOPS)
    assert [await run_sync(everything, one) for one in handoffs] == rows


async def test_another_word_than_the_stop_word_is_plain_whatever_it_looks_like():
    handoffs = [await active(stop_word=word) for word in NO_STOPS]

    written = await asyncio.gather(*(write(one, "abc") for one in handoffs))

    assert None not in written


async def test_messages_go_out_while_the_end_user_waits():
    states = (State.REQUESTED, State.CONNECTING, State.QUEUED)
    handoffs = [await run_sync(factories.handoff, state=state) for state in states]

    written = await asyncio.gather(*(write(one) for one in handoffs))

    assert None not in written
    assert await run_sync(Delivery.objects.count) == 3


async def test_messages_go_out_though_the_integration_is_gone():
    handoff = await active()
    await run_sync(Integration.objects.all().delete)

    assert (await write(handoff)) is not None


async def test_an_empty_client_event_id_is_no_repeat():
    handoff = await active()

    events = [await write(handoff, "Hello"), await write(handoff, "Hello")]

    assert [event.sequence for event in events] == [
        events[0].sequence,
        events[0].sequence + 1,
    ]


@pytest.mark.parametrize(
    ("before", "agent_id"),
    [
        pytest.param(ended, "a1", id="ended"),
        pytest.param(owned_by_nobody, "a1", id="owned by nobody"),
        pytest.param(taken_over, "a1", id="taken over"),
        pytest.param(agent_left, "a1", id="live agent has left"),
        pytest.param(nothing_happens, "a2", id="live agent not seen yet"),
    ],
)
async def test_what_is_not_plain_from_the_vendor_writes_nothing(before, agent_id):
    handoff = await active()
    lease = await run_sync(factories.lease_of, handoff)
    await run_sync(before, handoff)
    rows = await run_sync(everything, handoff)

    assert not await hear(handoff, factories.spoke("Hello", agent_id), lease=lease)

    assert await run_sync(everything, handoff) == rows


async def test_an_event_that_was_received_before_writes_nothing():
    handoff, event = await active(), factories.spoke("Hello")
    await hear(handoff, event)
    rows = await run_sync(everything, handoff)

    assert not await hear(handoff, event, cursor="later")

    assert await run_sync(everything, handoff) == rows


async def test_a_live_agent_who_speaks_before_the_handoff_is_active_is_the_services():
    states = (State.CONNECTING, State.QUEUED)
    handoffs = [await run_sync(factories.handoff, state=state) for state in states]

    heard = await asyncio.gather(*(hear(one, factories.spoke("Hello")) for one in handoffs))

    assert heard == [False, False]


@pytest.mark.parametrize("before", [owned_by_nobody, taken_over])
async def test_a_fenced_session_marks_nothing(before):
    handoff = await active()
    await write(handoff)
    lease = await run_sync(factories.lease_of, handoff)
    await run_sync(before, handoff)
    row = await run_sync(Delivery.objects.get)

    assert not await mark_sent(mark_of(lease, row))

    assert (await run_sync(Delivery.objects.get)).status == "pending"


async def test_what_is_not_pending_is_not_marked():
    handoff = await active()
    lease = await run_sync(factories.lease_of, handoff)
    await write(handoff)

    for status in ("sent", "delivered", "read", "failed"):
        await run_sync(Delivery.objects.update, status=status)
        row = await run_sync(Delivery.objects.get)
        assert not await mark_sent(mark_of(lease, row))
        assert columns(await run_sync(Delivery.objects.get)) == columns(row)


async def test_a_session_marks_nothing_of_another_handoff():
    mine, others = await active(), await active()
    await write(others)
    lease = await run_sync(factories.lease_of, mine)
    row = await run_sync(Delivery.objects.get)

    assert not await mark_sent(mark_of(lease, row))
