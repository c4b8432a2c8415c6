"""Keeps the connection token of each chat, and trades for a new one when it is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from integrations.contract.connector import VendorSession
from integrations.contract.errors import MissingPermissionError
from integrations.vendors.amazon_connect.client.participant import (
    Bearer,
    ParticipantClient,
    ParticipantConnection,
)
from integrations.vendors.amazon_connect.client.signing import Endpoints
from integrations.vendors.amazon_connect.connector.target import target_of
from integrations.vendors.amazon_connect.mapping.item import as_text

Answer = TypeVar("Answer")
_EARLY = timedelta(minutes=5)


class ConnectionTokens:
    """One connection token for each chat of this process; a new worker trades for its own.

    The participant's token, from which they come, is kept with the vendor session.
    """

    def __init__(
        self, *, client: ParticipantClient, endpoints: Endpoints, credentials: Mapping[str, str]
    ) -> None:
        """Share the connector's client."""
        self._client = client
        self._endpoints = endpoints
        self._credentials = credentials
        self._kept: dict[str, ParticipantConnection] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def connect(self, session: VendorSession) -> ParticipantConnection:
        """Ask for a new connection; raises MissingPermissionError when that is refused."""
        region = target_of(session.state, self._credentials).region
        participant = Bearer(
            base_url=self._endpoints.participant(region),
            token=as_text(session.state.get("participant_token")),
        )
        connection = await self._client.create_participant_connection(participant)
        self._kept[session.vendor_conversation_id] = connection
        return connection

    async def current(self, session: VendorSession) -> Bearer:
        """Return a token that is valid as far as we know."""
        return await self._bearer(session, None)

    async def using(
        self, session: VendorSession, call: Callable[[Bearer], Awaitable[Answer]]
    ) -> Answer:
        """Make a call with the token, and once more with a new one if it was refused.

        Raises MissingPermissionError if that is refused too: the chat may be over, or not.
        """
        bearer = await self.current(session)
        try:
            return await call(bearer)
        except MissingPermissionError:
            renewed = await self._bearer(session, bearer)
        return await call(renewed)

    def kept(self, session: VendorSession) -> Bearer | None:
        """Return the token we have, without asking for one."""
        found = self._kept.get(session.vendor_conversation_id)
        return found.bearer if found else None

    def forget(self, session: VendorSession) -> None:
        """Drop the token of a chat that is over."""
        self._kept.pop(session.vendor_conversation_id, None)
        self._locks.pop(session.vendor_conversation_id, None)

    async def _bearer(self, session: VendorSession, refused: Bearer | None) -> Bearer:
        key = session.vendor_conversation_id
        async with self._locks.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is None or kept.bearer == refused or _expires_soon(kept):
                kept = await self.connect(session)
            return kept.bearer


def _expires_soon(connection: ParticipantConnection) -> bool:
    # An expiry that could not be read is now, which would mean a new token for every call.
    left = connection.expires_at - datetime.now(UTC)
    return timedelta(0) < left < _EARLY
