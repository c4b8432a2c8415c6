"""Tell when this process has stood still: frozen, stopped, or without any processor time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

TICK_SECONDS = 0.5
# Vendors wait three seconds and more for an answer before they repeat a call.
STANDSTILL_SECONDS = 2.0


def standstill_watch(
    act: Callable[[], None],
    *,
    tick_seconds: float = TICK_SECONDS,
    standstill_seconds: float = STANDSTILL_SECONDS,
) -> None:
    """Call `act` after each standstill of so many seconds, from a thread of its own."""

    def watch() -> None:
        while True:
            before = time.monotonic()
            time.sleep(tick_seconds)
            if time.monotonic() - before > tick_seconds + standstill_seconds:
                act()

    threading.Thread(target=watch, name="standstill", daemon=True).start()
