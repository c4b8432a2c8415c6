"""AWS counts an instance's calls together: a refusal in one chat holds back all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from integrations.contract.connector import (
    Connector,
    OutboundAttachment,
    ReceiptKind,
    VendorSession,
)
from integrations.contract.errors import RateLimitedError
from integrations.contract.events import QueuePositionChanged
from integrations.http.errors import VendorResponse
from integrations.vendors.amazon_connect.client.aws import aws_error
from tests.contract.bench import Bench, handoff_request, outbound, running_bench
from tests.vendors.amazon_connect.test_quirks import TIMING, connector_with
from tests.waiting import eventually_async


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("amazon_connect") as bench:
        yield bench


@pytest.fixture
def connector(bench: Bench) -> Connector:
    return bench.connector()


async def two_chats(bench: Bench, connector: Connector) -> tuple[VendorSession, VendorSession]:
    first, _ = await bench.started(connector)
    second, _ = await bench.started(connector)
    return first, second


async def refuse(bench: Bench, ending: str, **more: Any) -> None:
    await bench.fault("fail_next", status=429, count=1, path_prefix=ending, **more)


async def calls(bench: Bench, path: str) -> int:
    return len([row for row in await bench.desk("GET", "/requests") if row["path"] == path])


async def test_a_refusal_in_one_chat_holds_back_the_others_without_asking(
    bench: Bench, connector: Connector
):
    first, second = await two_chats(bench, connector)
    await refuse(bench, "/participant/message", retry_after=30)

    with pytest.raises(RateLimitedError) as refused:
        await connector.send_message(first, outbound("one"))
    with pytest.raises(RateLimitedError) as held_back:
        await connector.send_message(second, outbound("two"))

    assert await calls(bench, "/participant/message") == 1
    assert refused.value.retry_after == pytest.approx(30, abs=1)
    assert held_back.value.retry_after == pytest.approx(30, abs=5)


async def test_a_refusal_of_one_kind_of_call_holds_back_all_of_the_connection(
    bench: Bench, connector: Connector
):
    first, _ = await two_chats(bench, connector)
    await refuse(bench, "/participant/message", retry_after=30)
    with pytest.raises(RateLimitedError):
        await connector.send_message(first, outbound("one"))
    file = OutboundAttachment(
        attachment_id="file-1", file_name="a.txt", mime_type="text/plain", content=b"a"
    )

    with pytest.raises(RateLimitedError):
        await connector.send_attachment(first, file)
    with pytest.raises(RateLimitedError):
        await connector.start(handoff_request())

    assert await calls(bench, "/participant/start-attachment-upload") == 0
    assert await calls(bench, "/contact/chat") == 2


async def test_a_refused_question_about_the_queue_holds_back_nothing_that_is_said(bench: Bench):
    connector = connector_with(bench, replace(TIMING, queue_first=0.01, queue=0.01))
    await refuse(bench, "/metrics/contact", retry_after=30)
    session, listener = await bench.started(connector, accept=False)
    await eventually_async(lambda: calls(bench, "/metrics/contact"))

    await connector.send_message(session, outbound("one"))

    assert (await bench.said_by(session, "end_user"))[-1] == "one"
    assert not listener.of(QueuePositionChanged)


async def test_a_short_pause_is_waited_out_and_the_message_arrives(
    bench: Bench, connector: Connector
):
    first, second = await two_chats(bench, connector)
    await refuse(bench, "/participant/message")
    with pytest.raises(RateLimitedError):
        await connector.send_message(first, outbound("one"))

    await connector.send_message(second, outbound("two"))

    assert (await bench.said_by(second, "end_user"))[-1] == "two"


async def test_typing_and_receipts_are_dropped_during_a_pause(bench: Bench, connector: Connector):
    first, second = await two_chats(bench, connector)
    await refuse(bench, "/participant/message", retry_after=30)
    with pytest.raises(RateLimitedError):
        await connector.send_message(first, outbound("one"))
    before = await calls(bench, "/participant/event")

    await connector.send_typing(second, is_typing=True)
    await connector.send_receipt(second, "item-1", ReceiptKind.READ)

    assert await calls(bench, "/participant/event") == before


async def test_a_full_contact_centre_holds_back_nobody(bench: Bench, connector: Connector):
    await bench.desk("POST", "/config", concurrent_chats=0)
    with pytest.raises(RateLimitedError):
        await connector.start(handoff_request())
    await bench.desk("POST", "/config", concurrent_chats=9)

    session = await connector.start(handoff_request())

    assert session.vendor_conversation_id
    assert await calls(bench, "/contact/chat") == 2


def test_a_refusal_may_say_in_its_body_how_long_to_wait():
    response = VendorResponse(
        operation="SendMessage",
        status=429,
        headers={"x-amzn-ErrorType": "ThrottlingException"},
        body=b'{"Message": "Rate exceeded, try again in 7 seconds"}',
    )

    error = aws_error(response, {})

    assert isinstance(error, RateLimitedError)
    assert error.retry_after == 7
