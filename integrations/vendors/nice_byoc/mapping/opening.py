"""Our side of the channel: who the end user is, and an inbound message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from integrations.contract.connector import HandoffRequest
from integrations.kit.digital_messages.opening import stable_id
from integrations.kit.hints import identity_of
from integrations.kit.json_values import Json, as_object, iso_moment


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


def author_of(request: HandoffRequest) -> Author:
    """Return the end user: one who is vouched for is the same each time."""
    identity = identity_of(request)
    own = stable_id(request.handoff_id, "user")
    named = identity.external_id if request.end_user.is_verified else ""
    return Author(
        id=f"portal-{named or own}",
        first_name=identity.first_name,
        last_name=identity.last_name,
    )


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
