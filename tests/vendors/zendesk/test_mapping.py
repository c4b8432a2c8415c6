"""What each event of Zendesk's becomes, and which live agent it makes present."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentAttachment,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageEchoed,
    NoLiveAgents,
    SystemNotice,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.vendors.zendesk.connector.progress import UNNAMED, ConversationProgress
from integrations.vendors.zendesk.connector.webhooks import kept_event
from integrations.vendors.zendesk.mapping.content import content_text
from integrations.vendors.zendesk.mapping.control import Switchboard

FIXTURES = Path(__file__).parents[3] / "integrations/vendors/zendesk/fixtures"
CONVERSATION = "1a1b1c1d1e1f1a1b1c1d1e1f"
SESSION = VendorSession(
    vendor_conversation_id=CONVERSATION,
    keys=("tag:portal_ho_1",),
    state={"opened_at": "2026-11-20T10:14:00.000Z", "handoff_id": "ho_1"},
)
SWITCHBOARD = Switchboard(
    integration_id="bb11cc22dd33ee44ff55aa66", own_name="handoff-portal", target="next"
)


def fixture(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text())


class Chat:
    """Applies events one after the other, as the relay does."""

    def __init__(self, session: VendorSession = SESSION, ignored: frozenset[str] = frozenset()):
        self.session = session
        self.ignored = ignored

    def apply(self, body: dict[str, Any]) -> list[VendorEvent]:
        return self._kept(self._progress().conversation_steps(body))

    def ticket(self, name: str, agent_name: str = "", at: str = "") -> list[VendorEvent]:
        event = fixture(name)
        body = {**kept_event(event), **({"time": at} if at else {})}
        return self._kept(self._progress().ticket_steps(body, f"status:{event['id']}", agent_name))

    def _progress(self) -> ConversationProgress:
        return ConversationProgress(
            self.session, switchboard=SWITCHBOARD, ignored_authors=self.ignored
        )

    def _kept(self, steps: list[Any]) -> list[VendorEvent]:
        for self.session, _ in steps:
            pass
        return [event for _, event in steps]


def applied(name: str, session: VendorSession = SESSION) -> list[VendorEvent]:
    return Chat(session).apply(fixture(name))


def message(name: str, **changes: Any) -> dict[str, Any]:
    body = fixture(name)
    body["payload"]["message"].update(changes)
    return body


def test_first_message_of_a_live_agent_makes_them_join_by_name():
    joined, said = applied("agent_text")

    assert isinstance(joined, LiveAgentJoined)
    assert (joined.agent_id, joined.agent_name) == ("9001", "Robin Achterberg")
    assert isinstance(said, LiveAgentMessage)
    assert said.text == "Hello, I am looking into it."
    assert said.vendor_event_id == "7a01"
    assert said.occurred_at.isoformat() == "2026-11-20T10:14:59.500000+00:00"


def test_second_message_of_the_same_live_agent_is_a_message_only():
    chat = Chat()
    chat.apply(fixture("agent_text"))

    again = chat.apply(message("agent_text", id="7b01"))

    assert [type(event) for event in again] == [LiveAgentMessage]


def test_another_live_agent_takes_the_place_of_the_first():
    chat = Chat()
    chat.apply(fixture("agent_text"))
    other = message(
        "agent_text",
        id="7b02",
        author={"type": "business", "displayName": "Sam"},
        metadata={"__zendesk_msg.agent.id": 9002},
    )

    left, joined, said = chat.apply(other)

    assert isinstance(left, LiveAgentLeft) and left.agent_id == "9001"
    assert isinstance(joined, LiveAgentJoined) and joined.agent_id == "9002"
    assert isinstance(said, LiveAgentMessage) and said.agent_name == "Sam"


def test_a_crash_between_joining_and_the_message_repeats_the_message_alone():
    progress = ConversationProgress(SESSION, switchboard=SWITCHBOARD, ignored_authors=frozenset())
    (after_joining, _), _ = progress.conversation_steps(fixture("agent_text"))

    repeated = Chat(after_joining).apply(fixture("agent_text"))

    assert [event.vendor_event_id for event in repeated] == ["7a01"]


def test_file_arrives_with_name_type_and_address():
    _, file = applied("agent_file")

    assert isinstance(file, LiveAgentAttachment)
    assert (file.file_name, file.mime_type) == ("return-label.pdf", "application/pdf")
    assert file.url.startswith("https://files.sample.example/")


def test_image_with_words_becomes_both_under_ids_of_their_own():
    _, said, image = applied("agent_image")

    assert isinstance(said, LiveAgentMessage) and said.text == "Like this"
    assert isinstance(image, LiveAgentAttachment) and image.file_name == "u9.png"
    assert said.vendor_event_id != image.vendor_event_id


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "agent_carousel",
            "1. Parcel shop\nOpen until 8 pm\n- Map: https://shops.sample.example/1\n2. Locker\n"
            "- Choose",
        ),
        ("agent_form", "E-mail:\nTopic:"),
        ("agent_location", "Depot West\nQuay 4"),
    ],
)
def test_rich_messages_are_readable_as_text(name: str, text: str):
    said = applied(name)[-1]

    assert isinstance(said, LiveAgentMessage)
    assert said.text == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"type": "text", "htmlText": "<p>A &amp; <b>B</b></p>"}, "A & B"),
        ({"type": "text", "markdownText": "*A*"}, "*A*"),
        ({"type": "hologram", "textFallback": "A cube"}, "A cube"),
        ({"type": "hologram"}, "[unsupported message]"),
        ({"type": "image"}, "[unsupported message]"),
        ({"type": "location", "coordinates": {"lat": 1.5, "long": "x"}}, "[unsupported message]"),
        ({}, "[unsupported message]"),
        ({"type": "text", "text": "Sure?", "actions": [{"text": "Yes"}]}, "Sure?\n- Yes"),
    ],
)
def test_content_of_any_shape_becomes_text(content: dict[str, Any], text: str):
    assert content_text(content) == text


def test_triggers_and_bots_speak_without_being_live_agents():
    for name in ("trigger_text", "bot_text"):
        [notice] = applied(name)
        assert isinstance(notice, SystemNotice)


def test_agent_workspace_without_an_agent_id_is_known_by_name_unless_it_is_automatic():
    joined, _ = Chat().apply(message("agent_text", metadata={}))
    automatic = message("agent_text", metadata={}, author={"displayName": "Automated Response"})
    automatic["payload"]["message"]["author"]["type"] = "business"

    [notice] = Chat().apply(automatic)

    assert isinstance(joined, LiveAgentJoined)
    assert joined.agent_id == "name:Robin Achterberg"
    assert isinstance(notice, SystemNotice)


def test_own_message_is_an_echo_and_never_shown():
    [echo] = applied("own_text")

    assert isinstance(echo, MessageEchoed)
    assert echo.vendor_message_id == "5e3f8a52-2a0e-4c4e-9d5a-64d5a5f3f001"


@pytest.mark.parametrize(
    "name",
    [
        "user_elsewhere",
        "typing_of_user",
        "read_by_user",
        "offer",
        "delivery_failure",
        "user_update",
    ],
)
def test_what_concerns_nobody_here_is_passed_over(name: str):
    assert applied(name) == []


@pytest.mark.parametrize("ignored", ["robin achterberg", "9001", "zd:agentworkspace"])
def test_ignored_author_is_neither_shown_nor_announced(ignored: str):
    chat = Chat(ignored=frozenset({ignored}))

    assert chat.apply(fixture("agent_text")) == []
    if ignored == "9001":
        assert LiveAgentJoined not in {type(e) for e in chat.ticket("ticket_assigned", "Robin")}


def test_typing_is_that_of_the_live_agent_who_is_there_and_of_nobody_before():
    chat = Chat()
    before = chat.apply(fixture("typing_start"))
    chat.apply(fixture("agent_text"))

    [typing] = chat.apply(fixture("typing_start"))

    assert before == []
    assert isinstance(typing, LiveAgentTyping)
    assert (typing.agent_id, typing.is_typing) == ("9001", True)


@pytest.mark.parametrize(
    "name",
    [
        "ticket_closed_activity",
        "pass_back",
        "pass_ticket_closed",
        "release",
        "conversation_remove",
    ],
)
def test_each_end_signal_is_the_same_end(name: str):
    [end] = applied(name)

    assert isinstance(end, ConversationEnded)
    assert end.vendor_event_id == f"{CONVERSATION}:ended"


@pytest.mark.parametrize("name", ["pass_to_agents", "pass_ours"])
def test_control_moved_by_ourselves_ends_nothing(name: str):
    assert applied(name) == []


@pytest.mark.parametrize(
    "name", ["pass_back", "pass_ticket_closed", "agent_text", "ticket_closed_activity"]
)
def test_what_nobody_took_in_an_earlier_handoff_is_none_of_this_one(name: str):
    late = replace(SESSION, state={"opened_at": "2026-11-20T10:15:00.000Z"})

    assert applied(name, late) == []
    assert applied(name) != []


def test_ticket_event_from_before_the_handoff_ends_nothing():
    chat = Chat(replace(SESSION, state={"opened_at": "2026-11-20T10:20:00.900Z"}))

    before, within = (
        chat.ticket("ticket_solved", at=f"2026-11-20T10:{t}Z") for t in ("19:59", "20:00")
    )

    assert before == []
    assert isinstance(within[-1], ConversationEnded)


def test_unknown_target_of_our_passing_means_that_nobody_will_come():
    foreign = fixture("pass_failure")
    foreign["payload"]["metadata"] = {}

    [nobody] = applied("pass_failure")

    assert isinstance(nobody, NoLiveAgents)
    assert "switchboard_invalid_target" in nobody.detail
    assert Chat().apply(foreign) == []


@pytest.mark.parametrize("status", ["SOLVED", "CLOSED", "DELETED"])
def test_ticket_that_is_done_ends_the_conversation(status: str):
    body = {**kept_event(fixture("ticket_solved")), "current": status}
    progress = ConversationProgress(SESSION, switchboard=SWITCHBOARD, ignored_authors=frozenset())

    end = progress.ticket_steps(body, "status:1", "")[-1][1]

    assert isinstance(end, ConversationEnded)
    assert end.vendor_event_id == f"{CONVERSATION}:ended"


def test_session_learns_its_ticket_and_keeps_it_once():
    chat = Chat()

    first, again = chat.ticket("ticket_open"), chat.ticket("ticket_open")

    assert [type(event) for event in first] == [UnknownEvent]
    assert again == []
    assert chat.session.keys == ("tag:portal_ho_1", "ticket:7711")


def test_assigned_live_agent_joins_by_the_name_zendesk_gives():
    joined = Chat().ticket("ticket_assigned", "Robin")[-1]

    assert isinstance(joined, LiveAgentJoined)
    assert (joined.agent_id, joined.agent_name) == ("9001", "Robin")


def test_assigned_live_agent_without_a_name_gets_it_with_the_first_message():
    chat = Chat()
    [_, unnamed] = chat.ticket("ticket_assigned")

    left, joined, said = chat.apply(message("agent_text", received="2026-11-20T10:21:00Z"))

    assert isinstance(unnamed, LiveAgentJoined) and unnamed.agent_name == UNNAMED
    assert isinstance(left, LiveAgentLeft)
    assert isinstance(joined, LiveAgentJoined) and joined.agent_name == "Robin Achterberg"
    assert isinstance(said, LiveAgentMessage)


def test_ticket_without_assignee_is_a_transfer_to_come_and_no_end():
    chat = Chat()
    chat.ticket("ticket_assigned", "Robin")

    left, transfer = chat.ticket("ticket_unassigned")

    assert isinstance(left, LiveAgentLeft)
    assert isinstance(transfer, TransferStarted)


def test_assignment_that_comes_late_changes_nothing():
    chat = Chat()
    chat.apply(fixture("agent_text"))

    events = chat.ticket("ticket_unassigned", at="2026-11-20T10:14:30Z")

    assert [type(event) for event in events] == [UnknownEvent]


def test_merged_conversation_goes_on_under_its_new_id():
    chat = Chat()

    [event] = chat.apply(fixture("user_merge"))

    assert isinstance(event, UnknownEvent)
    assert chat.session.vendor_conversation_id == "1c1c"
    assert CONVERSATION in chat.session.keys
    assert chat.session.state["user_id"] == "0c0c"


@pytest.mark.parametrize(
    "body",
    [
        {"id": "1", "type": "conversation:dance", "payload": {}},
        {"id": "1", "type": "conversation:message", "payload": {"message": {}}},
        {"id": "1", "type": None, "payload": []},
        {"id": "1"},
    ],
)
def test_unknown_and_malformed_events_are_named_and_dropped(body: dict[str, Any]):
    [event] = Chat().apply(body)

    assert isinstance(event, UnknownEvent)


def test_no_event_shows_words_or_names_in_its_repr():
    chat = Chat()
    events = [event for name in ("agent_text", "agent_file") for event in chat.apply(fixture(name))]

    written = repr(events) + repr(chat.session)
    assert "looking into" not in written
    assert "Robin" not in written
    assert "return-label" not in written
