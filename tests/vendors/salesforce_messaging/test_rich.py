"""What Salesforce's rich messages offer, and what goes back for each; one fixture for a kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from integrations.contract.connector import OutboundMessage
from integrations.contract.events import LiveAgentMessage
from integrations.contract.rich_content import (
    Answer,
    Author,
    Card,
    Choice,
    ChoiceKind,
    FieldKind,
    Form,
    RichContent,
)
from integrations.kit.conversation_entries.answers import messages_of
from integrations.kit.cutting import json_bytes
from tests.vendors.salesforce_messaging.test_mapping import events

FILES = "https://files.example.org/"
OFFER = "6a0f8a17-6f8e-4a3e-9a3a-0000000000ff"
MESSAGE_ID = "b6a2a6f8-0c55-4f0e-a1d7-1b1f0c4f2d90"


def said(name: str) -> LiveAgentMessage:
    message = events(name)[0]
    assert isinstance(message, LiveAgentMessage)
    return message


def pictures(name: str) -> list[str]:
    return [file.url for file in said(name).files]


def labels(rich: RichContent) -> list[str]:
    return [choice.label for choice in rich.choices]


def outbound(text: str, answer: Answer | None = None) -> OutboundMessage:
    return OutboundMessage(
        message_id=MESSAGE_ID.upper(), text=text, sent_at=datetime.now(UTC), answer=answer
    )


def goes_back(token: str, label: str = "Yes", **values: str) -> dict:
    answer = Answer(vendor_message_id=OFFER, token=token, label=label, values=values)
    [message] = messages_of(outbound(label, answer), 7000)
    return json.loads(json.dumps(message))


def reply_of(choice: Choice) -> dict:
    message = goes_back(choice.token, choice.label)
    assert (message["messageType"], message["inReplyToMessageId"]) == (
        "ChoicesResponseMessage",
        OFFER,
    )
    assert message["choicesResponse"]["formatType"] == "Selections"
    [selected] = message["choicesResponse"]["selectedOptions"]
    return selected


# -- Choices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "offered", "identifier"),
    [
        ("message_choices_buttons", "What is it about?", ["Billing", "Delivery"], "opt-billing"),
        ("message_choices_quick_replies", "When does it suit?", ["Today", "Tomorrow"], "opt-today"),
        ("message_choices_displayable", "Pick one", ["Refund", "Resend"], "opt-refund"),
        (
            "message_choices_list_picker",
            "Which box?\nBoxes\nAs long as there are some",
            ["Small", "Large"],
            "opt-small",
        ),
        ("message_choices_media", "", ["This one"], "opt-1"),
    ],
)
def test_every_choice_can_be_taken_and_goes_back_with_its_option_identifier(
    name: str, text: str, offered: list[str], identifier: str
):
    message = said(name)

    assert (message.text, labels(message.rich)) == (text, offered)
    assert reply_of(message.rich.choices[0]) == {
        "optionIdentifier": identifier,
        "optionTitle": {"itemType": "TitleItem", "title": offered[0]},
    }


def test_list_picker_keeps_what_its_options_say_and_all_images():
    small, large = said("message_choices_list_picker").rich.choices

    assert (small.description, small.image_url) == ("30 cm", FILES + "small.png")
    assert (large.description, large.image_url) == ("", "")
    assert FILES + "box.png" in pictures("message_choices_list_picker")


def test_media_comes_as_a_file_beside_its_choices_or_links():
    assert pictures("message_choices_media")[-1] == FILES + "blue.png"
    assert pictures("message_media")[-1] == FILES + "blue.png"
    [link] = said("message_media").rich.choices
    assert (link.kind, link.label, link.url) == (
        ChoiceKind.LINK,
        "Shop",
        "https://shop.example.org/",
    )


def test_carousel_shows_its_title_and_every_card_with_image_options_and_links():
    message = said("message_choices_carousel")
    blue, red = message.rich.cards

    assert (message.text, message.by) == ("Our parcels", Author.VENDOR_BOT)
    assert (blue.title, blue.text, blue.image_url) == (
        "Blue parcel",
        "EUR 4.90",
        FILES + "blue.png",
    )
    taken, more = blue.choices
    assert reply_of(taken)["optionIdentifier"] == "opt-blue"
    assert (more.kind, more.label, more.url) == (
        ChoiceKind.LINK,
        "More",
        "https://shop.example.org/blue",
    )
    assert (red.title, [one.label for one in red.choices]) == ("Red parcel", ["Take red"])


def test_static_carousel_and_rich_link_are_cards_with_links():
    [parcel] = said("message_carousel").rich.cards
    link = said("message_rich_link")

    assert parcel == Card(
        title="Blue parcel",
        text="On its way",
        image_url=FILES + "blue.png",
        choices=(Choice(label="Track", kind=ChoiceKind.LINK, url="https://track.example.org/1"),),
    )
    assert link.text == "Here it is"
    assert link.rich.cards[0].image_url == FILES + "blue.png"
    assert (link.rich.cards[0].title, link.rich.cards[0].text) == ("Track your parcel", "Birchline")
    assert link.rich.cards[0].choices[0].url == "https://track.example.org/BL-20931"


def test_action_buttons_are_links_calls_and_replies_and_a_code_is_text():
    message = said("message_buttons")
    page, call, later, old = message.rich.choices

    assert message.text == "How shall we go on?\nYour code: BIRCH-10"
    assert (page.kind, page.url) == (ChoiceKind.LINK, "https://help.example.org/(faq)")
    assert (call.kind, call.url) == (ChoiceKind.PHONE, "tel:+4930123456")
    assert (old.kind, old.label) == (ChoiceKind.LINK, "Help")
    assert goes_back(later.token, later.label)["staticContent"]["text"] == "Please ask me later"


def test_times_know_their_zone_and_place_and_go_back_as_the_slot():
    message = said("message_choices_time_picker")
    first, second = message.rich.slots

    assert message.text == "When shall we come?\nCollection"
    assert message.rich.place == "Birchline Store, Main Street 4"
    assert first.starts_at == datetime(2026, 12, 1, 14, tzinfo=UTC)
    assert second.starts_at == datetime(2026, 12, 1, 15, tzinfo=UTC)
    assert (first.duration_seconds, second.duration_seconds) == (3600, 1800)
    assert FILES + "shop.png" in pictures("message_choices_time_picker")
    message_back = goes_back(second.token, "Tuesday 16:00")
    [selected] = message_back["choicesResponse"]["selectedOptions"]
    assert (selected["optionIdentifier"], selected["optionTitle"]["title"]) == (
        "slot-2",
        "Tuesday 16:00",
    )


def test_sources_of_a_bots_answer_are_links_below_it():
    message = said("message_citations")

    assert (message.by, message.agent_name) == (Author.VENDOR_BOT, "Birchline Assistant")
    assert [(one.label, one.url) for one in message.rich.choices] == [
        ("Delivery times", "https://help.example.org/delivery")
    ]


# -- Forms -----------------------------------------------------------------------------------------


def form_in(name: str) -> Form:
    form = said(name).rich.form
    assert form is not None
    return form


def test_form_asks_all_its_questions_with_what_is_filled_in():
    form = form_in("message_form")

    assert (form.title, said("message_form").text) == ("About your parcel", "Please tell us more")
    assert [(one.name, one.kind, one.is_required) for one in form.fields] == [
        ("name", FieldKind.TEXT, True),
        ("mail", FieldKind.EMAIL, True),
        ("count", FieldKind.NUMBER, False),
        ("day", FieldKind.DATE, False),
        ("size", FieldKind.SELECT, False),
        ("topic", FieldKind.SELECT, True),
    ]
    name, size = form.fields[0], form.fields[4]
    assert (name.label, name.value) == ("Your name", "Ines")
    assert size.value == size.options[1].token
    assert [one.label for one in size.options] == ["Small", "Large"]


def test_filled_in_form_goes_back_with_a_value_of_the_right_type_for_each_input():
    form = form_in("message_form")
    topic = form.fields[5].options[0]

    message = goes_back(
        form.token, "Form", name="Ines", mail="i@example.org", day="2026-11-30", topic=topic.token
    )

    assert (message["messageType"], message["inReplyToMessageId"]) == ("FormResponseMessage", OFFER)
    response = message["formResponse"]
    assert (response["formatType"], response["formTitle"]["title"]) == (
        "Inputs",
        "About your parcel",
    )
    by_input = {one["inputId"]: one for one in response["inputValues"]}
    assert list(by_input) == ["name", "mail", "day", "topic"]
    assert by_input["name"]["value"] == {"valueType": "TextValue", "textValue": "Ines"}
    assert by_input["day"]["value"] == {"valueType": "DateValue", "dateValue": "2026-11-30"}
    assert by_input["topic"]["inputValueType"] == "SelectedOptionsInputValue"
    assert by_input["topic"]["selectedOptions"] == [
        {
            "optionIdentifier": "billing",
            "optionTitle": {"itemType": "TitleItem", "title": "Billing"},
        }
    ]


def test_form_as_a_list_goes_back_as_selections_of_its_sections():
    form = form_in("message_form_list_picker")

    message = goes_back(form.token, "Card", extras=form.fields[0].options[1].token)

    assert form.fields[0].label == "Extras"
    assert message["formResponse"] == {
        "formatType": "Selections",
        "sections": [
            {
                "sectionId": "extras",
                "selectedOptions": [
                    {
                        "optionIdentifier": "card",
                        "optionTitle": {"itemType": "TitleItem", "title": "Card"},
                    }
                ],
            }
        ],
    }


# -- What cannot be drawn --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "url", "text"),
    [
        ("message_web_view", "WebView", "https://survey.example.org/7", "How did we do?"),
        (
            "message_unknown_format",
            "StaticContentMessage ExternalTemplate",
            "https://shop.example.org/sale",
            "Summer sale",
        ),
        ("message_authentication", "AuthenticationRequestMessage", "", ""),
        (
            "message_choices_confirm",
            "ChoicesMessage ConfirmMessage",
            "",
            "Shall I cancel the order?",
        ),
    ],
)
def test_what_has_no_place_here_is_named_with_its_address(
    name: str, kind: str, url: str, text: str
):
    message = said(name)

    assert (message.rich.unknown_kind, message.rich.unknown_url, message.text) == (kind, url, text)


def test_form_with_a_question_that_cannot_be_drawn_is_named_and_none_of_it_is_asked():
    message = said("message_form_date_and_time")

    assert message.rich.unknown_kind == "FormMessage Inputs"
    assert message.rich.form is None


def test_plain_kinds_are_their_text():
    assert said("message_extended_text").text == "About your parcel\nIt is at the depot."
    assert pictures("message_extended_text")[-1] == FILES + "full.txt"
    assert said("message_error").text == "Sorry\nThat did not work."
    assert labels(said("message_links").rich) == ["https://help.example.org/"]


@pytest.mark.parametrize("name", ["message_empty", "message_cancel_action"])
def test_empty_message_is_no_message(name: str):
    assert events(name) == []


# -- Long texts ------------------------------------------------------------------------------------


def test_long_text_goes_out_in_parts_that_are_the_text_and_are_the_same_each_time():
    text = "".join(f'{n} "ähre" \n' for n in range(2000))

    parts = messages_of(outbound(text), 7000)

    assert messages_of(outbound(text), 7000) == parts
    texts = [part["staticContent"]["text"] for part in parts]  # type: ignore[index]
    assert "".join(texts) == text
    assert max(json_bytes(one) for one in texts) <= 7000
    ids = [part["id"] for part in parts]
    assert ids[-1] == MESSAGE_ID
    assert len(set(ids)) == len(ids) > 2


def test_other_limit_makes_other_parts_which_are_no_repeats():
    text = "x" * 9000

    ids = {str(part["id"]) for part in messages_of(outbound(text), 7000)[:-1]}

    assert ids.isdisjoint(str(part["id"]) for part in messages_of(outbound(text), 6000)[:-1])


def test_answer_whose_token_is_none_of_ours_goes_out_as_its_text():
    message = goes_back("not json", "Yes")

    assert message["staticContent"] == {"formatType": "Text", "text": "Yes"}
