"""What the pretend connector knows: its switches, its handoffs, and the events on their way.

Events are posted as the contract in README.md asks: those of a handoff in order, each until it is
answered.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from integrations.simulators.records import Records, desk_message
from integrations.simulators.switches import Switches as AnySwitches
from integrations.simulators.webhooks import Letter, Outbox
from integrations.simulators.world import World

# What is not answered for so long is given up; the contract asks for three minutes at least.
REPEATED_SECONDS = 600.0
SIGNING_SECRET = "simulated-signing-secret-of-32-bytes"  # noqa: S105 - of a pretence
DEFAULT_QUEUE = "Support"


@dataclass(kw_only=True)
class Switches(AnySwitches):
    """What was agreed with the portal, and how this side behaves."""

    signing_secret: str = SIGNING_SECRET
    # Where events go; empty takes the callback_url of each handoff.
    events_url: str = ""
    auth_header: str = ""
    auth_header_value: str = ""
    agents_offline: bool = False
    # Whether a handoff is refused while nobody is there; off, it waits.
    refuse_when_offline: bool = False
    known_queues: list[str] = field(default_factory=list)
    estimated_wait_seconds: int = 90
    retry_pause_seconds: float = 5.0


@dataclass(slots=True, kw_only=True)
class Event(Letter):
    """One event on its way; `age` lets its signature lie so many seconds back."""

    age: int = 0


def _signed(letter: Event, secret: str) -> dict[str, str]:
    timestamp = str(int(time.time()) - letter.age)
    signed = timestamp.encode() + b"." + letter.raw
    return {
        "Content-Type": "application/json",
        "X-Handoff-Timestamp": timestamp,
        "X-Handoff-Signature": hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(),
    }


@dataclass(slots=True, kw_only=True)
class Handoff:
    """One handoff as this side keeps it."""

    external_id: str
    handoff_id: str
    conversation: dict[str, Any]
    user: dict[str, Any]
    hints: dict[str, Any]
    callback_url: str
    transcript_url: str = ""
    queue: str
    status: str = "queued"
    agents: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    is_typing: bool = False
    is_away: bool = False
    ended_by: str | None = None
    # How many events were told of it, and what its messages offered: ids by message.
    told: int = 0
    offers: dict[str, dict[str, Any]] = field(default_factory=dict)
    started_at: str = field(default_factory=lambda: now_text())

    def add(self, speaker: str, name: str, text: str, **more: Any) -> dict[str, Any]:
        """Keep a message in the desk's shape and return it."""
        facts = {"order": len(self.messages), "at": now_text(), **more}
        message = desk_message(speaker, name, text, **facts)
        self.messages.append(message)
        return message


class CustomWorld(World[Switches, Handoff]):
    """Its handoffs and files, and the one way an event is posted."""

    kept_values: ClassVar[tuple[str, ...]] = ("answers",)
    agreed_switches: ClassVar[tuple[str, ...]] = (
        *("signing_secret", "events_url", "retry_pause_seconds"),
    )

    def __init__(self, switches: Switches) -> None:
        """Begin without any handoff."""
        super().__init__(switches, Records(Handoff, "external_id"))
        # What was answered under an Idempotency-Key, by path and key.
        self.answers: dict[str, list[Any]] = {}
        # Secret and pause may change between two attempts.
        self.outbox = Outbox[Event](
            sign=lambda event: _signed(event, switches.signing_secret),
            pause=lambda: switches.retry_pause_seconds,
            repeated_seconds=REPEATED_SECONDS,
            user_agent="CustomConnector",
        )

    def forget(self) -> None:
        """Forget all handoffs; what was agreed with the portal stays."""
        super().forget()
        self.answers.clear()
        self.outbox.forget()

    def tell(self, handoff: Handoff, kind: str, data: Mapping[str, Any]) -> None:
        """Post one event of a handoff."""
        handoff.told += 1
        body = {"external_id": handoff.external_id, "sequence": handoff.told, "data": data}
        url = self.switches.events_url or handoff.callback_url
        self.post(url, kind, body, lane=handoff.external_id)

    def close(self, handoff: Handoff, ended_by: str, told_as: str) -> None:
        """Let a handoff be over, and tell of it."""
        handoff.status, handoff.ended_by = "ended", ended_by
        handoff.agents.clear()
        self.tell(handoff, "closed", {"by": told_as})

    def post(self, url: str, kind: str, body: Mapping[str, Any], *, lane: str) -> None:
        """Sign and post an event under an id of its own."""
        event = {"event_id": str(uuid.uuid4()), "type": kind, "occurred_at": now_text(), **body}
        self.post_bytes(url, json.dumps(event).encode(), lane=lane, label=kind)

    def post_bytes(self, url: str, raw: bytes, *, lane: str, label: str, age: int = 0) -> None:
        """Sign whatever it is and post it; `age` lets the timestamp lie back."""
        if url:
            self.outbox.post(Event(url=url, raw=raw, lane=lane, label=label, age=age))


def now_text() -> str:
    """Return this moment as the contract writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(hints: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hints as a desk lists them: those of their own first, then the free pairs."""
    own = {name: value for name, value in hints.items() if name not in ("attributes", "summary")}
    return {**own, **hints.get("attributes", {})}


def desk_view(handoff: Handoff) -> dict[str, Any]:
    """Return a handoff in the shape that all desks share."""
    conversation_id = handoff.conversation.get("id", "")
    user = handoff.user
    return {
        "id": handoff.external_id,
        "status": handoff.status,
        "queue": handoff.queue,
        "attributes": {**_shown(handoff.hints), "conversation_id": conversation_id},
        "language": handoff.conversation.get("locale") or None,
        "end_user": {
            "subject": user.get("external_id", ""),
            "is_authenticated": bool(user.get("is_verified")),
            "display_name": user.get("name") or handoff.hints.get("user_display_name") or "Guest",
            "email": user.get("email"),
        },
        "is_typing": handoff.is_typing,
        "is_away": handoff.is_away,
        "is_closed": handoff.status == "ended",
        "agents": list(handoff.agents),
        "routing_status": "waiting" if handoff.status == "queued" else None,
        "session_status": handoff.status,
        "session_ended_by": handoff.ended_by,
        "session_fields": {
            "handoff_id": handoff.handoff_id,
            "summary": str(handoff.hints.get("summary", "")),
            "transcript_url": handoff.transcript_url,
            "phone": str(user.get("phone") or ""),
        },
        "sessions": [{"id": handoff.external_id, "status": handoff.status}],
        "started_at": handoff.started_at,
        "messages": list(handoff.messages),
        "timeline": [],
    }
