"""Each callback of Five9's, in both styles, as our events; and a handoff as Five9's JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations.contract.connector import EndUserIdentity, WebhookItem, WebhookRequest
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.vendors.five9.connector.callbacks import key_of, parsed
from integrations.vendors.five9.mapping import (
    NAMELESS,
    TYPING_SECONDS,
    Received,
    conversation_body,
    events_of,
    moment_of,
)
from tests.contract.bench import handoff_request

FIXTURES = Path(__file__).parents[3] / "integrations/vendors/five9/fixtures"
CONVERSATION = "c0ffee00-0f0f-11f0-9a9a-0050569f0001"
CREDENTIALS = {"webhook_username": "u", "webhook_password": "p", "campaign_name": "Support"}
BASIC = {"authorization": "Basic dTpw"}
SAID_AT = datetime.fromtimestamp(1790000000, UTC)
NOBODY: Mapping[str, object] = {}
NOOR = {"agent_id": "Noor Halvorsen", "agent": "Noor Halvorsen"}
SOMEBODY = {"agent_id": NAMELESS, "agent": ""}


def item(name: str) -> WebhookItem:
    """Take a fixture as a call: its name says how the event is told."""
    style, _, kind = name.partition("_")
    kind = kind.removesuffix("_nameless").removesuffix("_numbers_as_text")
    kind = kind.removesuffix("_without_text")
    call = WebhookRequest(
        endpoint="events",
        method="PUT",
        headers=BASIC,
        query={},
        body=(FIXTURES / f"{name}.json").read_bytes(),
        path=f"conversations/{CONVERSATION}/{kind}" if style == "path" else "",
    )
    [found] = parsed(call, CREDENTIALS).items
    return found


def read(name: str, state: Mapping[str, object] = NOBODY) -> list[VendorEvent]:
    return events_of(Received("HOF-1", item(name).body, state))


def kinds(name: str, state: Mapping[str, object] = NOBODY) -> list[type[VendorEvent]]:
    return [type(event) for event in read(name, state)]


def test_every_fixture_is_a_call_about_its_conversation_and_none_names_it() -> None:
    names = sorted(path.stem for path in FIXTURES.glob("*.json"))

    found = [item(name) for name in names]

    assert {one.key for one in found} == {key_of(CONVERSATION)}
    assert not [one for one in found if CONVERSATION in f"{one.key} {one.item_id}"]


@pytest.mark.parametrize("name", ["path_create", "type_conversation_queued"])
def test_what_waits_already_is_no_news(name: str) -> None:
    assert read(name) == []


@pytest.mark.parametrize("name", ["path_accept", "type_agent_connected"])
def test_who_accepts_joins_once(name: str) -> None:
    [joined] = read(name)

    assert isinstance(joined, LiveAgentJoined)
    assert (joined.agent_id, joined.agent_name) == ("Noor Halvorsen", "Noor Halvorsen")
    assert read(name, NOOR) == []


def test_another_who_joins_takes_the_place_of_the_first() -> None:
    assert kinds("type_agent_joined", NOOR) == [LiveAgentLeft, LiveAgentJoined]


def test_one_without_a_name_joins_and_gets_it_from_the_first_message() -> None:
    [joined] = read("path_accept_nameless")
    named, said = read("path_message", SOMEBODY)

    assert isinstance(joined, LiveAgentJoined)
    assert (joined.agent_id, joined.agent_name) == (NAMELESS, "")
    assert isinstance(named, LiveAgentJoined)
    assert (named.agent_id, named.agent_name) == (NAMELESS, "Noor Halvorsen")
    assert isinstance(said, LiveAgentMessage)
    assert (said.agent_id, said.agent_name) == (NAMELESS, "Noor Halvorsen")
    assert [type(one) for one in read("path_accept", SOMEBODY)] == [LiveAgentJoined]


def test_a_message_is_the_live_agents_who_sent_it() -> None:
    [said] = read("path_message", NOOR)

    assert isinstance(said, LiveAgentMessage)
    assert (said.text, said.agent_name) == ("Hello, I am Noor.", "Noor Halvorsen")
    assert said.vendor_message_id == said.vendor_event_id == "m-0001"
    assert said.occurred_at == SAID_AT + timedelta(microseconds=4)


def test_numbers_as_text_and_a_number_as_id_are_read() -> None:
    [said] = read("path_message_numbers_as_text", NOOR)

    assert isinstance(said, LiveAgentMessage)
    assert (said.vendor_message_id, said.text) == ("7001", "Your parcel is in Lyon.")
    assert said.occurred_at == SAID_AT + timedelta(microseconds=5)


@pytest.mark.parametrize("name", ["path_message", "type_agent_message", "path_message_nameless"])
def test_who_writes_without_having_been_announced_joins_first(name: str) -> None:
    assert kinds(name) == [LiveAgentJoined, LiveAgentMessage]


def test_a_message_without_a_name_is_whoever_is_there() -> None:
    [said] = read("path_message_nameless", NOOR)

    assert isinstance(said, LiveAgentMessage)
    assert said.agent_name == "Noor Halvorsen"


def test_waiting_calls_are_put_in_order_by_time_and_serial_number() -> None:
    first, second = item("path_message"), item("path_message_numbers_as_text")

    assert first.occurred_at is not None
    assert second.occurred_at is not None
    assert first.occurred_at < second.occurred_at


@pytest.mark.parametrize("name", ["path_typing", "type_agent_typing"])
def test_typing_goes_out_by_itself_because_a_path_never_takes_it_back(name: str) -> None:
    [typing] = read(name, NOOR)

    assert isinstance(typing, LiveAgentTyping)
    assert (typing.is_typing, typing.seconds) == (True, TYPING_SECONDS)
    assert item(name).item_id != item(name).item_id


def test_only_a_type_takes_typing_back() -> None:
    [typing] = read("type_agent_typing_stop", NOOR)

    assert isinstance(typing, LiveAgentTyping)
    assert not typing.is_typing


@pytest.mark.parametrize(
    ("name", "state", "expected"),
    [
        ("path_transfer", NOOR, [LiveAgentLeft, TransferStarted]),
        ("path_transfer", NOBODY, [TransferStarted]),
        ("type_agent_disconnected", NOOR, [LiveAgentLeft]),
        ("type_agent_disconnected", SOMEBODY, [LiveAgentLeft]),
        ("type_agent_disconnected", NOBODY, []),
        ("path_terminate", NOOR, [ConversationEnded]),
        ("type_conversation_closed", NOOR, [ConversationEnded]),
        ("path_applause", NOOR, [UnknownEvent]),
        ("path_message_without_text", NOOR, [UnknownEvent]),
    ],
)
def test_a_transfer_is_no_end_and_what_is_not_known_is_nothing(
    name: str, state: Mapping[str, object], expected: list[type[VendorEvent]]
) -> None:
    assert kinds(name, state) == expected


# ---- what opens a conversation ----


def body(routing: Mapping[str, object], **changes: Any) -> dict[str, Any]:
    saved = {**CREDENTIALS, "priority": "3", "attributes": json.dumps({"Line": "web"})}
    request = handoff_request(routing=routing, **changes)
    return conversation_body(request, saved, org_id="141414", callback_url="https://p.example/x")


def test_hints_and_identity_have_their_places_and_the_rest_are_campaign_variables() -> None:
    person = EndUserIdentity(
        external_id="c-77", is_verified=True, name="Dana R", email="dana@example.test", phone="+15"
    )
    hints = {"campaign_name": "Billing", "priority": 7, "skills": ["es", "vip"], "reason": "refund"}

    sent = body({**hints, "attributes": {"Order": 5512}}, end_user=person)

    assert (sent["campaignName"], sent["priority"], sent["tenantId"]) == ("Billing", 7, 141414)
    assert (sent["type"], sent["callbackUrl"]) == ("WEB", "https://p.example/x")
    contact = {name: value for name, value in sent["contact"].items() if value}
    assert contact == {
        "number1": "+15",
        "firstName": "Dana",
        "lastName": "R",
        "email": "dana@example.test",
        "socialAccountName": "Dana R",
    }
    given = sent["attributes"]
    assert (given["Line"], given["Order"]) == ("web", "5512")
    assert (given["skills"], given["reason"]) == ("es, vip", "refund")
    assert (given["PortalSessionId"], given["Question"]) == ("cv_ines", "Where is it?")
    assert "Let me see." in given["Custom.external_history"]


def test_a_priority_in_words_leaves_the_saved_one() -> None:
    assert body({"priority": "high"})["priority"] == 3


def test_where_no_transcript_is_wanted_none_of_it_goes_out() -> None:
    given = body({"transcript": "none"})["attributes"]

    assert not {"Question", "Custom.external_history"} & set(given)


@pytest.mark.parametrize("odd", ["²", "9" * 5000, "٣"])
def test_a_time_that_is_no_number_of_ours_is_none(odd: str) -> None:
    assert moment_of({"timestamp": odd, "eventSerialNumber": odd}) is None
