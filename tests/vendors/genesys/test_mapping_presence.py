"""Who is present in a conversation, one fixture for each way it can look."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    NoLiveAgents,
    TransferStarted,
    VendorEvent,
)
from integrations.vendors.genesys.mapping.messages import Agent
from integrations.vendors.genesys.mapping.presence import (
    Presence,
    agent_of,
    name_of,
    normalised_disconnect,
    participants_of,
    waiting_queue,
)

FIXTURES = Path("integrations/vendors/genesys/fixtures")
CONVERSATION = "c7c5b1c4-6b18-4a3e-9a51-4f50e0c71d33"
NOOR = Agent(agent_id="u-noor", name="Noor Halvorsen")


def fixture(name: str) -> dict:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def kinds(events: list[VendorEvent]) -> list[type]:
    return [type(event) for event in events]


def looked(*names: str) -> list[list[type]]:
    """Look at a conversation again and again; return what was news each time."""
    presence = Presence(CONVERSATION)
    return [kinds(presence.apply(participants_of(fixture(f"conversation_{n}")))) for n in names]


def test_arrival_is_told_once_and_a_ringing_desktop_is_none():
    assert looked("waiting", "alerting", "no_answer", "attended", "attended") == [
        [],
        [],
        [],
        [LiveAgentJoined],
        [],
    ]


def test_transfer_is_a_departure_and_an_arrival():
    assert looked("attended", "transferring", "transferred") == [
        [LiveAgentJoined],
        [TransferStarted, LiveAgentLeft],
        [LiveAgentJoined],
    ]


def test_first_look_tells_all_that_happened_before():
    assert looked("transferred") == [
        [LiveAgentJoined, TransferStarted, LiveAgentLeft, LiveAgentJoined]
    ]


def test_departure_leaves_the_conversation_between_agents():
    presence = Presence(CONVERSATION)
    presence.apply(participants_of(fixture("conversation_attended")))
    assert not presence.is_between_agents

    presence.apply(participants_of(fixture("conversation_transferring")))

    assert presence.is_between_agents


@pytest.mark.parametrize(
    ("name", "ended_by", "cause"),
    [
        ("ended_by_agent", "Agent", ""),
        ("ended_by_end_user", "EndUser", ""),
        ("ended_by_system", "System", "vendor_idle"),
    ],
)
def test_end_names_who_ended_or_which_clock(name: str, ended_by: str, cause: str):
    presence = Presence(CONVERSATION)
    participants = participants_of(fixture(f"conversation_{name}"))
    before = presence.apply(participants)

    [ended] = presence.ended(participants)

    assert kinds(before) == [LiveAgentJoined, LiveAgentLeft]
    assert isinstance(ended, ConversationEnded)
    assert (ended.ended_by, ended.cause) == (ended_by, cause)
    assert ended.occurred_at == datetime(2026, 3, 1, 9, 40, tzinfo=UTC)


def test_end_before_anybody_came_is_nobody_answering_unless_the_end_user_left():
    abandoned = participants_of(fixture("conversation_abandoned"))
    left = [p for p in participants_of(fixture("conversation_ended_by_end_user")) if p.is_customer]

    assert kinds(Presence(CONVERSATION).ended(abandoned)) == [NoLiveAgents, ConversationEnded]
    assert kinds(Presence(CONVERSATION).ended(left)) == [ConversationEnded]


def test_speaker_is_whoever_is_present_else_whoever_was_last():
    transferred = participants_of(fixture("conversation_transferred"))
    transferring = participants_of(fixture("conversation_transferring"))

    assert agent_of(transferred) == Agent(agent_id="u-sam", name="Sam Achterberg")
    assert agent_of(transferring) == NOOR
    assert agent_of(participants_of(fixture("conversation_alerting"))) is None


def test_queue_is_known_while_the_conversation_waits_in_it():
    waiting = waiting_queue(participants_of(fixture("conversation_waiting")))

    assert waiting is not None
    assert waiting.name == "Support"
    assert waiting_queue(participants_of(fixture("conversation_attended"))) is None


@pytest.mark.parametrize(
    "spelling", ["transfer.noanswer", "TRANSFER_NOANSWER", "Transfer.NoAnswer"]
)
def test_disconnect_types_are_read_in_both_spellings(spelling: str):
    assert normalised_disconnect(spelling) == "TRANSFER_NOANSWER"


@pytest.mark.parametrize("conversation", [{}, {"participants": "x"}, {"participants": [{}, 7]}])
def test_conversation_of_the_wrong_shape_is_one_with_nobody_in_it(conversation: dict):
    assert Presence(CONVERSATION).apply(participants_of(conversation)) == []


@pytest.mark.parametrize(
    ("written", "cause"),
    [
        ("inactivity", "vendor_idle"),
        ("session.expired", "vendor_time_limit"),
        ("TIMEOUT", "vendor_time_limit"),
        ("client", ""),
    ],
)
def test_clock_that_ended_it_is_named_in_either_spelling(written: str, cause: str):
    customer = {"id": "p1", "purpose": "customer", "state": "disconnected"}
    conversation = {"participants": [{**customer, "disconnectType": written}]}

    end = Presence(CONVERSATION).ended(participants_of(conversation))[-1]

    assert isinstance(end, ConversationEnded)
    assert end.cause == cause


def test_user_without_a_name_has_what_stands_before_the_at_sign():
    assert name_of({"name": "Noor Halvorsen", "email": "n@x.example"}) == "Noor Halvorsen"
    assert name_of({"name": " ", "email": "noor.h@x.example"}) == "noor.h"
    assert name_of({}) == ""
