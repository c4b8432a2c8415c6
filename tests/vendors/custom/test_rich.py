"""What the desk offers arrives as rich content, and what is taken of it is understood there."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from integrations.contract.connector import OutboundMessage
from integrations.contract.errors import RejectedError
from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentMessage,
    LiveAgentMessageDeleted,
    LiveAgentMessageEdited,
    MessageFailed,
)
from integrations.contract.rich_content import Answer, Author, Markup
from integrations.simulators.desk import RICH_KINDS
from tests.contract.bench import Bench, until
from tests.contract.webhook_bench import running_webhook_bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_webhook_bench("custom") as bench:
        yield bench


def said(answer: Answer | None, text: str) -> OutboundMessage:
    return OutboundMessage(
        message_id=str(uuid.uuid4()), text=text, sent_at=datetime.now(UTC), answer=answer
    )


async def test_each_kind_arrives_and_what_is_taken_of_it_is_on_the_desk(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    for number, kind in enumerate(RICH_KINDS, start=1):
        await bench.act(session, "rich", kind=kind)
        await listener.wait_for(LiveAgentMessage, number)

    choices, cards, slots, form, markdown, image = listener.of(LiveAgentMessage)
    assert form.rich.form is not None
    assert (markdown.markup, image.files[0].file_name) == (Markup.MARKDOWN, "parcel.png")
    assert await connector.fetch_attachment(session, image.files[0].url)
    taken = [
        (choices, choices.rich.choices[0].token, {}),
        (cards, cards.rich.cards[1].choices[0].token, {}),
        (slots, slots.rich.slots[2].token, {}),
        (form, form.rich.form.token, {"street": "Mill Lane 4", "when": "evening"}),
    ]
    answers = [
        Answer(vendor_message_id=one.vendor_message_id, token=token, label="This", values=values)
        for one, token, values in taken
    ]
    for answer in answers:
        await connector.send_message(session, said(answer, "This"))
    desk = await bench.seen_by_agent(session)
    on_desk = [message["answer"] for message in desk["messages"] if "answer" in message]
    assert [one["id"] for one in on_desk] == ["yes", "shop", "slot-3", "address"]
    assert on_desk[3]["values"] == {"street": "Mill Lane 4", "when": "evening"}
    with pytest.raises(RejectedError):
        await connector.send_message(session, said(replace(answers[0], token="none"), "This"))


async def test_before_anybody_joins_the_bot_offers(bench: Bench):
    session, listener = await bench.started(bench.connector(), accept=False)

    await bench.act(session, "rich", kind="choices")
    await until(lambda: listener.of_bots())

    [offer] = listener.of_bots()
    assert (offer.by, offer.agent_name) == (Author.VENDOR_BOT, "Desk bot")


async def test_changes_failures_warnings_and_an_end_by_the_clock_are_told(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Monday")
    [message] = await listener.wait_for(LiveAgentMessage)
    sent = said(None, "Hello?")
    await connector.send_message(session, sent)

    await bench.act(session, "edit", text="Tuesday")
    await bench.act(session, "delete")
    await bench.act(session, "fail", reason="mailbox_full")
    await bench.act(session, "idle", seconds_left=30)
    await bench.act(session, "time_out", cause="time_limit")

    [end] = await listener.wait_for(ConversationEnded)
    [edited], [deleted] = (
        listener.of(LiveAgentMessageEdited),
        listener.of(LiveAgentMessageDeleted),
    )
    assert edited.vendor_message_id == deleted.vendor_message_id == message.vendor_message_id
    assert (edited.text, end.cause) == ("Tuesday", "vendor_time_limit")
    [failed], [warning] = listener.of(MessageFailed), listener.of(IdleWarning)
    assert (failed.vendor_message_id, failed.reason) == (sent.message_id, "mailbox_full")
    assert warning.seconds_left == 30
