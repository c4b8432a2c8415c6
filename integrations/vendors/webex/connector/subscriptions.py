"""The two subscriptions of a connection: made when it is saved, repaired when Webex stops them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from integrations.kit.json_values import Json, as_id, as_text
from integrations.vendors.webex.client.client import WebexClient

RESOURCES: Mapping[str, tuple[str, ...]] = {
    "task:1.0.0": (
        "task:new",
        "task:connect",
        "task:connected",
        "task:parked",
        "task:ended",
        "task:failed",
    ),
    "task-message:1.0.0": ("task-message:appended", "task-message:append-failed"),
}
_MAX_NAME = 64


class Subscriptions:
    """Ours by their names; what we did not make is never touched."""

    def __init__(self, client: WebexClient, business_address: str) -> None:
        """Name them after the asset, which only one connection may use."""
        self._client = client
        self._address = business_address

    async def ours(self) -> dict[str, Json]:
        """Return our subscriptions by the resource they are for."""
        found = {as_text(one.get("name")): one for one in await self._client.list_subscriptions()}
        names = {resource: self._name(resource) for resource in RESOURCES}
        return {resource: found[name] for resource, name in names.items() if name in found}

    async def keep(self, url: str, secret: str) -> None:
        """Make both, or bring them up to date: address, secret, events and state."""
        there = await self.ours()
        for resource, events in RESOURCES.items():
            body: dict[str, object] = {
                "name": self._name(resource),
                "description": "Made by Baton; deleted when the connection is.",
                "eventTypes": list(events),
                "destinationUrl": url,
                "secret": secret,
                "resourceVersion": resource,
            }
            if resource in there:
                change = {**body, "status": "active"}
                await self._client.change_subscription(as_id(there[resource].get("id")), change)
            else:
                await self._client.create_subscription(body)

    async def revive(self) -> int:
        """Activate those that Webex has stopped; return how many."""
        stopped = {
            resource: one for resource, one in (await self.ours()).items() if is_stopped(one)
        }
        for resource, one in stopped.items():
            body = {"status": "active", "resourceVersion": resource}
            await self._client.change_subscription(as_id(one.get("id")), body)
        return len(stopped)

    async def delete(self) -> None:
        """Delete both."""
        for one in (await self.ours()).values():
            await self._client.delete_subscription(as_id(one.get("id")))

    def _name(self, resource: str) -> str:
        kind = resource.partition(":")[0]
        address = re.sub(r"[^A-Za-z0-9@._+-]", "-", self._address)
        return f"Baton {kind} {address}"[:_MAX_NAME]


def is_stopped(subscription: Json) -> bool:
    """Say whether Webex calls nobody for it."""
    return as_text(subscription.get("status")).lower() == "inactive"
