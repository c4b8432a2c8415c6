"""Messages, files and receipts to Zendesk: once, whole, and within its limits."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from integrations.connections.pauses import StoredPauses
from integrations.contract.connector import ReceiptKind
from integrations.contract.errors import CannotConnectError, InvalidAuthError, RateLimitedError
from integrations.contract.events import (
    LiveAgentMessage,
    MessageEchoed,
    SystemNotice,
)
from integrations.kit.cutting import utf16_units
from tests.contract.bench import outbound, until
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench
from tests.vendors.zendesk.connector_harness import (
    attachment,
    calls,
)


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("zendesk") as bench:
        yield bench


# ---- sending ----


async def test_message_whose_answer_was_lost_is_found_and_not_sent_again(bench: WebhookBench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    message = outbound("Once")
    await bench.fault("fail_next", status=503, count=1, path_suffix="/messages", after_accept=True)

    with pytest.raises(CannotConnectError):
        await connector.send_message(session, message)
    await connector.send_message(session, message)

    assert (await bench.said_by(session, "end_user")) == ["Once"]


async def test_another_worker_looks_before_it_repeats_the_last_message(bench: WebhookBench):
    first = bench.connector()
    session, _ = await bench.started(first)
    message = outbound("Sent, and then the worker died")
    await first.send_message(session, message)

    second = bench.connector()
    await second.send_message(session, message)
    await second.send_message(session, outbound("Next"))

    assert (await bench.said_by(session, "end_user")) == ["Sent, and then the worker died", "Next"]
    assert len(await calls(bench, "/messages", "GET")) == 1


async def test_long_text_arrives_whole_in_parts_that_fit_and_only_missing_parts_are_repeated(
    bench: WebhookBench,
):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    message = outbound("Grüße \U0001f44b\U0001f3fd " * 1200)
    await connector.send_message(session, outbound("warm up"))
    await bench.fault("fail_next", status=500, count=1, path_suffix="/messages", after_accept=True)

    with pytest.raises(CannotConnectError):
        await connector.send_message(session, message)
    await connector.send_message(session, message)

    parts = (await bench.said_by(session, "end_user"))[1:]
    assert "".join(parts) == message.text
    assert len(parts) > 2
    assert all(utf16_units(part) <= 4096 for part in parts)


async def test_echo_proves_that_a_message_arrived(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    message = outbound("Echo?")

    await connector.send_message(session, message)
    await until(
        lambda: message.message_id in {e.vendor_message_id for e in listener.of(MessageEchoed)}
    )

    assert listener.texts == []
    assert listener.of(SystemNotice) == []


async def test_reading_is_told_and_delivery_is_not(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Read me")
    [said] = await listener.wait_for(LiveAgentMessage)

    await connector.send_receipt(session, said.vendor_event_id, ReceiptKind.DELIVERED)
    before = len(await calls(bench, "/activity"))
    await connector.send_receipt(session, said.vendor_event_id, ReceiptKind.READ)

    assert before == 0
    assert len(await calls(bench, "/activity")) == 1


# ---- files ----


@pytest.mark.parametrize(
    ("name", "mime_type"), [("label.pdf", "application/pdf"), ("photo.png", "image/png")]
)
async def test_file_of_the_end_user_arrives_once(bench: WebhookBench, name: str, mime_type: str):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    await bench.fault("fail_next", status=503, count=1, path_suffix="/messages", after_accept=True)

    with pytest.raises(CannotConnectError):
        await connector.send_attachment(session, attachment(name, mime_type))
    await connector.send_attachment(session, attachment(name, mime_type))

    row = await bench.seen_by_agent(session)
    files = [file for message in row["messages"] for file in message["attachments"]]
    assert len(files) == 1
    assert len(await calls(bench, "/attachments")) == 1


@pytest.mark.parametrize("is_private", [False, True])
async def test_file_of_the_live_agent_is_fetched(bench: WebhookBench, is_private: bool):
    await bench.desk("POST", "/config", private_attachments=is_private)
    connector = bench.connector()
    session, listener = await bench.started(connector)
    content = "aGVsbG8gbGFiZWw="

    await bench.act(
        session, "file", name="label.txt", mime_type="text/plain", content_base64=content
    )
    [file] = await listener.wait_for_files()

    assert file.mime_type == "text/plain"
    assert await connector.fetch_attachment(session, file.url) == b"hello label"


async def test_key_goes_to_zendesks_own_host_alone(bench: WebhookBench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    elsewhere = bench.url.replace("127.0.0.1", "localhost")
    await bench.fault("fail_next", status=401, count=2, path_prefix="/nowhere")

    with pytest.raises(InvalidAuthError):
        await connector.fetch_attachment(session, f"{elsewhere}/nowhere/label.txt")

    tried = await calls(bench, "/label.txt", "GET")
    headers = [{key.lower() for key in dict(row["headers"])} for row in tried]
    assert len(tried) == 2
    assert not any("authorization" in names for names in headers)


# ---- limits ----


async def test_one_refusal_holds_back_every_conversation_of_the_connection(bench: WebhookBench):
    connector = bench.connector()
    first, _ = await bench.started(connector)
    second, _ = await bench.started(connector)
    await bench.fault("fail_next", status=429, count=1, path_suffix="/messages", retry_after=7)

    with pytest.raises(RateLimitedError) as told:
        await connector.send_message(first, outbound("One"))
    before = len(await calls(bench, "/messages"))
    with pytest.raises(RateLimitedError) as held:
        await connector.send_message(second, outbound("Two"))

    assert told.value.retry_after == pytest.approx(7, abs=0.5)
    assert held.value.retry_after == pytest.approx(7, abs=0.5)
    assert len(await calls(bench, "/messages")) == before


async def test_a_refusal_holds_back_the_other_workers_of_the_app(bench: WebhookBench):
    bench.pauses = StoredPauses("zendesk")
    session, _ = await bench.started(bench.connector())
    await bench.fault("fail_next", status=429, count=1, path_suffix="/messages", retry_after=7)
    with pytest.raises(RateLimitedError):
        await bench.connector().send_message(session, outbound("One"))
    before = len(await calls(bench, "/messages"))

    with pytest.raises(RateLimitedError) as held:
        await bench.connector().send_message(session, outbound("Two"))

    assert held.value.retry_after == pytest.approx(7, abs=0.5)
    assert len(await calls(bench, "/messages")) == before


async def test_pauses_grow_where_zendesk_names_none_and_end_with_the_trouble(bench: WebhookBench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    message = outbound("Patience")
    await bench.fault("fail_next", status=429, count=3, path_suffix="/messages")
    pauses, started = [], time.monotonic()

    for _ in range(3):
        with pytest.raises(RateLimitedError) as caught:
            await connector.send_message(session, message)
        pauses.append(caught.value.retry_after or 0)
    await connector.send_message(session, message)

    assert pauses[0] < pauses[2]
    assert time.monotonic() - started >= sum(pauses[:2])
    assert await bench.said_by(session, "end_user") == ["Patience"]
