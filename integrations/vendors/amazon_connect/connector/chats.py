"""Calls about one chat: with its connection token, and with the account's own keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from integrations.contract.connector import VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    MissingPermissionError,
)
from integrations.kit.json_values import as_text
from integrations.vendors.amazon_connect.client import AmazonConnectClient
from integrations.vendors.amazon_connect.client.participant import (
    Bearer,
    ParticipantClient,
    ParticipantConnection,
)
from integrations.vendors.amazon_connect.client.signing import Endpoints
from integrations.vendors.amazon_connect.connector.credentials import Target, target_of
from integrations.vendors.amazon_connect.mapping.interactive import Reply

Answer = TypeVar("Answer")
_EARLY = timedelta(minutes=5)
_OVER_AT = "DisconnectTimestamp"


class Chats:
    """One connection token for each chat of this process; a new worker trades for its own.

    The participant's token, from which they come, is kept with the vendor session.
    """

    def __init__(
        self,
        client: ParticipantClient,
        endpoints: Endpoints,
        credentials: Mapping[str, str],
        account: Callable[[Target], AmazonConnectClient],
    ) -> None:
        """Share the connector's clients; `account` gives the one that calls with our own keys."""
        self.client = client
        self._endpoints = endpoints
        self._credentials = credentials
        self._account = account
        self._kept: dict[str, ParticipantConnection] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    # -- With the chat's token ----------------------------------------------------------------

    async def connect(self, session: VendorSession) -> ParticipantConnection:
        """Ask for a new connection; raises MissingPermissionError when that is refused."""
        region = target_of(session.state, self._credentials).region
        participant = Bearer(
            base_url=self._endpoints.participant(region),
            token=as_text(session.state.get("participant_token")),
        )
        connection = await self.client.create_participant_connection(participant)
        self._kept[session.vendor_conversation_id] = connection
        return connection

    async def as_customer(
        self, session: VendorSession, call: Callable[[Bearer], Awaitable[Answer]]
    ) -> Answer:
        """Make a call with the token; refused, the chat is over only if AWS says so elsewhere."""
        try:
            return await self.using_token(session, call)
        except MissingPermissionError as error:
            if await self._is_known_to_be_over(session):
                raise ConversationGoneError(error.message, status=error.status) from error
            raise CannotConnectError(error.message, status=error.status) from error

    async def using_token(
        self, session: VendorSession, call: Callable[[Bearer], Awaitable[Answer]]
    ) -> Answer:
        """Make a call with the token, and once more with a new one if it was refused.

        Raises MissingPermissionError if that is refused too: the chat may be over, or not.
        """
        bearer = await self._bearer(session, None)
        try:
            return await call(bearer)
        except MissingPermissionError:
            renewed = await self._bearer(session, bearer)
        return await call(renewed)

    async def tell_opening(self, session: VendorSession) -> None:
        """Say what was said before, as the end user; a repeat is not shown again."""
        reply = Reply(content=as_text(session.state.get("opening")))
        token = f"{session.vendor_conversation_id}-opening"
        send = partial(self.client.send_message, reply=reply, client_token=token)
        await self.as_customer(session, send)

    def kept(self, session: VendorSession) -> Bearer | None:
        """Return the token we have, without asking for one."""
        found = self._kept.get(session.vendor_conversation_id)
        return found.bearer if found else None

    def forget(self, session: VendorSession) -> None:
        """Drop the token of a chat that is over."""
        self._kept.pop(session.vendor_conversation_id, None)
        self._locks.pop(session.vendor_conversation_id, None)

    # -- With the account's keys, whatever the chat's tokens are worth ------------------------

    async def contact_metrics(
        self, session: VendorSession, names: tuple[str, ...]
    ) -> Mapping[str, float]:
        """Return the metrics of a chat that waits in a queue; any other has none."""
        target = target_of(session.state, self._credentials)
        client, contact_id = self._account(target), _contact_of(session)
        return await client.get_contact_metrics(target.instance_id, contact_id, names)

    async def is_over(self, session: VendorSession) -> bool:
        """Say whether no contact of the chat is open; raises where AWS does not say."""
        return not await self._open_contact(session)

    async def stop(self, session: VendorSession) -> None:
        """End the chat in whichever contact it is; one that is over already is fine.

        Raises when AWS neither ends it nor says that it is over.
        """
        try:
            contact_id = await self._open_contact(session)
        except MissingPermissionError:
            contact_id = _contact_of(session)  # the role may not look, but perhaps stop
        if contact_id:
            target = target_of(session.state, self._credentials)
            client = self._account(target)
            await client.stop_contact(instance_id=target.instance_id, contact_id=contact_id)

    async def _open_contact(self, session: VendorSession) -> str:
        """Return the open contact's id, which a transfer may have changed unseen; else nothing."""
        target = target_of(session.state, self._credentials)
        client, contact_id = self._account(target), _contact_of(session)
        try:
            if not (await client.describe_contact(target.instance_id, contact_id)).get(_OVER_AT):
                return contact_id
            chain = await client.list_associated_contacts(target.instance_id, contact_id)
        except ConversationGoneError:
            return ""
        is_open = [as_text(one.get("ContactId")) for one in chain if not one.get(_OVER_AT)]
        return is_open[-1] if is_open else ""

    async def _is_known_to_be_over(self, session: VendorSession) -> bool:
        try:
            return await self.is_over(session)
        except ConnectorError as error:
            if error.retryable:
                raise
            return False  # the account's keys may not look

    async def _bearer(self, session: VendorSession, refused: Bearer | None) -> Bearer:
        key = session.vendor_conversation_id
        async with self._locks.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is None or kept.bearer == refused or _expires_soon(kept):
                kept = await self.connect(session)
            return kept.bearer


def _contact_of(session: VendorSession) -> str:
    """Return the contact in which we saw the chat last."""
    return as_text(session.state.get("contact_id")) or session.vendor_conversation_id


def _expires_soon(connection: ParticipantConnection) -> bool:
    # An expiry that could not be read is now, which would mean a new token for every call.
    left = connection.expires_at - datetime.now(UTC)
    return timedelta(0) < left < _EARLY
