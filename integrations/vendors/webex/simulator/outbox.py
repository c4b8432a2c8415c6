"""Posts what happens, signed over the bytes that are sent; written from the contract alone."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from integrations.http.client import HttpClient
from integrations.simulators.event_faults import EventFaults
from integrations.simulators.webhooks import RetryPlan, WebhookSender

# How often Cisco repeats a call is not published.
_TRIES = 40
_ONCE = RetryPlan(timeout_seconds=5.0, pauses=())
_OLDEST_KEPT = 20


@dataclass(slots=True, kw_only=True)
class Letter:
    """One event on its way."""

    url: str
    secret: str
    body: Mapping[str, Any]
    lane: str
    label: str
    version: str
    stamp: str = ""
    is_word: bool = False
    raw: bytes = b""
    on_result: Callable[[bool], None] | None = field(default=None)

    @property
    def bytes_sent(self) -> bytes:
        """Return the body as it travels."""
        return self.raw or json.dumps(self.body).encode()


class Agreed(Protocol):
    """What the desk's switches say of posting."""

    retry_pause_seconds: float


class Outbox:
    """Delivers events in the background; its methods may be called from any thread."""

    def __init__(self, agreed: Agreed) -> None:
        """Take the pause between two tries as it stands."""
        self._agreed = agreed
        self.sender = WebhookSender(_ONCE, user_agent="WebexContactCenter")
        self._lock = threading.Lock()
        self._lanes: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._words: defaultdict[str, list[Letter]] = defaultdict(list)
        self._faults: EventFaults[Letter] = EventFaults()

    def post(self, letter: Letter) -> None:
        """Deliver an event after those of its lane, with the planned duplicates and swaps."""
        with self._lock:
            if letter.is_word and len(self._words[letter.lane]) < _OLDEST_KEPT:
                self._words[letter.lane].append(letter)
            for one in self._faults.arriving(letter, label=letter.label, lane=letter.lane):
                self._submit(one)

    def post_oldest(self, count: int) -> None:
        """Deliver the oldest words of each lane again, with the ids and times they had."""
        with self._lock:
            for letters in self._words.values():
                for letter in letters[:count]:
                    self._submit(letter)

    def fetch(self, task_id: str, work: Callable[[HttpClient], Awaitable[None]]) -> None:
        """Fetch an end user's files in the background, those of a task one after the other."""
        with self._lock:
            lane = self._lanes[f"fetch:{task_id}"]

        async def in_turn(client: HttpClient) -> None:
            async with lane:
                await work(client)

        self.sender.run(in_turn)

    def duplicate_next(self, label: str | None = None) -> None:
        """Deliver the next event (of this type) twice."""
        with self._lock:
            self._faults.duplicate_next(label)

    def swap_next_two(self, label: str | None = None) -> None:
        """Hold the next event (of this type) back until the one after it in its lane."""
        with self._lock:
            self._faults.swap_next_two(label)

    def lose_next(self, count: int) -> None:
        """Let the next events never arrive."""
        with self._lock:
            self._faults.lose_next(count)

    def forget(self) -> None:
        """Give up what is on its way and forget what was sent and planned."""
        with self._lock:
            self._lanes.clear()
            self._words.clear()
            self._faults.forget()
        self.sender.forget()

    def close(self) -> None:
        """Stop delivering; posting again starts anew."""
        with self._lock:
            self._lanes.clear()
        self.sender.close()

    def _submit(self, letter: Letter) -> None:
        lane = self._lanes[letter.lane]
        self.sender.run(lambda _client: self._deliver(letter, lane))

    async def _deliver(self, letter: Letter, lane: asyncio.Lock) -> None:
        """Hold the lane until the event is taken, or as long as anybody would try."""
        async with lane:
            for _ in range(_TRIES):
                if self._lanes.get(letter.lane) is not lane:
                    return
                is_taken = await self._is_taken(letter)
                if letter.on_result is not None:
                    letter.on_result(is_taken)
                if is_taken:
                    return
                await asyncio.sleep(self._agreed.retry_pause_seconds)

    async def _is_taken(self, letter: Letter) -> bool:
        raw = letter.bytes_sent
        sent = await self.sender.send(letter.url, _headers(letter, raw), raw, label=letter.label)
        status = sent.attempts[-1]["status"]
        # What the portal refuses for good it would refuse again.
        return status is not None and status < 500 and status != 429


def _headers(letter: Letter, raw: bytes) -> dict[str, str]:
    signature = hmac.new(letter.secret.encode(), raw, hashlib.sha256).hexdigest()
    stamp = {"X-WebExCC-Timestamp": letter.stamp} if letter.stamp else {}
    return {
        "Content-Type": "application/json",
        "X-WebexCC-Signature": signature,
        "X-WebexCC-Webhook-Version": letter.version,
        **stamp,
    }
