"""A bounded memory: losing the oldest of it may cost a request, never a message."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The names used last, each with a value; the one not touched for longest makes room."""

    def __init__(self, limit: int) -> None:
        """Start empty."""
        self._limit = limit
        self._kept: OrderedDict[str, V] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        """Say whether a name is remembered."""
        return name in self._kept

    def get(self, name: str) -> V | None:
        """Return a name's value, if it is remembered."""
        return self._kept.get(name)

    def as_dict(self) -> dict[str, V]:
        """Return all that is remembered, the oldest first."""
        return dict(self._kept)

    def put(self, name: str, value: V) -> None:
        """Remember a name, or give it another value."""
        self._kept[name] = value
        self._touch(name)

    def of(self, name: str, make: Callable[[], V]) -> V:
        """Return a name's value, made where there is none."""
        if name not in self._kept:
            self._kept[name] = make()
        self._touch(name)
        return self._kept[name]

    def discard(self, name: str) -> None:
        """Forget a name; absent is fine."""
        self._kept.pop(name, None)

    def _touch(self, name: str) -> None:
        self._kept.move_to_end(name)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
