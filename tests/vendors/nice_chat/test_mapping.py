"""Each frame of the gateway becomes events of ours; what nobody knows is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integrations.contract.connector import OutboundMessage, VendorSession
from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentMessageDeleted,
    LiveAgentMessageEdited,
    LiveAgentTyping,
    MessageEchoed,
    MessageRead,
    QueuePositionChanged,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Answer, Author, ChoiceKind, FieldKind
from integrations.kit.digital_messages.content import answer_text, content_of
from integrations.vendors.nice_chat.connector.progress import ThreadProgress
from integrations.vendors.nice_chat.mapping.channel import channel_of
from integrations.vendors.nice_chat.mapping.frames import frame_of
from integrations.vendors.nice_chat.mapping.hosts import (
    ENVIRONMENTS,
    hosts_for,
    normalised,
    other_environments,
    problems,
)
from integrations.vendors.nice_chat.mapping.opening import opening_of
from integrations.vendors.nice_chat.simulator.rich import content_of as sent_content
from tests.contract.bench import handoff_request, outbound

FIXTURES = Path(__file__).resolve().parents[3] / "integrations/vendors/nice_chat/fixtures"
OWN = "0b0f3a52-5d5c-4f0c-8a44-52d0b1c9d7aa"


def fixture(name: str) -> str:
    return (FIXTURES / f"{name}.json").read_text()


def events(*names: str, ends_on_resolved: bool = True, **state: object) -> list[VendorEvent]:
    """Return what the fixtures say in a thread whose contact is known."""
    known = {"contact_id": "600123", **state}
    session = VendorSession(vendor_conversation_id="T-88", state=known)
    progress = ThreadProgress(session, ends_on_resolved=ends_on_resolved)
    pushes = [frame_of(fixture(name)).push for name in names]
    return [event for push in pushes if push for _, event in progress.apply(push)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("own_message", MessageEchoed),
        ("own_message_read", MessageRead),
        ("own_message_seen", MessageRead),
        ("message_updated", LiveAgentMessageEdited),
        ("message_deleted", LiveAgentMessageDeleted),
        ("case_closed", ConversationEnded),
        ("case_resolved", ConversationEnded),
        ("assignee_changed", LiveAgentJoined),
        ("position_in_queue", QueuePositionChanged),
        ("position_in_queue_as_reply", QueuePositionChanged),
        ("typing_started", LiveAgentTyping),
        ("typing_started_mobile", LiveAgentTyping),
        ("typing_ended", LiveAgentTyping),
        ("unknown", UnknownEvent),
    ],
)
def test_each_frame_becomes_one_event(name: str, kind: type[VendorEvent]):
    [event] = events(name)

    assert isinstance(event, kind)
    assert event.vendor_conversation_id == "T-88"


@pytest.mark.parametrize("name", ["case_created", "case_closed_another", "typing_own"])
def test_what_concerns_nobody_says_nothing(name: str):
    assert events(name) == []


def test_own_messages_are_named_as_we_named_them():
    echoed, read = events("own_message", "own_message_read")

    assert isinstance(echoed, MessageEchoed)
    assert isinstance(read, MessageRead)
    assert echoed.vendor_message_id == read.vendor_message_id == OWN


@pytest.mark.parametrize("name", ["agent_message", "agent_message_into_case"])
def test_the_first_message_of_a_person_lets_that_person_in_under_the_full_name(name: str):
    joined, said = events(name)

    assert isinstance(joined, LiveAgentJoined)
    assert isinstance(said, LiveAgentMessage)
    assert joined.agent_name == said.agent_name == "Robin Hale"
    assert (said.text, said.by) == ("Hello, let me look.", Author.LIVE_AGENT)


def test_joining_is_told_once_and_a_return_to_the_queue_is_no_end():
    found = events("assignee_changed", "assignee_changed", "assignee_gone", "queue_changed")

    assert [type(event) for event in found] == [LiveAgentJoined, LiveAgentLeft, TransferStarted]


def test_an_assignment_that_is_older_than_the_known_one_changes_nothing():
    found = events("assignee_gone", "assignee_changed", agent={"id": "31", "name": "Robin Hale"})

    assert [type(event) for event in found] == [LiveAgentLeft]


def test_resolved_ends_nothing_where_the_setting_says_so():
    assert events("case_resolved", ends_on_resolved=False) == []
    assert len(events("case_resolved", "case_closed", ends_on_resolved=False)) == 1


def test_an_inactivity_popup_warns_with_its_seconds():
    warning, said = events("plugin_inactivity", joins=1)

    assert isinstance(warning, IdleWarning)
    assert isinstance(said, LiveAgentMessage)
    assert warning.seconds_left == 90
    assert (said.text, said.by) == ("Still there?", Author.VENDOR_BOT)
    assert [choice.token for choice in said.rich.choices] == ['{"s":1}']


def test_an_error_belongs_to_its_request_and_a_broken_frame_to_nobody():
    error = frame_of(fixture("error"))

    assert (error.event_id, error.error_code) == ("ev-20", "RecoveringThreadFailed")
    for text in ("", "{", "[1]", '"pong"', '{"error":{}}', "\ud800", "NaN"):
        assert frame_of(text) == frame_of("")
    assert frame_of('{"authorizationStatus":"authorized"}').is_authorized


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"messageContent": {"type": "TEXT", "payload": []}, "attachments": {}},
        {"messageContent": {"type": "QUICK_REPLIES", "payload": {"actions": [1, {}]}}},
        {"messageContent": {"type": "TIME_PICKER", "payload": {"event": {"timeSlots": [{}]}}}},
        {"messageContent": {"type": "FORM", "payload": {"fields": "?"}}},
        {"messageContent": {"type": "PLUGIN", "payload": {"elements": [[], {"type": 7}]}}},
    ],
)
def test_content_of_the_wrong_shape_raises_nothing(message: dict[str, object]):
    assert content_of(message).text == ""


def content(kind: str):
    return content_of({"messageContent": sent_content(kind, "https://files.example")})


def test_buttons_and_lists_keep_labels_postbacks_pictures_and_descriptions():
    quick, listed = content("choices"), content("list")

    assert quick.text == "Shall we send it again?"
    assert next((c.label, c.token) for c in quick.rich.choices) == ("Yes", "PB-yes")
    door, shop = listed.rich.choices
    assert listed.text == "Delivery\nWhere to?"
    assert (door.description, door.image_url) == (
        "Tomorrow by noon",
        "https://files.example/pictures/home.png",
    )
    assert (shop.token, shop.image_url) == ("PB-shop", "")


def test_a_link_and_a_menu_are_cards():
    [link], [menu] = content("link").rich.cards, content("cards").rich.cards

    assert (link.title, link.choices[0].kind) == ("Our shop", ChoiceKind.LINK)
    assert link.choices[0].url == "https://shop.example/"
    assert (menu.title, menu.text) == ("Your order", "BL-20931\nWhat shall we do?")
    assert menu.image_url.endswith("/pictures/order.png")
    assert [c.kind for c in menu.choices] == [ChoiceKind.REPLY, ChoiceKind.LINK]


def test_times_and_forms_are_offered_and_answered_as_text():
    slots, form = content("slots").rich.slots, content("form").rich.form
    assert form is not None

    assert [slot.token for slot in slots] == ["", "", ""]
    assert [(f.label, f.kind) for f in form.fields] == [
        ("Street", FieldKind.TEXT),
        ("When", FieldKind.SELECT),
    ]
    answer = Answer(
        vendor_message_id="m",
        token=form.token,
        label="",
        values={"street": "Elm 1", "when": "Morning"},
    )
    assert answer_text(_answered(answer)) == ("Street: Elm 1\nWhen: Morning", "")


def test_a_form_whose_labels_are_plain_texts_reads_the_same():
    fields = [{"ident": "when", "label": "When", "options": ["Morning", {"label": "Evening"}]}]
    found = content_of({"messageContent": {"type": "FORM", "payload": {"fields": fields}}})
    assert found.rich.form is not None

    [when] = found.rich.form.fields
    assert (when.label, [one.label for one in when.options]) == ("When", ["Morning", "Evening"])


def _answered(answer: Answer) -> OutboundMessage:
    sent = outbound(answer.label)
    return OutboundMessage(
        message_id=sent.message_id, text=answer.label, sent_at=sent.sent_at, answer=answer
    )


def test_what_cannot_be_drawn_is_its_fallback_text_or_is_named():
    card, unknown = content("adaptive_card"), content("unknown")

    assert (card.text, card.rich.unknown_kind) == ("Your order has arrived.", "")
    assert (unknown.text, unknown.rich.unknown_kind) == ("", "HOLOGRAM")


# ---- the channel, its environment, and what is pasted ----


def test_every_environment_has_the_hosts_of_the_vendors_list():
    assert len(ENVIRONMENTS) == 14
    eu1, uk2 = hosts_for({"environment": "EU1"}), hosts_for({"environment": "UK2"})

    assert eu1.chat == "https://channels-de-eu1.niceincontact.com"
    assert eu1.gateway == "wss://chat-gw-de-eu1.niceincontact.com"
    assert uk2.authorize == "https://digital-oauth-de-uk2.nicecxone-sov1.uk"


def test_own_hosts_take_the_place_and_may_name_the_environment():
    own = {"environment": "EU1", "chat_host": "http://localhost:1/env/{environment}/"}

    assert hosts_for(own).chat == "http://localhost:1/env/eu1"
    assert "NA1" in other_environments(own)
    assert other_environments({**own, "chat_host": "http://localhost:1"}) == ()


def test_a_pasted_script_gives_the_channel_and_an_odd_one_is_only_remarked_upon():
    channel = "chat_5c1d9a40-7e2b-4f63-9c88-0b1a2d3e4f50"

    kept, notices = normalised({"channel_id": f"cxone('chat', 'init', 4711, '{channel}')"})
    odd, remarks = normalised({"channel_id": "support", "gateway_host": "wss://gw.example/"})

    assert (kept["channel_id"], len(notices)) == (channel, 1)
    assert (odd["channel_id"], len(remarks)) == ("support", 1)
    assert odd["gateway_host"] == "https://gw.example"


def test_a_custom_environment_asks_for_its_hosts():
    assert set(problems({"environment": "custom"})) == {"chat_host", "gateway_host"}
    assert problems({"environment": "NA1"}) == {}


def test_fields_go_where_the_channel_has_them_and_everything_else_is_told_in_a_message():
    info = {
        "caseCustomFields": [{"ident": "ref", "type": "text"}],
        "endUserCustomFields": [{"ident": "email"}],
        "preContactForm": {
            "customFields": [
                {
                    "isRequired": True,
                    "definition": {
                        "ident": "topic",
                        "values": [{"name": "v1", "value": "Billing"}],
                    },
                }
            ]
        },
    }
    routing = {
        "attributes": {"Order_Ref": "BL-1", "topic": "Billing", "colour": "red"},
        "user_email": "ines@example.org",
    }
    request = handoff_request(routing=routing)

    opening = opening_of(request, channel_of(info), {"Order_Ref": "ref"})
    without = opening_of(handoff_request(), channel_of(info), {})

    assert opening.contact_fields == [
        {"ident": "ref", "value": "BL-1"},
        {"ident": "topic", "value": "v1"},
    ]
    assert opening.customer_fields == [{"ident": "email", "value": "ines@example.org"}]
    assert "colour: red" in opening.texts[0][1]
    assert "conversation_id: cv_ines" in opening.texts[0][1]
    assert (opening.missing, without.missing) == ((), ("topic",))


def test_file_restrictions_are_read_with_their_stars():
    files = {
        "allowedFileSize": "2",
        "allowedFileTypes": [{"mimeType": "image/*"}, {"mimeType": "application/pdf"}],
    }
    channel = channel_of({"settings": {"fileRestrictions": files}})
    off = channel_of({"settings": {"fileRestrictions": {"isAttachmentsEnabled": False}}})

    assert channel.max_bytes == 2 * 1024 * 1024
    assert {"image/png", "application/pdf"} <= set(channel.mime_types)
    assert off.max_bytes is None
    assert json.dumps(channel.mime_types)
