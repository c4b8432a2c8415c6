"""Test connection for a chat channel: reads, and a guest who comes in and says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from integrations.contract.checks import CheckFailedError, run_checks
from integrations.contract.connector import CheckResult, VendorSession
from integrations.contract.errors import ConnectorError, InvalidAuthError
from integrations.http.client import HttpClient
from integrations.kit.json_values import as_object
from integrations.vendors.nice_chat.client import NiceChatClient
from integrations.vendors.nice_chat.connector.guests import Guests
from integrations.vendors.nice_chat.mapping.channel import Channel
from integrations.vendors.nice_chat.mapping.hosts import other_environments

LOOK_SECONDS = 2.0
# Always the same guest, who never has a thread.
GUEST_ID = "connection-test"


class ConnectionChecks:
    """One run of the test."""

    def __init__(
        self,
        http: HttpClient,
        guests: Guests,
        credentials: Mapping[str, str],
        client_of: Callable[[str], NiceChatClient],
        renamed: Mapping[str, str],
    ) -> None:
        """Share the connector's guests; `client_of` speaks to another environment."""
        self._http = http
        self._guests = guests
        self._credentials = credentials
        self._channel_id = credentials.get("channel_id", "")
        self._client_of = client_of
        self._renamed = renamed
        self._channel: Channel | None = None

    def run(self) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order."""
        return run_checks(
            [
                ("channel", self._find_channel),
                ("gateway", self._come_in),
                ("fields", self._fields),
            ]
        )

    async def _find_channel(self) -> str:
        try:
            self._channel = await self._guests.channel(self._channel_id, is_fresh=True)
        except InvalidAuthError as error:
            if error.status != 404:
                raise
            if elsewhere := await self._elsewhere():
                raise CheckFailedError("wrong_region", f"The channel is in {elsewhere}.") from error
            raise CheckFailedError("invalid_routing", error.message) from error
        kind = "live chat" if self._channel.is_live_chat else "messaging"
        state = "online" if self._channel.is_online else "offline"
        return self._http.without_secrets(f"{self._channel.name}: {kind}, {state}")

    async def _elsewhere(self) -> str:
        """Look for brand and channel in all other environments at once; they have one home."""
        names = other_environments(self._credentials)
        answers = await asyncio.gather(*map(self._is_in, names))
        return next((name for name, is_there in zip(names, answers, strict=True) if is_there), "")

    async def _is_in(self, environment: str) -> bool:
        client = self._client_of(environment)
        try:
            found = await client.channel(self._channel_id, seconds=LOOK_SECONDS)
        except ConnectorError:
            return False
        return bool(as_object(found))

    async def _come_in(self) -> str:
        if self._channel is None:
            raise CheckFailedError("skipped")
        state = {"channel_id": self._channel_id, "customer_id": GUEST_ID}
        guest = VendorSession(vendor_conversation_id=GUEST_ID, state=state)
        async with self._guests.using(guest, is_new=True):
            return "with a transaction token" if self._channel.needs_token else ""

    async def _fields(self) -> str:
        """Compare the map with the channel: a field that it lacks is dropped without a word."""
        if self._channel is None:
            raise CheckFailedError("skipped")
        known = self._channel.contact_fields
        lacking = sorted({ident for ident in self._renamed.values() if ident not in known})
        if lacking:
            named = ", ".join(one[:64] for one in lacking)
            raise CheckFailedError("invalid_routing", f"The channel has no field {named}.")
        required = [one.ident for one in known.values() if one.is_required]
        return f"Required of every handoff: {', '.join(required)}" if required else ""
