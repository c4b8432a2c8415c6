"""Our side of the channel: ids that follow from the handoff, and what a contact begins with."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from integrations.contract.connector import HandoffRequest
from integrations.kit.cutting import characters
from integrations.kit.hints import hint_list, hint_pairs, hint_text, identity_of
from integrations.kit.json_values import Json, as_object, as_text, iso_moment
from integrations.kit.transcript import Limits, opening_texts

MAX_FIELD = 1024
# The vendor names no limit of a text; this one keeps a message readable.
LIMITS = Limits(size=8000, measure=characters, parts=5)
CONTEXT_TITLE = "About this conversation"
_HINTS = ("subject", "reason", "summary", "queue", "skills", "priority", "language", "department")


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """The end user, as CXone knows one of our channel."""

    id: str = field(repr=False)
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)

    @property
    def identity(self) -> dict[str, object]:
        """Write an end user identity."""
        name = f"{self.first_name} {self.last_name}".strip()
        return {
            "idOnExternalPlatform": self.id,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "nickname": name,
            "image": "",
            "customFields": [],
        }


def thread_id_of(handoff_id: str) -> str:
    """Return the id of the handoff's thread."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{handoff_id}:thread"))


def author_of(request: HandoffRequest) -> Author:
    """Return the end user: one who is vouched for is the same each time."""
    identity = identity_of(request)
    own = uuid.uuid5(uuid.NAMESPACE_OID, f"{request.handoff_id}:user")
    named = identity.external_id if request.end_user.is_verified else ""
    return Author(
        id=f"portal-{named or own}",
        first_name=identity.first_name,
        last_name=identity.last_name,
    )


def opening_messages(request: HandoffRequest) -> list[tuple[str, str]]:
    """Return the first messages, each with an id that a repeat has again."""
    fields = context_fields(request)
    lines = [f"{one['ident']}: {one['value']}" for one in fields if one["ident"] != "summary"]
    texts = ["\n".join([CONTEXT_TITLE, *lines]), *opening_texts(request, LIMITS)]
    ids = (uuid.uuid5(uuid.NAMESPACE_OID, f"{request.handoff_id}:opening:{n}") for n in range(99))
    return [(str(one), text) for one, text in zip(ids, texts, strict=False)]


def context_fields(request: HandoffRequest) -> list[dict[str, str]]:
    """Return hints and attributes as custom fields of the contact; unknown ones are dropped."""
    routing = request.routing
    hints = {name: hint_text(routing.get(name)) for name in _HINTS if hint_list(routing.get(name))}
    if routing.get("transcript") == "none":
        hints.pop("summary", None)
    own = hint_pairs(routing.get("attributes")), as_object(routing.get("contact_custom_fields"))
    written = {name: hint_text(value) for part in own for name, value in part.items()}
    known: Mapping[str, str] = {"conversation_id": request.conversation_id, **hints, **written}
    return [{"ident": n, "value": text[:MAX_FIELD]} for n, text in known.items() if text]


def new_message(
    author: Author,
    thread_id: str,
    message_id: str,
    content: Mapping[str, object],
    *,
    at: datetime,
    fields: list[dict[str, str]] | None = None,
    attachments: list[dict[str, str]] | None = None,
) -> dict[str, object]:
    """Write an inbound message; what the first one's contact is to know goes with it."""
    return {
        "idOnExternalPlatform": message_id,
        "direction": "inbound",
        "createdAtWithMilliseconds": iso_moment(at),
        "thread": {"idOnExternalPlatform": thread_id},
        "messageContent": content,
        "authorEndUserIdentity": author.identity,
        "contact": {"customFields": fields or []},
        "attachments": attachments or [],
        "recipients": [],
        "isReplyToSpecificMessage": False,
    }


def rows(answer: object, *names: str) -> list[Json]:
    """Return the rows of a list, whether it is one or stands in an object."""
    found = next((a for n in names if (a := as_object(answer).get(n)) is not None), answer)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def name_of(user: Json) -> str:
    """Return the name to show: the nickname, else first name and surname."""
    full = " ".join(filter(None, (as_text(user.get(n)) for n in ("firstName", "surname"))))
    return as_text(user.get("nickname")) or full
