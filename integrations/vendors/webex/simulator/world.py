"""The pretend organization: its switches, tasks, subscriptions and tokens."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from integrations.simulators.records import Records, StoredFile, desk_message
from integrations.simulators.switches import Switches as AnySwitches
from integrations.simulators.world import World
from integrations.vendors.webex.simulator.outbox import (
    WORD,
    EventLetter,
    Subscription,
    event_outbox,
    now_ms,
)

ORG_ID = "5d9a2f10-7c44-4c0e-9f0a-6a1c5f0d2e77"
CLIENT_ID = "C3f1d0c7e6a524b08"
CLIENT_SECRET = "simulated-client-secret"  # noqa: S105 - of a pretence
REFRESH_TOKEN = "simulated-refresh-token"  # noqa: S105 - of a pretence
ASSET_SECRET = "portal-webex-asset-secret-0123456789"  # noqa: S105 - of a pretence
SUBSCRIPTION_SECRET = "portal-webex-subscription-secret-0123"  # noqa: S105 - of a pretence
SCOPES = ("cjp:task_write", "cjp:task_read", "cjp:config_read", "cjp:config_write", "cjp:user")
DEFAULT_QUEUE = "Support"
WINDOW_SECONDS = 60.0
_CARD_NUMBER = re.compile(r"\b\d{13,19}\b")
_MASK = "XXXX XXXX XXXX XXXX"
EVENTS: Mapping[str, tuple[str, ...]] = {
    "task": (
        *("new", "connect", "connected", "parked", "on-hold", "hold-done", "consulting"),
        *("consult-done", "conferencing", "conference-done", "conference-transferred"),
        *("origin-updated", "ended", "failed"),
    ),
    "task-message": ("appended", "append-failed"),
}


@dataclass(kw_only=True)
class Switches(AnySwitches):
    """What was agreed with the portal, and how this organization behaves."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    business_address: str = "care@shop.example"
    channel_name: str = "portal-chat"
    scopes: list[str] = field(default_factory=lambda: list(SCOPES))
    # The asset's own webhook; subscriptions have theirs.
    webhook_url: str = ""
    asset_webhook_secret: str = ASSET_SECRET
    # Makes both subscriptions as the portal would, to the asset's address.
    is_subscribed: bool = False
    is_channel_active: bool = True
    is_feature_enabled: bool = True
    agents_offline: bool = False
    access_seconds: int = 1_209_600
    refresh_seconds: int = 7_776_000
    # Each refresh makes the refresh token before it worthless.
    is_rotating: bool = True
    # A reason of task:failed, for the next create alone.
    next_failure: str = ""
    # A reason of task-message:append-failed, for the next append alone.
    next_append_failure: str = ""
    max_text: int = 20_000
    # Plain http for files and for the destinations of subscriptions.
    allow_insecure: bool = True
    # What differs between live bodies.
    is_timestamp_text: bool = False
    has_asset_timestamp: bool = True
    names_task: bool = True
    has_ci_sender: bool = False
    # Files of end users that fail a scan are removed, and the message comes without them.
    drops_files: bool = False
    # Which events an organization offers differs.
    lacks_events: list[str] = field(default_factory=list)
    rate_limit_per_minute: int = 300
    inactive_after: int = 10
    retry_pause_seconds: float = 5.0

    @property
    def events(self) -> dict[str, list[str]]:
        """What can be subscribed to, by resource."""
        return {
            resource: [one for one in actions if f"{resource}:{one}" not in self.lacks_events]
            for resource, actions in EVENTS.items()
        }


@dataclass(slots=True, kw_only=True)
class Task:
    """One task as the organization keeps it."""

    task_id: str
    origin: str
    name: str
    global_variables: dict[str, str]
    queue: str
    status: str = "queued"
    owner: str = ""
    agents: list[str] = field(default_factory=list)
    # Who has ever been in it; a person does not vanish with a transfer.
    people: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    created_at: int = field(default_factory=lambda: now_ms())
    updated_at: int = field(default_factory=lambda: now_ms())
    ended_by: str | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether nobody can write into it any more."""
        return self.status in ("completed", "abandoned")

    def add(self, speaker: str, name: str, text: str, **more: Any) -> dict[str, Any]:
        """Keep a message in the desk's shape and return it."""
        facts = {"order": len(self.messages), "at": now_text(), **more}
        message = desk_message(speaker, name, text, **facts)
        self.messages.append(message)
        self.updated_at = now_ms()
        return message


class WebexWorld(World[Switches, Task]):
    """Everything the organization holds, and the one way an event is told."""

    kept_values: ClassVar[tuple[str, ...]] = ("access_tokens", "refresh_token")
    agreed_switches: ClassVar[tuple[str, ...]] = (
        *("webhook_url", "asset_webhook_secret", "client_id", "client_secret"),
        *("business_address", "channel_name", "retry_pause_seconds"),
    )

    def __init__(self, switches: Switches) -> None:
        """Begin without any task."""
        super().__init__(switches, Records(Task, "task_id"))
        self.subscriptions = Records(Subscription, "id")
        self.part("subscriptions", self.subscriptions)
        self.access_tokens: dict[str, float] = {}
        self.refresh_token = REFRESH_TOKEN
        self.calls_at: list[float] = []
        self.outbox = event_outbox(lambda: switches.retry_pause_seconds)

    def forget(self) -> None:
        """Forget all tasks; tokens and subscriptions stay, as the portal has them too."""
        kept = list(self.subscriptions.values())
        super().forget()
        for one in kept:
            self.subscriptions.add(one)
        self.outbox.forget()

    def configure(self, **switches: Any) -> None:
        """Change switches, and subscribe where that is wanted."""
        super().configure(**switches)
        if switches.get("is_subscribed"):
            for resource, actions in EVENTS.items():
                self.subscriptions.add(
                    Subscription(
                        id=str(uuid.uuid4()),
                        name=f"made at the desk: {resource}",
                        eventTypes=[f"{resource}:{action}" for action in actions],
                        destinationUrl=self.switches.webhook_url,
                        secret=SUBSCRIPTION_SECRET,
                        resourceVersion=f"{resource}:1.0.0",
                    )
                )

    def seconds_to_wait(self) -> int:
        """Count a call of the one client; return how long it has to wait instead of it."""
        now = time.monotonic()
        self.calls_at = [at for at in self.calls_at if now - at < WINDOW_SECONDS]
        if len(self.calls_at) < self.switches.rate_limit_per_minute:
            self.calls_at.append(now)
            return 0
        return int(self.calls_at[0] + WINDOW_SECONDS - now) + 1

    def open_task(self, origin: str) -> Task | None:
        """Return the open task of an origin; there is one at most."""
        return next(
            (t for t in self.conversations.values() if t.origin == origin and not t.is_over), None
        )

    def issue_tokens(self) -> dict[str, Any]:
        """Return a new pair."""
        token, switches = f"access-{uuid.uuid4().hex}", self.switches
        self.access_tokens[token] = time.time() + switches.access_seconds
        if switches.is_rotating:
            self.refresh_token = f"refresh-{uuid.uuid4().hex}"
        return {
            "access_token": token,
            "expires_in": switches.access_seconds,
            "refresh_token": self.refresh_token,
            "refresh_token_expires_in": switches.refresh_seconds,
        }

    # -- Telling ------------------------------------------------------------------------------

    def tell(self, task_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """Post an event to each active subscription that names it."""
        for one in list(self.subscriptions.values()):
            if one.status == "active" and kind in one.eventTypes:
                self._post(one.destinationUrl, one.secret, task_id, kind, data, subscription=one)

    def tell_asset(self, task_id: str, data: Mapping[str, Any]) -> None:
        """Post a word to the end user to the asset's webhook alone."""
        switches = self.switches
        if switches.webhook_url:
            secret = switches.asset_webhook_secret
            self._post(switches.webhook_url, secret, task_id, "task-message:appended", data)

    def lifecycle(self, task: Task, action: str, **more: Any) -> None:
        """Tell what happens to a task."""
        data: dict[str, Any] = {"taskId": task.task_id} if self.switches.names_task else {}
        data |= {
            "origin": task.origin,
            "destination": self.switches.business_address,
            "channelType": "customMessaging",
            "createdTime": task.created_at,
            **more,
        }
        self.tell(task.task_id, f"task:{action}", data)

    def tell_failed(self, task_id: str, origin: str, reason: str, sentence: str) -> None:
        """Tell that an accepted task came to nothing."""
        data = {
            "taskId": task_id,
            "origin": origin,
            "destination": self.switches.business_address,
            "direction": "INBOUND",
            "channel": self.switches.channel_name,
            "channelType": "customMessaging",
            "mediaMgr": "digitalmm",
            "reason": reason,
            "errorMessage": sentence,
            "failureType": "failed",
            "createdTime": now_ms(),
        }
        self.tell(task_id, "task:failed", data)

    def tell_not_appended(self, task_id: str, reason: str) -> None:
        """Tell that an accepted message was not appended; which one it was is not said."""
        data = {
            "taskId": task_id,
            "messageDirection": "INBOUND",
            "channelParams": None,
            "eventDetails": None,
            "reason": reason,
            "createdTime": now_ms(),
        }
        self.tell(task_id, "task-message:append-failed", data)

    def arrived(
        self, task: Task, message: dict[str, Any], kind: str, files: Sequence[StoredFile]
    ) -> None:
        """Show live agents an end user's message, without card numbers, and tell that it came."""
        text = _CARD_NUMBER.sub(_MASK, message.get("text", ""))
        task.add("end_user", task.name or "Guest", text, attachments=on_desk(files))
        is_less = kind != "text" and not files
        data = {
            "taskId": task.task_id,
            "origin": task.origin,
            "destination": self.switches.business_address,
            "messageDirection": "INBOUND",
            "channelType": "customMessaging",
            "channel": self.switches.channel_name,
            "channelParams": {"type": kind, "message": {**message, "text": text}},
            "eventDetails": "The attachments were removed." if is_less else "Message appended.",
            "createdTime": now_ms(),
        }
        self.tell(task.task_id, "task-message:appended", data)

    def _post(
        self,
        url: str,
        secret: str,
        task_id: str,
        kind: str,
        data: Mapping[str, Any],
        subscription: Subscription | None = None,
    ) -> None:
        stamp, switches = now_ms(), self.switches
        body = {
            # A lifecycle event's id is the task's, and comes again with the next event.
            "id": task_id if kind.startswith("task:") else str(uuid.uuid4()),
            "specversion": "1.0",
            "type": kind,
            "source": f"/com/cisco/wxcc/{subscription.id if subscription else uuid.uuid4()}",
            "comciscoorgid": ORG_ID,
            "comciscotimestamp": str(stamp) if switches.is_timestamp_text else stamp,
            "datacontenttype": "application/json",
            "data": data,
        }
        is_stamped = subscription is not None or switches.has_asset_timestamp
        letter = EventLetter(
            url=url,
            secret=secret,
            raw=json.dumps(body).encode(),
            lane=task_id,
            label=kind if subscription else WORD,
            version=f"{kind.partition(':')[0]}:1.0.0",
            stamp=str(stamp) if is_stamped else "",
            on_result=self._counting(subscription) if subscription else None,
        )
        self.outbox.post(letter)

    def _counting(self, subscription: Subscription) -> Any:
        def count(is_taken: bool) -> None:
            with self.lock:
                subscription.failures = 0 if is_taken else subscription.failures + 1
                if subscription.failures >= self.switches.inactive_after:
                    subscription.status = "inactive"

        return count


def now_text() -> str:
    """Return this moment as the desk shows it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def on_desk(files: Sequence[StoredFile]) -> list[dict[str, str]]:
    """Return files in the shape that all desks share."""
    return [
        {
            "id": one.file_id,
            "name": one.name,
            "mime_type": one.mime_type,
            "url": f"/_desk/files/{one.file_id}",
        }
        for one in files
    ]


def desk_view(task: Task) -> dict[str, Any]:
    """Return a task in the shape that all desks share."""
    shown = "active" if task.status == "assigned" else "ended" if task.is_over else "queued"
    return {
        "id": task.task_id,
        "status": shown,
        "queue": task.queue,
        "attributes": dict(task.global_variables),
        "language": None,
        "end_user": {
            "subject": task.origin,
            "is_authenticated": False,
            "display_name": task.name or "Guest",
            "email": None,
        },
        "is_typing": False,
        "is_closed": task.is_over,
        "agents": list(task.agents),
        "routing_status": "waiting" if shown == "queued" else None,
        "session_status": task.status,
        "session_ended_by": task.ended_by,
        "session_fields": {},
        "sessions": [{"id": task.task_id, "status": task.status}],
        "started_at": datetime.fromtimestamp(task.created_at / 1000, UTC).isoformat(),
        "messages": list(task.messages),
        "timeline": [],
    }
