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
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentMessageDeleted,
    LiveAgentTyping,
    MessageEchoed,
    MessageFailed,
    NoLiveAgents,
    SystemNotice,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.vendors.zendesk.connector.progress import ConversationProgress
from integrations.vendors.zendesk.connector.webhooks import kept_event, user_keys
from integrations.vendors.zendesk.mapping.outgoing import Switchboard

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


def applied_body(body: dict[str, Any]) -> list[VendorEvent]:
    return Chat().apply(body)


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


def by_sam(message_id: str, agent_id: int = 9002) -> dict[str, Any]:
    author = {"type": "business", "displayName": "Sam"}
    metadata = {"__zendesk_msg.agent.id": agent_id}
    return message("agent_text", id=message_id, author=author, metadata=metadata)


def test_two_live_agents_who_write_in_turn_join_once_each_and_stay():
    chat = Chat()
    chat.apply(fixture("agent_text"))

    joined, said = chat.apply(by_sam("7b02"))
    later = [
        *chat.apply(message("agent_text", id="7b03")),
        *chat.apply(by_sam("7b04")),
    ]

    assert isinstance(joined, LiveAgentJoined) and joined.agent_id == "9002"
    assert isinstance(said, LiveAgentMessage) and said.agent_name == "Sam"
    assert [type(event) for event in later] == [LiveAgentMessage, LiveAgentMessage]


def test_assignment_to_another_makes_everybody_else_leave():
    chat = Chat()
    chat.apply(by_sam("7b02"))
    chat.apply(by_sam("7b05", 9003))

    events = chat.ticket("ticket_assigned", "Robin")

    left = {event.agent_id for event in events if isinstance(event, LiveAgentLeft)}
    joined = [event.agent_id for event in events if isinstance(event, LiveAgentJoined)]
    assert (left, joined) == ({"9002", "9003"}, ["9001"])
    assert len({event.vendor_event_id for event in events}) == len(events)


def test_a_crash_between_joining_and_the_message_repeats_the_message_alone():
    progress = ConversationProgress(SESSION, switchboard=SWITCHBOARD, ignored_authors=frozenset())
    (after_joining, _), _ = progress.conversation_steps(fixture("agent_text"))

    repeated = Chat(after_joining).apply(fixture("agent_text"))

    assert [event.vendor_event_id for event in repeated] == ["7a01"]


@pytest.mark.parametrize(
    ("name", "agent_id", "agent_name"),
    [("trigger_text", "__trigger", "Brightside"), ("bot_text", "zd:answerBot", "Answer Bot")],
)
def test_triggers_and_bots_speak_under_their_own_name_and_make_nobody_join(
    name: str, agent_id: str, agent_name: str
):
    [said] = applied(name)

    assert isinstance(said, LiveAgentMessage) and said.by is Author.VENDOR_BOT
    assert (said.agent_id, said.agent_name) == (agent_id, agent_name)


def test_what_zendesks_system_says_is_a_notice():
    body = message("agent_text", metadata={}, activity={"type": "ticket:moved"})

    [notice] = Chat().apply(body)

    assert isinstance(notice, SystemNotice)


def test_deleted_message_is_taken_back():
    [deleted] = applied_body(message("agent_text", deleted=True))

    assert isinstance(deleted, LiveAgentMessageDeleted)
    assert deleted.vendor_message_id == "7a01"


@pytest.mark.parametrize("content", [{"type": "text", "text": " "}, {"type": "text"}])
def test_empty_text_makes_no_event(content: dict[str, Any]):
    assert applied_body(message("agent_text", content=content)) == []


def test_agent_workspace_without_an_agent_id_is_known_by_name_unless_it_is_automatic():
    joined, _ = Chat().apply(message("agent_text", metadata={}))
    automatic = message("agent_text", metadata={}, author={"displayName": "Automated Response"})
    automatic["payload"]["message"]["author"]["type"] = "business"

    [said] = Chat().apply(automatic)

    assert isinstance(joined, LiveAgentJoined)
    assert joined.agent_id == "name:Robin Achterberg"
    assert isinstance(said, LiveAgentMessage) and said.by is Author.VENDOR_BOT


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


@pytest.mark.parametrize("code", ["switchboard_invalid_target", "switchboard_invalid_action"])
def test_failed_handover_is_named_and_means_that_nobody_will_come(code: str):
    body, foreign = fixture("pass_failure"), fixture("pass_failure")
    body["payload"]["error"]["code"] = code
    foreign["payload"]["metadata"] = {}

    [nobody] = applied_body(body)

    assert isinstance(nobody, NoLiveAgents)
    assert code in nobody.detail
    assert Chat().apply(foreign) == []


def test_failure_ends_nothing_while_the_live_agents_have_the_conversation():
    body = fixture("pass_failure")
    agents = fixture("agent_text")["payload"]["conversation"]["activeSwitchboardIntegration"]
    body["payload"]["conversation"]["activeSwitchboardIntegration"] = agents

    [named] = applied_body(body)

    assert isinstance(named, UnknownEvent)
    assert named.name == "switchboard:passControl:failure: switchboard_invalid_target"


def test_late_failure_is_told_at_our_message_and_only_once_it_is_final():
    body = fixture("delivery_failure")
    failed = body["payload"]["message"]["id"]
    progress = ConversationProgress(
        SESSION, switchboard=SWITCHBOARD, ignored_authors=frozenset(), marks={failed: "m-1"}
    )

    [(_, event)] = progress.conversation_steps(body)
    body["payload"]["isFinalEvent"] = False

    assert isinstance(event, MessageFailed)
    assert event.vendor_message_id == "m-1"
    assert body["payload"]["error"]["code"] in event.reason
    assert progress.conversation_steps(body) == []


def test_solved_ticket_ends_nothing_where_the_admin_says_so_and_a_closed_one_does():
    def ticket(status: str) -> list[VendorEvent]:
        body = {**kept_event(fixture("ticket_solved")), "current": status}
        progress = ConversationProgress(
            SESSION, switchboard=SWITCHBOARD, ignored_authors=frozenset(), goes_on_solved=True
        )
        return [event for _, event in progress.ticket_steps(body, "status:1", "")]

    assert not [event for event in ticket("SOLVED") if isinstance(event, ConversationEnded)]
    assert isinstance(ticket("CLOSED")[-1], ConversationEnded)


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


def test_assigned_live_agent_without_a_name_has_it_from_the_first_message():
    chat = Chat()
    [_, unnamed] = chat.ticket("ticket_assigned")

    [said] = chat.apply(message("agent_text", received="2026-11-20T10:21:00Z"))
    again = message("agent_text", id="7b09", received="2026-11-20T10:22:00Z")
    del again["payload"]["message"]["author"]["displayName"]
    [nameless] = chat.apply(again)

    assert isinstance(unnamed, LiveAgentJoined) and unnamed.agent_name == ""
    assert isinstance(said, LiveAgentMessage) and said.agent_name == "Robin Achterberg"
    assert isinstance(nameless, LiveAgentMessage) and nameless.agent_name == "Robin Achterberg"


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


def test_merged_user_takes_the_conversation_along_where_no_conversation_is_named():
    body = fixture("user_merge")
    del body["payload"]["mergedConversations"]
    gone = body["payload"]["mergedUsers"]["discarded"]
    chat = Chat(replace(SESSION, keys=user_keys(gone)))

    [event] = chat.apply(body)

    assert isinstance(event, UnknownEvent)
    assert chat.session.vendor_conversation_id == CONVERSATION
    assert chat.session.state["user_id"] == "0c0c"
    assert set(user_keys({"id": "0c0c"})) < set(chat.session.keys)
    assert Chat().apply(body) == []


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
