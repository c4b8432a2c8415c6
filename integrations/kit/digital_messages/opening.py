"""What a contact of CXone Digital begins with: custom fields, context, summary, transcript."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from integrations.contract.connector import HandoffRequest
from integrations.kit.cutting import characters
from integrations.kit.hints import context_text, hint_list, hint_pairs, hint_text, identity_pairs
from integrations.kit.json_values import as_object
from integrations.kit.transcript import Limits, opening_texts

MAX_FIELD = 1024
# The vendor names no limit of a text; this one keeps a message readable.
LIMITS = Limits(size=8000, measure=characters, parts=5)
# Hints that go into fields of the contact.
_HINTS = (
    *("subject", "reason", "summary", "note", "queue", "skills", "priority", "language"),
    "department",
)
# A summary is a message of its own.
_UNTOLD = ("summary",)


def stable_id(handoff_id: str, name: str) -> str:
    """Return an id that a repeat of the handoff has again."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{handoff_id}:{name}"))


def context_of(request: HandoffRequest) -> dict[str, str]:
    """Return what live agents may be told about the handoff, by name."""
    routing = request.routing
    hints = {name: hint_text(routing.get(name)) for name in _HINTS if hint_list(routing.get(name))}
    if routing.get("transcript") == "none":
        hints.pop("summary", None)
    hints.setdefault("language", request.locale)
    own = (hint_pairs(routing.get("attributes")), as_object(routing.get("contact_custom_fields")))
    written = {name: hint_text(value) for part in own for name, value in part.items()}
    known = {"conversation_id": request.conversation_id, **hints, **identity_pairs(request)}
    known |= written
    return {name: text for name, text in known.items() if text}


def first_texts(request: HandoffRequest, told: Mapping[str, str]) -> list[str]:
    """Return the first messages: the context that no field has, then what was said before."""
    # The language that the conversation is in anyway is no news to anybody who reads it.
    untold = _UNTOLD if request.routing.get("language") else (*_UNTOLD, "language")
    context = context_text({name: text for name, text in told.items() if name not in untold})
    return [*([context] if context else []), *opening_texts(request, LIMITS)]


def numbered(handoff_id: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return texts with the id that each has at its place in the opening."""
    return [(stable_id(handoff_id, f"opening:{n}"), text) for n, text in enumerate(texts)]


def custom_fields(fields: Mapping[str, str]) -> list[dict[str, str]]:
    """Write custom fields, each as long as one may be."""
    return [{"ident": ident, "value": text[:MAX_FIELD]} for ident, text in fields.items()]
