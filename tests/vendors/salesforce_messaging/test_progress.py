"""What is stored after each event, so that a crash repeats and never loses."""

from __future__ import annotations

from dataclasses import replace

from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    NoLiveAgents,
)
from integrations.kit.conversation_entries.progress import ConversationProgress
from tests.vendors.salesforce_messaging.test_mapping import CONVERSATION, NOOR, from_stream


def progress(**state: object) -> ConversationProgress:
    session = VendorSession(vendor_conversation_id=CONVERSATION, cursor="1", state=state)
    return ConversationProgress(session)


def test_cursor_and_time_move_with_the_event():
    entry = from_stream("message_text")

    [(session, _)] = progress().apply(entry, "2")

    assert session.cursor == "2"
    assert session.state["seen"] == entry.milliseconds


def test_cursor_moves_with_the_last_event_of_an_entry_only():
    found = progress(agents={NOOR: "Noor"}, had_agent=True).apply(
        from_stream("participants_swapped"), "2"
    )

    assert [type(event) for _, event in found] == [LiveAgentLeft, LiveAgentJoined]
    assert [session.cursor for session, _ in found] == ["1", "2"]
    assert "seen" not in found[0][0].state


def test_entry_without_meaning_moves_the_cursor_too():
    moved = progress()

    assert moved.apply(from_stream("routing_work_result"), "2") == []
    assert moved.session.cursor == "2"


def test_listed_entry_leaves_the_cursor_where_it_was():
    [(session, _)] = progress().apply(from_stream("message_text"), "")

    assert session.cursor == "1"


def test_older_entry_never_turns_the_time_back():
    newest = progress(seen=1_895_160_000_000)

    [(session, _)] = newest.apply(from_stream("message_text"), "2")

    assert session.state["seen"] == 1_895_160_000_000


def test_other_conversations_of_the_same_end_user_are_passed_over():
    other = ConversationProgress(VendorSession(vendor_conversation_id="another", cursor="1"))

    assert other.apply(from_stream("message_text"), "2") == []
    assert other.session.cursor == "2"
    assert other.seen == 0


def test_between_two_live_agents_nobody_is_present():
    stage = progress()
    stage.apply(from_stream("participant_added"), "2")
    was_alone = stage.is_between_agents

    stage.apply(from_stream("participant_removed"), "3")

    assert not was_alone
    assert stage.is_between_agents
    assert not progress().is_between_agents


def test_routing_that_fails_while_a_live_agent_is_present_is_not_the_end():
    assert progress(agents={NOOR: "Noor"}).apply(from_stream("routing_result_error"), "2") == []
    [(_, event)] = progress().apply(from_stream("routing_result_error"), "2")
    assert isinstance(event, NoLiveAgents)


def test_message_without_a_senders_name_has_the_one_under_which_they_came():
    entry = replace(from_stream("message_text"), sender_name="")

    [(_, known)] = progress(agents={NOOR: "Noor Halvorsen"}, had_agent=True).apply(entry, "2")
    [(_, unknown)] = progress().apply(entry, "2")

    assert isinstance(known, LiveAgentMessage)
    assert known.agent_name == "Noor Halvorsen"
    assert isinstance(unknown, LiveAgentMessage)
    assert unknown.agent_name == ""
