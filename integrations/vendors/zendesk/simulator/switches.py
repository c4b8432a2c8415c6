"""What can be set on the simulated account: its keys, ids, webhooks, and how it behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from integrations.simulators.desk import DeskError
from integrations.simulators.switches import Switches
from integrations.vendors.zendesk.simulator.checks import TRIGGERS

STATUS_CHANGED = "zen:event-type:ticket.status_changed"
ASSIGNMENT_CHANGED = "zen:event-type:ticket.agent_assignment_changed"
MESSAGE_ADDED = "zen:event-type:messaging_ticket.message_added"


@dataclass(kw_only=True)
class AccountSwitches(Switches):
    """The account's settings, with the invented values of the contract's examples."""

    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "default_switchboard": ("answer_bot", "agent_workspace", "own"),
        "closed_control": ("pass", "release", "none"),
    }

    subdomain: str = "brightside"
    account_id: int = 424242
    app_id: str = "aa11bb22cc33dd44ee55ff66"
    integration_id: str = "bb11cc22dd33ee44ff55aa66"
    own_switchboard_name: str = "handoff-portal"
    # Key id -> secret; the prefix of the id is the key's scope.
    keys: dict[str, str] = field(
        default_factory=lambda: {
            "int_cc11dd22ee33ff44aa55bb66": "simulated-integration-key-secret",
            "app_ab12cd34ef56ab12cd34ef56": "simulated-app-key-secret",
        }
    )

    are_keys_revoked: bool = False

    # The Conversations webhook that was made with the integration.
    webhook_id: str = "dd11ee22ff33aa44bb55cc66"
    webhook_target: str = ""
    webhook_triggers: list[str] = field(default_factory=lambda: list(TRIGGERS))
    shared_secret: str = "simulated-shared-secret"  # noqa: S105 - invented
    include_full_user: bool = False
    include_full_source: bool = False

    # The ticket event webhook.
    ticket_webhook_id: str = "01SIMULATEDTICKETWEBHOOK00"
    ticket_webhook_target: str = ""
    ticket_webhook_events: list[str] = field(
        default_factory=lambda: [STATUS_CHANGED, ASSIGNMENT_CHANGED]
    )
    ticket_webhook_header: str = "X-Portal-Ticket-Key"
    ticket_webhook_key: str = "simulated-ticket-webhook-key"
    ticket_webhook_signing_secret: str = "c2ltdWxhdGVkLXNpZ25pbmctc2VjcmV0"  # noqa: S105 - invented

    # The ticketing API.
    support_email: str = "integration@brightside.example"
    support_api_token: str = "simulated-support-api-token"  # noqa: S105 - invented
    support_role: str = "admin"
    # Custom ticket fields of the account; empty takes any. What is not here vanishes silently.
    ticket_field_ids: list[str] = field(default_factory=list)
    queue: str = "Support"

    # Who controls a new conversation: the AI agent, Agent Workspace or the portal's integration.
    default_switchboard: str = "answer_bot"
    is_switchboard_enabled: bool = True
    # The contract gives true for an integration made by API; accounts in the wild have it off,
    # and agents' messages then never arrive. Off is the stricter pretence.
    deliver_standby_events: bool = False
    # An invalid target is answered 404 and told as an event; with this, as an event only.
    is_control_failure_quiet: bool = False
    # What a closed ticket does with control: both are described, none is what a vendor reports.
    closed_control: str = "pass"
    # Whether Agent Workspace tells of typing and reading is not confirmed.
    agent_typing_events: bool = True
    agent_read_events: bool = False
    # Examples show it in the webhook's message, the schema does not.
    webhook_messages_have_activity: bool = True
    # Whether the ticket event carries tags that were set by passControl is not confirmed.
    ticket_events_have_tags: bool = True
    auto_response: str | None = None
    # What the account's AI agent is called.
    bot_name: str = "Brightside Assistant"
    # Accounts may hide their live agents' names: a message then has an agent's id alone.
    agents_are_nameless: bool = False

    agents_offline: bool = False
    private_attachments: bool = False
    # Files are behind one redirect, at an address whose path holds an encoded slash.
    redirected_attachments: bool = False
    message_limit: int = 30_000
    upload_limit: int = 50_000_000
    batch_window_ms: float = 15
    # Retries are waited for this many times faster than Zendesk waits.
    retry_speed: float = 1
    rate_limit_per_minute: int | None = None
    rate_limit_retry_after: int | None = None

    def change(self, **values: Any) -> None:
        """Set switches by name; raises DeskError for an unknown name or a wrong value."""
        if values.get("retry_speed") == 0:
            raise DeskError(400, "retry_speed must be above 0.")
        super().change(**values)
