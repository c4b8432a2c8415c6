"""What can be set on a pretend vendor by name, at its start and from the desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import NoneType, UnionType
from typing import Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

from integrations.simulators.desk import DeskError


@dataclass
class Switches:
    """A vendor's switches are the fields of a subclass; their types say what each may hold.

    The values of the beginning are those to which a reset goes back.
    """

    # Switch -> the only values that it may hold, where its type allows more.
    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {}

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Return switches that begin with these values; raises DeskError for a wrong one."""
        made = cls()
        made.change(**values)
        return made

    def change(self, **values: Any) -> None:
        """Set switches by name; raises DeskError for an unknown name or a wrong value."""
        known = get_type_hints(type(self))
        names = [one.name for one in fields(self)]
        for name, value in values.items():
            if name not in names:
                raise DeskError(400, f"There is no switch {name!r}; known: {', '.join(names)}.")
            if not _fits(value, known[name]):
                raise DeskError(400, f"{name} cannot be {type(value).__name__}.")
            if name in self.choices and value not in self.choices[name]:
                shown = ", ".join(str(one) for one in self.choices[name])
                raise DeskError(400, f"{name} is one of {shown}.")
        for name, value in values.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        """Return the switches as they stand."""
        return asdict(self)

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_json` returned; a switch that it does not name stays."""
        known = {one.name for one in fields(self)}
        for name, value in kept.items():
            if name in known:
                setattr(self, name, value)


def _fits(value: object, wanted: Any) -> bool:
    """Tell whether a JSON value is of a switch's type."""
    kind, parts = get_origin(wanted) or wanted, get_args(wanted)
    if kind in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if kind is NoneType:
        return value is None
    if kind in (int, float):
        return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    if kind is list:
        return isinstance(value, list) and all(_fits(one, parts[0]) for one in value)
    if kind is dict:
        return isinstance(value, dict) and all(_fits(one, parts[1]) for one in value.values())
    return kind is Any or isinstance(value, kind)
