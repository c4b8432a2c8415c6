"""What can be set on the simulated org, and how strict or odd it is."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from integrations.simulators.simulator import DeskError

ALL_PERMISSIONS = (
    "conversation:message:receive",
    "conversation:message:create",
    "conversation:message:view",
    "conversation:communication:disconnect",
    "messaging:integration:view",
    "messaging:integration:add",
    "messaging:integration:edit",
    "messaging:integration:delete",
    "messaging:setting:view",
    "messaging:setting:add",
    "messaging:setting:edit",
    "routing:message:manage",
    "routing:queue:view",
    "conversation:threadingTimeline:view",
    "conversation:threadingTimeline:edit",
    "analytics:conversationDetail:view",
    "analytics:queueObservation:view",
)
CHOICES = {
    "signature": ("base64", "hex", "wrong", "none"),
    "nickname_spelling": ("nickname", "nickName"),
    # The vendor does not say which: an agent's start is told when it rings, or when accepted.
    "user_start_at": ("connected", "alerting"),
}
OPTIONAL = {"flow_greeting": str, "estimated_wait_seconds": int}


@dataclass(slots=True, kw_only=True)
class Switches:
    """The org's settings and the simulator's faithful oddities, by name."""

    # -- The org
    permissions: list[str] = field(default_factory=lambda: list(ALL_PERMISSIONS))
    queues: list[str] = field(default_factory=lambda: ["Support", "Billing", "Sales"])
    queue: str = "Support"
    queue_attribute: str = "QueueName"
    flow_attached: bool = True
    flow_delay_seconds: float = 0.0
    flow_greeting: str | None = None
    # "", or the exit reason with which the flow ends without an agent.
    flow_exit: str = ""
    typing_inbound: bool = True
    typing_outbound: bool = True
    threading_minutes: int = 4320
    inbound_media_types: list[str] = field(default_factory=lambda: ["*/*"])
    agents_offline: bool = False
    estimated_wait_seconds: int | None = 95
    # -- The service
    token_ttl_seconds: float = 86399
    ping_interval_seconds: float = 30.0
    rate_limit_per_minute: int = 300
    integration_create_seconds: float = 0.5
    require_https_webhook: bool = False
    success_status: int = 202
    is_prefetch_answered: bool = True
    download_ttl_seconds: float = 600
    webhook_timeout_seconds: float = 10.0
    webhook_retry_pause_seconds: float = 5.0
    # -- How webhooks look
    signature: str = "base64"
    nickname_spelling: str = "nickname"
    is_conversation_id_sent: bool = True
    is_id_type_sent: bool = True
    receipts_sent: bool = True
    user_start_at: str = "connected"

    def change(self, **values: Any) -> None:
        """Set switches by name; raises DeskError for an unknown name or a wrong value."""
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise DeskError(400, f"There is no switch {name!r}; known: {', '.join(known)}.")
            if not _is_like(value, known[name], name):
                raise DeskError(400, f"{name} cannot be {type(value).__name__}.")
            if name in CHOICES and value not in CHOICES[name]:
                raise DeskError(400, f"{name} is one of {', '.join(CHOICES[name])}.")
        for name, value in values.items():
            setattr(self, name, value)


def _is_like(value: object, current: object, name: str) -> bool:
    if name in OPTIONAL:
        return value is None or type(value) is OPTIONAL[name]
    if isinstance(current, bool) or isinstance(value, bool):
        return isinstance(current, bool) and isinstance(value, bool)
    if isinstance(current, int | float):
        return isinstance(value, int | float) and value >= 0
    if isinstance(current, list):
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, type(current))
