"""Shares a process's slots out among tenants: nobody waits here, and some are always left."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """On whose account a slot is held."""

    workspace: str
    project: str


class FairSlots:
    """Counts what is held; thread-safe.

    How much a tenant may hold follows from what is left, so that whoever comes next finds room: a
    project may have half as many slots as are free, a workspace twice as many. Of twelve, one
    project gets four, a second one three, and a workspace eight.
    """

    def __init__(self, number: int) -> None:
        """Start with all slots free."""
        self.number = number
        self._lock = threading.Lock()
        self._projects: Counter[str] = Counter()
        self._workspaces: Counter[str] = Counter()

    def try_take(self, tenant: Tenant) -> bool:
        """Take a slot if the tenant may have one now; never waits."""
        with self._lock:
            free = self.number - self._workspaces.total()
            is_fair = (
                2 * self._projects[tenant.project] < free
                and self._workspaces[tenant.workspace] < 2 * free
            )
            if is_fair:
                self._projects[tenant.project] += 1
                self._workspaces[tenant.workspace] += 1
            return is_fair

    def give_back(self, tenant: Tenant) -> None:
        """Free a slot that the tenant has taken."""
        with self._lock:
            for counter, key in (
                (self._projects, tenant.project),
                (self._workspaces, tenant.workspace),
            ):
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]

    @property
    def taken(self) -> int:
        """How many are held by all together."""
        with self._lock:
            return self._workspaces.total()

    def held(self, tenant: Tenant) -> tuple[int, int]:
        """Return how many slots the tenant's workspace and project hold: the fewest come first."""
        with self._lock:
            return self._workspaces[tenant.workspace], self._projects[tenant.project]
