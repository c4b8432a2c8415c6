"""The name of a connection in addresses: its vendor's connector, and its set of credentials."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_SET = "default"
# In a set's assignments: the set of every handoff that nothing else decides.
EVERY_VARIANT = "__default__"
# What a tool writes as `credential_set`, and what stands in addresses.
SET_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class ConnectionName:
    """One of the connections to a vendor in an environment."""

    connector_key: str
    credential_set: str = DEFAULT_SET

    def __str__(self) -> str:
        """Return `salesforce_messaging`, or `salesforce_messaging:emea` for a named set."""
        is_plain = self.credential_set == DEFAULT_SET
        return self.connector_key if is_plain else f"{self.connector_key}:{self.credential_set}"

    def titled(self, name: str) -> str:
        """Return a vendor's or a tile's name, with the set where that has a name of its own."""
        return name if self.credential_set == DEFAULT_SET else f"{name} ({self.credential_set})"

    @classmethod
    def read(cls, text: str) -> ConnectionName:
        """Return the name in a part of an address; raises ValueError for what cannot be one."""
        connector_key, separator, credential_set = text.partition(":")
        if not connector_key or (separator and not SET_NAME.fullmatch(credential_set)):
            raise ValueError("This is no name of a credential set.")
        return cls(connector_key, credential_set or DEFAULT_SET)


class ConnectionNameConverter:
    """Reads the name out of an address, and writes it into one."""

    regex = "[^/]+"

    def to_python(self, value: str) -> ConnectionName:
        """Return the name; a ValueError means that the address leads nowhere."""
        return ConnectionName.read(value)

    def to_url(self, value: ConnectionName | str) -> str:
        """Return the part of the address."""
        return str(value)
