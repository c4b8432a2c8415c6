"""How the demo and the simulated Twilio agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoCarrier

_ACCOUNT = "AC" + "0123456789abcdef" * 2
_TOKEN = "simulated-auth-token-0123456789ab"  # noqa: S105 - of a pretend account
_NUMBER = "+15550100199"

CARRIER = DemoCarrier(
    name="twilio",
    title="Text messages",
    number=_NUMBER,
    credentials=lambda url: {
        "account_sid": _ACCOUNT,
        "auth_token": _TOKEN,
        "numbers": _NUMBER,
        "sends_media": "true",
        "texts_per_second": "20",
        "api_base_url": url,
    },
    # Repeated as an admin can ask for with connection overrides.
    desk_config=lambda credentials, webhooks: {
        "account_sid": credentials["account_sid"],
        "auth_token": credentials["auth_token"],
        "numbers": [_NUMBER],
        "sms_url": webhooks["events"] + "#rc=5&rp=all",
    },
)
