"""What Genesys's bodies mean, one fixture each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.contract.events import (
    LiveAgentAttachment,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageRead,
    NoLiveAgents,
    SystemNotice,
    UnknownEvent,
    VendorEvent,
)
from integrations.vendors.genesys.mapping.events import (
    NOT_DELIVERED,
    OPENING_PREFIX,
    Agent,
    Notice,
    events_of,
    typing_seconds,
)

FIXTURES = Path("integrations/vendors/genesys/fixtures")
CONVERSATION = "c7c5b1c4-6b18-4a3e-9a51-4f50e0c71d33"
NOOR = Agent(agent_id="u-noor", name="Noor Halvorsen")


def fixture(name: str) -> dict:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def read(name: str, our_id: str = "m-1") -> list[VendorEvent]:
    notice = Notice(conversation_id=CONVERSATION, body=fixture(name), our_id=our_id)
    events = events_of(notice, NOOR)
    assert all(event.vendor_conversation_id == CONVERSATION for event in events)
    assert len({event.vendor_event_id for event in events}) == len(events)
    return events


def kinds(events: list[VendorEvent]) -> list[type]:
    return [type(event) for event in events]


# ---- words ----


def test_text_is_the_live_agents_under_genesyss_own_id_and_time():
    [said] = read("text")

    assert isinstance(said, LiveAgentMessage)
    assert (said.text, said.agent_id, said.agent_name) == (
        "Hello, let me look.",
        "u-noor",
        "Noor Halvorsen",
    )
    assert said.vendor_event_id == fixture("text")["id"]
    assert said.occurred_at == datetime(2026, 3, 1, 9, 32, 40, 120000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("text_without_entity", LiveAgentMessage, "Older captures lack it."),
        ("text_of_flow", SystemNotice, "All agents are busy."),
        ("file_of_flow", SystemNotice, "Our terms:\n[terms.pdf]"),
        ("link", LiveAgentMessage, "Returns\nhttps://shop.example/returns"),
        ("quick_replies", SystemNotice, "What is it about?\n1. Billing\n2. Delivery"),
        (
            "card",
            LiveAgentMessage,
            "Parcel BL-20931\nOn its way\n1. Track it https://shop.example/t/1\n2. Call me",
        ),
        ("carousel", LiveAgentMessage, "Blue\n1. Take it\nRed"),
        ("date_picker", LiveAgentMessage, "When?\nPick a time\n1. 2026-03-02T10:00:00Z"),
        ("template", LiveAgentMessage, "Your refund is on its way."),
        ("unknown_content", LiveAgentMessage, "Pay 4 EUR"),
        ("nothing_readable", LiveAgentMessage, "[unsupported message]"),
    ],
)
def test_every_kind_of_content_becomes_readable_text(name: str, kind: type, text: str):
    [said] = read(name)

    assert isinstance(said, kind)
    assert said.text == text


def test_file_is_an_event_of_its_own_beside_its_text():
    [file] = read("file")
    said, plan, audio = read("file_with_text")

    assert isinstance(file, LiveAgentAttachment)
    assert (file.file_name, file.mime_type) == ("plan.png", "image/png")
    assert kinds([said, plan, audio]) == [
        LiveAgentMessage,
        LiveAgentAttachment,
        LiveAgentAttachment,
    ]
    assert (audio.file_name, audio.mime_type) == ("file", "application/octet-stream")


def test_own_message_is_an_echo():
    [echo] = read("echo")

    assert isinstance(echo, MessageEchoed)
    assert echo.vendor_message_id == "m-1"


# ---- signals ----


@pytest.mark.parametrize(("name", "is_typing"), [("typing", True), ("typing_off", False)])
def test_typing_is_the_live_agents(name: str, is_typing: bool):
    [typing] = read(name)

    assert isinstance(typing, LiveAgentTyping)
    assert (typing.agent_id, typing.is_typing) == ("u-noor", is_typing)


def test_typing_of_a_flow_is_not_shown():
    assert read("typing_of_flow") == []


def test_indicator_holds_as_long_as_it_says():
    said = Notice(conversation_id="", body={"events": [{"typing": {"duration": 3000}}]})
    silent = Notice(conversation_id="", body={"events": [{"typing": {"duration": "long"}}]})

    assert (typing_seconds(said), typing_seconds(silent)) == (3.0, 5.0)


@pytest.mark.parametrize(
    ("name", "kind"), [("receipt_delivered", MessageDelivered), ("receipt_read", MessageRead)]
)
def test_receipt_speaks_of_our_message(name: str, kind: type):
    [receipt] = read(name)

    assert isinstance(receipt, kind)
    assert receipt.vendor_message_id == "m-1"


def test_receipt_of_an_intermediate_step_means_nothing():
    assert read("receipt_published") == []


def test_failure_is_told_to_the_end_user_and_that_of_the_opening_ends_the_wait():
    [told] = read("receipt_failed")
    [nobody] = read("receipt_failed", our_id=OPENING_PREFIX)

    assert isinstance(told, SystemNotice)
    assert told.text == NOT_DELIVERED
    assert isinstance(nobody, NoLiveAgents)
    assert nobody.detail == "The media type is not allowed"


@pytest.mark.parametrize(
    ("name", "shown"), [("unknown_type", "Hologram"), ("unknown_event", "Event CoBrowse")]
)
def test_what_is_not_known_is_named(name: str, shown: str):
    [unknown] = read(name)

    assert isinstance(unknown, UnknownEvent)
    assert unknown.name == shown


@pytest.mark.parametrize("body", [{}, {"type": 7}, {"type": "Text", "content": "x", "channel": []}])
def test_body_of_the_wrong_shape_raises_nothing(body: dict):
    assert len(events_of(Notice(conversation_id=CONVERSATION, body=body), NOOR)) == 1
