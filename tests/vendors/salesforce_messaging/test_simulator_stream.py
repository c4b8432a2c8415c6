"""The simulated event stream holds to the contract, and its faults are the real ones."""

from __future__ import annotations

import dataclasses

import aiohttp
import pytest

from integrations.simulators.simulator import running_simulator
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests.vendors.desk import Desk
from tests.vendors.salesforce_messaging.simulator_harness import (
    ORG_ID,
    ORG_ID_18,
    EndUser,
    anonymous,
)


@pytest.mark.parametrize("org_id", [ORG_ID_18, "00D8Y0000012abd", ""])
async def test_stream_is_refused_unless_the_org_id_is_the_tokens_of_fifteen_characters(
    end_user: EndUser, org_id: str
):
    refused = await end_user.open_stream("1", **{"X-Org-Id": org_id})
    message = (await refused.json())["message"]
    taken = await end_user.open_stream("1", **{"X-Org-Id": ORG_ID})
    taken.close()

    assert (refused.status, taken.status) == (400, 200)
    assert message == "OrgId in the header and token must match"
    assert taken.headers["Content-Type"] == "text/event-stream"


async def test_stream_is_refused_without_a_good_token(end_user: EndUser):
    assert (await dataclasses.replace(end_user, token="nonsense").open_stream("1")).status == 401


async def test_stream_is_refused_to_a_client_that_takes_no_event_stream(end_user: EndUser):
    assert (await end_user.open_stream("1", Accept="application/json")).status == 406


async def test_stream_opened_late_replays_everything_after_the_tokens_event_id(end_user: EndUser):
    await end_user.create()
    await end_user.say("before the stream")

    async with end_user.stream() as stream:
        echo = await stream.until_text("before the stream")

    ids = [int(event.event_id) for event in stream.events]
    assert stream.names == ["ROUTING_RESULT", "MESSAGE", "MESSAGE"]
    assert ids == sorted(set(ids))
    assert ids[0] > int(end_user.last_event_id)
    assert isinstance(echo.entry["entryPayload"], str)
    assert echo.entry["sender"]["role"] == "EndUser"
    assert echo.envelope["conversationId"] == end_user.conversation_id


async def test_stream_without_last_event_id_gives_only_what_comes_after_it(end_user: EndUser):
    await end_user.create()

    async with end_user.stream(None) as stream:
        await end_user.say("live")
        await stream.until_text("live")

    assert stream.names == ["MESSAGE"]


async def test_missing_last_event_id_is_refused_only_when_strict(desk: Desk, end_user: EndUser):
    await desk.configure(strict_last_event_id=True)

    strict = await end_user.open_stream()
    given = await end_user.open_stream(end_user.last_event_id)
    given.close()
    await desk.configure(strict_last_event_id=False)
    lax = await end_user.open_stream()
    lax.close()

    assert (strict.status, given.status, lax.status) == (400, 200, 200)


async def test_stream_goes_on_after_the_last_event_seen(end_user: EndUser):
    await end_user.create()
    for text in ("one", "two", "three"):
        await end_user.say(text)
    async with end_user.stream() as first:
        seen = await first.until_text("two")

    async with end_user.stream(seen.event_id) as second:
        await second.until_text("three")

    assert second.names == ["MESSAGE"]


async def test_stream_is_kept_alive_by_pings(end_user: EndUser):
    async with end_user.stream() as stream:
        await stream.until_pings(3)

    assert stream.pings == 3


async def test_all_streams_of_an_end_user_get_everything_and_nobody_elses_does(http, end_user):
    stranger = await anonymous(http)
    async with end_user.stream() as one, end_user.stream() as two, stranger.stream() as other:
        await end_user.create()
        await end_user.say("to both")
        await one.until_text("to both")
        await two.until_text("to both")
        await stranger.create()
        await stranger.say("mine")
        await other.until_text("mine")

    assert one.names == two.names
    assert {event.envelope["conversationId"] for event in other.events} == {
        stranger.conversation_id
    }


async def test_closing_is_told_to_the_other_clients_of_the_end_user_only(end_user: EndUser):
    await end_user.create()
    _, answer = await end_user.call("GET", "/authorization/continuation-access-token")
    other_tab = dataclasses.replace(end_user, token=answer["accessToken"])
    async with end_user.stream() as mine, other_tab.stream() as theirs:
        await end_user.close()
        end_user.conversation_id = "3f6c1d0e-8a57-4c2b-9b1e-5d2f7a90c114"
        await end_user.create()
        for stream in (mine, theirs):
            await stream.until(
                lambda event: event.envelope["conversationId"] == end_user.conversation_id
            )

    assert "CLOSE_CONVERSATION" in theirs.names
    assert "CLOSE_CONVERSATION" not in mine.names


async def test_published_client_may_open_its_stream_after_closing_the_conversation(
    end_user: EndUser,
):
    await end_user.create()
    await end_user.say("Hello")
    await end_user.end_session()
    await end_user.close()

    async with end_user.stream(None) as stream:
        await stream.until_pings(1)

    assert stream.events == []


@pytest.mark.parametrize("is_cut", [False, True])
async def test_dropped_stream_ends_and_a_new_one_goes_on_without_loss(desk, end_user, is_cut):
    await end_user.create()
    async with end_user.stream() as stream:
        await end_user.say("one")
        seen = await stream.until_text("one")
        await desk.fault("drop_streams", is_cut=is_cut)
        expected = aiohttp.ClientPayloadError if is_cut else EOFError
        with pytest.raises(expected):
            await stream.next()

    await end_user.say("two")
    async with end_user.stream(seen.event_id) as resumed:
        await resumed.until_text("two")

    assert resumed.names == ["MESSAGE"]


async def test_stalled_stream_is_silent_without_pings_and_then_gives_what_waited(desk, end_user):
    await end_user.create()
    async with end_user.stream() as stalled:
        await stalled.until_pings(1)
        await desk.fault("stall_streams", seconds=0.5)
        await end_user.say("waiting")
        async with end_user.stream() as fresh:
            await fresh.until_text("waiting")
            await fresh.until_pings(3)
        pings_before = stalled.pings

        await stalled.until_text("waiting")

    assert stalled.pings - pings_before <= 2


async def test_duplicated_event_comes_twice_with_the_same_id(desk, end_user):
    await end_user.create()
    await desk.fault("duplicate_next", event="CONVERSATION_MESSAGE")
    await end_user.say("one")
    await end_user.say("two")

    async with end_user.stream() as stream:
        await stream.until_text("two")

    texts = [event.text for event in stream.events if event.name == "CONVERSATION_MESSAGE"]
    ones = {event.event_id for event in stream.events if event.text == "one"}
    assert texts[-3:] == ["one", "one", "two"]
    assert len(ones) == 1


async def test_replayed_events_are_the_live_agents_oldest_with_their_ids_and_times(desk, end_user):
    await end_user.create()
    await desk.act(end_user.conversation_id, "accept", agent_name="Noor Halvorsen")
    for text in ("one", "two", "three"):
        await end_user.say(f"after {text}")
        await desk.act(end_user.conversation_id, "say", text=text)

    for _ in range(2):
        await desk.fault("replay_oldest", count=2)
    await end_user.say("last")
    async with end_user.stream() as stream:
        await stream.until_text("last")

    texts = [event.text for event in stream.events if event.text in ("one", "two", "three")]
    assert texts == ["one", "two", "three", "one", "two", "one", "two"]
    assert len({(e.event_id, e.data) for e in stream.events if e.text == "one"}) == 1


async def test_swapped_events_come_in_the_wrong_order_with_increasing_ids(desk, end_user):
    await end_user.create()
    await desk.fault("swap_next_two")
    for text in ("one", "two", "three"):
        await end_user.say(text)

    async with end_user.stream() as stream:
        await stream.until_text("three")

    ids = [int(event.event_id) for event in stream.events]
    assert [event.text for event in stream.events[-3:]] == ["two", "one", "three"]
    assert ids == sorted(ids)


async def test_unknown_and_broken_events_come_in_between_the_good_ones(desk, end_user):
    await end_user.create()
    for kind in ("unknown_event", "malformed_event", "malformed_payload"):
        await desk.fault(kind)
    await end_user.say("still fine")

    async with end_user.stream() as stream:
        unknown = await stream.until_named("CONVERSATION_SOMETHING_NEW")
        broken = await stream.next()
        broken_payload = await stream.next()
        last = await stream.next()

    assert unknown.envelope["conversationId"] == end_user.conversation_id
    with pytest.raises(ValueError, match=r"Expecting|delimiter|Unterminated"):
        _ = broken.envelope
    assert broken_payload.entry["entryType"] == "Message"
    with pytest.raises(ValueError, match=r"Expecting|delimiter|Unterminated"):
        _ = broken_payload.payload
    assert last.text == "still fine"


async def test_stopped_server_lets_its_streams_end(simulator: SalesforceMessagingSimulator):
    with running_simulator(simulator) as address:
        session = aiohttp.ClientSession(address)
        end_user = await anonymous(session)
        response = await end_user.open_stream()

    ended = await response.content.read()
    await session.close()

    assert b"event: ping" in ended or ended == b""
    assert simulator.world.events.open_streams() == []
