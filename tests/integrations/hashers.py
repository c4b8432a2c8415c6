"""Password hashers for tests: settings choose them, as a portal's own settings would."""

from __future__ import annotations

import threading
from typing import ClassVar

from django.db import connection

from integrations.entry.password_hashing import PoolPasswordHasher


class QuickHasher(PoolPasswordHasher):
    """The portal's hasher, for tests in which hundreds of passwords are checked."""

    iterations = 10


class GatedHasher(QuickHasher):
    """One that stops until the gate opens, and notes who has come."""

    gate: ClassVar[threading.Event] = threading.Event()
    arrivals: ClassVar[list[str]] = []

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Wait for the gate, without a connection as the portal's own does, then hash."""
        connection.close()
        self.arrivals.append(password)
        if not self.gate.wait(30):
            raise TimeoutError("nobody opened the gate")
        return super().encode(password, salt, iterations)
