"""Calls the portal as the vendor does: signed forms, repeated by the overrides of the address."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient
from integrations.simulators.events.faults import EventFaults
from integrations.simulators.webhooks import ANY_STATUS, WebhookSender
from integrations.vendors.twilio_sms.simulator.world import TwilioSwitches

TIMEOUT_SECONDS = 15.0
PAUSE_SECONDS = 0.5
KEPT = 2000
_TWIML_MESSAGE = re.compile(r"<Message[^>]*>(.*?)</Message>", re.DOTALL)
Form = Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Call:
    """One webhook, and what became of it."""

    url: str
    form: Form
    lane: str
    label: str
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    state: str = "pending"

    def as_dict(self) -> dict[str, Any]:
        """Return it in the shape of the desk's list."""
        return {
            "url": self.url,
            "label": self.label,
            "body": urlencode(self.form),
            "attempts": self.attempts,
            "state": self.state,
        }


class Calls:
    """Delivers from a thread of its own; a lane keeps its order until an answer or a repetition."""

    def __init__(self, switches: TwilioSwitches, answered: Callable[[Call, str], None]) -> None:
        """Take how to sign, and what hears a TwiML answer."""
        self._switches, self._answered = switches, answered
        self._sender = WebhookSender(user_agent="TwilioProxy/1.1")
        self._faults: EventFaults[Call] = EventFaults()
        self._kept: deque[Call] = deque(maxlen=KEPT)
        self._lanes: dict[str, asyncio.Lock] = {}
        self.delay_seconds = 0.0

    def post(self, call: Call) -> None:
        """Deliver a call in the background, with the planned duplicates, swaps and losses."""
        for one in self._faults.arriving(call, label=call.label, lane=call.lane):
            self._kept.append(one)
            self._sender.run(lambda client, one=one: self._deliver(client, one))  # type: ignore[misc]

    def duplicate_next(self, label: str | None = None) -> None:
        """Make the next call (with this label) twice."""
        self._faults.duplicate_next(label)

    def swap_next_two(self, label: str | None = None) -> None:
        """Hold the next call (with this label) back until the one after it."""
        self._faults.swap_next_two(label)

    def lose_next(self, count: int = 1) -> None:
        """Let the next calls never be made."""
        self._faults.lose_next(count)

    def deliveries(self) -> list[dict[str, Any]]:
        """Return what was called, oldest first."""
        return [call.as_dict() for call in self._kept]

    def forget(self) -> None:
        """Give up what is on its way."""
        self._sender.forget()
        self._faults.forget()
        self._kept.clear()
        self._lanes.clear()
        self.delay_seconds = 0.0

    def close(self) -> None:
        """Stop calling; posting again starts anew."""
        self._sender.close()

    async def _deliver(self, client: HttpClient, call: Call) -> None:
        count, repeats_answers = _overrides(call.url)
        async with self._lanes.setdefault(call.lane, asyncio.Lock()):
            while self._switches.is_away:  # noqa: ASYNC110 - a switch of another thread
                await asyncio.sleep(0.05)
            await asyncio.sleep(self.delay_seconds)
            is_settled = await self._attempt(client, call, repeats_answers)
            # A connection that fails is tried once more, without any override.
            for _ in range(max(count, 1)):
                if is_settled or (not count and call.attempts[-1]["status"] is not None):
                    break
                await asyncio.sleep(PAUSE_SECONDS)
                is_settled = await self._attempt(client, call, repeats_answers)
        if not is_settled:
            call.state = "failed"

    async def _attempt(self, client: HttpClient, call: Call, repeats_answers: bool) -> bool:
        attempt: dict[str, Any] = {"at": time.time(), "status": None}
        call.attempts.append(attempt)
        address = urlunsplit(urlsplit(call.url)._replace(fragment=""))
        names = list(call.form)
        random.shuffle(names)
        body = urlencode([(name, call.form[name]) for name in names]).encode()
        try:
            answer = await client.request(
                "webhook",
                "POST",
                address,
                headers=self._headers(address, call),
                data=body,
                timeout=TIMEOUT_SECONDS,
                returns=ANY_STATUS,
            )
        except ConnectorError as error:
            attempt["error"] = str(error)
            return False
        attempt["status"] = answer.status
        if 200 <= answer.status < 300:
            call.state = "delivered"
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
            self._hear(call, kind, answer.body.decode(errors="replace"))
            return True
        call.state = "failed"
        return not repeats_answers

    def _hear(self, call: Call, kind: str, body: str) -> None:
        """Text back what a handler answers, stray words too."""
        if kind == "text/plain" and body.strip():
            self._answered(call, body)
        elif kind in ("text/xml", "application/xml"):
            for text in _TWIML_MESSAGE.findall(body):
                self._answered(call, text)

    def _headers(self, address: str, call: Call) -> dict[str, str]:
        switches = self._switches
        signed = _with_port(address) if switches.signs_with_port else address
        signed += "".join(f"{name}{call.form[name]}" for name in sorted(call.form))
        key, digest = switches.auth_token, "sha1"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": call.token,
        }
        if switches.shared_key:
            key, digest = switches.shared_key, "sha256"
            name = "X-Twilio-Webhooks-Signature-Settings"
            headers[name] = "key=SKsimulated,algorithm=HMAC_SHA256"
        if switches.bad_signature:
            key += "x"
        made = hmac.new(key.encode(), signed.encode(), getattr(hashlib, digest)).digest()
        return {**headers, "X-Twilio-Signature": base64.b64encode(made).decode()}


def _overrides(url: str) -> tuple[int, bool]:
    """Read connection overrides, which ride behind # and are not sent."""
    named = parse_qs(urlsplit(url).fragment)
    repeated = named.get("rp", ["ct"])[0].split(",")
    return int(named.get("rc", ["0"])[0]), "all" in repeated or "5xx" in repeated


def _with_port(address: str) -> str:
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{port}"))
