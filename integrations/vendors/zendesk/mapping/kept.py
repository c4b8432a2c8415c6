"""Messages that Zendesk has kept, as the webhook would have told of them."""

from __future__ import annotations

from datetime import datetime

from integrations.vendors.zendesk.mapping.json import Json, as_object, as_text, moment
from integrations.vendors.zendesk.mapping.message import mark_of


def event_of(message: Json) -> Json:
    """Return the event of a kept message; what it means has the message's id in both cases."""
    return {
        "id": as_text(message.get("id")),
        "type": "conversation:message",
        "createdAt": message.get("received"),
        "payload": {"message": message},
    }


def message_id_of(event: Json) -> str:
    """Return the id of the message that an event tells of; empty where it tells of none."""
    return as_text(_message_of(event).get("id"))


def happened_at(event: Json) -> datetime:
    """Return when an event's message was received, else when the event happened."""
    return moment(_message_of(event).get("received") or event.get("createdAt"))


def is_ours(event: Json) -> bool:
    """Say whether an event tells of a message that this portal has posted."""
    return mark_of(_message_of(event)) is not None


def _message_of(event: Json) -> Json:
    return as_object(as_object(event.get("payload")).get("message"))
