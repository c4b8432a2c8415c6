"""One message of each kind of rich content that agents and bots send on such a channel."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

KINDS = ("choices", "cards", "slots", "form", "image", "link")
_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJg"
    "gg=="
)


def picture() -> Response:
    """Answer with the picture of cards and messages."""
    return Response(_PICTURE, media_type="image/png")


def rich_message(kind: str, *, base_url: str) -> dict[str, Any]:
    """Return an abstractMessage of this kind."""
    image = f"{base_url}/pictures/parcel.png"
    bodies = {
        "choices": ("ChoicesMessage", "choices", _choices()),
        "cards": ("ChoicesMessage", "choices", _carousel(image)),
        "slots": ("ChoicesMessage", "choices", _time_picker()),
        "form": ("FormMessage", "form", _form()),
        "image": ("StaticContentMessage", "staticContent", _picture_of(image)),
        "link": ("StaticContentMessage", "staticContent", _rich_link(image)),
    }
    message_type, name, body = bodies[kind]
    return {"id": str(uuid.uuid4()), "messageType": message_type, name: body}


def offered(message: Mapping[str, Any]) -> list[str]:
    """Return the identifiers that an answer may name."""
    choices = message.get("choices", {})
    cards = [one for item in choices.get("items", []) for one in item["interactionItems"]]
    slots = choices.get("calendarEvent", {}).get("timeSlotOptionItems", [])
    options = [*choices.get("optionItems", []), *cards, *slots]
    inputs = [one["input"]["id"] for one in message.get("form", {}).get("sections", [])]
    return [one["optionIdentifier"] for one in options] + inputs


def shown_text(message: Mapping[str, Any]) -> str:
    """Return what the desk shows of a message."""
    for name in ("choices", "form", "staticContent"):
        body = message.get(name, {})
        titled = body.get("message") or body.get("formTitle") or {}
        if text := body.get("text") or body.get("title") or titled.get("title"):
            return str(text)
    return ""


def shown_options(message: Mapping[str, Any]) -> list[str]:
    """Return the labels of what a message offers, for the desk."""
    choices = message.get("choices", {})
    cards = [one for item in choices.get("items", []) for one in item["interactionItems"]]
    titled = [*choices.get("optionItems", []), *cards]
    slots = choices.get("calendarEvent", {}).get("timeSlotOptionItems", [])
    inputs = [one["input"] for one in message.get("form", {}).get("sections", [])]
    return [
        *(one["titleItem"]["title"] for one in titled),
        *(one["startTime"] for one in slots),
        *(one["label"]["title"] for one in inputs),
    ]


def _title(title: str, **more: Any) -> dict[str, Any]:
    return {"itemType": "TitleItem", "title": title, **more}


def _option(identifier: str, title: str) -> dict[str, Any]:
    return {
        "itemType": "TitleOptionItem",
        "titleItem": _title(title),
        "optionIdentifier": identifier,
        "optionId": identifier,
    }


def _choices() -> dict[str, Any]:
    options = [_option("yes", "Yes"), _option("no", "No, refund it")]
    return {"formatType": "Buttons", "text": "Shall we send it again?", "optionItems": options}


def _carousel(image: str) -> dict[str, Any]:
    def card(identifier: str, title: str, text: str) -> dict[str, Any]:
        return {
            "titleItem": _title(title, subTitle=text, imageId="parcel"),
            "interactionItems": [_option(identifier, f"Take: {title}")],
        }

    return {
        "formatType": "Carousel",
        "title": "Two ways to get it:",
        "items": [
            card("home", "To your door", "Tomorrow by noon"),
            card("shop", "To a shop", "Today from five"),
        ],
        "images": [{"id": "parcel", "assetUrl": image, "mimeType": "image/png"}],
    }


def _time_picker() -> dict[str, Any]:
    day = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    slots = [
        {
            "optionIdentifier": f"slot-{number}",
            "startTime": (day + timedelta(hours=hours)).isoformat().replace("+00:00", "Z"),
            "duration": 1800,
        }
        for number, hours in enumerate((0, 1, 25), start=1)
    ]
    return {
        "formatType": "TimePicker",
        "message": _title("When may we call?"),
        "calendarEvent": {
            "title": "A call",
            "location": {"name": "By telephone"},
            "timeSlotOptionItems": slots,
        },
    }


def _form() -> dict[str, Any]:
    options = [_option("morning", "In the morning"), _option("evening", "In the evening")]
    asked: list[dict[str, Any]] = [
        {"inputType": "TextInput", "id": "street", "label": _title("Street"), "required": True},
        {
            "inputType": "TextInput",
            "id": "email",
            "label": _title("E-mail"),
            "textContentType": "EmailAddress",
        },
        {
            "inputType": "SelectInput",
            "id": "when",
            "label": _title("When"),
            "optionItems": options,
        },
    ]
    return {
        "formatType": "Inputs",
        "formTitle": _title("Delivery"),
        "message": _title("Tell us where it should go."),
        "sections": [{"input": one} for one in asked],
    }


def _picture_of(image: str) -> dict[str, Any]:
    attachment = {"id": "pic", "name": "parcel.png", "mimeType": "image/png", "url": image}
    return {"formatType": "Attachments", "text": "", "attachments": [attachment]}


def _rich_link(image: str) -> dict[str, Any]:
    link = {"itemType": "LinkItem", "titleItem": _title("Our shop", subTitle="Open until eight")}
    link["url"] = "https://shop.example/"
    return {"formatType": "RichLink", "linkItem": link, "image": {"assetUrl": image}}
