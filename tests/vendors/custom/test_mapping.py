"""Each event of the contract becomes an event of ours, if the admin has ticked it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.contract import events
from integrations.contract.connector import OutboundMessage
from integrations.contract.rich_content import Answer, Author, ChoiceKind, FieldKind, Markup
from integrations.vendors.custom.mapping.calls import availability_of, message_body
from integrations.vendors.custom.mapping.events import events_of

FIXTURES = Path(__file__).resolve().parents[3] / "integrations/vendors/custom/fixtures"
EVERYTHING = frozenset({"typing", "read", "attachments", "queue_status"})
AT = datetime(2026, 11, 20, 9, 14, 10, tzinfo=UTC)


def body(name: str, **changes: Any) -> dict[str, Any]:
    return {**json.loads((FIXTURES / f"{name}.json").read_text()), **changes}


def heard(name: str, ticked: frozenset[str] = EVERYTHING, **changes: Any) -> list[Any]:
    return events_of("ext-5f0c", body(name, **changes), ticked)


def test_a_place_in_the_queue_and_the_waiting_time_are_both_passed_on():
    [event] = heard("queue")

    assert isinstance(event, events.QueuePositionChanged)
    assert (event.position, event.estimated_wait_seconds, event.queue_name) == (2, 90, "Parcels")


def test_acceptance_tells_the_queue_and_nothing_without_one():
    [event] = heard("accepted")

    assert (type(event), event.queue_name) == (events.QueuePositionChanged, "Parcels")
    assert heard("accepted", data={}) == []


def test_a_live_agent_joins_with_name_and_picture_at_the_time_that_was_told():
    [event] = heard("joined")

    assert isinstance(event, events.LiveAgentJoined)
    assert (event.agent_id, event.agent_name) == ("noor.halvorsen", "Noor Halvorsen")
    assert event.avatar_url == "https://desk.example.com/noor.png"
    assert (event.vendor_event_id, event.occurred_at) == ("e-joined", AT)


def test_a_message_with_a_file_is_one_message():
    [message] = heard("message")

    assert isinstance(message, events.LiveAgentMessage)
    [file] = message.files
    assert (message.text, file.file_name, file.mime_type) == (
        "Hello Ines",
        "label.pdf",
        "application/pdf",
    )
    assert (message.vendor_event_id, message.vendor_message_id) == ("e-message", "m-3")


def test_what_a_message_offers_is_read_whole_and_what_cannot_be_taken_is_left_out():
    [message] = heard("message_rich")

    rich = message.rich
    assert (message.text, message.markup) == ("Where **to**?", Markup.MARKDOWN)
    assert [(one.label, one.token, one.kind) for one in rich.choices] == [
        ("Home", "home", ChoiceKind.REPLY),
        ("Our shop", "", ChoiceKind.LINK),
        ("Call us", "", ChoiceKind.PHONE),
    ]
    [card] = rich.cards
    assert (card.title, card.text, card.image_url) == (
        "Express",
        "By noon",
        "https://desk.example.com/express.png",
    )
    assert card.choices[0].token == "express"
    [slot] = rich.slots
    assert (slot.token, slot.starts_at, slot.duration_seconds, rich.place) == (
        "s1",
        datetime(2026, 12, 1, 8, tzinfo=UTC),
        1800,
        "By telephone",
    )
    assert rich.form is not None and (rich.form.token, rich.form.title) == ("f1", "Delivery")
    street, when = rich.form.fields
    assert (street.kind, street.is_required, street.value) == (FieldKind.TEXT, True, "Mill Lane")
    assert (when.kind, [one.token for one in when.options]) == (FieldKind.SELECT, ["am", "pm"])


def test_a_bot_is_its_own_author_and_an_offer_without_one_is_the_bots():
    [named] = heard("message_bot")
    [unnamed] = heard("message_bot", data={"text": "Well?", "choices": [{"id": 1, "label": "Yes"}]})

    assert (named.by, named.agent_name) == (Author.VENDOR_BOT, "Desk bot")
    assert (unnamed.by, unnamed.rich.choices[0].token) == (Author.VENDOR_BOT, "1")


def test_edits_deletions_failures_and_warnings_name_what_they_are_about():
    [edited], [deleted], [failed], [idle] = map(heard, ("edited", "deleted", "failed", "idle"))

    assert (edited.vendor_message_id, edited.text) == ("m-3", "Hello Inès")
    assert (type(deleted), deleted.vendor_message_id) == (events.LiveAgentMessageDeleted, "m-3")
    assert (failed.vendor_message_id, failed.reason) == ("7d0c9a52", "mailbox_full")
    assert (type(idle), idle.seconds_left) == (events.IdleWarning, 60)


@pytest.mark.parametrize(
    ("cause", "ours"),
    [("idle", "vendor_idle"), ("time_limit", "vendor_time_limit"), ("whim", ""), (None, "")],
)
def test_an_end_by_the_clock_says_so(cause: object, ours: str):
    [event] = heard("closed", data={"by": "system", "cause": cause})

    assert event.cause == ours


def test_an_answer_names_the_message_and_what_was_taken_of_it():
    answer = Answer(vendor_message_id="m-3", token="f1", label="Delivery", values={"when": "am"})
    said = OutboundMessage(message_id="7d0c", text="Delivery", sent_at=AT, answer=answer)

    assert message_body(said)["answer"] == {
        "message_id": "m-3",
        "id": "f1",
        "label": "Delivery",
        "values": {"when": "am"},
    }
    assert "answer" not in message_body(OutboundMessage(message_id="7d0c", text="Hi", sent_at=AT))


def test_a_message_without_a_live_agent_is_the_systems():
    [event] = heard("message_system")

    assert isinstance(event, events.SystemNotice)
    assert event.text == "You are being connected."


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("typing", events.LiveAgentTyping),
        ("read", events.MessageRead),
        ("transferred", events.TransferStarted),
        ("left", events.LiveAgentLeft),
        ("closed", events.ConversationEnded),
        ("error", events.NoLiveAgents),
    ],
)
def test_each_other_type_has_its_event(name: str, kind: type[events.VendorEvent]):
    [event] = heard(name)

    assert type(event) is kind


def test_an_error_other_than_nobody_there_ends_the_conversation():
    [event] = heard("error", data={"code": "broken"})

    assert isinstance(event, events.ConversationEnded)
    assert event.ended_by == "error"


@pytest.mark.parametrize("name", ["typing", "read", "queue"])
def test_what_is_not_ticked_is_not_taken(name: str):
    assert heard(name, ticked=frozenset()) == []


def test_without_the_tick_for_files_the_text_comes_alone():
    [event] = heard("message", ticked=frozenset())

    assert (event.text, event.files) == ("Hello Ines", ())


def test_a_type_that_nobody_knows_is_named_and_dropped():
    [event] = heard("closed", type="applause")

    assert isinstance(event, events.UnknownEvent)
    assert event.name == "applause"


@pytest.mark.parametrize("data", [None, [], "text", {"agent": 4, "text": {}, "attachments": 7}])
@pytest.mark.parametrize("name", [path.stem for path in sorted(FIXTURES.glob("*.json"))])
def test_data_of_any_wrong_form_raises_nothing(name: str, data: object):
    found = heard(name, data=data)

    assert all(event.vendor_conversation_id == "ext-5f0c" for event in found)


def test_a_missing_time_is_that_of_the_signature():
    told = body("left", received_at="2026-11-20T09:14:12+00:00")
    del told["occurred_at"]

    [event] = events_of("ext-5f0c", told, EVERYTHING)

    assert event.occurred_at == datetime(2026, 11, 20, 9, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "is_available", "position"),
    [
        ({"available": True, "position": 2}, True, 2),
        ({"available": False}, False, None),
        ({"available": "yes", "position": -1}, None, None),
        ({}, None, None),
    ],
)
def test_availability_is_yes_no_or_unknown(
    answer: dict[str, object], is_available: bool | None, position: int | None
):
    found = availability_of(answer)

    assert (found.is_available, found.position) == (is_available, position)
