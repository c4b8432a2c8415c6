"""One relay session against the strict simulator: the whole journey, and everything that breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from conversations.executor import run_sync
from conversations.frames import EventType
from conversations.models import Conversation, Event
from conversations.publish import conversation_group
from conversations.services import Visitor
from handoffs.locking import Lease
from handoffs.models import Delivery, Handoff, VendorEvent
from handoffs.relay.connectors import Connectors
from handoffs.relay.lease import handoffs_claim, handoffs_with_work, leases_held, worker_stop
from handoffs.relay.session import RelaySession
from handoffs.responder import HandoffResponder
from integrations.http import open_session
from integrations.models import Integration, VendorCall
from integrations.simulator import running_simulator
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests import factories
from tests.waiting import database_threads_rest, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
CONVERSATIONS = "/iamessage/api/v2/conversation"
RESPONDER = HandoffResponder()


@pytest.fixture(scope="module")
def served() -> Iterator[SalesforceMessagingSimulator]:
    simulator = SalesforceMessagingSimulator()
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
def simulator(served: SalesforceMessagingSimulator) -> SalesforceMessagingSimulator:
    served.reset()
    return served


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    session = open_session(allow_local=True)
    yield session
    await session.close()


class Talk:
    """A handoff being served: what the end user does, and what both sides see."""

    def __init__(self, handoff: Handoff, simulator: Any, http: aiohttp.ClientSession) -> None:
        self.handoff, self.simulator = handoff, simulator
        self._connectors = Connectors(http)
        self._tasks: list[asyncio.Task[None]] = []
        self.session: RelaySession | None = None

    # ---- the relay ----

    async def serve(self) -> Lease:
        """Let a (new) worker claim the handoff and run its session."""
        worker_id = await run_sync(factories.worker)
        [lease] = await run_sync(handoffs_claim, worker_id, self.handoff.pk)
        self.session = RelaySession(lease, connectors=self._connectors)
        self._tasks.append(asyncio.create_task(self.session.run()))
        return lease

    async def kill(self) -> None:
        """Stop the session where it stands and let go of the lease."""
        self._tasks[-1].cancel()
        await asyncio.gather(self._tasks[-1], return_exceptions=True)
        await run_sync(worker_stop, (await self.now()).owner_id)

    async def finished(self) -> None:
        """Wait until the session is over by itself; its failure is the test's."""
        await asyncio.wait_for(asyncio.shield(self._tasks[-1]), 15)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- the end user ----

    async def write(self, *texts: str) -> list[Event]:
        lines = []
        for text in texts:
            [line, *_] = await run_sync(
                RESPONDER.on_message,
                conversation_id=self.handoff.conversation_id,
                text=text,
                client_event_id="",
                metadata=None,
            )
            lines.append(line)
        self.wake()
        return lines

    async def leave(self) -> None:
        await run_sync(
            RESPONDER.on_leave, conversation_id=self.handoff.conversation_id, metadata=None
        )
        self.wake()

    def wake(self) -> None:
        if self.session is not None:
            self.session.wake()

    # ---- what both sides see ----

    async def now(self) -> Handoff:
        return await run_sync(factories.fresh, self.handoff)

    async def journal(self) -> list[tuple[str, Any]]:
        def read() -> list[tuple[str, Any]]:
            lines = Event.objects.filter(conversation_id=self.handoff.conversation_id)
            return [
                (line.type, line.payload.get("text") or line.payload.get("reason"))
                for line in lines.order_by("sequence")
            ]

        return await run_sync(read)

    async def said_by_agent(self) -> list[str]:
        return [text for kind, text in await self.journal() if kind == "LIVE_AGENT_MESSAGE"]

    async def reaches(self, state: str) -> Handoff:
        async def is_there() -> Handoff | None:
            now = await self.now()
            return now if now.state == state else None

        return await eventually_async(is_there)

    def desk(self) -> dict[str, Any]:
        [conversation] = self.simulator.desk_conversations()
        return conversation

    def desk_id(self) -> str:
        return self.desk()["id"]

    def at_desk(self, *speakers: str) -> list[str]:
        wanted = speakers or ("end_user",)
        found = [m for c in self.simulator.desk_conversations() for m in c["messages"]]
        return [m["text"] for m in found if m["from"] in wanted]

    async def arrives(self, *texts: str) -> None:
        """Wait until the desk shows exactly these as the end user's newest, each once."""
        await eventually_async(lambda: self.at_desk()[-len(texts) :] == list(texts))

    async def statuses(self) -> list[str]:
        rows = Delivery.objects.filter(handoff=self.handoff).order_by("sequence")
        return await run_sync(lambda: list(rows.values_list("status", flat=True)))


@pytest.fixture
async def talk(
    simulator: SalesforceMessagingSimulator, http: aiohttp.ClientSession
) -> AsyncIterator[Callable[..., Any]]:
    made: list[Talk] = []

    async def make(*, is_verified: bool = False, **behaviour: Any) -> Talk:
        def build() -> Handoff:
            of = factories.integration(url=simulator.base_url, behaviour=behaviour)
            visitor = Visitor(external_id="ines-4411", is_verified=is_verified)
            if is_verified:
                _verify_with(simulator, of)
            conversation = factories.conversation(factories.channel(of.project), visitor=visitor)
            factories.said(conversation, "My parcel is lost")
            factories.said(conversation, "I'll transfer you.", EventType.POLY_AGENT_MESSAGE)
            return factories.handoff(conversation, hints={"queue": "Parcels"})

        made.append(Talk(await run_sync(build), simulator, http))
        return made[-1]

    yield make
    for one in made:
        await one.close()
    await database_threads_rest()


def _verify_with(simulator: SalesforceMessagingSimulator, integration: Integration) -> None:
    """Give the integration a key of its own, and the vendor its public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    names = {"kid": "portal-2026-01", "issuer": "https://portal.example.org"}
    simulator.configure(register_key={**names, "public_key_pem": public.decode()})
    integration.credentials = {
        **integration.credentials,
        "mode": "miaw_verified",
        "jwt_key_id": names["kid"],
        "jwt_issuer": names["issuer"],
        "jwt_private_key": private.decode(),
    }
    integration.save()


async def active(make: Callable[..., Any], **behaviour: Any) -> Talk:
    """Return a talk in which a live agent is present."""
    one = await make(**behaviour)
    await one.serve()
    await one.reaches("queued")
    await eventually_async(lambda: one.desk()["status"] == "queued")
    one.simulator.live_agent_joins(one.desk_id(), agent_name="Noor Halvorsen")
    await one.reaches("active")
    return one


# ---- the journey ----


async def test_a_conversation_goes_from_the_queue_to_the_goodbye(talk):
    one = await active(talk)

    one.simulator.live_agent_says(one.desk_id(), text="Hello, I am Noor.")
    await eventually_async(one.said_by_agent)
    await one.write("Where is my parcel?", "It was due on Monday.")
    await one.arrives("Where is my parcel?", "It was due on Monday.")
    one.simulator.live_agent_ends(one.desk_id())
    await one.finished()

    kinds = [kind for kind, _ in await one.journal()]
    quiet = ("SYSTEM_MESSAGE", "LIVE_AGENT_RECEIVED_MESSAGE", "LIVE_AGENT_READ_MESSAGE")
    shown = [k for k in kinds if k not in quiet]
    assert shown[5:] == [
        "POLY_AGENT_TRIGGERED_HANDOFF",
        "POLY_AGENT_LEFT",
        "HANDOFF_ACCEPTED",
        "LIVE_AGENT_JOINED",
        "LIVE_AGENT_MESSAGE",
        "USER_MESSAGE",
        "USER_MESSAGE",
        "LIVE_AGENT_LEFT",
        "SESSION_END",
    ]
    assert set(await one.statuses()) <= {"sent", "delivered", "read"}


async def test_the_live_agent_gets_the_transcript_first_then_what_was_written_meanwhile(talk):
    one = await talk()
    one.simulator.set_latency(ms=60)
    await one.write("Are you there?")

    await one.serve()
    await one.write("Hello?")
    await one.write("I am waiting.")

    await eventually_async(lambda: "I am waiting." in "".join(one.at_desk()))
    said = one.at_desk("end_user", "ai_agent", "system")
    assert said[-3:] == ["Are you there?", "Hello?", "I am waiting."]
    assert "My parcel is lost" in "".join(said[:-3])
    assert "Are you there?" not in "".join(said[:-3])


async def test_no_transcript_is_sent_where_none_is_wanted(talk):
    one = await talk(transcript_mode="none")

    await one.serve()
    await one.reaches("queued")

    assert "My parcel is lost" not in str(one.desk()["messages"])


async def test_a_working_start_makes_the_integration_healthy_again(talk):
    one = await talk()
    await run_sync(
        lambda: Integration.objects.update(
            status=Integration.Status.NEEDS_ATTENTION, last_error_code="invalid_auth"
        )
    )

    await one.serve()
    await one.reaches("queued")

    await eventually_async(_is_connected)


async def test_a_transfer_brings_the_next_live_agent_without_an_end(talk):
    one = await active(talk)

    one.simulator.live_agent_transfers(one.desk_id(), agent_name="Ruth Abara")
    await eventually_async(lambda: one.desk()["status"] == "active")
    one.simulator.live_agent_says(one.desk_id(), text="Ruth here.", agent_name="Ruth Abara")
    await eventually_async(one.said_by_agent)

    assert (await one.now()).state == "active"
    assert "SESSION_END" not in dict(await one.journal())


async def test_every_call_to_the_vendor_is_on_record_without_what_was_said(talk):
    one = await active(talk)
    await one.write("My card is 4111 1111")
    await one.arrives("My card is 4111 1111")

    async def recorded() -> str:
        rows = VendorCall.objects.filter(reference=one.handoff.pk)
        return str(await run_sync(lambda: list(rows.values())))

    await eventually_async(lambda: _async_contains(recorded, "send_message"))
    assert "4111" not in await recorded()
    assert "parcel" not in await recorded()


async def _async_contains(read: Callable[..., Any], word: str) -> bool:
    return word in await read()


# ---- typing and receipts ----


def signal(one: Talk, name: str, vendor_message_id: str = "") -> None:
    assert one.session is not None
    one.session.signal(
        {
            "type": "relay.signal",
            "handoff_id": one.handoff.pk,
            "signal": name,
            "vendor_message_id": vendor_message_id,
        }
    )


def typing_sent(one: Talk) -> list[str]:
    kinds = ("TypingStartedIndicator", "TypingStoppedIndicator")
    bodies = [request.body for request in one.simulator.requests.all()]
    return [kind for body in bodies for kind in kinds if kind in body]


async def test_typing_reaches_the_vendor_once_however_often_the_client_says_so(talk):
    one = await active(talk)

    for name in ["typing_started"] * 6 + ["typing_stopped"] * 3 + ["typing_started"]:
        signal(one, name)

    await eventually_async(lambda: len(typing_sent(one)) >= 3)
    assert typing_sent(one) == [
        "TypingStartedIndicator",
        "TypingStoppedIndicator",
        "TypingStartedIndicator",
    ]


async def test_a_signal_the_vendor_refuses_costs_no_message(talk):
    one = await active(talk)
    one.simulator.fail_next(500, path_suffix="/entry", method="POST", count=2)

    signal(one, "typing_started")
    await one.write("Still served")

    await one.arrives("Still served")
    assert (await one.now()).state == "active"


async def test_reading_a_live_agents_message_is_told_to_the_vendor(talk):
    one = await active(talk)
    one.simulator.live_agent_says(one.desk_id(), text="Read me")
    await eventually_async(one.said_by_agent)

    def inbox_id() -> str:
        return VendorEvent.objects.get(event__type="LIVE_AGENT_MESSAGE").vendor_event_id

    signal(one, "read", await run_sync(inbox_id))

    def acknowledged() -> list[Any]:
        found = one.simulator.requests.all()
        return [r for r in found if "acknowledge" in r.path and r.status and r.status < 300]

    await eventually_async(acknowledged)


async def test_a_live_agents_typing_is_shown_and_stored_nowhere(talk):
    one = await active(talk)
    before = len(await one.journal())
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(conversation_group(one.handoff.conversation_id), channel)

    one.simulator.live_agent_types(one.desk_id(), is_typing=True)
    message = await asyncio.wait_for(layer.receive(channel), 10)

    assert message["frame"]["type"] == "EVENT_TYPE_LIVE_AGENT_TYPING"
    assert message["frame"]["payload"]["state"] == "TYPING_STATE_STARTED"
    assert message["frame"]["sequence"] is None
    assert len(await one.journal()) == before


# ---- ends ----


async def test_the_end_user_ends_and_the_vendor_is_told(talk):
    one = await active(talk)
    await one.write("Thanks, bye")

    await one.leave()
    await one.finished()

    assert one.desk()["status"] == "ended"
    assert one.at_desk()[-1] == "Thanks, bye"
    assert (await one.now()).vendor_end_until is None
    assert (await one.journal())[-1] == ("SESSION_END", "REASON_USER_END")


async def test_an_end_whose_wake_up_was_lost_reaches_the_vendor_by_the_recheck(talk):
    one = await active(talk)
    session, one.session = one.session, None

    await one.leave()
    owner = (await one.now()).owner_id

    assert session is not None
    assert await run_sync(handoffs_with_work, owner) == [one.handoff.pk]
    session.wake()  # what the recheck does for each of these
    await one.finished()
    assert one.desk()["status"] == "ended"


async def test_the_end_is_repeated_until_the_vendor_confirms_it(talk):
    one = await active(talk)
    one.simulator.fail_next(503, count=2, method="DELETE")

    await one.leave()
    await one.finished()

    deletes = [r.status for r in one.simulator.requests.all() if r.method == "DELETE"]
    assert deletes[:2] == [503, 503]
    assert one.desk()["status"] == "ended"
    assert (await one.now()).vendor_end_until is None


async def test_an_end_that_nobody_could_tell_is_told_by_the_next_worker(talk):
    one = await active(talk)
    await one.kill()
    await one.leave()
    assert one.desk()["status"] == "active"

    await one.serve()
    await one.finished()

    assert one.desk()["status"] == "ended"


async def test_both_sides_may_end_at_once(talk):
    one = await active(talk)

    one.simulator.live_agent_ends(one.desk_id())
    await one.leave()
    await one.finished()

    kinds = [kind for kind, _ in await one.journal()]
    assert kinds.count("SESSION_END") == kinds.count("LIVE_AGENT_LEFT") == 1
    assert (await one.now()).vendor_end_until is None


async def test_cancelling_in_the_queue_leaves_it_and_the_ai_agent_returns(talk):
    one = await talk()
    await one.serve()
    await one.reaches("queued")

    await run_sync(RESPONDER.on_cancel, conversation_id=one.handoff.conversation_id)
    one.wake()
    await one.finished()

    assert one.desk()["status"] == "ended"
    assert (await one.journal())[-1][0] == "POLY_AGENT_JOINED"


async def test_cancelling_while_the_vendor_is_being_asked_leaves_no_conversation_behind(talk):
    one = await talk()
    one.simulator.set_latency(ms=80)
    await one.serve()
    await one.reaches("connecting")

    await run_sync(RESPONDER.on_cancel, conversation_id=one.handoff.conversation_id)
    await one.finished()

    assert [c["status"] for c in one.simulator.desk_conversations()] == ["ended"]
    assert (await one.journal())[-1][0] == "POLY_AGENT_JOINED"


async def test_nothing_pending_is_lost_when_the_vendor_speaks_after_the_stop_word(talk):
    one = await active(talk, after_agent="return_to_bot", stop_word="stop")
    one.simulator.fail_next(503, count=1, path_prefix=CONVERSATIONS, path_suffix="/message")

    await one.write("One more thing")
    await one.write("stop")
    one.simulator.live_agent_says(one.desk_id(), text="Wait!")
    await one.finished()

    assert one.at_desk()[-1] == "One more thing"
    assert set(await one.statuses()) <= {"sent", "delivered", "read"}


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

    await eventually_async(lambda: _is(one.said_by_agent, ["one", "two", "three"]))


async def test_repeated_and_swapped_events_are_shown_once(talk):
    one = await active(talk)

    one.simulator.duplicate_next()
    one.simulator.live_agent_says(one.desk_id(), text="twice")
    await eventually_async(one.said_by_agent)
    one.simulator.swap_next_two()
    for text in ("a", "b", "last"):
        one.simulator.live_agent_says(one.desk_id(), text=text)
    await eventually_async(lambda: _async_contains(one.said_by_agent, "last"))

    assert sorted(await one.said_by_agent()) == ["a", "b", "last", "twice"]


async def _is(read: Callable[..., Any], wanted: list[str]) -> bool:
    return await read() == wanted


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
    await one.finished()

    assert (await one.now()).end_reason == "vendor_closed"
    assert [kind for kind, _ in await one.journal()][-2:] == ["LIVE_AGENT_LEFT", "SESSION_END"]


async def test_what_nobody_understands_stops_nothing(talk):
    one = await active(talk)

    one.simulator.send_unknown_event()
    one.simulator.live_agent_says(one.desk_id(), text="nul \x00 and lone \ud800")
    one.simulator.live_agent_says(one.desk_id(), text="and on")

    await eventually_async(lambda: _async_contains(one.said_by_agent, "and on"))


async def test_the_next_worker_goes_on_where_a_killed_one_stopped(talk):
    one = await active(talk)
    one.simulator.live_agent_says(one.desk_id(), text="one")
    await eventually_async(one.said_by_agent)
    await one.kill()
    one.simulator.live_agent_says(one.desk_id(), text="two")
    await one.write("While nobody listened")

    await one.serve()

    await one.arrives("While nobody listened")
    await eventually_async(lambda: _is(one.said_by_agent, ["one", "two"]))


async def test_a_session_whose_lease_was_taken_stops_and_sends_nothing(talk):
    one = await active(talk)
    old = one._tasks[-1]
    owner = (await one.now()).owner_id
    await run_sync(worker_stop, owner)

    lease = await one.serve()
    one.simulator.live_agent_says(one.desk_id(), text="Who listens?")
    await asyncio.wait_for(old, 10)

    await eventually_async(lambda: _is(one.said_by_agent, ["Who listens?"]))
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
    await eventually_async(_is_connected)
    await again.close()


async def _is_connected() -> bool:
    row = await run_sync(Integration.objects.get)
    return (row.status, row.last_error_code) == ("connected", "")


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
