"""What a vendor's folder tells the demo: how to connect to its simulator, and what to say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCarrier:
    """A channel of the demo; a folder offers it as CARRIER in its module `simulator.demo`.

    `name` is what others call it in the demo's file; the rest is as for a vendor.
    """

    name: str
    title: str
    number: str
    credentials: Callable[[str], Values]
    desk_config: Callable[[Values, Values], Mapping[str, object]]
    credential_set: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoVendor:
    """One vendor of the demo; a folder offers it as DEMO in its module `simulator.demo`.

    `desk_config` gets the credentials and the portal's webhook addresses by endpoint, and returns
    what to post to the simulator's desk, so that both sides agree. `facts` name the credentials
    that a client of the simulator needs; `routing` is what the demo's tool returns for the vendor.
    """

    title: str
    credentials: Callable[[str], Values]
    desk_config: Callable[[Values, Values], Mapping[str, object]]
    facts: tuple[str, ...]
    routing: Values = field(default_factory=dict)
    # The set of its connection, where another connector of the same key has the default one.
    credential_set: str = "default"
    # The vendor of the plain phrase; it comes first.
    is_plain: bool = False

    @property
    def hints(self) -> Values:
        """Return what the demo's tool says of the connection."""
        is_named = self.credential_set != "default"
        return {**self.routing, **({"credential_set": self.credential_set} if is_named else {})}

    @property
    def phrase(self) -> str:
        """Return the sentence with which an end user reaches this vendor's live agents."""
        plain = "I want to talk to a human"
        return plain if self.is_plain else f"{plain} at {self.title}"
