"""What Amazon Connect's items mean, from the fixtures, and what any other input does: nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import integrations.vendors.amazon_connect as vendor
from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentMessageEdited,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import (
    Author,
    Card,
    Choice,
    ChoiceKind,
    Markup,
    RichContent,
    VendorFile,
)
from integrations.kit.recent import Recent
from integrations.vendors.amazon_connect.client.connect import is_open
from integrations.vendors.amazon_connect.connector.progress import ChatProgress
from integrations.vendors.amazon_connect.connector.stream import frame_from_text
from integrations.vendors.amazon_connect.mapping.events import (
    Item,
    ItemReader,
    item_from_json,
    item_from_text,
)

FIXTURES = Path(vendor.__file__).parent / "fixtures"
CHAT = "a41d7c5e-0f6b-4f0b-9c0e-51c7b1b9d001"
OWN = "0d6bd4f9-7c4a-4a0e-8a5a-9cb57f0e2a10"
AGENT = "8a2b6a31-02f1-4d8e-90ef-21c0f6a50001"
ITEM = "5b0c1f0e-63ac-4a1b-8f8b-1f7de0c0b7aa"
SENT = "77aa0000-1111-4222-8333-944455556666"
FILE = "c0ffee00-1111-4222-8333-944455556666"
AT = datetime(2026, 3, 1, 9, 31, 7, 412000, tzinfo=UTC)
BASE = {"vendor_event_id": ITEM, "vendor_conversation_id": CHAT, "occurred_at": AT}
RESPONSE = "application/vnd.amazonaws.connect.message.interactive.response"
MORE = (
    '{"version": "1.0", "data": {"actionName": "SHOW_MORE", "templateType": "ListPicker"}, '
    '"action": "SHOW_MORE"}'
)
LEIPZIG = '{"templateIdentifier": "t0", "listTitle": "Depot", "selectionText": "Leipzig"}'
NOOR = {"agent_id": AGENT, "agent_name": "Noor"}


def fixture(name: str) -> Item:
    item = item_from_text((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    assert item is not None
    return item


def events(item: Item) -> list[VendorEvent]:
    return ItemReader(conversation_id=CHAT, participant_id=OWN).events_of(item)


def started(**state: object) -> VendorSession:
    return VendorSession(vendor_conversation_id=CHAT, state={"participant_id": OWN, **state})


def taken(label: str, content: str = "", kind: str = "text/plain", **more: Any) -> Choice:
    """A choice that goes back as this content: without one, as its own label."""
    token = json.dumps({"ContentType": kind, "Content": content or label}, ensure_ascii=False)
    return Choice(label=label, token=token, **more)


def says(name: str, by: Author = Author.LIVE_AGENT, **changes: Any) -> LiveAgentMessage:
    who = {"agent_id": AGENT, "agent_name": name}
    return LiveAgentMessage(**BASE, **who, by=by, vendor_message_id=ITEM, **changes)


EXPECTED: dict[str, list[VendorEvent]] = {
    "message_agent": [says("Noor", text="Parcel BL-20931 left Leipzig this morning.")],
    "message_agent_markdown": [says("Noor", text="It is **on its way**.", markup=Markup.MARKDOWN)],
    "message_own": [MessageEchoed(**BASE, vendor_message_id=ITEM)],
    "message_own_read": [
        MessageEchoed(**BASE, vendor_message_id=ITEM),
        MessageRead(**{**BASE, "vendor_event_id": f"{ITEM}:read"}, vendor_message_id=ITEM),
    ],
    "message_system": [says("", Author.VENDOR_BOT, text="You are next in line.")],
    "message_json": [],
    "message_interactive": [
        says(
            "Noor",
            Author.VENDOR_BOT,
            text="Pick a slot\n\nTimes are local",
            markup=Markup.MARKDOWN,
            rich=RichContent(
                choices=(
                    taken("Morning", description="9 to 12"),
                    taken("Evening"),
                    Choice(
                        label="Terms",
                        kind=ChoiceKind.LINK,
                        url="https://birchline.example/terms",
                    ),
                    taken("More", MORE, RESPONSE),
                )
            ),
        )
    ],
    "message_carousel": [
        says(
            "Noor",
            text="Choose",
            markup=Markup.MARKDOWN,
            rich=RichContent(cards=(Card(title="Depot", choices=(taken("Leipzig", LEIPZIG),)),)),
        )
    ],
    "attachment_in_progress": [],
    "attachment_approved": [
        says(
            "Noor",
            text="",
            files=(
                VendorFile(
                    file_name="label.pdf",
                    mime_type="application/pdf",
                    url=f"amazon-connect-attachment:{FILE}",
                ),
            ),
        )
    ],
    "attachment_own_rejected": [
        MessageFailed(
            **{**BASE, "vendor_event_id": f"{FILE}:refused"},
            vendor_message_id=FILE,
            reason="the instance's scanner refused the file",
        )
    ],
    "attachment_own_approved": [
        MessageEchoed(**{**BASE, "vendor_event_id": f"{FILE}:taken"}, vendor_message_id=FILE)
    ],
    "participant_joined": [LiveAgentJoined(**BASE, **NOOR)],
    "participant_joined_supervisor": [],
    "participant_joined_transcript": [LiveAgentJoined(**BASE, **NOOR)],
    "participant_left": [LiveAgentLeft(**BASE, **NOOR)],
    "participant_idle": [],
    "typing": [LiveAgentTyping(**BASE, agent_id=AGENT, is_typing=True, seconds=10)],
    "typing_own": [],
    "transfer_succeeded": [TransferStarted(**BASE)],
    "transfer_failed": [],
    "chat_ended": [ConversationEnded(**BASE)],
    "message_metadata_read": [
        MessageRead(**{**BASE, "vendor_event_id": f"{SENT}:read"}, vendor_message_id=SENT)
    ],
    "message_metadata_delivered": [
        MessageDelivered(**{**BASE, "vendor_event_id": f"{SENT}:delivered"}, vendor_message_id=SENT)
    ],
    "message_metadata_own": [],
    "message_read_transcript": [MessageRead(**BASE, vendor_message_id=SENT)],
    "authentication_initiated": [],
    "unknown_event": [UnknownEvent(**BASE, name="weather.changed")],
}


def test_every_fixture_has_its_meaning():
    assert sorted(EXPECTED) == sorted(path.stem for path in FIXTURES.glob("*.json"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_item_means(name: str):
    assert events(fixture(name)) == EXPECTED[name]


def test_a_message_that_is_kept_back_later_has_failed_under_one_id():
    own = replace(fixture("message_own"), metadata={"MessageProcessingStatus": "REJECTED"})
    told = replace(
        fixture("message_metadata_read"),
        metadata={"MessageId": ITEM, "MessageProcessingStatus": "REJECTED"},
    )

    failed = [event for item in (own, told) for event in events(item)]

    assert {type(event) for event in failed} == {MessageFailed}
    assert {(e.vendor_event_id, e.vendor_message_id) for e in failed} == {(f"{ITEM}:failed", ITEM)}


def test_files_of_one_item_are_one_message_once_all_are_judged():
    item = fixture("attachment_approved")
    [good] = item.attachments
    waiting = replace(item, attachments=(good, {**good, "Status": "IN_PROGRESS"}))
    judged = replace(item, attachments=(good, {**good, "Status": "REJECTED"}, good))

    assert events(waiting) == []
    [message] = events(judged)
    assert [file.file_name for file in message.files] == ["label.pdf", "label.pdf"]


def test_a_supervisor_who_leaves_is_told_of_as_of_any_live_agent():
    left = replace(fixture("participant_left"), role="SUPERVISOR")

    assert events(left) == [LiveAgentLeft(**BASE, **NOOR)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)
MEMBERS = sorted({key for path in FIXTURES.glob("*.json") for key in json.loads(path.read_text())})


# How fast examples are drawn says something of the machine alone.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(MEMBERS), JSON), st.sampled_from(sorted(EXPECTED)))
def test_no_item_however_odd_raises(changes: dict[str, object], name: str):
    odd = {**json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8")), **changes}

    item = item_from_json(odd)

    if item is not None:
        steps = ChatProgress(started(), Recent(9)).apply(item)
        assert all(event.vendor_conversation_id == CHAT for _, event in steps)


# How fast examples are drawn says something of the machine alone.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_no_frame_however_odd_raises(value: object):
    frame = frame_from_text(json.dumps(value))

    assert frame.topic == "" or isinstance(value, dict)


@pytest.mark.parametrize(
    ("text", "has_failed"),
    [
        ('{"topic": "aws/heartbeat"}', False),
        ('{"topic": "aws/ping", "statusCode": 200, "statusContent": "OK"}', False),
        ('{"topic": "aws/ping", "statusCode": 500}', True),
        ('{"message": "Forbidden", "connectionId": "Zx1=", "requestId": "Zx2="}', True),
    ],
)
def test_frames_tell_whether_the_connection_still_works(text: str, has_failed: bool):
    assert frame_from_text(text).has_failed is has_failed


def test_content_of_an_event_is_never_shown():
    item = replace(fixture("participant_left"), content="internal remark")

    assert "internal remark" not in str([vars_of(event) for event in events(item)])


def vars_of(event: VendorEvent) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


def cursors_after(*items: Item) -> list[str]:
    """Apply items one after the other, and return where a catch-up would start after each."""
    progress = ChatProgress(started(), Recent(9))
    cursors = []
    for item in items:
        progress.apply(item)
        cursors.append(progress.session.cursor)
    return cursors


def said(identifier: str, second: float, name: str = "message_agent") -> Item:
    at = datetime(2026, 3, 1, 9, 31, tzinfo=UTC) + timedelta(seconds=second)
    return replace(fixture(name), identifier=identifier, at=at)


def test_cursor_moves_with_what_the_transcript_keeps_and_never_back():
    cursors = cursors_after(
        said("first", 0),
        said("second", 10),
        said("typing", 20, "typing"),
        said("older", -10),
        said("third", 21),
    )

    assert cursors == ["", "first", "first", "first", "second"]


def test_cursor_stays_behind_what_may_have_been_overtaken():
    cursors = cursors_after(said("a", 0), said("b", 6), said("d", 8), said("c", 7), said("e", 12.5))

    assert cursors == ["", "a", "a", "a", "c"]


def test_cursor_waits_for_a_file_that_is_being_scanned():
    cursors = cursors_after(
        said("before", 0),
        said("file", 10, "attachment_in_progress"),
        said("later", 20),
        said("file", 10, "attachment_approved"),
        said("last", 30),
    )

    assert cursors == ["", "file", "file", "file", "later"]


def test_transfer_changes_the_contact_that_is_kept():
    progress = ChatProgress(started(contact_id=CHAT), Recent(9))

    [(session, _)] = progress.apply(fixture("transfer_succeeded"))

    assert session.state["contact_id"] == "b52e8d6f-1a7c-4a1c-8d1f-62d8c2cae112"


def test_receipts_name_the_message_that_we_sent_and_survive_a_restart():
    sent: Recent[str] = Recent(9)
    sent.put(SENT, "our-own-id")
    progress = ChatProgress(started(), sent)
    [(stored, _)] = progress.apply(fixture("participant_joined"))

    [(_, event)] = ChatProgress(stored, Recent(9)).apply(fixture("message_metadata_read"))

    assert event.vendor_message_id == "our-own-id"


def parts_shown(*parts: tuple[int, bool] | str) -> list[Any]:
    """Apply parts of one bot's message, each with all before it, or what comes between them."""
    progress = ChatProgress(started(had_agent=True), Recent(9))
    whole = fixture("message_system")
    texts = {1: "You are", 2: "You are next", 3: "You are next in line."}
    shown: list[VendorEvent] = []
    for part in parts:
        if isinstance(part, str):
            item = replace(fixture(part), identifier="other", participant_id=whole.participant_id)
        else:
            metadata = {"ChunkNumber": part[0], "MessageCompleted": part[1]}
            item = replace(whole, content=texts[part[0]], metadata=metadata)
        shown += [event for _, event in progress.apply(item)]
    return shown


@pytest.mark.parametrize(
    "parts",
    [
        [(1, False), (2, False), (3, True)],
        [(2, False), (1, False), (3, True)],
        [(1, False), (1, False), (3, True), (3, True)],
        [(3, True), (1, False), (2, False)],
    ],
)
def test_each_part_of_a_message_replaces_the_one_before(parts: list[tuple[int, bool]]):
    [event] = parts_shown(*parts)

    assert isinstance(event, LiveAgentMessage)
    assert event.text == "You are next in line."


def test_a_message_that_its_bot_leaves_unfinished_is_shown_and_completed_if_the_rest_comes():
    first, other, edit = parts_shown((1, False), (2, False), "message_agent", (3, True))

    assert (type(first), first.text) == (LiveAgentMessage, "You are next")
    assert other.vendor_event_id == "other"
    assert (type(edit), edit.text) == (LiveAgentMessageEdited, "You are next in line.")
    assert edit.vendor_message_id == first.vendor_message_id


def test_the_end_of_a_chat_shows_what_there_is_of_a_message():
    shown = parts_shown((1, False), "chat_ended")

    assert [type(event) for event in shown] == [LiveAgentMessage, ConversationEnded]


def test_a_catch_up_begins_no_later_than_at_a_message_in_parts():
    part = {"ChunkNumber": 1, "MessageCompleted": False}
    bots = replace(said("part", 10, "message_system"), participant_id="bot")

    cursors = cursors_after(
        said("before", 0), replace(bots, metadata=part), said("later", 20), bots, said("last", 30)
    )

    assert cursors == ["", "", "part", "part", "later"]


def test_a_live_agent_without_a_name_keeps_the_one_of_before():
    [(stored, _)] = ChatProgress(started(), Recent(9)).apply(fixture("participant_joined"))

    nameless = replace(fixture("message_agent"), identifier="next", display_name="")
    [(_, event)] = ChatProgress(stored, Recent(9)).apply(nameless)

    assert event.agent_name == "Noor"


def test_what_was_said_in_a_chat_that_this_one_continues_is_not_said_again():
    old = json.loads((FIXTURES / "message_agent.json").read_text(encoding="utf-8"))
    item = item_from_json({**old, "RelatedContactId": "c-before"})

    assert item is not None
    assert ChatProgress(started(), Recent(9)).apply(item) == []


@pytest.mark.parametrize(
    ("role", "means"),
    [("CUSTOMER", [IdleWarning(**BASE)]), ("AGENT", []), ("", [IdleWarning(**BASE)])],
)
def test_an_idle_warning_is_the_end_users_alone(role: str, means: list[VendorEvent]):
    assert events(replace(fixture("participant_idle"), role=role)) == means


@pytest.mark.parametrize(
    ("state", "disconnects", "cause"),
    [
        ({}, False, ""),
        ({}, True, "vendor_idle"),
        ({"ends_at": "2026-03-01T09:32:00+00:00"}, False, "vendor_time_limit"),
        ({"ends_at": "2026-03-01T10:32:00+00:00"}, False, ""),
    ],
)
def test_an_end_by_a_clock_of_the_vendors_is_told_as_one(
    state: dict[str, str], disconnects: bool, cause: str
):
    progress = ChatProgress(started(had_agent=True, **state), Recent(9))
    if disconnects:
        timer = {"event": "participant.autodisconnection", "participant_id": OWN}
        progress.apply(replace(fixture("participant_idle"), role="CUSTOMER", **timer))

    [(_, event)] = progress.apply(replace(fixture("chat_ended"), identifier="end"))

    assert event.cause == cause


@pytest.mark.parametrize(
    ("before", "kinds"),
    [
        ([], [NoLiveAgents, ConversationEnded]),
        (["participant_joined"], [ConversationEnded]),
    ],
)
def test_end_without_a_live_agent_says_that_there_was_none(before: list[str], kinds: list[type]):
    progress = ChatProgress(started(), Recent(9))
    for name in before:
        progress.apply(fixture(name))

    steps = progress.apply(replace(fixture("chat_ended"), identifier="end"))

    assert [type(event) for _, event in steps] == kinds
    assert progress.has_ended


def test_end_user_who_leaves_the_queue_is_no_lack_of_live_agents():
    progress = ChatProgress(started(), Recent(9))
    progress.apply(replace(fixture("participant_left"), participant_id=OWN, role="CUSTOMER"))

    steps = progress.apply(fixture("chat_ended"))

    assert [type(event) for _, event in steps] == [ConversationEnded]


def span(on: str, start: tuple[int, int], end: tuple[int, int]) -> dict[str, object]:
    (start_hours, start_minutes), (end_hours, end_minutes) = start, end
    return {
        "Date": on,
        "OperationalHours": [
            {
                "Start": {"Hours": start_hours, "Minutes": start_minutes},
                "End": {"Hours": end_hours, "Minutes": end_minutes},
            }
        ],
    }


@pytest.mark.parametrize(
    ("days", "is_so"),
    [
        ([span("2026-03-02", (9, 0), (17, 0))], True),
        ([span("2026-03-02", (10, 30), (17, 0))], True),
        ([span("2026-03-02", (10, 31), (17, 0))], False),
        ([span("2026-03-02", (9, 0), (10, 30))], False),
        ([span("2026-03-01", (22, 0), (11, 0))], True),
        ([span("2026-03-02", (0, 0), (0, 0))], True),
        ([{"Date": "2026-03-02", "OperationalHours": []}], False),
        ([{"Date": "someday", "OperationalHours": []}], False),
        ([], None),
    ],
)
def test_opening_hours_are_read_in_the_queues_own_zone(days: list[object], is_so: bool | None):
    half_past_ten_in_berlin = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    hours = {"TimeZone": "Europe/Berlin", "EffectiveHoursOfOperationList": days}

    assert is_open(hours, half_past_ten_in_berlin) is is_so


def test_unknown_time_zone_says_nothing_about_the_hours():
    assert is_open({"TimeZone": "Mars/Olympus"}, datetime.now(UTC)) is None
