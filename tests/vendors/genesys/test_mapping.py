"""What Genesys's bodies and conversations mean, one fixture each, and what we write to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.connector import EndUserIdentity, OutboundAttachment, TranscriptLine
from integrations.events import (
    ConversationEnded,
    LiveAgentAttachment,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageRead,
    NoLiveAgents,
    SystemNotice,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.vendors.genesys.mapping import (
    NOT_DELIVERED,
    OPENING_PREFIX,
    Agent,
    Notice,
    events_of,
    typing_seconds,
)
from integrations.vendors.genesys.mapping_presence import (
    Presence,
    agent_of,
    normalised_disconnect,
    participants_of,
    waiting_queue,
)
from integrations.vendors.genesys.mapping_start import (
    attachment_body,
    opening_bodies,
    opening_texts,
    participant_attributes,
    person_of,
)
from integrations.vendors.genesys.mapping_text import pieces
from tests.contract.bench import handoff_request

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


# ---- presence ----


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
    assert (presence.is_attended, presence.is_between_agents) == (True, False)

    presence.apply(participants_of(fixture("conversation_transferring")))

    assert (presence.is_attended, presence.is_between_agents) == (False, True)


@pytest.mark.parametrize(
    ("name", "ended_by"),
    [
        ("ended_by_agent", "Agent"),
        ("ended_by_end_user", "EndUser"),
        ("ended_by_system", "System"),
    ],
)
def test_end_names_who_ended(name: str, ended_by: str):
    presence = Presence(CONVERSATION)
    participants = participants_of(fixture(f"conversation_{name}"))
    before = presence.apply(participants)

    [ended] = presence.ended(participants)

    assert kinds(before) == [LiveAgentJoined, LiveAgentLeft]
    assert isinstance(ended, ConversationEnded)
    assert ended.ended_by == ended_by
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


# ---- what is written ----


def test_attributes_are_flat_strings_and_ours_win():
    request = handoff_request(
        routing={
            "queue_name": "Billing",
            "priority": 3,
            "skills": ["refunds", "en"],
            "reason": "",
            "external_contact_id": "5c7a3f10-8d46-4e7b-9a52-1f0c6e2b4d38",
            "attributes": {"vip": True, "note": None, "PortalSessionId": "forged"},
        }
    )

    found = participant_attributes(request, "Queue")

    assert found == {
        "channel": "webchat",
        "ExternalContactId": "5c7a3f10-8d46-4e7b-9a52-1f0c6e2b4d38",
        "Queue": "Billing",
        "skills": "refunds, en",
        "priority": "3",
        "vip": "true",
        "handoff_id": request.handoff_id,
        "PortalSessionId": "cv_ines",
    }


def test_visitor_who_is_not_verified_is_named_by_the_tool_alone():
    claimed = EndUserIdentity(external_id="u-1", name="Somebody", email="a@example.org")
    vouched = EndUserIdentity(external_id="u-1", name="Ines", email="i@x.org", is_verified=True)

    guest = person_of(handoff_request(end_user=claimed))
    named = person_of(handoff_request(end_user=claimed, routing={"user_display_name": "Kim"}))
    known = person_of(handoff_request(end_user=vouched, routing={"user_display_name": "Kim"}))

    assert (guest["nickname"], "email" in guest) == ("Guest", False)
    assert named["nickname"] == "Kim"
    assert (known["nickname"], known["email"]) == ("Ines", "i@x.org")


@pytest.mark.parametrize(
    ("mode", "headings"),
    [("full", ["Summary", "Transcript"]), ("summary", ["Summary"]), ("none", ["Handed"])],
)
def test_opening_follows_the_transcript_mode(mode: str, headings: list[str]):
    request = handoff_request(routing={"transcript": mode, "summary": "Parcel is late."})

    texts = opening_texts(request)

    assert [text.split()[0] for text in texts] == headings


def test_long_transcript_keeps_its_end_in_parts_that_fit():
    lines = [
        TranscriptLine(speaker="end_user", text=f"{n} \U0001f642" * 300, sent_at=datetime.now(UTC))
        for n in range(40)
    ]

    texts = opening_texts(handoff_request(transcript=lines))

    assert len(texts) == 8
    assert "left out" in texts[0]
    assert "39" in texts[-1]
    assert all(len(text.encode("utf-16-le")) // 2 <= 2000 for text in texts)


def test_opening_has_the_same_ids_on_every_try_and_attributes_once():
    lines = [TranscriptLine(speaker="system", text="x" * 5000, sent_at=datetime.now(UTC))]
    request = handoff_request(transcript=lines)

    bodies = opening_bodies(request, person_of(request), "")
    channels = [body["channel"] for body in bodies]

    again = [body["channel"] for body in opening_bodies(request, person_of(request), "")]
    assert [c["messageId"] for c in channels] == [c["messageId"] for c in again]
    assert ["metadata" in c for c in channels] == [True] + [False] * (len(channels) - 1)
    assert [c["time"] for c in channels] == sorted({c["time"] for c in channels})


@pytest.mark.parametrize(
    ("mime_type", "media"),
    [("image/png", "Image"), ("video/mp4", "Video"), ("audio/ogg", "Audio"), ("text/csv", "File")],
)
def test_file_is_named_by_its_kind(mime_type: str, media: str):
    file = OutboundAttachment(
        attachment_id="a-1",
        file_name="f",
        mime_type=mime_type,
        content=b"abc",
        public_url="https://portal.example.org/f",
    )

    body = attachment_body({"id": "HOF-1", "idType": "Opaque"}, file, sent_at=datetime.now(UTC))

    [content] = body["content"]
    assert content["attachment"]["mediaType"] == media
    assert content["attachment"]["sha256"].startswith("ba7816bf")


@pytest.mark.parametrize(
    "text",
    ["", "short", "a" * 2001, "word " * 1000, "\U0001f642" * 1500, "a" * 1999 + "\U0001f642"],
)
def test_parts_fit_and_together_are_the_text(text: str):
    parts = list(pieces(text))

    assert "".join(parts) == text
    assert all(len(part.encode("utf-16-le")) // 2 <= 2000 for part in parts)


def test_text_is_cut_between_words():
    first, second = pieces("word " * 399 + "unbroken " + "tail")

    assert first.endswith(" ")
    assert second == "unbroken tail"
