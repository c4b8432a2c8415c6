"""What is special about a BYOC channel: polls and calls as one story, tokens, repeats, its test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from integrations.contract.connector import (
    EndReason,
    EndUserIdentity,
    OutboundAttachment,
    OutboundMessage,
    ReceiptKind,
)
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentMessage,
    TransferStarted,
)
from integrations.contract.rich_content import Answer
from tests.contract.bench import handoff_request, outbound, until
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench
from tests.waiting import eventually_async

FILE = OutboundAttachment(
    attachment_id="0b0f3a52-5d5c-4f0c-8a44-52d0b1c9d7aa",
    file_name="label.txt",
    mime_type="text/plain",
    content=b"hello",
)


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("nice_byoc") as bench:
        yield bench


async def codes(bench: WebhookBench, **changes: str) -> dict[str, str]:
    return {r.name: r.code async for r in bench.connector(**changes).test_connection()}


async def test_the_older_reply_call_brings_messages_too(bench: WebhookBench):
    await bench.desk("POST", "/config", uses_outbound_api=False, asks_with_form=True)
    session, listener = await bench.started(bench.connector())

    await bench.act(session, "say", text="By the old way")
    await listener.wait_for(LiveAgentMessage)

    assert listener.texts == ["By the old way"]
    assert [m["delivered"] for m in (await bench.seen_by_agent(session))["messages"]][-1]


async def test_the_same_words_twice_are_two_messages_and_a_repeated_call_is_one(
    bench: WebhookBench,
):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)

    await bench.act(session, "say", text="ok")
    await bench.fault("duplicate_next")
    await bench.act(session, "say", text="ok")
    await listener.wait_for(LiveAgentMessage, 2)
    await bench.act(session, "say", text="last")
    await until(lambda: "last" in listener.texts)

    assert listener.texts == ["ok", "ok", "last"]


async def test_calls_that_never_come_are_found_among_the_contacts_messages(bench: WebhookBench):
    session, listener = await bench.started(bench.connector())
    await bench.desk("POST", "/config", box_url="")

    await bench.act(session, "say", text="Nobody calls")
    await listener.wait_for(LiveAgentMessage)
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    assert listener.texts == ["Nobody calls"]
    assert len(listener.of(ConversationEnded)) == 1


async def test_messages_come_through_while_the_record_cannot_be_read(bench: WebhookBench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    await bench.fault("fail_next", status=500, count=1000, path_suffix="/messages")

    await bench.act(session, "say", text="From the call alone")
    await until(lambda: "From the call alone" in listener.texts)
    await bench.fault("clear")
    await bench.act(session, "say", text="And with the record")
    await until(lambda: "And with the record" in listener.texts)

    assert listener.texts == ["From the call alone", "And with the record"]


async def test_tokens_of_both_sides_may_expire_in_the_middle(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    await bench.fault("expire_tokens")
    await bench.act(session, "say", text="after")
    await connector.send_message(session, outbound("still"))
    await listener.wait_for(LiveAgentMessage)

    assert listener.texts == ["after"]
    assert (await bench.said_by(session, "end_user"))[-1] == "still"
    assert {401, 200} <= set(bench.portal.answers)


async def test_a_message_stores_nothing_of_what_is_still_to_be_told(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    after = await connector.send_message(session, outbound("Hello?"))

    # Whoever takes over from here tells of the live agent anew.
    assert after == session


async def test_an_answer_goes_back_with_its_postback_and_a_file_with_its_name(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "rich", kind="choices")
    [message] = await listener.wait_for(LiveAgentMessage)
    yes = message.rich.choices[0]
    answer = Answer(vendor_message_id=message.vendor_message_id, token=yes.token, label=yes.label)
    sent = outbound(yes.label)

    await connector.send_message(
        session,
        OutboundMessage(
            message_id=sent.message_id, text=sent.text, sent_at=sent.sent_at, answer=answer
        ),
    )
    await connector.send_attachment(session, FILE)
    await connector.send_attachment(session, FILE)

    said = (await bench.seen_by_agent(session))["messages"]
    assert [m["answer"] for m in said if "answer" in m] == [{"label": "Yes", "postback": "PB-yes"}]
    assert [f["name"] for m in said for f in m["attachments"]] == ["label.txt"]


async def test_a_receipt_says_that_nobody_can_get_a_message_any_more(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Too late")
    [message] = await listener.wait_for(LiveAgentMessage)

    async def has_failed() -> bool:
        # Until our id has reached CXone, nothing can be said of the message.
        kind = ReceiptKind.FAILED
        await connector.send_receipt(listener.session, message.vendor_event_id, kind)
        return bool((await bench.seen_by_agent(session))["messages"][-1]["failed"])

    await eventually_async(has_failed)


async def test_a_transfer_to_a_queue_is_told_and_resolved_ends_by_setting(bench: WebhookBench):
    session, listener = await bench.started(bench.connector(end_on_resolved="false"))
    await listener.wait_for(LiveAgentJoined)
    await bench.act(session, "transfer", queue="Billing")
    await listener.wait_for(TransferStarted)
    await bench.act(session, "accept", agent_name="Sam Achterberg")
    await listener.wait_for(LiveAgentJoined, 2)

    await bench.act(session, "resolve")
    await bench.connector(end_on_resolved="false").send_message(session, outbound("One more"))
    await bench.act(session, "accept", agent_name="Noor Halvorsen")
    await listener.wait_for(LiveAgentJoined, 3)

    assert listener.of(ConversationEnded) == []
    again = bench.listen(bench.connector(), listener.session)
    await bench.act(session, "resolve")
    await until(lambda: again.has_returned)


async def test_an_end_user_who_is_vouched_for_keeps_contacts_of_other_handoffs(
    bench: WebhookBench,
):
    person = EndUserIdentity(external_id="u-7", is_verified=True, name="Ines Okafor")
    connector = bench.connector()
    first = await connector.start(handoff_request(end_user=person))
    second = await connector.start(handoff_request(end_user=person))

    await connector.end(first, EndReason.END_USER_ENDED)

    rows: list[dict[str, Any]] = await bench.desk("GET", "/conversations")
    assert [row["status"] for row in rows] == ["ended", "queued"]
    assert {row["end_user"]["subject"] for row in rows} == {"portal-u-7"}
    await connector.end(replace(second, state={**second.state}), EndReason.END_USER_ENDED)


async def test_the_test_names_a_missing_channel_and_another_integration(bench: WebhookBench):
    other = "3d0f5a52-0000-4f0c-8a44-52d0b1c9d7aa"

    assert await codes(bench) == {"token": "ok", "channel": "ok"}
    assert (await codes(bench, channel_id="x"))["channel"] == "invalid_routing"
    assert (await codes(bench, integration_id=other))["channel"] == "wrong_type"
    assert await codes(bench, client_secret="x") == {"token": "invalid_auth", "channel": "skipped"}
