"""Everything a pretend vendor holds: its switches, conversations, people, files and tokens."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from integrations.simulators.desk import DeskError
from integrations.simulators.records import Files, Records
from integrations.simulators.switches import Switches

S = TypeVar("S", bound=Switches)
C = TypeVar("C")
P = TypeVar("P", bound="Part")


class Part(Protocol):
    """Something a world is made of: it can be kept over a restart, and forgotten."""

    def as_json(self) -> Any:
        """Return everything a restart must keep, as plain JSON values."""

    def restore(self, kept: Any) -> None:
        """Take over what `as_json` returned."""

    def forget(self) -> None:
        """Be as at the beginning."""


class World(Generic[S, C]):
    """A vendor's world adds its own parts to conversations and files; see `part`."""

    # Plain attributes that are kept as they are, and not forgotten.
    kept_values: ClassVar[tuple[str, ...]] = ()
    # What a reset leaves as it is: what the admin agreed with the portal.
    agreed_switches: ClassVar[tuple[str, ...]] = ()

    def __init__(self, switches: S, conversations: Records[C]) -> None:
        """Begin with the switches as they stand, to which a reset goes back."""
        self.lock = threading.RLock()
        # Where the simulator is served; known from its start on.
        self.base_url = ""
        self.switches = switches
        self._first_switches = switches.as_json()
        self._parts: dict[str, Part] = {}
        self.conversations = self.part("conversations", conversations)
        self.files = self.part("files", Files())

    def part(self, name: str, part: P) -> P:
        """Have a part kept under a name of the state file, and forgotten with the rest."""
        self._parts[name] = part
        return part

    def conversation(self, conversation_id: str) -> C:
        """Return a conversation for the desk; raises DeskError for an unknown id."""
        if conversation_id not in self.conversations:
            raise DeskError(404, "There is no such conversation.")
        return self.conversations[conversation_id]

    def configure(self, **switches: Any) -> None:
        """Change switches."""
        self.switches.change(**switches)

    def configuration(self) -> dict[str, Any]:
        """Return the switches as they stand, secrets included: this is a pretence."""
        return self.switches.as_json()

    def forget(self) -> None:
        """Forget all records; switches go back to how they were at the start."""
        for part in self._parts.values():
            part.forget()
        agreed = {name: getattr(self.switches, name) for name in self.agreed_switches}
        self.switches.restore({**self._first_switches, **agreed})

    def as_json(self) -> dict[str, Any]:
        """Return everything a restart must keep."""
        return {
            **{name: getattr(self, name) for name in self.kept_values},
            "switches": self.switches.as_json(),
            **{name: part.as_json() for name, part in self._parts.items()},
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_json` returned; a part that it does not name stays as it is."""
        for name in self.kept_values:
            setattr(self, name, kept[name])
        self.switches.restore(kept["switches"])
        for name, part in self._parts.items():
            if name in kept:
                part.restore(kept[name])
