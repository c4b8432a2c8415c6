"""Which of a pretend vendor's next events arrive twice, in the wrong order, or never."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class EventFaults(Generic[T]):
    """Plans faults by the label of an event; its caller holds a lock.

    Within a lane (a conversation, a stream) a swapped event waits for the next one.
    """

    def __init__(self) -> None:
        """Plan nothing."""
        self._duplicates: list[str | None] = []
        self._swaps: list[str | None] = []
        self._losses = 0
        self._held: dict[str, T] = {}

    def duplicate_next(self, label: str | None = None) -> None:
        """Deliver the next event (with this label) twice."""
        self._duplicates.append(label)

    def swap_next_two(self, label: str | None = None) -> None:
        """Hold the next event (with this label) back until the one after it in its lane."""
        self._swaps.append(label)

    def lose_next(self, count: int = 1) -> None:
        """Let the next events never arrive."""
        self._losses += count

    def arriving(self, event: T, *, label: str = "", lane: str = "") -> list[T]:
        """Return what is to be delivered now, in order: nothing, the event, or more."""
        if self._losses:
            self._losses -= 1
            return []
        held = [self._held.pop(lane)] if lane in self._held else []
        if not held and _take(self._swaps, label):
            self._held[lane] = event
            return []
        return [event] * (2 if _take(self._duplicates, label) else 1) + held

    def forget(self) -> None:
        """Plan nothing any more."""
        self._duplicates.clear()
        self._swaps.clear()
        self._held.clear()
        self._losses = 0


def _take(planned: list[str | None], label: str) -> bool:
    """Use up the first planned fault that is meant for an event with this label."""
    for wanted in planned:
        if wanted in (None, label):
            planned.remove(wanted)
            return True
    return False
