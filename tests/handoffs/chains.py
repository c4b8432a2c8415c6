"""A handoff in a project with three integrations: what a fallback from one to another needs."""

from __future__ import annotations

from typing import Any

from conversations.event_loop.executor import run_sync
from handoffs.models import Handoff
from integrations.models import Integration
from tests import factories
from tests.contract.vendors import SETUPS
from tests.handoffs.talk import Talk
from tests.waiting import eventually_async

TO_AMAZON = {
    "on_unavailable": "fallback",
    "fallback_integration": "amazon_connect_integration/default",
}
TO_TICKETS = {
    "on_unavailable": "fallback",
    "fallback_integration": "zendesk_tickets_integration/default",
}


def connect_others(handoff: Handoff, amazon: Any, zendesk: Any) -> None:
    credentials = {
        **SETUPS["amazon_connect"].credentials(amazon.base_url),
        "availability_queue_id": amazon.configuration()["queue_id"],
    }
    tickets = {
        "org_url": zendesk.base_url,
        "email": "integration@brightside.example",
        "api_token": "simulated-support-api-token",
    }
    for key, values in (("amazon_connect", credentials), ("zendesk_tickets", tickets)):
        factories.integration(
            handoff.conversation.project,
            connector_key=key,
            integration_key=f"{key}_integration",
            credentials=values,
        )


async def has_moved(one: Talk) -> bool:
    return (await one.now()).attempt == 2


async def moved(one: Talk) -> None:
    """Wait for the fallback, then let a relay worker claim the handoff as one of them does."""

    async def is_free() -> bool:
        now = await one.now()
        return now.attempt == 2 and now.owner_id is None

    await eventually_async(is_free)
    await one.serve()


async def start_at(one: Talk, connector_key: str, **behaviour: Any) -> None:
    """Send the handoff to another integration than Salesforce first."""

    def change() -> None:
        integration = Integration.objects.get(connector_key=connector_key)
        Integration.objects.filter(pk=integration.pk).update(behaviour=behaviour)
        Handoff.objects.filter(pk=one.handoff.pk).update(
            integration=integration, integration_key=integration.integration_key
        )

    await run_sync(change)


async def system_messages(one: Talk) -> list[str]:
    def read() -> list[str]:
        lines = one.handoff.conversation.events.filter(type="SYSTEM_MESSAGE")
        codes = [line.payload["code"] for line in lines.order_by("sequence")]
        return [code for code in codes if code != "vendor_notice"]

    return await run_sync(read)


async def kinds(one: Talk) -> list[str]:
    return [kind for kind, _ in await one.journal()]
