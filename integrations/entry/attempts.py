"""Count attempts that are taken back when they turn out to be good; shared by all processes.

Without Redis each process counts for itself, so that guessing stays bounded.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from integrations.entry.rate_limit import redis_client

_MAX_LOCAL = 10_000
_lock = threading.Lock()
_local: OrderedDict[str, int] = OrderedDict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """So many attempts in a window; the key must hold no secret and no personal data."""

    name: str
    key: str
    limit: int
    window_seconds: int

    @property
    def counter(self) -> str:
        """Name the counter of the window that runs."""
        return f"baton:attempts:{self.name}:{self.key}:{int(time.time()) // self.window_seconds}"

    @property
    def wait(self) -> int:
        """Return the seconds until the next window."""
        return self.window_seconds - int(time.time()) % self.window_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Which bound was met, when to come back, and whether that is told for the first time."""

    bound: str
    wait: int
    is_news: bool


def attempt_take(bounds: Sequence[Bound]) -> Refusal | None:
    """Count an attempt at every bound; one that is refused at any counts at none."""
    counted = zip(bounds, _count([b.counter for b in bounds], 1, bounds), strict=True)
    over = [bound for bound, count in counted if count > bound.limit]
    if not over:
        return None
    attempt_give_back(bounds)
    [refused] = _count([f"{over[0].counter}:refused"], 1, over[:1])
    wait = max(bound.wait for bound in over)
    return Refusal(bound=over[0].name, wait=wait, is_news=refused == 1)


def attempt_give_back(bounds: Sequence[Bound]) -> None:
    """Uncount an attempt."""
    _count([bound.counter for bound in bounds], -1, bounds)


def _count(names: Sequence[str], step: int, bounds: Sequence[Bound]) -> list[int]:
    try:
        with redis_client().pipeline() as pipe:
            for name, bound in zip(names, bounds, strict=True):
                pipe.incrby(name, step)
                pipe.expire(name, bound.window_seconds)
            return [int(count) for count in pipe.execute()[::2]]
    except RedisError:
        return [_count_here(name, step) for name in names]


def _count_here(name: str, step: int) -> int:
    with _lock:
        count = _local[name] = _local.pop(name, 0) + step
        while len(_local) > _MAX_LOCAL:
            _local.popitem(last=False)
        return count
