"""One relay session and a vendor with a bad day: nothing lost, nothing shown twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet

from conversations.event_loop.executor import run_sync
from conversations.models import Conversation, Event
from handoffs.models import Handoff
from handoffs.relay.leases import leases_held, worker_stop
from integrations.models import Integration
from tests import factories
from tests.handoffs.talk import Talk, active, equals, holds, is_connected
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
CONVERSATIONS = "/iamessage/api/v2/conversation"


# ---- what nobody can read any more ----


def lose_key(settings: Any, row: Handoff | Integration, field: str) -> None:
    """Encrypt a column with a key that nobody has."""
    kept = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    type(row)._default_manager.filter(pk=row.pk).update(**{field: {"lost": True}})
    settings.ENCRYPTION_KEYS = kept


@pytest.mark.parametrize("lost", ["vendor_session", "credentials"])
async def test_a_handoff_that_no_key_decrypts_fails_and_the_end_user_is_told(talk, settings, lost):
    one = await active(talk)
    await one.kill()
    row = one.handoff if lost == "vendor_session" else await run_sync(Integration.objects.get)
    await run_sync(lose_key, settings, row, lost)

    await one.serve()
    await one.finished()

    now = await run_sync(Handoff.objects.only("state", "error_code", "vendor_end_until").get)
    assert (now.state, now.error_code, now.vendor_end_until) == ("failed", "unreadable", None)
    shown = [kind for kind, _ in await one.journal()]
    assert shown[-2:] == ["HANDOFF_FAILED", "POLY_AGENT_JOINED"]


async def test_what_no_key_decrypts_after_its_end_is_let_go(talk, settings):
    one = await active(talk)
    await one.kill()
    await one.leave()
    await run_sync(lose_key, settings, one.handoff, "vendor_session")

    await one.serve()
    await one.finished()

    now = await run_sync(Handoff.objects.only("state", "vendor_end_until").get)
    assert (now.state, now.vendor_end_until) == ("ended", None)
    assert [kind for kind, _ in await one.journal()][-1] == "SESSION_END"


# ---- the vendor has a bad day ----


async def test_a_burst_of_errors_delays_messages_and_keeps_their_order(talk):
    one = await active(talk)
    one.simulator.fail_next(500, count=3, path_suffix="/message", method="POST")

    await one.write("one", "two", "three")

    await one.arrives("one", "two", "three")


async def test_a_vendor_that_asks_for_patience_gets_it(talk):
    one = await active(talk)
    one.simulator.fail_next(429, retry_after=1, path_suffix="/message", method="POST")

    await one.write("one", "two")

    await one.arrives("one", "two")
    sent = [r for r in one.simulator.requests.all() if r.path.endswith("/message")]
    refused = next(i for i, r in enumerate(sent) if r.status == 429)
    assert sent[refused + 1].received_at - sent[refused].received_at >= 0.9


async def test_a_message_that_was_taken_but_answered_with_an_error_is_shown_once(talk):
    one = await active(talk)
    one.simulator.fail_next(500, count=2, path_suffix="/message", method="POST", after_accept=True)

    await one.write("Only once", "and this")

    await one.arrives("Only once", "and this")
    assert one.at_desk().count("Only once") == 1


async def test_a_message_the_vendor_refuses_is_shown_as_not_delivered_and_the_next_arrives(talk):
    one = await active(talk)
    one.simulator.fail_next(400, path_suffix="/message", method="POST")

    [lost, _] = await one.write("Refused", "Accepted")
    await one.arrives("Accepted")

    def notice() -> Event | None:
        return Event.objects.filter(payload__code="handoff_forward_failed").first()

    found = await eventually_async(lambda: run_sync(notice))
    assert found.payload["message_id"] == str(lost.pk)
    assert "Refused" not in one.at_desk()


async def test_a_dropped_stream_loses_nothing_and_repeats_nothing(talk):
    one = await active(talk)
    one.simulator.live_agent_says(one.desk_id(), text="one")
    await eventually_async(one.said_by_agent)

    one.simulator.drop_streams()
    for text in ("two", "three"):
        one.simulator.live_agent_says(one.desk_id(), text=text)

    await eventually_async(lambda: equals(one.said_by_agent, ["one", "two", "three"]))


async def test_repeated_and_swapped_events_are_shown_once(talk):
    one = await active(talk)

    one.simulator.duplicate_next()
    one.simulator.live_agent_says(one.desk_id(), text="twice")
    await eventually_async(one.said_by_agent)
    one.simulator.swap_next_two()
    for text in ("a", "b", "last"):
        one.simulator.live_agent_says(one.desk_id(), text=text)
    await eventually_async(lambda: holds(one.said_by_agent, "last"))

    assert sorted(await one.said_by_agent()) == ["a", "b", "last", "twice"]


async def test_a_verified_end_users_expired_token_is_renewed_in_the_middle_of_the_talk(talk):
    one = await active(talk, is_verified=True)

    one.simulator.expire_tokens()
    await one.write("Still there?")
    await one.arrives("Still there?")
    one.simulator.live_agent_says(one.desk_id(), text="Yes.")

    await eventually_async(one.said_by_agent)
    assert (await one.now()).state == "active"


async def test_an_anonymous_end_users_expired_token_is_the_end_of_the_talk(talk):
    one = await active(talk)

    one.simulator.expire_tokens()
    await one.reaches("ended")

    await eventually_async(lambda: holds(one.journal, ("SESSION_END", "REASON_NATURAL_END")))
    assert (await one.now()).end_reason == "vendor_closed"
    assert [kind for kind, _ in await one.journal()][-2:] == ["LIVE_AGENT_LEFT", "SESSION_END"]


async def test_what_nobody_understands_stops_nothing(talk):
    one = await active(talk)

    one.simulator.send_unknown_event()
    one.simulator.live_agent_says(one.desk_id(), text="nul \x00 and lone \ud800")
    one.simulator.live_agent_says(one.desk_id(), text="and on")

    await eventually_async(lambda: holds(one.said_by_agent, "and on"))


async def test_the_next_worker_goes_on_where_a_killed_one_stopped(talk):
    one = await active(talk)
    one.simulator.live_agent_says(one.desk_id(), text="one")
    await eventually_async(one.said_by_agent)
    await one.kill()
    one.simulator.live_agent_says(one.desk_id(), text="two")
    await one.write("While nobody listened")

    await one.serve()

    await one.arrives("While nobody listened")
    await eventually_async(lambda: equals(one.said_by_agent, ["one", "two"]))


async def test_a_session_whose_lease_was_taken_stops_and_sends_nothing(talk):
    one = await active(talk)
    old = one._tasks[-1]
    owner = (await one.now()).owner_id
    await run_sync(worker_stop, owner)

    lease = await one.serve()
    one.simulator.live_agent_says(one.desk_id(), text="Who listens?")
    await asyncio.wait_for(old, 10)

    await eventually_async(lambda: equals(one.said_by_agent, ["Who listens?"]))
    assert await run_sync(leases_held, lease.worker_id) == [lease]


# ---- starts that fail ----


async def test_a_vendor_that_refuses_the_start_fails_the_handoff_and_marks_the_integration(talk):
    one = await talk()
    one.simulator.fail_next(400, path_prefix=CONVERSATIONS, method="POST", count=9)

    await one.serve()
    await one.finished()

    now, integration = await one.now(), await run_sync(Integration.objects.get)
    assert (now.state, now.conversation.state) == ("failed", "bot")
    assert integration.status == "needs_attention"
    assert integration.last_error_code == now.error_code
    assert [kind for kind, _ in await one.journal()][-3:] == [
        "POLY_AGENT_LEFT",
        "HANDOFF_FAILED",
        "POLY_AGENT_JOINED",
    ]


async def test_a_start_survives_two_errors(talk):
    one = await talk()
    one.simulator.fail_next(503, path_suffix="/conversation", method="POST", count=2)

    await one.serve()

    await one.reaches("queued")
    assert len(one.simulator.desk_conversations()) == 1


async def test_a_start_that_was_taken_but_answered_with_an_error_opens_one_conversation(talk):
    one = await talk()
    one.simulator.fail_next(503, path_suffix="/conversation", method="POST", after_accept=True)

    await one.serve()
    await one.reaches("queued")

    assert len(one.simulator.desk_conversations()) == 1


async def test_what_a_failed_start_has_opened_is_ended_until_that_is_confirmed(talk):
    one = await talk()
    one.simulator.fail_next(400, path_suffix="/message", method="POST")
    one.simulator.fail_next(503, path_suffix="/session", method="DELETE", count=2)

    await one.serve()
    await one.finished()

    assert (await one.now()).state == "failed"
    assert one.desk()["status"] == "ended"
    assert (await one.now()).vendor_end_until is None


async def test_what_a_start_has_opened_that_was_cut_off_is_ended_by_the_next_worker(talk):
    one = await talk()
    one.simulator.fail_next(503, path_suffix="/message", method="POST", count=9)
    await one.serve()
    await eventually_async(lambda: one.simulator.desk_conversations())
    await one.kill()
    await one.leave()

    await one.serve()
    await one.finished()

    assert (await one.now()).state == "ended"
    assert one.desk()["status"] == "ended"


async def test_a_vendor_out_of_reach_fails_the_handoff_and_mending_it_lets_the_next_one_through(
    talk, http
):
    one = await talk()
    reachable = one.simulator.base_url
    await run_sync(lambda: _point_at("http://127.0.0.1:9"))
    await one.serve()
    await one.finished()
    failed = await one.now()

    await run_sync(lambda: _point_at(reachable))
    again = Talk(await run_sync(lambda: factories.handoff(_conversation(one))), one.simulator, http)
    await again.serve()
    await again.reaches("queued")

    assert (failed.state, failed.error_code) == ("failed", "cannot_connect")
    await eventually_async(is_connected)
    await again.close()


def _conversation(one: Talk) -> Conversation:
    return Conversation.objects.get(pk=one.handoff.conversation_id)


def _point_at(url: str) -> None:
    integration = Integration.objects.get()
    integration.credentials = {**integration.credentials, "scrt_url": url}
    integration.save()


async def test_a_removed_integration_fails_the_handoff(talk):
    one = await talk()
    await sync_to_async(Integration.objects.all().delete)()

    await one.serve()
    await one.finished()

    now = await one.now()
    assert (now.state, now.error_code, now.vendor_end_until) == ("failed", "not_connected", None)
