"""The time zones that this machine knows."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def time_zones() -> frozenset[str]:
    """Return their IANA names; Python itself would search the disk for them at each question."""
    return frozenset(available_timezones())
