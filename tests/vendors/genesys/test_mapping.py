"""What Genesys's bodies mean, one fixture each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.contract.events import (
    LiveAgentMessage,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.vendors.genesys.mapping.messages import (
    OPENING_PREFIX,
    Agent,
    Notice,
    events_of,
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


def test_text_without_an_author_is_a_live_agents():
    [said] = read("text_without_entity")

    assert isinstance(said, LiveAgentMessage)
    assert (said.by, said.text) == (Author.LIVE_AGENT, "Older captures lack it.")


@pytest.mark.parametrize(
    ("name", "text", "files"),
    [("text_of_flow", "All agents are busy.", []), ("file_of_flow", "Our terms:", ["terms.pdf"])],
)
def test_what_a_flow_says_is_a_bots_by_its_name(name: str, text: str, files: list[str]):
    [said] = read(name)

    assert isinstance(said, LiveAgentMessage)
    assert (said.by, said.agent_name) == (Author.VENDOR_BOT, "Portal shop chat")
    assert (said.text, [file.file_name for file in said.files]) == (text, files)


def test_files_belong_to_their_message_in_order():
    [alone] = read("file")
    [beside] = read("file_with_text")

    assert isinstance(alone, LiveAgentMessage)
    assert isinstance(beside, LiveAgentMessage)
    assert [(f.file_name, f.mime_type) for f in alone.files] == [("plan.png", "image/png")]
    assert alone.text == ""
    assert beside.text
    assert len(beside.files) == 2
    assert beside.files[1].mime_type == "application/octet-stream"


@pytest.mark.parametrize("name", ["empty"])
def test_message_that_holds_nothing_is_no_event(name: str):
    assert read(name) == []


def test_own_message_is_an_echo():
    [echo] = read("echo")

    assert isinstance(echo, MessageEchoed)
    assert echo.vendor_message_id == "m-1"


# ---- signals ----


@pytest.mark.parametrize(
    ("name", "is_typing", "seconds"), [("typing", True, 5.0), ("typing_off", False, None)]
)
def test_typing_is_the_live_agents_and_says_for_how_long(name, is_typing, seconds):
    [typing] = read(name)

    assert isinstance(typing, LiveAgentTyping)
    assert (typing.agent_id, typing.is_typing, typing.seconds) == ("u-noor", is_typing, seconds)


def test_typing_of_a_flow_is_not_shown():
    assert read("typing_of_flow") == []


@pytest.mark.parametrize(("duration", "seconds"), [(3000, 3.0), ("long", 5.0)])
def test_indicator_holds_as_long_as_it_says(duration, seconds):
    event = {"eventType": "Typing", "typing": {"type": "On", "duration": duration}}
    notice = Notice(conversation_id="", body={"type": "Event", "events": [event]})

    [typing] = events_of(notice, Agent(agent_id="u-noor"))

    assert typing.seconds == seconds


@pytest.mark.parametrize(
    ("name", "kind"), [("receipt_delivered", MessageDelivered), ("receipt_read", MessageRead)]
)
def test_receipt_speaks_of_our_message(name: str, kind: type):
    [receipt] = read(name)

    assert isinstance(receipt, kind)
    assert receipt.vendor_message_id == "m-1"


def test_receipt_of_an_intermediate_step_means_nothing():
    assert read("receipt_published") == []


def test_failure_is_told_at_the_message_and_that_of_the_opening_ends_the_wait():
    [told] = read("receipt_failed")
    [by_code] = read("receipt_failed_by_code")
    [nobody] = read("receipt_failed", our_id=OPENING_PREFIX)

    assert isinstance(told, MessageFailed)
    assert (told.vendor_message_id, told.reason) == ("m-1", "The media type is not allowed")
    assert isinstance(by_code, MessageFailed)
    assert by_code.reason == "MediaTypeNotAllowed"
    assert isinstance(nobody, NoLiveAgents)
    assert nobody.detail == "The media type is not allowed"


def test_failure_of_the_live_agents_own_message_is_not_the_end_users():
    assert read("receipt_failed_of_live_agent") == []


@pytest.mark.parametrize(
    ("name", "shown"), [("unknown_type", "Hologram"), ("unknown_event", "Event CoBrowse")]
)
def test_what_is_not_known_is_named(name: str, shown: str):
    [unknown] = read(name)

    assert isinstance(unknown, UnknownEvent)
    assert unknown.name == shown


@pytest.mark.parametrize("body", [{}, {"type": 7}, {"type": "Text", "content": "x", "channel": []}])
def test_body_of_the_wrong_shape_raises_nothing(body: dict):
    assert len(events_of(Notice(conversation_id=CONVERSATION, body=body), NOOR)) <= 1
