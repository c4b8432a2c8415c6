"""What a guest's contact begins with, on a channel whose fields are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.contract.connector import HandoffRequest
from integrations.kit.digital_messages.opening import (
    context_of,
    custom_fields,
    first_texts,
    numbered,
    stable_id,
)
from integrations.kit.hints import hint_text, identity_of
from integrations.kit.json_values import as_object
from integrations.vendors.nice_chat.mapping.channel import Channel, Definition

START_TEXT = "Begin conversation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The first messages, each with an id that a repeat has again, and the fields of the first."""

    texts: list[tuple[str, str]] = field(repr=False)
    contact_fields: list[dict[str, str]] = field(repr=False)
    customer_fields: list[dict[str, str]] = field(repr=False)
    # Required fields of the pre-contact form for which there is no value.
    missing: tuple[str, ...]


def ids_of(handoff_id: str, prefix: str) -> tuple[str, str]:
    """Return the ids of the thread and of its customer.

    Each handoff is a customer of its own: on a channel that is not secured, whoever knows a
    customer's id can read that customer's threads.
    """
    return stable_id(handoff_id, "t"), prefix + stable_id(handoff_id, "c")


def opening_of(request: HandoffRequest, channel: Channel, renamed: Mapping[str, str]) -> Opening:
    """Return how to begin; what no field of the channel takes is told in a message."""
    wanted = {renamed.get(name, name): text for name, text in context_of(request).items()}
    contact = _fields(wanted, channel.contact_fields)
    customer = _fields(_person(request), channel.customer_fields)
    taken = {*contact, *(f"user_{name}" for name in customer)}
    left = {name: text for name, text in wanted.items() if name not in taken}
    texts = first_texts(request, left)
    if channel.is_live_chat or not texts:
        texts.insert(0, START_TEXT)
    required = (one.ident for one in channel.contact_fields.values() if one.is_required)
    return Opening(
        texts=numbered(request.handoff_id, texts),
        contact_fields=custom_fields(contact),
        customer_fields=custom_fields(customer),
        missing=tuple(ident for ident in required if not contact.get(ident)),
    )


def _person(request: HandoffRequest) -> dict[str, str]:
    identity = identity_of(request)
    own = as_object(request.routing.get("customer_custom_fields"))
    return {
        "email": identity.email,
        "phone": identity.phone,
        "name": identity.name,
        "external_id": identity.external_id,
        **{name: hint_text(value) for name, value in own.items()},
    }


def _fields(wanted: Mapping[str, str], known: Mapping[str, Definition]) -> dict[str, str]:
    """Return what the channel knows, in its spelling; a list takes the name of its value."""
    return {
        ident: known[ident].values.get(text, text)
        for ident, text in wanted.items()
        if ident in known and text
    }
