"""What a connection offers to tools, as conv.integrations.<name>.<operation>(…)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOperation:
    """One call that a tool can make; each argument is given by name.

    `one_of` names arguments of which at least one is needed.
    """

    name: str
    # A sentence for builders: what it does and what it returns.
    about: str
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return every argument that it takes."""
        return tuple(dict.fromkeys((*self.required, *self.one_of, *self.optional)))

    def problem(self, given: Mapping[str, object]) -> str:
        """Say what is wrong with the arguments of a call; empty where nothing is."""
        unknown = [name for name in given if name not in self.arguments]
        if unknown:
            return f"{self.name} takes {', '.join(self.arguments)}, not {unknown[0][:40]}"
        missing = [name for name in self.required if given.get(name) in (None, "")]
        if missing:
            return f"{self.name} needs {missing[0]}="
        if self.one_of and all(given.get(name) in (None, "") for name in self.one_of):
            return f"{self.name} needs one of {', '.join(self.one_of)}"
        return ""


def text_given(given: Mapping[str, object], name: str) -> str:
    """Return an argument as a text, empty where it was left out; raises ValueError for others."""
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise ValueError(f"{name} must be a text")
    return "" if value is None else str(value).strip()
