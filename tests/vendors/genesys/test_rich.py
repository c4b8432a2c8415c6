"""Rich content through the connector, both ways: what is offered, what was taken, what fails."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.contract.connector import OutboundAttachment, OutboundMessage, ReceiptKind
from integrations.contract.events import LiveAgentJoined, LiveAgentMessage, MessageFailed
from integrations.contract.rich_content import Answer, Author, Choice
from integrations.vendors.genesys.simulator.rich import RICH_MESSAGES
from tests.contract.bench import until
from tests.vendors.genesys.portal import (
    Handoff,
    Portal,
)


async def sent(portal: Portal, handoff: Handoff, kind: str, **fields: Any) -> LiveAgentMessage:
    """Let the vendor send a kind of content, and return what it became."""
    before = len(handoff.of(LiveAgentMessage))
    await portal.act(handoff, "rich", kind=kind, **fields)
    return (await handoff.wait_for(LiveAgentMessage, before + 1))[before]


async def take(
    handoff: Handoff, event: LiveAgentMessage, token: str, label: str, **values: str
) -> OutboundMessage:
    """Take what a message offers, as the end user."""
    answer = Answer(
        vendor_message_id=event.vendor_message_id, token=token, label=label, values=values
    )
    message = OutboundMessage(
        message_id=str(uuid.uuid4()), text=label, sent_at=datetime.now(UTC), answer=answer
    )
    await handoff.connector.send_message(handoff.session, message)
    return message


async def last_said(portal: Portal, handoff: Handoff) -> dict[str, Any]:
    return (await portal.conversation(handoff))["messages"][-1]


def replies(event: LiveAgentMessage) -> list[Choice]:
    cards = [choice for card in event.rich.cards for choice in card.choices]
    return [choice for choice in (*event.rich.choices, *cards) if choice.token]


async def test_each_kind_that_the_page_lists_arrives_while_nobody_has_come(portal: Portal):
    handoff = await portal.started(portal.connector(), accept=False)

    for kind in RICH_MESSAGES:
        event = await sent(portal, handoff, kind)
        assert event.by is Author.VENDOR_BOT
        assert event.agent_name == "Portal shop chat"
        assert event.rich or event.files, kind

    assert handoff.of(LiveAgentJoined) == []


async def test_choices_of_the_flow_and_of_a_live_agent_differ_in_their_author(portal: Portal):
    handoff = await portal.started(portal.connector())
    [joined] = await handoff.wait_for(LiveAgentJoined)

    by_flow = await sent(portal, handoff, "choices")
    by_agent = await sent(portal, handoff, "choices", by="live_agent")
    image = await sent(portal, handoff, "image")

    assert by_flow.by is Author.VENDOR_BOT
    assert (by_agent.by, by_agent.agent_id) == (Author.LIVE_AGENT, joined.agent_id)
    assert [choice.label for choice in by_agent.rich.choices] == [
        "Billing",
        "Delivery",
        "Something else",
    ]
    assert (image.by, image.files[0].file_name) == (Author.LIVE_AGENT, "plan.png")


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("choices", "QuickReply"),
        ("quick_replies_v2", "QuickReply"),
        ("cards", "Button"),
        ("carousel", "Button"),
        ("notification", "QuickReply"),
    ],
)
async def test_what_was_taken_goes_back_as_a_structured_response(
    portal: Portal, kind: str, type_: str
):
    handoff = await portal.started(portal.connector())
    event = await sent(portal, handoff, kind)
    choice = replies(event)[-1]

    message = await take(handoff, event, choice.token, choice.label)
    await handoff.connector.send_message(handoff.session, message)

    shown = [m for m in (await portal.conversation(handoff))["messages"] if m.get("answer")]
    assert [m["answer"] for m in shown] == [
        {
            "label": choice.label,
            "text": choice.label,
            "type": type_,
            "payload": json.loads(choice.token)["payload"],
            "originatingMessageId": event.vendor_message_id,
        }
    ]


async def test_time_and_day_go_back_as_dates(portal: Portal):
    handoff = await portal.started(portal.connector())
    picker = await sent(portal, handoff, "slots")
    slot = picker.rich.slots[1]
    await take(handoff, picker, slot.token, "Friday, 15:00")
    time = (await last_said(portal, handoff))["answer"]
    any_day = await sent(portal, handoff, "date")
    form = any_day.rich.form
    assert form is not None

    await take(handoff, any_day, form.token, "2 March", date="2026-03-02")

    day = (await last_said(portal, handoff))["answer"]
    assert picker.rich.place == "Shop at the canal, Kanalstraat 4, Utrecht"
    assert (time["type"], time["label"]) == ("DatePicker", "Friday, 15:00")
    assert datetime.fromisoformat(time["payload"]) == slot.starts_at
    assert (day["type"], day["payload"]) == ("DatePicker", "2026-03-02")


async def test_item_of_a_list_and_what_genesys_refuses_go_as_text(portal: Portal):
    handoff = await portal.started(portal.connector())
    picker = await sent(portal, handoff, "list_picker")
    await take(handoff, picker, picker.rich.choices[0].token, "Standard")
    listed = await last_said(portal, handoff)
    chips = await sent(portal, handoff, "choices")
    refused = chips.rich.choices[0].token.replace("payload:", "unknown:")

    await take(handoff, chips, refused, "Billing")

    shown = await last_said(portal, handoff)
    assert (listed["text"], "answer" in listed) == ("Standard", False)
    assert (shown["text"], "answer" in shown) == ("Billing", False)


async def test_answer_after_the_end_reopens_nothing(portal: Portal):
    await portal.configure(threading_minutes=0)
    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)
    event = await sent(portal, handoff, "choices")
    await handoff.stop()
    await portal.act(handoff, "end")
    choice = event.rich.choices[0]

    with pytest.raises(Exception, match="the conversation was over") as caught:
        await take(handoff, event, choice.token, choice.label)

    assert caught.value.opened


async def test_image_of_a_card_is_fetched_like_a_file(portal: Portal):
    handoff = await portal.started(portal.connector())
    event = await sent(portal, handoff, "cards")
    [card] = event.rich.cards

    content = await handoff.connector.fetch_attachment(handoff.session, card.image_url)

    assert content.startswith(b"\x89PNG")


async def test_message_that_nobody_can_get_is_told_to_the_live_agent(portal: Portal):
    handoff = await portal.started(portal.connector())
    await portal.act(handoff, "say", text="Are you there?")
    [said] = await handoff.wait_for(LiveAgentMessage)
    await until(lambda: any("/receipt" in record.path for record in portal.records))

    await handoff.connector.send_receipt(
        handoff.session, said.vendor_message_id, ReceiptKind.FAILED
    )

    shown = (await portal.conversation(handoff))["messages"][-1]
    assert shown["status"] == "delivery-failed"
    assert [reason["code"] for reason in shown["receipts"][-1]["reasons"]] == ["InvalidDestination"]


@pytest.mark.parametrize("is_same_worker", [True, False], ids=["sender", "another worker"])
async def test_late_failure_names_our_message_whoever_sent_it(portal: Portal, is_same_worker: bool):
    handoff = await portal.started(portal.connector())
    message = await handoff.say("a" * 2500)
    if not is_same_worker:
        await handoff.stop()
        handoff = portal.follow(portal.connector(), handoff.session)

    await portal.act(handoff, "fail_message", reason="MessageNotAllowed")

    [failed] = await handoff.wait_for(MessageFailed)
    assert failed.vendor_message_id == message.message_id
    assert "MessageNotAllowed" in failed.reason


async def test_file_that_genesys_cannot_fetch_fails_late_at_its_own_message(
    portal: Portal, unused_tcp_port: int
):
    handoff = await portal.started(portal.connector())
    file = OutboundAttachment(
        attachment_id="5f8a3f10-8d46-4e7b-9a52-1f0c6e2b4d38",
        file_name="label.png",
        mime_type="image/png",
        content=b"png",
        public_url=f"http://127.0.0.1:{unused_tcp_port}/label.png",
    )

    await handoff.connector.send_attachment(handoff.session, file)

    [failed] = await handoff.wait_for(MessageFailed)
    assert failed.vendor_message_id == file.attachment_id
    assert "UnsupportedMessage" in failed.reason


async def test_of_two_live_agents_each_has_their_own_words(portal: Portal):
    handoff = await portal.started(portal.connector())
    await portal.act(handoff, "conference", agent_name="Kim Okafor")
    await handoff.wait_for(LiveAgentJoined, 2)

    for number, name in enumerate(["Noor Halvorsen", "Kim Okafor", "Noor Halvorsen"], start=1):
        await portal.act(handoff, "say", text=str(number), agent_name=name)
        await handoff.wait_for(LiveAgentMessage, number)

    said = [(event.text, event.agent_name) for event in handoff.of(LiveAgentMessage)]
    assert said == [("1", "Noor Halvorsen"), ("2", "Kim Okafor"), ("3", "Noor Halvorsen")]


async def test_half_a_surrogate_breaks_neither_the_desk_nor_the_message(portal: Portal):
    handoff = await portal.started(portal.connector())

    assert await portal.refused(handoff, "say", text="half \ud83d of it") == 400
    await handoff.say("\ude00 the other half")
    await portal.act(handoff, "rich", kind="choices", options=["yes"])
    [chips] = await handoff.wait_for(LiveAgentMessage)
    await take(handoff, chips, chips.rich.choices[0].token, "\ude00 yes")

    assert "? the other half" in await portal.said(handoff)


async def test_after_a_reset_a_new_conversation_is_accepted_and_heard(portal: Portal):
    before = await portal.started(portal.connector())
    await before.stop()
    await portal.post("reset")
    await portal.configure(webhook_url=portal.webhook_url)

    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)
    await portal.act(handoff, "say", text="Hello again")

    await handoff.wait_for(LiveAgentMessage)
    assert handoff.texts == ["Hello again"]
