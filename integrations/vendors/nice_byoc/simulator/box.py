"""How the pretend CXone calls an integration box: with a token, which it fetches when it must."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient
from integrations.http.errors import VendorResponse
from integrations.simulators.events.faults import EventFaults
from integrations.simulators.webhooks import ANY_STATUS, WebhookSender, is_overload

TRIES = 20
KEPT = 2000
UNAUTHORIZED = 401
# Message id, and the id that the box has given it: none where it could not be delivered.
Took = Callable[[str, str], None]


class Entered(Protocol):
    """What the admin has entered for the integration."""

    box_url: str
    authorization_url: str
    client_id: str
    client_secret: str
    asks_with_form: bool
    retry_pause_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call on its way; the lane is its thread, and it may be about a message."""

    path: str
    body: Mapping[str, Any]
    lane: str
    label: str
    about: str = ""


class Box:
    """Calls in turn for each thread, with the planned repeats and swaps."""

    def __init__(self, entered: Entered) -> None:
        self._delay_seconds = 0.0
        self.token = ""
        self._entered = entered
        self._sender = WebhookSender()
        self._faults: EventFaults[tuple[Call, Took]] = EventFaults()
        self._lanes: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._log: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def call(self, call: Call, took: Took) -> None:
        """Call in the background, where a box was entered."""
        if not self._entered.box_url:
            return
        for one, told in self._faults.arriving((call, took), label=call.label, lane=call.lane):
            self._sender.run(partial(self._deliver, one, told, self._lanes[one.lane]))

    def delay(self, seconds: float) -> None:
        """Wait before each call."""
        self._delay_seconds = seconds

    def duplicate_next(self, label: str | None = None) -> None:
        """Make the next call twice."""
        self._faults.duplicate_next(label)

    def swap_next_two(self, label: str | None = None) -> None:
        """Make the next two calls in the wrong order."""
        self._faults.swap_next_two(label)

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the calls, oldest first."""
        return list(self._log)

    def forget(self) -> None:
        """Give up what is on its way, and forget the token."""
        self.close()
        self._log.clear()
        self._faults.forget()
        self.token, self._delay_seconds = "", 0.0

    def close(self) -> None:
        """Stop calling; calling again starts anew."""
        self._lanes.clear()
        self._sender.close()

    async def _deliver(self, call: Call, took: Took, lane: asyncio.Lock, http: HttpClient) -> None:
        raw = json.dumps(call.body).encode()
        row: dict[str, Any] = {
            "url": self._entered.box_url + call.path,
            "headers": {},
            "label": call.label,
            "body": raw.decode(),
            "state": "pending",
            "posted_at": time.time(),
            "attempts": [],
        }
        self._log.append(row)
        async with lane:
            await asyncio.sleep(self._delay_seconds)
            answer = await self._tried(http, row, raw)
        row["state"] = "delivered" if answer is not None else "failed"
        if call.about:
            took(call.about, _given_id(answer))

    async def _tried(
        self, http: HttpClient, row: dict[str, Any], raw: bytes
    ) -> VendorResponse | None:
        """Try until the box has taken it; a token that it refuses is fetched anew."""
        for _ in range(TRIES):
            answer = await self._attempt(http, row, raw)
            if answer is not None and answer.status == UNAUTHORIZED:
                await self._fetch_token(http)
                answer = await self._attempt(http, row, raw)
            if answer is not None and 200 <= answer.status < 300:
                return answer
            if answer is not None and not is_overload(answer.status):
                return None
            await asyncio.sleep(self._entered.retry_pause_seconds)
        return None

    async def _attempt(
        self, http: HttpClient, row: dict[str, Any], raw: bytes
    ) -> VendorResponse | None:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        attempt: dict[str, Any] = {"at": time.time(), "status": None}
        row["attempts"].append(attempt)
        try:
            answer = await http.request(
                "box", "POST", row["url"], headers=headers, data=raw, returns=ANY_STATUS
            )
        except ConnectorError:
            return None
        attempt["status"] = answer.status
        return answer

    async def _fetch_token(self, http: HttpClient) -> None:
        entered = self._entered
        url = entered.authorization_url or f"{entered.box_url}/1.0/token"
        asked = {
            "client_id": entered.client_id,
            "client_secret": entered.client_secret,
            "grant_type": "client_credentials",
        }
        given: dict[str, Any] = {"data": asked} if entered.asks_with_form else {"json": asked}
        try:
            answer = await http.request("token", "POST", url, **given)
            found = answer.json()
        except ConnectorError:
            return
        self.token = str(found.get("access_token", "")) if isinstance(found, dict) else ""


def _given_id(answer: VendorResponse | None) -> str:
    """Return the id in either kind of answer; without one the message counts as failed."""
    if answer is None:
        return ""
    try:
        found = json.loads(answer.body)
        inner = found.get("message", found)
        return str(inner["idOnExternalPlatform"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
