"""The two subscriptions of a connection: made when it is saved, mended when they are not so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from integrations.kit.json_values import Json, as_id, as_text
from integrations.vendors.webex.client import WebexClient

# What each resource must tell, and what more it tells where the organization offers it.
RESOURCES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "task:1.0.0": (
        ("task:new", "task:connect", "task:connected", "task:ended", "task:failed"),
        (
            *("task:parked", "task:on-hold", "task:hold-done", "task:consulting"),
            *("task:consult-done", "task:conferencing", "task:conference-done"),
            "task:conference-transferred",
        ),
    ),
    "task-message:1.0.0": (("task-message:appended", "task-message:append-failed"), ()),
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

    async def make(self, url: str, secret: str) -> None:
        """Make both, or bring them up to date: the secret too, which nobody can read back."""
        await self._bring_about(url, secret, await self.ours(), is_forced=True)

    async def mend(self, url: str, secret: str) -> int:
        """Make those that are gone and mend those that differ; return how many that were."""
        return await self._bring_about(url, secret, await self.ours(), is_forced=False)

    async def _bring_about(
        self, url: str, secret: str, there: Mapping[str, Json], *, is_forced: bool
    ) -> int:
        offered, mended = await self._client.event_types(), 0
        for resource, (needed, further) in RESOURCES.items():
            events = [*needed, *(name for name in further if name in offered)]
            body: dict[str, object] = {
                "name": self._name(resource),
                "description": "Made by Baton; deleted when the connection is.",
                "eventTypes": events,
                "destinationUrl": url,
                "secret": secret,
                "resourceVersion": resource,
            }
            one = there.get(resource)
            if one is None:
                await self._client.create_subscription(body)
            elif is_forced or differs(one, url) or _events(one) != set(events):
                change = {**body, "status": "active"}
                await self._client.change_subscription(as_id(one.get("id")), change)
            else:
                continue
            mended += 1
        return mended

    async def delete(self) -> None:
        """Delete both."""
        for one in (await self.ours()).values():
            await self._client.delete_subscription(as_id(one.get("id")))

    def _name(self, resource: str) -> str:
        kind = resource.partition(":")[0]
        address = re.sub(r"[^A-Za-z0-9@._+-]", "-", self._address)
        return f"Baton {kind} {address}"[:_MAX_NAME]


def differs(subscription: Json, url: str) -> bool:
    """Say whether Webex has stopped calling for it, or calls somewhere else."""
    return is_stopped(subscription) or as_text(subscription.get("destinationUrl")) != url


def is_stopped(subscription: Json) -> bool:
    """Say whether Webex calls nobody for it."""
    return as_text(subscription.get("status")).lower() == "inactive"


def _events(subscription: Json) -> set[str]:
    found = subscription.get("eventTypes")
    return set(map(as_text, found)) if isinstance(found, list) else set()
