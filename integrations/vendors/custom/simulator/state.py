"""What the pretend connector knows: its handoffs, and its switches."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from integrations.simulators.simulator import DeskError

SIGNING_SECRET = "simulated-signing-secret-of-32-bytes"  # noqa: S105 - of a pretence
DEFAULT_QUEUE = "Support"


@dataclass(slots=True, kw_only=True)
class Switches:
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

    def change(self, **values: Any) -> None:
        """Set switches by name; raises DeskError for an unknown name or a wrong type."""
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise DeskError(400, f"There is no switch {name!r}; known: {', '.join(known)}.")
            if not _is_like(value, known[name]):
                raise DeskError(400, f"{name} cannot be {type(value).__name__}.")
        for name, value in values.items():
            setattr(self, name, value)


def _is_like(value: object, current: object) -> bool:
    if isinstance(current, bool) or isinstance(value, bool):
        return isinstance(current, bool) and isinstance(value, bool)
    if isinstance(current, int | float):
        return isinstance(value, int | float) and value >= 0
    return isinstance(value, type(current))


@dataclass(slots=True, kw_only=True)
class Handoff:
    """One handoff as this side keeps it."""

    external_id: str
    handoff_id: str
    conversation: dict[str, Any]
    user: dict[str, Any]
    hints: dict[str, Any]
    callback_url: str
    queue: str
    status: str = "queued"
    agents: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    is_typing: bool = False
    ended_by: str | None = None
    started_at: str = field(default_factory=lambda: now_text())

    def add(self, speaker: str, name: str, text: str, **more: Any) -> dict[str, Any]:
        """Keep a message in the desk's shape and return it."""
        message = {
            "id": str(uuid.uuid4()),
            "order": len(self.messages),
            "from": speaker,
            "name": name,
            "text": text,
            "attachments": [],
            "options": [],
            "at": now_text(),
            "delivered": True,
            "read": False,
            **more,
        }
        self.messages.append(message)
        return message


@dataclass(slots=True, kw_only=True)
class Memory:
    """Everything a restart must keep."""

    handoffs: dict[str, Handoff] = field(default_factory=dict)
    # What was answered under an Idempotency-Key, by path and key.
    answers: dict[str, list[Any]] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    switches: Switches = field(default_factory=Switches)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Memory:
        """Rebuild what `as_dict` returned."""
        handoffs = {key: Handoff(**one) for key, one in kept["handoffs"].items()}
        switches = Switches(**kept["switches"])
        return cls(
            handoffs=handoffs, answers=kept["answers"], files=kept["files"], switches=switches
        )


def now_text() -> str:
    """Return this moment as the contract writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def desk_view(handoff: Handoff) -> dict[str, Any]:
    """Return a handoff in the shape that all desks share."""
    conversation_id = handoff.conversation.get("id", "")
    user = handoff.user
    return {
        "id": handoff.external_id,
        "status": handoff.status,
        "queue": handoff.queue,
        "attributes": {**handoff.hints.get("attributes", {}), "conversation_id": conversation_id},
        "language": handoff.conversation.get("locale") or None,
        "end_user": {
            "subject": user.get("external_id", ""),
            "is_authenticated": bool(user.get("is_verified")),
            "display_name": user.get("name") or handoff.hints.get("user_display_name") or "Guest",
            "email": user.get("email"),
        },
        "is_typing": handoff.is_typing,
        "is_closed": handoff.status == "ended",
        "agents": list(handoff.agents),
        "routing_status": "waiting" if handoff.status == "queued" else None,
        "session_status": handoff.status,
        "session_ended_by": handoff.ended_by,
        "session_fields": {
            "handoff_id": handoff.handoff_id,
            "summary": str(handoff.hints.get("summary", "")),
        },
        "sessions": [{"id": handoff.external_id, "status": handoff.status}],
        "started_at": handoff.started_at,
        "messages": list(handoff.messages),
        "timeline": [],
    }
