"""How the pretend Five9 calls back: in turn for each conversation, with POST or PUT."""

from __future__ import annotations

import asyncio
import base64
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient
from integrations.simulators.event_faults import EventFaults
from integrations.simulators.webhooks import ANY_STATUS, WebhookSender, is_overload

TRIES = 40
KEPT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One call on its way; the lane is its conversation."""

    url: str
    method: str
    raw: bytes
    user: str
    password: str
    lane: str
    label: str


class Callbacks:
    """Delivers callbacks with the planned faults; a lane waits for what is not answered yet."""

    def __init__(self, pause: Callable[[], float]) -> None:
        self.delay_seconds = 0.0
        self._pause = pause
        self._sender = WebhookSender()
        self._faults: EventFaults[Callback] = EventFaults()
        self._lanes: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._log: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def post(self, callback: Callback) -> None:
        """Deliver in the background."""
        arriving = self._faults.arriving(callback, label=callback.label, lane=callback.lane)
        for one in arriving:
            self._sender.run(partial(self._deliver, one, self._lanes[one.lane]))

    def duplicate_next(self, label: str | None = None) -> None:
        """Deliver the next callback twice."""
        self._faults.duplicate_next(label)

    def swap_next_two(self, label: str | None = None) -> None:
        """Deliver the next two in the wrong order."""
        self._faults.swap_next_two(label)

    def deliveries(self) -> list[dict[str, Any]]:
        """Return what was sent, oldest first."""
        return list(self._log)

    def forget(self) -> None:
        """Give up what is on its way."""
        self.close()
        self._log.clear()
        self._faults.forget()
        self.delay_seconds = 0.0

    def close(self) -> None:
        """Stop delivering; posting again starts anew."""
        self._lanes.clear()
        self._sender.close()

    async def _deliver(self, one: Callback, lane: asyncio.Lock, client: HttpClient) -> None:
        row: dict[str, Any] = {
            "url": one.url,
            "headers": _headers(one),
            "label": one.label,
            "body": one.raw.decode("utf-8", "replace"),
            "state": "pending",
            "posted_at": time.time(),
            "attempts": [],
        }
        self._log.append(row)
        async with lane:
            await asyncio.sleep(self.delay_seconds)
            for _ in range(TRIES):
                status = await _attempt(client, one)
                row["attempts"].append({"at": time.time(), "status": status})
                if status is not None and not is_overload(status):
                    row["state"] = "delivered" if status < 300 else "failed"
                    return
                await asyncio.sleep(self._pause())
        row["state"] = "failed"


async def _attempt(client: HttpClient, one: Callback) -> int | None:
    try:
        answer = await client.request(
            "callback",
            one.method,
            one.url,
            headers=_headers(one),
            data=one.raw,
            returns=ANY_STATUS,
        )
    except ConnectorError:
        return None
    return answer.status


def _headers(one: Callback) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if one.user:
        pair = base64.b64encode(f"{one.user}:{one.password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    return headers
