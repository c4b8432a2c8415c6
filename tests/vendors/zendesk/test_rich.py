"""Each kind that Zendesk can send, from the simulated account to our events and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from integrations.contract.connector import VendorSession
from integrations.contract.events import LiveAgentMessage, MessageFailed
from integrations.contract.rich_content import Answer, Author
from tests.contract.bench import Listener, outbound, until
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench

KINDS = ("choices", "cards", "form", "markdown", "image", "list", "links", "postback", "html")


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("zendesk") as bench:
        yield bench


async def said(listener: Listener, count: int = 1) -> list[LiveAgentMessage]:
    def messages() -> list[LiveAgentMessage]:
        return [event for event in listener.events if isinstance(event, LiveAgentMessage)]

    await until(lambda: len(messages()) >= count)
    return messages()


async def last_answer(bench: WebhookBench, session: VendorSession) -> Any:
    row = await bench.seen_by_agent(session)
    return row["messages"][-1].get("answer")


async def test_each_kind_arrives_with_something_to_show(bench: WebhookBench):
    session, listener = await bench.started(bench.connector())

    for kind in KINDS:
        await bench.act(session, "rich", kind=kind)
    shown = await said(listener, len(KINDS))

    assert all(event.text or event.rich or event.files for event in shown)
    assert {event.by for event in shown} == set(Author)


async def test_choice_goes_back_with_its_payload_and_shows_on_the_desk(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "rich", kind="choices", options=["Oui", "Non \ud83d"])
    [offered] = await said(listener)
    chosen = offered.rich.choices[0]

    answer = Answer(
        vendor_message_id=offered.vendor_message_id, token=chosen.token, label=chosen.label
    )
    await connector.send_message(session, replace(outbound(chosen.label), answer=answer))

    assert offered.by is Author.VENDOR_BOT
    assert await last_answer(bench, session) == {"label": "Oui", "payload": "CHOICE_1"}


async def test_form_goes_back_line_by_line_and_shows_on_the_desk(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "rich", kind="form")
    [offered] = await said(listener)
    form = offered.rich.form
    assert form is not None
    values = {"name": "Ines", "topic": form.fields[3].options[1].token}

    answer = Answer(
        vendor_message_id=offered.vendor_message_id, token=form.token, label="Form", values=values
    )
    await connector.send_message(session, replace(outbound("Form"), answer=answer))

    found = await last_answer(bench, session)
    assert found["fields"] == {"name": "Ines", "topic": "Returns"}
    assert found["form"] == offered.vendor_message_id


async def test_late_failure_is_told_at_our_message(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    message = outbound("Lost on the way")
    await connector.send_message(session, message)

    await bench.act(session, "delivery_failure")
    [failed] = await listener.wait_for(MessageFailed)

    assert failed.vendor_message_id == message.message_id
    assert failed.reason == "uncategorized_error: The channel refused it"


@pytest.mark.parametrize("is_quiet", [False, True])
async def test_merge_of_users_alone_loses_no_word(bench: WebhookBench, is_quiet: bool):
    connector = bench.connector()
    session, listener = await bench.started(connector)

    await bench.act(session, "merge", users_only=True, is_quiet=is_quiet)
    if not is_quiet:
        await until(lambda: listener.session.state.get("user_id"))
    session = await connector.send_message(listener.session, outbound("Still here"))

    assert await bench.said_by(session, "end_user") == ["Still here"]
    assert session.state["user_id"]


async def test_live_agent_without_a_name_has_the_one_of_the_ticketing_system(bench: WebhookBench):
    await bench.desk("POST", "/config", agents_are_nameless=True)
    session, listener = await bench.started(bench.connector())

    await bench.act(session, "say", text="Hello")
    [hello] = await said(listener)

    assert hello.agent_name == "Noor Halvorsen"


@pytest.mark.parametrize("is_private", [False, True])
async def test_file_behind_a_redirect_is_fetched_and_the_key_is_not_sent_along(
    bench: WebhookBench, is_private: bool
):
    switches = {"redirected_attachments": True, "private_attachments": is_private}
    await bench.desk("POST", "/config", **switches)
    connector = bench.connector()
    session, listener = await bench.started(connector)

    await bench.act(
        session, "file", name="a.txt", mime_type="text/plain", content_base64="aGVsbG8="
    )
    [file] = await listener.wait_for_files()

    assert await connector.fetch_attachment(session, file.url) == b"hello"
    tried = [
        (row["method"], row["path"].split("/")[2], "authorization" in dict(row["headers"]))
        for row in await bench.desk("GET", "/requests")
        if row["path"].startswith(("/sc/media/", "/sc/storage/"))
    ]
    with_key = [("GET", "media", True)] if is_private else []
    assert tried == [("GET", "media", False), *with_key, ("GET", "storage", False)]
