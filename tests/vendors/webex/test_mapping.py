"""Each of Webex's calls, as it is read and as what it means in a handoff; one fixture for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract.connector import VendorSession, WebhookItem
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentMessage,
    MessageEchoed,
    MessageFailed,
    StartRefused,
    UnknownEvent,
)
from integrations.vendors.webex.mapping import notices
from integrations.vendors.webex.mapping.notices import Notice, item_id_of, notice_of
from tests.vendors.webex.conftest import Connect

FIXTURES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (Path(notices.__file__).parents[1] / "fixtures").glob("*.json")
}
TASK = "6b1f0c52-3a7d-4e5b-9f60-2d8c41a7e913"
NOOR = "f3c2a1b0-9d8e-4c7b-a6f5-5e4d3c2b1a09"
ALIAS = "5f1c2d3e-4b5a-4697-8877-665544332211"


def notice(name: str) -> Notice:
    return notice_of(FIXTURES[name])


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("task_new", []),
        ("task_connect", []),
        ("task_connected", [LiveAgentJoined]),
        ("task_parked", []),
        ("task_on_hold", []),
        ("task_hold_done", []),
        ("task_consulting", []),
        ("task_consult_done", []),
        ("task_conferencing", []),
        ("task_conference_done", []),
        ("task_conference_transferred", []),
        ("task_origin_updated", []),
        ("task_ended", [ConversationEnded]),
        ("task_ended_without_task_id", [ConversationEnded]),
        ("task_failed_entry_point", [StartRefused]),
        ("task_failed_already_open", [UnknownEvent]),
        ("message_agent", [LiveAgentJoined, LiveAgentMessage]),
        ("message_agent_files", [LiveAgentJoined, LiveAgentMessage]),
        ("message_agent_encrypted_file", [LiveAgentJoined, LiveAgentMessage]),
        ("message_agent_flattened", [LiveAgentJoined, LiveAgentMessage]),
        ("message_agent_lower_case", [LiveAgentJoined, LiveAgentMessage]),
        ("message_agent_parts_as_text", [LiveAgentJoined, LiveAgentMessage]),
        ("message_flow", [LiveAgentMessage]),
        ("message_own", [MessageEchoed]),
        ("message_own_without_its_files", [MessageFailed]),
        ("message_append_failed", [UnknownEvent]),
        ("unknown", [UnknownEvent]),
    ],
)
async def test_each_call_becomes_what_it_means(connect: Connect, name: str, kinds: list[type]):
    body = FIXTURES[name]
    item = WebhookItem(item_id=item_id_of(notice(name)), key=TASK, body=body)
    session = VendorSession(vendor_conversation_id=TASK, keys=(TASK, "ho_1"))

    steps = await connect().receive(session, item)

    assert [type(event) for _, event in steps] == kinds
    assert {event.vendor_conversation_id for _, event in steps} <= {TASK}


def test_every_fixture_names_its_task_and_its_moment():
    assert {notice(name).task_id for name in FIXTURES} == {TASK}
    assert {notice(name).at.timestamp() for name in FIXTURES} == {1790000010.5}
    # The next event of a task has its id again, and is another event all the same.
    lifecycle = [name for name in FIXTURES if name.startswith("task_")]
    assert len({item_id_of(notice(name)) for name in lifecycle}) == len(
        {(FIXTURES[name]["type"], str(FIXTURES[name]["comciscotimestamp"])) for name in lifecycle}
    )


@pytest.mark.parametrize(
    "name", ["message_agent", "message_agent_flattened", "message_agent_parts_as_text"]
)
def test_a_word_reads_the_same_in_every_shape_that_was_seen(name: str):
    found = notice(name)

    assert (found.alias, found.sender, found.sender_id) == (ALIAS, "agent", NOOR)
    assert (found.text, found.is_outbound, found.files) == (
        "<p>Here is <b>the form</b></p>",
        True,
        (),
    )


def test_files_are_those_that_anybody_can_open():
    [form] = notice("message_agent_files").files

    assert (form.file_name, form.mime_type) == ("form.pdf", "application/pdf")
    assert notice("message_agent_encrypted_file").files == ()
    assert notice("message_agent_encrypted_file").has_encrypted_file


def test_own_words_are_never_taken_for_the_live_agents():
    assert not notice("message_own").is_outbound
    assert notice("message_agent_lower_case").is_outbound
    assert notice("message_own_without_its_files").has_lost_its_files


def test_the_task_that_is_open_already_is_named_by_a_sentence_of_the_vendors():
    assert notice("task_failed_already_open").other_task == "0c4d5e6f-7a8b-49c0-81d2-e3f405162738"
    assert notice("task_failed_entry_point").other_task == ""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(name=st.sampled_from(sorted(FIXTURES)), part=st.data(), value=_JSON)
def test_nothing_that_a_call_may_hold_raises(name: str, part: Any, value: Any):
    body = json.loads(json.dumps(FIXTURES[name]))
    field = part.draw(st.sampled_from(sorted(body["data"])))
    body["data"][field] = value

    found = notice_of(body)

    for read in (found.alias, found.text, found.files, found.other_task, item_id_of(found)):
        assert read is not None
