"""What AWS says of a chat to the account's own keys, whatever its tokens are worth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from integrations.contract.connector import VendorSession
from integrations.contract.errors import ConversationGoneError, MissingPermissionError
from integrations.vendors.amazon_connect.client import AmazonConnectClient
from integrations.vendors.amazon_connect.connector.target import Target, target_of
from integrations.vendors.amazon_connect.mapping.item import as_text

Answer = TypeVar("Answer")
_OVER_AT = "DisconnectTimestamp"


class Signed(Protocol):
    """Makes a call with the keys that a target asks for."""

    async def __call__(
        self, target: Target, call: Callable[[AmazonConnectClient], Awaitable[Answer]]
    ) -> Answer:
        """Return the call's answer."""


class ChatContacts:
    """Looks at the contacts that a chat passes through, and stops the one that is open."""

    def __init__(self, signed: Signed, credentials: Mapping[str, str]) -> None:
        """Share the connector's way of signing."""
        self._signed = signed
        self._credentials = credentials

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
            contact_id = contact_of(session)  # the role may not look, but perhaps stop
        if not contact_id:
            return
        target = target_of(session.state, self._credentials)

        async def stop(client: AmazonConnectClient) -> None:
            await client.stop_contact(instance_id=target.instance_id, contact_id=contact_id)

        await self._signed(target, stop)

    async def _open_contact(self, session: VendorSession) -> str:
        """Return the open contact's id, which a transfer may have changed unseen; else nothing."""
        target = target_of(session.state, self._credentials)

        async def look(client: AmazonConnectClient) -> str:
            contact_id, instance = contact_of(session), target.instance_id
            if not (await client.describe_contact(instance, contact_id)).get(_OVER_AT):
                return contact_id
            chain = await client.list_associated_contacts(instance, contact_id)
            is_open = [as_text(one.get("ContactId")) for one in chain if not one.get(_OVER_AT)]
            return is_open[-1] if is_open else ""

        try:
            return await self._signed(target, look)
        except ConversationGoneError:
            return ""


def contact_of(session: VendorSession) -> str:
    """Return the contact in which we saw the chat last."""
    return as_text(session.state.get("contact_id")) or session.vendor_conversation_id
