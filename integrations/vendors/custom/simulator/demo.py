"""How the demo and the simulated custom connector agree."""

from __future__ import annotations

from integrations.simulators.demo import DemoVendor

_NAME = "back_office"

DEMO = DemoVendor(
    title="Custom connector",
    credentials=lambda url: {
        "connector": _NAME,
        "base_url": url,
        "capabilities": "typing,presence,read,attachments,queue_status,availability,end_by_user",
    },
    desk_config=lambda credentials, webhooks: {
        "events_url": webhooks["events"],
        "signing_secret": credentials["signing_secret"],
    },
    facts=("connector", "base_url", "signing_secret"),
    routing={"connector": _NAME},
)
