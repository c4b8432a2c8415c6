"""What an event travels in: who asked for it, and its signature over the bytes that are sent."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from integrations.simulators.webhooks import Letter, Outbox

# How often, and for how long, Cisco repeats a call is not published.
REPEATED_SECONDS = 200.0
WORD = "word to the end user"
MACHINE = "service.app@brightside.example"


@dataclass(slots=True, kw_only=True)
class EventLetter(Letter):
    """One event on its way to one of the two kinds of addresses."""

    secret: str
    version: str
    stamp: str = ""
    on_result: Callable[[bool], None] | None = field(default=None)

    def tried(self, *, is_answered: bool) -> None:
        """Tell whoever counts failures."""
        if self.on_result is not None:
            self.on_result(is_answered)


def event_outbox(pause: Callable[[], float]) -> Outbox[EventLetter]:
    """Return what posts events as Cisco does; the pause may change between two tries."""
    return Outbox[EventLetter](
        sign=_signed,
        pause=pause,
        repeated_seconds=REPEATED_SECONDS,
        user_agent="WebexContactCenter",
    )


def _signed(letter: EventLetter) -> dict[str, str]:
    signature = hmac.new(letter.secret.encode(), letter.raw, hashlib.sha256).hexdigest()
    stamp = {"X-WebExCC-Timestamp": letter.stamp} if letter.stamp else {}
    return {
        "Content-Type": "application/json",
        "X-WebexCC-Signature": signature,
        "X-WebexCC-Webhook-Version": letter.version,
        **stamp,
    }


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One subscription of version 2."""

    id: str
    name: str
    eventTypes: list[str]  # noqa: N815 - the name in the contract
    destinationUrl: str  # noqa: N815 - the name in the contract
    secret: str
    resourceVersion: str  # noqa: N815 - the name in the contract
    description: str = ""
    status: str = "active"
    failures: int = 0
    createdTime: int = field(default_factory=lambda: now_ms())  # noqa: N815 - likewise
    lastUpdatedTime: int = field(default_factory=lambda: now_ms())  # noqa: N815 - likewise

    def as_data(self) -> dict[str, Any]:
        """Return it as the calls answer it: the secret is write-only."""
        shown = {**asdict(self), "createdBy": MACHINE, "lastUpdatedBy": MACHINE}
        del shown["secret"], shown["failures"]
        return shown


def now_ms() -> int:
    """Return this moment in milliseconds."""
    return int(time.time() * 1000)
