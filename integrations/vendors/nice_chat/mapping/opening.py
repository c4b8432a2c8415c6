"""What a contact begins with: its custom fields, and the messages of the beginning."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from integrations.contract.connector import HandoffRequest
from integrations.kit.cutting import characters
from integrations.kit.hints import hint_list, hint_pairs, hint_text, identity_of
from integrations.kit.json_values import as_object, as_text
from integrations.kit.transcript import Limits, opening_texts
from integrations.vendors.nice_chat.mapping.channel import Channel, Definition

MAX_FIELD = 1024
# The vendor names no limit of a text; this one keeps a frame readable.
LIMITS = Limits(size=8000, measure=characters, parts=5)
START_TEXT = "Begin conversation"
CONTEXT_TITLE = "About this conversation"
# Hints that go into fields of the contact, where the channel has such fields.
_HINTS = ("subject", "reason", "summary", "queue", "skills", "priority", "language", "department")


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
    thread, customer = (uuid.uuid5(uuid.NAMESPACE_OID, f"{handoff_id}:{n}") for n in "tc")
    return str(thread), f"{prefix}{customer}"


def opening_of(request: HandoffRequest, channel: Channel, renamed: Mapping[str, str]) -> Opening:
    """Return how to begin; what no field of the channel takes is told in a message."""
    wanted = {renamed.get(name, name): text for name, text in _context(request).items()}
    contact = _fields(wanted, channel.contact_fields)
    customer = _fields(_person(request), channel.customer_fields)
    left = {name: text for name, text in wanted.items() if name not in contact and text}
    texts = [*_context_text(left), *opening_texts(request, LIMITS)]
    if channel.is_live_chat or not texts:
        texts.insert(0, START_TEXT)
    required = (one.ident for one in channel.contact_fields.values() if one.is_required)
    return Opening(
        texts=[(opening_id(request.handoff_id, n), text) for n, text in enumerate(texts)],
        contact_fields=_pairs(contact),
        customer_fields=_pairs(customer),
        missing=tuple(ident for ident in required if not contact.get(ident)),
    )


def opening_id(handoff_id: str, number: int) -> str:
    """Return the id of the message at a place of the opening."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{handoff_id}:opening:{number}"))


def _context(request: HandoffRequest) -> dict[str, str]:
    routing = request.routing
    hints = {name: hint_text(routing.get(name)) for name in _HINTS if hint_list(routing.get(name))}
    if routing.get("transcript") == "none":
        hints.pop("summary", None)
    hints.setdefault("language", request.locale)
    own = {
        **hint_pairs(routing.get("attributes")),
        **as_object(routing.get("contact_custom_fields")),
    }
    written = {name: hint_text(value) for name, value in own.items()}
    return {"conversation_id": request.conversation_id, **hints, **written}


def _person(request: HandoffRequest) -> dict[str, str]:
    identity = identity_of(request)
    known = {
        "email": identity.email,
        "phone": identity.phone,
        "name": identity.name,
        "external_id": identity.external_id,
    }
    own = as_object(request.routing.get("customer_custom_fields"))
    return {**known, **{name: hint_text(value) for name, value in own.items()}}


def _fields(wanted: Mapping[str, str], known: Mapping[str, Definition]) -> dict[str, str]:
    """Return what the channel knows, in its spelling; a list takes the name of its value."""
    return {
        ident: known[ident].values.get(text, text)[:MAX_FIELD]
        for ident, text in wanted.items()
        if ident in known and text
    }


def _context_text(left: Mapping[str, str]) -> Iterator[str]:
    # A summary is a message of its own, and a language is no news to anybody who reads it.
    lines = [
        f"{name}: {text}" for name, text in left.items() if name not in ("summary", "language")
    ]
    if lines:
        yield "\n".join([CONTEXT_TITLE, *lines])


def _pairs(fields: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ident": ident, "value": as_text(value)} for ident, value in fields.items()]
