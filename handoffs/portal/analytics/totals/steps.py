"""Durations in steps, so that the distribution of a day is short; finer where they are short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from handoffs.portal.analytics.counting.numbers import BINS
from handoffs.portal.analytics.counting.spreads import Spread, rank_of, spread

# Up to so many seconds, how long a step is; the last holds for whatever is longer.
STEPS = ((120, 1), (600, 5), (3600, 30), (43_200, 300))
LAST_STEP = 3600
STEPS_IN_WORDS = (
    "to the second below 2 minutes, to 5 seconds below 10 minutes, to 30 seconds below an hour, "
    "to 5 minutes below 12 hours, to the hour from there"
)


def step_of(milliseconds: int) -> int:
    """Return the second at which the step of a duration begins; longer ones never come before."""
    seconds = milliseconds // 1000
    length = next((length for end, length in STEPS if seconds < end), LAST_STEP)
    return seconds - seconds % length


def steps_of(values: Iterable[int | None]) -> dict[str, int]:
    """Count durations by their step."""
    found = Counter(step_of(value) for value in values if value is not None)
    return {str(step): n for step, n in sorted(found.items())}


def steps_spread(steps: Counter[int]) -> Spread:
    """Return the spread of durations of which only the steps are known."""
    n = steps.total()
    return spread(n, _at(steps, rank_of(n, 0.5)), _at(steps, rank_of(n, 0.9)))


def _at(steps: Counter[int], rank: int) -> int | None:
    seen = 0
    for step in sorted(steps):
        seen += steps[step]
        if seen > rank:
            return step * 1000
    return None


def bin_of(seconds: float) -> int:
    """Return the column of a histogram that a duration falls into."""
    return next((at for at, end in enumerate(BINS) if seconds < end), len(BINS))
