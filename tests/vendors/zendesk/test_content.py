"""What each type of content becomes in our model, and how an answer to it is written."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.contract.rich_content import Answer, ChoiceKind, FieldKind, Markup
from integrations.vendors.zendesk.mapping.content import answer_content, content_of
from tests.vendors.zendesk.test_mapping import fixture


def content(name: str) -> dict[str, Any]:
    return fixture(name)["payload"]["message"]["content"]


def answered(token: str, label: str, **values: str) -> dict[str, Any]:
    answer = Answer(vendor_message_id="7a01", token=token, label=label, values=values)
    return dict(answer_content(answer, label))


def test_replies_and_postbacks_are_choices_whose_payload_comes_back():
    actions = [
        {"type": "reply", "text": "Yes", "payload": "Y", "iconUrl": "https://img.example/y.png"},
        {"type": "postback", "text": "Again", "payload": "RETRY", "metadata": {"a": 1}},
    ]

    offered = content_of({"type": "text", "text": "Sure?", "actions": actions})

    yes, again = offered.rich.choices
    assert offered.text == "Sure?"
    assert (yes.label, yes.kind) == ("Yes", ChoiceKind.REPLY)
    assert yes.image_url == "https://img.example/y.png"
    assert answered(yes.token, "Yes") == {"type": "text", "text": "Yes", "payload": "Y"}
    assert answered(again.token, "Again")["payload"] == "RETRY"


def test_links_lead_where_zendesk_means_them_to_lead_outside_its_own_widget():
    inside, shop = "https://shop.example/inside", "https://shop.example/"
    actions = [
        {"type": "link", "text": "Track", "uri": "https://parcels.example/1%2F2"},
        {"type": "webview", "text": "Shop", "uri": inside, "fallback": shop},
        {"type": "link", "text": "Call", "uri": "tel:+3120555"},
    ]

    track, shop_choice, call = content_of({"type": "text", "actions": actions}).rich.choices

    assert (track.kind, track.url) == (ChoiceKind.LINK, "https://parcels.example/1%2F2")
    assert shop_choice.url == shop
    assert call.kind is ChoiceKind.PHONE


def test_what_only_zendesks_widget_can_do_is_said_in_words_and_named():
    buy = {"type": "buy", "text": "Insure it", "amount": 499, "currency": "eur"}
    place = {"type": "locationRequest", "text": "Share your location"}

    asked = content_of({"type": "text", "text": "Next:", "actions": [buy, place]})

    assert asked.text == "Next:\nInsure it: 4.99 EUR\nShare your location"
    assert asked.rich.unknown_kind == "buy"
    assert content_of({"type": "text", "text": "?", "actions": [place]}).rich.unknown_kind == ""
    assert content_of({"type": "text", "actions": [{"type": "dance"}]}).rich.unknown_kind == "dance"


@pytest.mark.parametrize("kind", ["carousel", "list"])
def test_items_become_cards_with_image_text_and_choices(kind: str):
    given = content("agent_carousel") | {"type": kind, "text": "1. Parcel shop\n2. Locker"}
    given["items"][0]["mediaUrl"] = "https://img.example/shop.png"

    shown = content_of(given)

    shop, locker = shown.rich.cards
    assert shown.text == ""
    assert (shop.title, shop.text) == ("Parcel shop", "Open until 8 pm")
    assert shop.image_url == "https://img.example/shop.png"
    assert shop.choices[0].url == "https://shops.sample.example/1"
    assert answered(locker.choices[0].token, "Choose")["payload"] == "LOCKER"


def test_choices_of_a_whole_list_stand_beside_its_cards():
    more = {"type": "postback", "text": "More", "payload": "MORE"}

    shown = content_of(content("agent_carousel") | {"type": "list", "actions": [more]})

    assert [choice.label for choice in shown.rich.choices] == ["More"]
    assert len(shown.rich.cards) == 2


def test_form_keeps_its_fields_and_its_answer_is_written_line_by_line():
    given = content("agent_form")
    number = {"type": "text", "name": "boxes", "label": "Boxes", "format": "integer", "minSize": 0}
    given["fields"].append(number)

    form = content_of(given).rich.form

    assert form is not None
    mail, topic, boxes = form.fields
    assert [one.kind for one in form.fields] == [
        *(FieldKind.EMAIL, FieldKind.SELECT, FieldKind.NUMBER),
    ]
    assert [one.is_required for one in form.fields] == [True, True, False]
    assert [option.label for option in topic.options] == ["Billing"]
    filled = answered(form.token, "Form", mail="noor@sample.example", topic=topic.options[0].token)
    assert filled == {"type": "text", "text": "E-mail: noor@sample.example\nTopic: Billing"}
    assert (mail.name, boxes.label) == ("mail", "Boxes")


def test_image_with_words_and_a_file_keep_name_type_and_address():
    image, file = content_of(content("agent_image")), content_of(content("agent_file"))

    assert image.text == "Like this"
    assert image.files[0].file_name == "u9.png"
    assert (file.files[0].file_name, file.files[0].mime_type) == (
        *("return-label.pdf", "application/pdf"),
    )


@pytest.mark.parametrize("name", ["b%2Fparcel%20shop.png", "parcel%20shop.png"])
def test_address_of_a_file_stays_as_it_was_written(name: str):
    url = f"https://files.example/a/{name}"

    [file] = content_of({"type": "image", "mediaUrl": url}).files

    assert (file.url, file.file_name) == (url, "parcel shop.png")


def test_an_address_that_is_none_is_a_file_without_a_name_and_stops_nothing():
    [file] = content_of({"type": "file", "mediaUrl": "https://[x"}).files

    assert (file.url, file.file_name) == ("https://[x", "file")


def test_location_is_its_name_and_a_map():
    assert content_of(content("agent_location")).text.startswith("Depot West\nQuay 4\nhttps://")


@pytest.mark.parametrize(
    ("given", "text", "markup"),
    [
        ({"htmlText": "<p>A</p><p>B</p>"}, "A\n\nB", Markup.PLAIN),
        (
            {"htmlText": "See <a href='https://x.example'>it</a>"},
            *("See [it](https://x.example)", Markup.MARKDOWN),
        ),
        ({"markdownText": "**A**", "text": "A"}, "**A**", Markup.MARKDOWN),
        ({"htmlText": "<p>A</p>", "text": "A "}, "A ", Markup.PLAIN),
    ],
)
def test_text_keeps_links_blanks_and_marks(given: dict[str, Any], text: str, markup: Markup):
    said = content_of({"type": "text", **given})

    assert (said.text, said.markup) == (text, markup)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"type": "hologram"}, "hologram"),
        ({"type": "template", "template": {"name": "a"}}, "template"),
        ({"type": "image"}, "image"),
        ({"type": "location", "coordinates": {"lat": 1.5, "long": "x"}}, "location"),
        ({"type": "form", "fields": []}, "form"),
        ({"type": "carousel", "items": [None]}, "carousel"),
        ({}, "message without a type"),
    ],
)
def test_what_cannot_be_shown_is_named_by_its_kind(given: dict[str, Any], kind: str):
    assert content_of(given).rich.unknown_kind == kind


def test_words_of_an_unknown_kind_are_shown_in_its_place():
    shown = content_of({"type": "hologram", "textFallback": "A cube"})

    assert (shown.text, shown.rich.unknown_kind) == ("A cube", "")
