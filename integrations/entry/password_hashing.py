"""Password hashing that leaves the process to everybody else: few threads, and polite ones."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection

AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
_NICENESS = 10


def _step_back() -> None:
    """Let the kernel prefer every other thread, where it tells threads apart."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


_pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hashing", initializer=_step_back)


class PoolPasswordHasher(PBKDF2PasswordHasher):
    """Django's own hasher, computed in the pool; what is stored is the same."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the hash once the pool has come to it; nobody waits for it with a connection."""
        if not connection.in_atomic_block:
            connection.close()
        return _pool.submit(super().encode, password, salt, iterations).result()
