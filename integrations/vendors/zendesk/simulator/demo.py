"""How the demo and the simulated Zendesk account agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor
from integrations.vendors.zendesk.simulator.world import AccountSwitches

_ACCOUNT = AccountSwitches()
_KEY_ID = next(iter(_ACCOUNT.keys))

DEMO = DemoVendor(
    title="Zendesk",
    credentials=lambda url: {
        "subdomain": _ACCOUNT.subdomain,
        "app_id": _ACCOUNT.app_id,
        "integration_id": _ACCOUNT.integration_id,
        "webhook_id": _ACCOUNT.webhook_id,
        "shared_secret": _ACCOUNT.shared_secret,
        "key_id": _KEY_ID,
        "key_secret": _ACCOUNT.keys[_KEY_ID],
        "status_webhook_header": _ACCOUNT.ticket_webhook_header,
        "switchboard_integration_name": "zd-agentWorkspace",
        "own_switchboard_name": _ACCOUNT.own_switchboard_name,
        "support_email": _ACCOUNT.support_email,
        "support_api_token": _ACCOUNT.support_api_token,
        "base_url_override": f"{url}/sc",
    },
    desk_config=lambda credentials, webhooks: {
        "webhook_target": webhooks["events"],
        "ticket_webhook_target": webhooks["status"],
        "ticket_webhook_key": credentials["status_webhook_secret"],
    },
    facts=(
        *("subdomain", "app_id", "integration_id", "webhook_id", "shared_secret", "key_id"),
        *("key_secret", "status_webhook_header", "status_webhook_secret", "own_switchboard_name"),
        *("support_email", "support_api_token", "base_url_override"),
    ),
)
