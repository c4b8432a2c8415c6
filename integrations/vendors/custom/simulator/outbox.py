"""Posts events as the contract asks: those of a handoff in order, each until it is answered.

Written from the contract in README.md alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from integrations.simulators.event_faults import EventFaults
from integrations.simulators.webhooks import RetryPlan, WebhookSender, is_overload

# What is not answered for so long is given up; the contract asks for three minutes at least.
REPEATED_SECONDS = 600.0
# So many of a lane's first events of each type can be posted again later.
OLDEST_KEPT = 20
# Each attempt is signed anew, so the sender makes a single one at a time.
_ONCE = RetryPlan(timeout_seconds=5.0, pauses=())


@dataclass(slots=True, kw_only=True)
class Letter:
    """One event on its way; `age` lets its signature lie so many seconds back."""

    url: str
    raw: bytes
    lane: str
    label: str
    age: int = 0
    posted_at: float = field(default_factory=time.monotonic)


class Agreed(Protocol):
    """What the desk's switches say of posting."""

    signing_secret: str
    retry_pause_seconds: float


class Outbox:
    """Delivers events in the background; its methods may be called from any thread."""

    def __init__(self, agreed: Agreed) -> None:
        """Take secret and pause as they stand; either may change between two attempts."""
        self._agreed = agreed
        self._sender = WebhookSender(_ONCE, user_agent="CustomConnector")
        self._lock = threading.Lock()
        self._lanes: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._oldest: defaultdict[tuple[str, str], list[Letter]] = defaultdict(list)
        self._faults: EventFaults[Letter] = EventFaults()

    def post(self, letter: Letter) -> None:
        """Deliver an event after those of its lane, with the planned duplicates and swaps."""
        with self._lock:
            if len(oldest := self._oldest[letter.lane, letter.label]) < OLDEST_KEPT:
                oldest.append(letter)
            for one in self._faults.arriving(letter, label=letter.label, lane=letter.lane):
                self._submit(one)

    def post_oldest(self, label: str, count: int) -> None:
        """Deliver the oldest events (of this type) of each lane again, after those on their way."""
        with self._lock:
            for (_lane, kind), letters in self._oldest.items():
                for letter in letters[:count] if kind == label else ():
                    self._submit(replace(letter, posted_at=time.monotonic()))

    def duplicate_next(self, label: str | None = None) -> None:
        """Deliver the next event (of this type) twice."""
        with self._lock:
            self._faults.duplicate_next(label)

    def swap_next_two(self, label: str | None = None) -> None:
        """Hold the next event (of this type) back until the one after it in its lane."""
        with self._lock:
            self._faults.swap_next_two(label)

    def delay(self, seconds: float) -> None:
        """Wait before each attempt."""
        self._sender.delay_seconds = seconds

    def deliveries(self) -> list[dict[str, Any]]:
        """Return what was posted, oldest first; an event that was repeated stands there again."""
        return self._sender.deliveries()

    def forget(self) -> None:
        """Give up what is on its way and forget what was sent and planned."""
        with self._lock:
            self._lanes.clear()
            self._oldest.clear()
            self._faults.forget()
        self._sender.forget()

    def close(self) -> None:
        """Stop delivering; posting again starts anew."""
        with self._lock:
            self._lanes.clear()
        self._sender.close()

    # -- Delivering ---------------------------------------------------------------------------

    def _submit(self, letter: Letter) -> None:
        lane = self._lanes[letter.lane]
        self._sender.run(lambda _client: self._deliver(letter, lane))

    async def _deliver(self, letter: Letter, lane: asyncio.Lock) -> None:
        """Hold the lane until the event is answered: the lock lets waiting ones in by turns."""
        give_up_at = letter.posted_at + REPEATED_SECONDS
        async with lane:
            # A lane that is not kept any more has been forgotten, and its events with it.
            while self._lanes.get(letter.lane) is lane and not await self._is_answered(letter):
                if time.monotonic() > give_up_at:
                    return
                await asyncio.sleep(self._agreed.retry_pause_seconds)

    async def _is_answered(self, letter: Letter) -> bool:
        headers = _signed(letter, self._agreed.signing_secret)
        sent = await self._sender.send(letter.url, headers, letter.raw, label=letter.label)
        status = sent.attempts[-1]["status"]
        return status is not None and not is_overload(status)


def _signed(letter: Letter, secret: str) -> dict[str, str]:
    timestamp = str(int(time.time()) - letter.age)
    signed = timestamp.encode() + b"." + letter.raw
    return {
        "Content-Type": "application/json",
        "X-Handoff-Timestamp": timestamp,
        "X-Handoff-Signature": hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(),
    }
