"""What each kind of content offers the end user, and what goes back when it is taken."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from integrations.contract.connector import OutboundMessage
from integrations.contract.events import LiveAgentMessage
from integrations.contract.rich_content import Answer, Card, Choice, ChoiceKind, FieldKind
from integrations.vendors.genesys.mapping.content import content_of
from integrations.vendors.genesys.mapping.messages import structured_body
from tests.vendors.genesys.test_mapping import read

PERSON = {"id": "HOF-1", "idType": "Opaque"}
REPLY, LINK, PHONE = ChoiceKind.REPLY, ChoiceKind.LINK, ChoiceKind.PHONE


def said(name: str) -> LiveAgentMessage:
    [event] = read(name)
    assert isinstance(event, LiveAgentMessage)
    return event


def goes_back(token: str, label: str, **values: str) -> dict | None:
    """Return what Genesys is told when something with this token was taken."""
    answer = Answer(vendor_message_id="0f9d", token=token, label=label, values=values)
    sent_at = datetime(2026, 3, 1, tzinfo=UTC)
    message = OutboundMessage(message_id="m-1", text=label, sent_at=sent_at, answer=answer)
    body = structured_body(PERSON, message)
    if body is not None:
        assert body["originatingMessageId"] == "0f9d"
        assert body["channel"]["messageId"] == "m-1"
        return body["buttonResponse"]
    return None


def taken(choice: Choice) -> dict | None:
    return goes_back(choice.token, choice.label)


def lines_of(choices: tuple[Choice, ...]) -> list[tuple[ChoiceKind, str, str]]:
    return [(choice.kind, choice.label, choice.url) for choice in choices]


def test_quick_replies_are_choices_whose_payload_goes_back():
    event = said("quick_replies")
    billing, delivery = event.rich.choices

    assert event.text == "What is it about?"
    assert event.vendor_message_id
    assert [billing.label, delivery.label] == ["Billing", "Delivery"]
    assert taken(billing) == {"type": "QuickReply", "text": "Billing", "payload": "billing"}


def test_quick_replies_of_the_second_kind_are_the_same():
    event = said("quick_replies_v2")
    morning, later = event.rich.choices

    assert event.text == "When?"
    assert morning.image_url == "https://shop.example/img/sun.png"
    assert taken(morning) == {"type": "QuickReply", "text": "Morning", "payload": "m"}
    # A payload is demanded back; where the chip has none, its text is all there is.
    assert taken(later) == {"type": "QuickReply", "text": "Later", "payload": "Later"}


def test_card_has_its_image_its_link_once_and_a_button_that_goes_back():
    [card] = said("card").rich.cards

    assert (card.title, card.text) == ("Parcel BL-20931", "On its way")
    assert card.image_url == "https://shop.example/img/parcel.png"
    assert lines_of(card.choices) == [
        (LINK, "Track it", "https://shop.example/t/1"),
        (REPLY, "Call me", ""),
    ]
    assert taken(card.choices[1]) == {"type": "Button", "text": "Call me", "payload": "call"}


def test_carousel_keeps_its_cards_in_order():
    event = said("carousel")

    assert [card.title for card in event.rich.cards] == ["Blue", "Red"]
    assert event.text == ""


def test_times_have_their_moment_their_length_and_their_place():
    event = said("date_picker")
    first, second = event.rich.slots

    assert first.starts_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (first.duration_seconds, second.duration_seconds) == (1800, None)
    assert second.starts_at == datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    assert event.rich.place == "Shop at the canal, Kanalstraat 4, Utrecht"
    image = "https://shop.example/img/shop.png"
    assert event.rich.cards == (Card(title="When?", text="Pick a time", image_url=image),)
    assert goes_back(second.token, "Monday, 13:30") == {
        "type": "DatePicker",
        "text": "Monday, 13:30",
        "payload": "2026-03-02T14:30:00+02:00",
    }


def test_date_picker_without_times_asks_for_a_day():
    event = said("date_picker_any_day")
    form = event.rich.form

    assert form is not None
    [day] = form.fields
    assert (day.label, day.kind) == ("Which day?", FieldKind.DATE)
    assert event.text == "Which day?\n2026-03-01 - 2026-03-31"
    assert goes_back(form.token, "2 March", date="2026-03-02") == {
        "type": "DatePicker",
        "text": "2 March",
        "payload": "2026-03-02",
    }


def test_list_is_choices_that_go_back_as_text_for_open_messaging_takes_no_list():
    event = said("list_picker")
    standard, express = event.rich.choices

    assert event.text == "How shall we send it?\nBoth are insured.\nDelivery"
    assert (standard.description, standard.image_url) == (
        "3 days",
        "https://shop.example/img/van.png",
    )
    assert express.label == "Express"
    assert taken(standard) is None


def test_sections_of_a_list_are_cards():
    cards = said("list_picker_sections").rich.cards

    shown = [(card.title, [choice.label for choice in card.choices]) for card in cards]
    assert shown == [("Size", ["Small"]), ("Colour", ["Blue", "Red"])]


def test_template_is_shown_once_filled_in_and_without_its_plumbing():
    event = said("template")

    assert event.text == ("Refunds\nDear Ines,\nyour refund of 49 EUR is on its way.\nPortal shop")
    assert lines_of(event.rich.choices) == [
        (REPLY, "Thank you", ""),
        (LINK, "Read more", "https://shop.example/r/77"),
        (PHONE, "Call us", "+31205550100"),
    ]
    thanks = {"type": "QuickReply", "text": "Thank you", "payload": "thanks"}
    assert taken(event.rich.choices[0]) == thanks


@pytest.mark.parametrize(
    ("own", "body", "shown"),
    [
        (None, "Dear {{name}}, hello", "Dear Ines, hello"),
        ("Dear {{ name }}, hello", "Dear {{ name }}, hello", "Dear Ines, hello"),
        ("Dear Ines, hello", "Dear {{1}}, hello", "Dear Ines, hello"),
        ("Dear Ines, hello", "Dear Ines, hello", "Dear Ines, hello"),
        (None, "Code {{other}}", "Code "),
        (None, "", "Ines"),
        ("Yesterday", "Yes", "Yesterday\nYes"),
        ("Hello\nYes\nBye", "Yes", "Hello\nYes\nBye"),
    ],
)
def test_placeholders_are_filled_wherever_the_template_has_its_text(
    own: str | None, body: str, shown: str
):
    parameters = [{"name": "name", "text": "Ines"}]
    template = {"id": "x", "body": {"text": body, "parameters": parameters}}
    content = [{"contentType": "Notification", "template": template}]

    found = content_of({"text": own, "content": content})

    assert found.text == shown.strip()
    assert not found.rich


def test_image_of_a_templates_head_is_a_file():
    media = {"mediaType": "Image", "url": "https://x.example/a%20b.png", "mime": "image/png"}
    template = {"header": {"type": "Media", "media": media}, "body": {"text": "Look"}}

    [file] = content_of({"content": [{"contentType": "Notification", "template": template}]}).files

    assert (file.file_name, file.mime_type) == ("a b.png", "image/png")


@pytest.mark.parametrize(
    ("name", "text", "link"),
    [
        ("link", "", ("Returns", "https://shop.example/returns")),
        (
            "location",
            "Shop at the canal, Kanalstraat 4, Utrecht",
            ("Shop at the canal", "https://maps.example/?q=1"),
        ),
    ],
)
def test_links_can_be_followed(name: str, text: str, link: tuple[str, str]):
    event = said(name)

    assert event.text == text
    assert lines_of(event.rich.choices) == [(LINK, *link)]


def test_rich_link_is_a_card():
    [card] = said("rich_link").rich.cards

    assert (card.title, card.text) == ("Opening hours", "Portal shop")
    assert card.image_url == "https://shop.example/img/shop.png"
    assert lines_of(card.choices) == [(LINK, "See them", "https://shop.example/hours")]


def test_text_may_stand_in_the_content():
    assert said("text_content").text == "Said as content."


@pytest.mark.parametrize(
    ("name", "kind", "text", "url"),
    [
        ("form", "Form", "Tell us about your return", ""),
        ("story", "Mention", "", "https://social.example/s/81"),
        ("unknown_content", "PaymentRequest", "", ""),
        ("nothing_readable", "Reactions", "", ""),
    ],
)
def test_what_cannot_be_drawn_is_named(name: str, kind: str, text: str, url: str):
    event = said(name)

    assert (event.rich.unknown_kind, event.rich.unknown_url) == (kind, url)
    assert event.text == text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc", "//x"])
def test_address_that_is_no_web_page_is_no_link(url: str):
    card = {"title": "t", "image": url, "actions": [{"type": "Link", "text": "Go", "url": url}]}

    found = content_of({"content": [{"contentType": "Card", "card": card}]})

    assert found.cards == [Card(title="t")]


def test_parts_of_the_wrong_shape_raise_nothing():
    kinds = ["Card", "Carousel", "DatePicker", "ListPicker", "QuickReply", "Notification", "Text"]
    for wrong in ({}, {"title": 7}, {"cards": 3, "availableTimes": [{}], "sections": [{}]}, "x"):
        contents = [{"contentType": kind, kind[:1].lower() + kind[1:]: wrong} for kind in kinds]
        json.dumps(content_of({"text": 7, "content": contents}).text)
