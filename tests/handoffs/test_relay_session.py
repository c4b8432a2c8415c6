"""One relay session against the strict simulator: the whole journey, and its ends."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from channels.layers import get_channel_layer

from conversations.event_loop.executor import run_sync
from conversations.journal.publish import conversation_group
from handoffs.models import VendorEvent
from handoffs.relay.leases import handoffs_with_work
from handoffs.relay.started_session import session_merged
from integrations.contract.connector import OutboundMessage, VendorSession
from integrations.contract.rich_content import Choice, FieldKind, Form, FormField, RichContent
from integrations.models import Integration, VendorCall
from integrations.vendors.salesforce_messaging.connector import SalesforceMessagingConnector
from tests.handoffs.talk import RESPONDER, Talk, active, holds, is_connected
from tests.handoffs.test_offers import offer, take
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
CONVERSATIONS = "/iamessage/api/v2/conversation"


# ---- the journey ----


async def test_the_answer_to_a_form_leaves_masked_but_for_what_was_chosen(talk, monkeypatch):
    sent: list[OutboundMessage] = []

    async def send(_: object, session: VendorSession, message: OutboundMessage) -> VendorSession:
        sent.append(message)
        return session

    monkeypatch.setattr(SalesforceMessagingConnector, "send_message", send)
    one = await active(talk, mask_cards=True, mask_emails=True)
    token = Choice(label="Yes", token="4111111111111111")
    asked = Form(
        title="Who are you?",
        token="t-form",
        fields=(
            FormField(name="mail", label="E-mail", kind=FieldKind.EMAIL),
            FormField(name="pay", label="Paid with", kind=FieldKind.TEXT),
            FormField(name="again", label="Again?", kind=FieldKind.SELECT, options=(token,)),
        ),
    )

    told = await run_sync(offer, one.handoff, RichContent(form=asked))
    values = {"mail": "ines@example.org", "pay": "4111 1111 1111 1111", "again": "f3o1"}
    await run_sync(partial(take, one.handoff, "f1", told, values=values))
    one.wake()
    await eventually_async(lambda: bool(sent))

    masked = {"mail": "[e-mail address]", "pay": "[card number, ends in 1111]"}
    text = f"E-mail: {masked['mail']}\nPaid with: {masked['pay']}\nAgain?: Yes"
    [message] = sent
    assert message.answer is not None
    assert (message.text, message.answer.label) == (text, text)
    assert message.answer.values == {**masked, "again": token.token}


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

    await eventually_async(is_connected)


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

    await eventually_async(lambda: holds(recorded, "send_message"))
    assert "4111 1111" not in await recorded()  # ids may hold four of its digits
    assert "parcel" not in await recorded()


async def test_a_worker_that_stops_in_good_order_waits_for_the_answer_and_begins_nothing(talk):
    one = await active(talk)
    one.simulator.set_latency(ms=400)
    await one.write("On its way")
    await eventually_async(lambda: any("On its way" in r.body for r in calls(one)))
    await one.write("Left to the next worker")

    await one.session.finish_sending()
    statuses = await one.statuses()
    await one.kill()

    assert [status == "pending" for status in statuses[-2:]] == [False, True]
    one.simulator.set_latency(ms=0)
    await one.serve()
    await one.arrives("On its way", "Left to the next worker")
    assert len([r for r in calls(one) if "On its way" in r.body]) == 1


def calls(one: Talk) -> list[Any]:
    return list(one.simulator.requests.all())


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
    signal(one, "away")  # which this vendor cannot show
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


# ---- what sender and listener make of one session ----


def test_neither_side_takes_back_what_the_other_has_changed_meanwhile():
    before = VendorSession(
        vendor_conversation_id="v1", cursor="7", state={"agent": "Noor", "user": "u1"}, keys=("v1",)
    )
    heard = VendorSession(
        vendor_conversation_id="v2", cursor="8", state={"agent": "Ruth", "user": "u1"}, keys=("v1",)
    )
    sent = VendorSession(
        vendor_conversation_id="v1",
        cursor="7",
        state={"agent": "Noor", "user": "u2"},
        keys=("v1", "u2"),
    )

    both = VendorSession(
        vendor_conversation_id="v2",
        cursor="8",
        state={"agent": "Ruth", "user": "u2"},
        keys=("v1", "u2"),
    )
    assert session_merged(heard, before, sent) == both
    assert session_merged(sent, before, heard) == both
