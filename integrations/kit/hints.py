"""Reads the hints that a handoff came with: values as text, and who the end user is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.contract.connector import HandoffRequest

# Where a carrier says from which number somebody writes: no claim of theirs.
_NUMBER_IS_KNOWN = "sms"
CONTEXT_TITLE = "About this conversation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the end user is: what is vouched for, or given by the tool; never a visitor's claim."""

    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    external_id: str = field(default="", repr=False)

    @property
    def first_name(self) -> str:
        """The name up to its first blank."""
        return self.name.partition(" ")[0]

    @property
    def last_name(self) -> str:
        """The name behind its first blank; empty where there is none."""
        return self.name.partition(" ")[2].strip()


def identity_of(request: HandoffRequest) -> Identity:
    """Return what a vendor may be told about the end user."""
    user, routing = request.end_user, request.routing
    vouched = user if user.is_verified else None
    number = user.phone if user.is_verified or request.channel == _NUMBER_IS_KNOWN else ""
    return Identity(
        name=((vouched and vouched.name) or hint_text(routing.get("user_display_name"))).strip(),
        email=(vouched and vouched.email) or hint_text(routing.get("user_email")).strip(),
        phone=number or hint_text(routing.get("user_phone")).strip(),
        external_id=(vouched and vouched.external_id)
        or hint_text(routing.get("user_external_id")).strip(),
    )


def identity_pairs(request: HandoffRequest) -> dict[str, str]:
    """Return who the end user is beyond the name, under the hints' own names."""
    user = identity_of(request)
    found = {"user_email": user.email, "user_phone": user.phone}
    found["user_external_id"] = user.external_id
    return {name: text for name, text in found.items() if text}


def context_text(pairs: Mapping[str, str]) -> str:
    """Write for a live agent what no field of the vendor's takes; empty where there is nothing."""
    lines = [f"{name}: {text}" for name, text in pairs.items()]
    return "\n".join([CONTEXT_TITLE, *lines]) if lines else ""


def hint_text(value: object) -> str:
    """Write a hint's value as vendors take it: true, a list with commas, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(hint_list(value)) if isinstance(value, list | tuple) else str(value)


def hint_list(value: object) -> list[str]:
    """Return a hint's values as texts; a single value is a list of one."""
    if value is None or value == "":
        return []
    values = value if isinstance(value, list | tuple) else [value]
    return [hint_text(item) for item in values]


def hint_pairs(value: object) -> dict[str, object]:
    """Return the pairs of a hint such as `attributes`, without those that hold nothing."""
    if not isinstance(value, Mapping):
        return {}
    return {str(name): item for name, item in value.items() if item is not None}
