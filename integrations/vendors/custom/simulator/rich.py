"""One message of each kind of rich content that the contract knows, and what may answer it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

KINDS = ("choices", "cards", "slots", "form", "markdown", "image")
BOT = "Desk bot"
# One red dot: what a picture's address answers.
_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJg"
    "gg=="
)


def picture() -> Response:
    """Answer with the picture of cards and choices."""
    return Response(_PICTURE, media_type="image/png")


def rich_data(kind: str, *, base_url: str) -> tuple[str, dict[str, Any]]:
    """Return the text of a message of this kind, and what its data has beside."""
    image = f"{base_url}/pictures/parcel.png"
    texts = {
        "choices": "Shall we send it again?",
        "cards": "Two ways to get it:",
        "slots": "When may we call?",
        "form": "Tell us where it should go.",
        "markdown": "Read **both** pages:\n\n- [Terms](https://shop.example/terms)\n- _Returns_",
        "image": "",
    }
    return texts[kind], _data(kind, image)


def _data(kind: str, image: str) -> dict[str, Any]:
    site = {"label": "Our shop", "kind": "link", "url": "https://shop.example/"}
    call = {"label": "Call us", "kind": "phone", "url": "tel:+44205550100"}
    data: dict[str, dict[str, Any]] = {
        "choices": {"choices": [_choice("yes", "Yes"), _choice("no", "No, refund it"), site, call]},
        "cards": {
            "cards": [
                _card("home", "To your door", "Tomorrow by noon", image),
                _card("shop", "To a shop", "Today from five", image, site),
            ]
        },
        "slots": {"slots": _slots(), "place": "By telephone"},
        "form": {"form": _form()},
        "markdown": {"markup": "markdown"},
        "image": {"attachments": [{"name": "parcel.png", "mime_type": "image/png", "url": image}]},
    }
    return data[kind]


def offered(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be answered: ids, and for a form the names of its fields."""
    cards = [choice for card in data.get("cards", []) for choice in card["choices"]]
    single = [*data.get("choices", []), *cards, *data.get("slots", [])]
    taken: dict[str, Any] = {one["id"]: None for one in single if "id" in one}
    form = data.get("form")
    return taken | ({form["id"]: [one["name"] for one in form["fields"]]} if form else {})


def labels_of(data: Mapping[str, Any]) -> list[str]:
    """Return what the desk shows of an offer."""
    cards = [choice for card in data.get("cards", []) for choice in card["choices"]]
    fields = data.get("form", {}).get("fields", [])
    return [
        *(one["label"] for one in [*data.get("choices", []), *cards, *fields]),
        *(one["starts_at"] for one in data.get("slots", [])),
    ]


def _choice(choice_id: str, label: str) -> dict[str, str]:
    return {"id": choice_id, "label": label}


def _card(card_id: str, title: str, text: str, image: str, *more: Mapping[str, str]) -> Any:
    choices = [_choice(card_id, f"Take: {title}"), *more]
    return {"title": title, "text": text, "image_url": image, "choices": choices}


def _slots() -> list[dict[str, Any]]:
    day = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return [
        {
            "id": f"slot-{number}",
            "starts_at": (day + timedelta(hours=hours)).isoformat(),
            "duration_seconds": 1800,
        }
        for number, hours in enumerate((0, 1, 25), start=1)
    ]


def _form() -> dict[str, Any]:
    options = [_choice("morning", "In the morning"), _choice("evening", "In the evening")]
    return {
        "id": "address",
        "title": "Delivery",
        "fields": [
            {"name": "street", "label": "Street", "kind": "text", "is_required": True},
            {"name": "email", "label": "E-mail", "kind": "email"},
            {"name": "when", "label": "When", "kind": "select", "options": options},
        ],
    }
