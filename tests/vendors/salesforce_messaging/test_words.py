"""Words that must arrive: duplicates, sessions opened again, long lines, late failures."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from integrations.contract.connector import OutboundAttachment, ReceiptKind, VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    ConversationGoneError,
    RateLimitedError,
)
from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentMessage,
    LiveAgentMessageEdited,
    MessageEchoed,
    MessageFailed,
    SystemNotice,
)
from integrations.contract.rich_content import Answer, Author
from tests.contract.bench import Bench, outbound, running_bench, until

FORM = [{"name": "Order_Ref", "type": "Text", "required": True, "maxLength": 40, "order": 1}]
REFERENCE = {"attributes": {"Order_Ref": "BL-20931"}}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("salesforce_messaging") as bench:
        yield bench


async def bodies(bench: Bench, ending: str = "/message") -> list[dict]:
    rows = await bench.desk("GET", "/requests")
    return [json.loads(row["body"]) for row in rows if row["path"].endswith(ending)]


def attachment(content: bytes = b"hello") -> OutboundAttachment:
    return OutboundAttachment(
        attachment_id="0d9d3c0a-5f1f-4f9d-8c33-0a6f1b7e2c55",
        file_name="スクリーンショット 2.02.18 PM.png",
        mime_type="image/png",
        content=content,
        public_url="https://portal.example.org/files/1",
    )


# -- A duplicate is no delivery --------------------------------------------------------------------


async def test_first_attempt_called_a_duplicate_is_not_sent_until_it_stands_in_the_list(
    bench: Bench,
):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    message = outbound("Are you there?")
    await bench.fault("fail_next", status=409, path_suffix="/message")

    with pytest.raises(CannotConnectError):
        await connector.send_message(session, message)
    assert "Are you there?" not in await bench.said_by(session, "end_user")
    await connector.send_message(session, message)

    assert (await bench.said_by(session, "end_user")).count("Are you there?") == 1


async def test_repeat_that_is_called_a_duplicate_is_sent_because_the_list_has_it(bench: Bench):
    await bench.desk("POST", "/config", duplicate_message_status=409)
    connector = bench.connector()
    session, _ = await bench.started(connector)
    message = outbound("Once")

    await connector.send_message(session, message)
    await connector.send_message(session, message)
    await connector.send_attachment(session, attachment())
    await connector.send_attachment(session, attachment())

    assert (await bench.said_by(session, "end_user")).count("Once") == 1


async def test_file_called_a_duplicate_that_is_not_there_is_not_sent(bench: Bench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    await bench.fault("fail_next", status=409, path_suffix="/file")

    with pytest.raises(CannotConnectError):
        await connector.send_attachment(session, attachment())


# -- A session that is opened again ----------------------------------------------------------------


async def waiting_without_a_session(bench: Bench) -> tuple[VendorSession, Bench]:
    await bench.desk("POST", "/config", session_prechat=True, prechat_fields=FORM)
    session, _ = await bench.started(bench.connector(), accept=False, routing=REFERENCE)
    await bench.act(session, "lose_session")
    return session, bench


async def test_session_opened_again_carries_the_values_of_the_pre_chat_form(bench: Bench):
    session, _ = await waiting_without_a_session(bench)

    await bench.connector().send_message(session, outbound("Still there?"))

    row = await bench.seen_by_agent(session)
    assert row["attributes"]["Order_Ref"] == "BL-20931"
    assert row["attributes"]["Chat_Consumer_Type"] == "unauthenticated"
    assert (row["status"], len(row["sessions"])) == ("queued", 2)


async def test_file_opens_no_session_so_its_address_does(bench: Bench):
    session, _ = await waiting_without_a_session(bench)
    # What the simulated file endpoint does not ask, a session over pre-chat does.
    await bench.fault("fail_next", status=417, path_suffix="/file")

    await bench.connector().send_attachment(session, attachment())

    row = await bench.seen_by_agent(session)
    assert row["messages"][-1]["text"].endswith("https://portal.example.org/files/1")
    assert row["attributes"]["Order_Ref"] == "BL-20931"


async def test_once_a_live_agent_was_there_nothing_is_opened_again(bench: Bench):
    await bench.desk("POST", "/config", session_prechat=True)
    connector = bench.connector()
    _, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await bench.act(listener.session, "lose_session")
    await bench.fault("fail_next", status=417, path_suffix="/file")

    with pytest.raises(ConversationGoneError):
        await connector.send_message(listener.session, outbound("Still there?"))
    with pytest.raises(ConversationGoneError):
        await connector.send_attachment(listener.session, attachment())


# -- Long lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["a", "ü", '"', "漢", "👨‍👩‍👧"])
async def test_long_line_arrives_whole_in_order_and_once_whatever_its_letters(
    bench: Bench, letter: str
):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    text = " ".join(f"{number}{letter * 10}" for number in range(1200))
    message = outbound(text)
    before = len(await bench.said_by(session, "end_user"))

    await bench.fault("fail_next", status=503, path_suffix="/message", skip=1)
    with pytest.raises(CannotConnectError):
        await connector.send_message(session, message)
    await connector.send_message(session, message)

    parts = (await bench.said_by(session, "end_user"))[before:]
    assert "".join(parts) == text
    assert len(parts) > 1
    sent = await bench.desk("GET", "/requests")
    assert max(len(row["body"].encode()) for row in sent) <= 8192


async def test_receipts_of_a_long_line_are_those_of_its_last_part(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    message = outbound("x " * 6000)

    await connector.send_message(session, message)

    await until(
        lambda: message.message_id in {e.vendor_message_id for e in listener.of(MessageEchoed)}
    )


async def test_long_line_fits_beside_attributes_that_are_large(bench: Bench):
    large = {"attributes": {f"A{number}": "x" * 900 for number in range(5)}}
    await bench.desk("POST", "/config", session_prechat=True)
    connector = bench.connector()
    session, _ = await bench.started(connector, accept=False, routing=large)
    await bench.act(session, "lose_session")

    await connector.send_message(session, outbound("long " * 1500))

    row = await bench.seen_by_agent(session)
    assert "".join(m["text"] for m in row["messages"]).endswith("long " * 1500)
    assert row["attributes"]["A4"] == "x" * 900


# -- What comes late -------------------------------------------------------------------------------


async def test_delivery_and_upload_that_fail_late_are_told_of_the_message(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    message = outbound("Hello?")
    await connector.send_message(session, message)
    await bench.act(session, "fail_delivery", error_code="NOBODY_THERE")
    await connector.send_attachment(session, attachment())
    await bench.act(session, "fail_upload", error_type="StorageLimitExceeded")

    first, second = await listener.wait_for(MessageFailed, 2)

    assert first.vendor_message_id == message.message_id
    assert first.reason.startswith("NOBODY_THERE")
    assert second.vendor_message_id == attachment().attachment_id
    assert second.reason == "StorageLimitExceeded"


@pytest.mark.parametrize("is_same_worker", [True, False])
async def test_part_of_a_long_line_that_fails_late_is_told_of_the_whole_line(
    bench: Bench, is_same_worker: bool
):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    message = outbound("x " * 9000)
    await connector.send_message(session, message)
    await connector.send_message(session, outbound("Hello?"))
    if not is_same_worker:
        await listener.stop()
        listener = bench.listen(bench.connector(), listener.session)
    said = (await bench.seen_by_agent(session))["messages"]
    first, second = [one["id"] for one in said if one["text"].startswith("x x")][:2]

    for failed in (first, second):
        await bench.act(session, "fail_delivery", message_id=failed)

    told = await listener.wait_for(MessageFailed, 2)
    assert [one.vendor_message_id for one in told] == [message.message_id] * 2
    assert message.message_id not in (first, second)


async def test_edit_names_the_message_it_is_about(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await bench.act(session, "say", text="Helo")
    await bench.act(session, "edit", text="Hello")

    [edit] = await listener.wait_for(LiveAgentMessageEdited)

    [message] = listener.of(LiveAgentMessage)
    assert (edit.vendor_message_id, edit.text) == (message.vendor_message_id, "Hello")


async def test_silence_is_warned_of_and_an_end_after_it_is_the_vendors_idle(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await bench.act(session, "idle")
    await listener.wait_for(IdleWarning)
    assert listener.of(SystemNotice)
    await bench.act(session, "idle")

    [end] = await listener.wait_for(ConversationEnded)

    assert end.cause == "vendor_idle"


async def test_live_agents_who_write_in_turn_join_once_and_keep_their_names(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await bench.act(session, "conference", agent_name="Sam Achterberg")
    for name in ("Sam Achterberg", "Noor Halvorsen", "Sam Achterberg"):
        await bench.act(session, "say", text="Hi", agent_name=name)

    said = await listener.wait_for(LiveAgentMessage, 3)

    assert [one.agent_name for one in said] == [
        "Sam Achterberg",
        "Noor Halvorsen",
        "Sam Achterberg",
    ]
    assert len(listener.of(LiveAgentJoined)) == 2


async def test_receipt_that_nobody_can_get_a_message_asks_nothing_of_salesforce(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Hi")
    [message] = await listener.wait_for(LiveAgentMessage)

    await connector.send_receipt(session, message.vendor_event_id, ReceiptKind.FAILED)

    assert await bodies(bench, "/acknowledge-entries") == []


async def test_expired_token_that_the_stream_tells_of_is_replaced_at_once(bench: Bench):
    _, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    started = time.monotonic()

    await bench.fault("expired_item")
    await until(lambda: listener.error or listener.has_returned)

    # An anonymous end user has no second token: the conversation is out of reach, and it is known.
    assert isinstance(listener.error, ConversationGoneError)
    assert time.monotonic() - started < 4


# -- Both ways -------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", [False, True])
async def test_offer_is_taken_and_the_live_agents_side_sees_which_option(
    bench: Bench, accept: bool
):
    connector = bench.connector()
    session, listener = await bench.started(connector, accept=accept)
    await bench.act(session, "rich", kind="cards")
    await until(lambda: any(isinstance(e, LiveAgentMessage) for e in listener.events))
    offer = next(e for e in listener.events if isinstance(e, LiveAgentMessage))
    taken = offer.rich.cards[1].choices[0]

    answer = Answer(vendor_message_id=offer.vendor_message_id, token=taken.token, label=taken.label)
    message = replace(outbound(taken.label), answer=answer)
    await connector.send_message(session, message)
    await connector.send_message(session, message)

    row = await bench.seen_by_agent(session)
    assert offer.by is (Author.LIVE_AGENT if accept else Author.VENDOR_BOT)
    assert [one["answer"]["optionIdentifier"] for one in row["messages"] if "answer" in one] == [
        "opt-2"
    ]


async def test_form_is_filled_in_and_the_live_agents_side_sees_every_value(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "rich", kind="form")
    [offer] = await listener.wait_for(LiveAgentMessage)
    form = offer.rich.form
    assert form is not None
    topic = next(one for one in form.fields if one.name == "topic").options[1]
    values = {
        "name": "Ines",
        "email": "ines@example.org",
        "day": "2026-11-30",
        "topic": topic.token,
    }

    answer = Answer(
        vendor_message_id=offer.vendor_message_id, token=form.token, label="Form", values=values
    )
    await connector.send_message(session, replace(outbound("Form"), answer=answer))

    [shown] = [m for m in (await bench.seen_by_agent(session))["messages"] if "answer" in m]
    assert shown["answer"]["values"] == {**values, "topic": "opt-2"}


async def test_images_of_cards_and_pickers_are_fetched_through_redirects(bench: Bench):
    await bench.desk("POST", "/config", is_file_redirected=True)
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "rich", kind="cards")
    await bench.act(session, "rich", kind="slots")
    cards, slots = await listener.wait_for(LiveAgentMessage, 2)

    for url in (cards.rich.cards[0].image_url, slots.files[0].url):
        assert (await connector.fetch_attachment(session, url)).startswith(b"\x89PNG")


# -- Limits of the vendor's own --------------------------------------------------------------------


async def test_files_may_be_as_large_as_the_channel_says(bench: Bench):
    await bench.desk("POST", "/config", max_file_size=2)
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    limits = connector.attachment_limits(listener.session)

    assert limits is not None
    assert limits.max_bytes == 2 * 1024 * 1024
    assert "image/png" in limits.mime_types
    assert connector.attachment_limits(replace(session, state={})) is None


async def test_refusal_for_too_many_calls_pauses_the_whole_connection_and_nothing_is_lost(
    bench: Bench,
):
    connector = bench.connector()
    one, _ = await bench.started(connector)
    other, _ = await bench.started(connector)
    await bench.fault("fail_next", status=429, path_suffix="/message")
    first, second = outbound("First"), outbound("Second")

    with pytest.raises(RateLimitedError) as caught:
        await connector.send_message(one, first)
    started = time.monotonic()
    await connector.send_typing(other, is_typing=True)
    await connector.send_message(other, second)
    waited = time.monotonic() - started
    await connector.send_message(one, first)

    assert 0 < (caught.value.retry_after or 0) <= waited + 0.1
    assert await bodies(bench, "/entry") == []
    assert (await bench.said_by(one, "end_user"))[-1] == "First"
    assert (await bench.said_by(other, "end_user"))[-1] == "Second"
