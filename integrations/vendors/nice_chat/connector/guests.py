"""The guests of this process: their channel, their tokens, and a socket while anybody needs it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from integrations.contract.connector import TokenCache, VendorSession
from integrations.contract.errors import CannotConnectError, ConnectorError, InvalidAuthError
from integrations.kit.json_values import as_text, count_read
from integrations.kit.sockets.shared import Shared
from integrations.vendors.nice_chat.client import NiceChatClient
from integrations.vendors.nice_chat.connector.socket import GuestSocket, SocketTiming
from integrations.vendors.nice_chat.mapping.channel import Channel, channel_of
from integrations.vendors.nice_chat.mapping.frames import Guest

CHANNEL_SECONDS = 300.0
HOLD_SECONDS = 5.0
# A token is used for a bit less than it lives.
TOKEN_SHARE = 0.9


class Guests:
    """Opens, shares and closes sockets."""

    def __init__(
        self, client: NiceChatClient, tokens: TokenCache, *, brand_id: str, timing: SocketTiming
    ) -> None:
        """Share the connector's client and token cache."""
        self._client = client
        self._tokens = tokens
        self._brand_id = count_read(brand_id) or 0
        self._timing = timing
        self._sockets: Shared[GuestSocket] = Shared(hold_seconds=HOLD_SECONDS)
        self._channels: dict[str, tuple[float, Channel]] = {}

    def of(self, session: VendorSession) -> Guest:
        """Return the guest of a session."""
        state = session.state
        return Guest(
            brand_id=self._brand_id,
            channel_id=as_text(state.get("channel_id")),
            thread_id=session.vendor_conversation_id,
            customer_id=as_text(state.get("customer_id")),
            first_name=as_text(state.get("first_name")),
            last_name=as_text(state.get("last_name")),
        )

    async def channel(self, channel_id: str, *, is_fresh: bool = False) -> Channel:
        """Return a channel's set-up, not older than a few minutes where it can be read."""
        at, known = self._channels.get(channel_id, (0.0, None))
        is_old = known is None or time.monotonic() - at > CHANNEL_SECONDS
        if not (is_fresh or is_old) and known is not None:
            return known
        try:
            found = channel_of(await self._client.channel(channel_id))
        except ConnectorError as error:
            if known is None or is_fresh or not error.retryable:
                raise
            return known
        self._channels[channel_id] = (time.monotonic(), found)
        return found

    @asynccontextmanager
    async def using(
        self, session: VendorSession, *, is_new: bool = False
    ) -> AsyncIterator[GuestSocket]:
        """Use the guest's socket; the last one who does closes it.

        A guest who was let in before and is not now is asked for again: that may pass.
        """
        guest = self.of(session)
        connect = partial(self._let_in, guest, is_new=is_new)
        async with self._sockets.using(guest.customer_id, connect) as socket:
            yield socket

    async def hold(self, session: VendorSession) -> None:
        """Keep the socket of a start open for its listener: what is pushed meanwhile is kept."""
        await self._sockets.hold(self.of(session).customer_id)

    def let_go(self, session: VendorSession) -> None:
        """Hold the socket no longer."""
        self._sockets.let_go(self.of(session).customer_id)

    async def _let_in(self, guest: Guest, *, is_new: bool) -> GuestSocket:
        try:
            return await self.opened(guest)
        except InvalidAuthError as error:
            if is_new:
                raise
            raise CannotConnectError(error.message, status=error.status) from error

    async def opened(self, guest: Guest) -> GuestSocket:
        """Open a socket; a token that was kept may be refused, and then a new one is asked for."""
        channel = await self.channel(guest.channel_id)
        if not channel.needs_token:
            return await self._opened(guest, channel, "")
        name = f"transaction:{guest.channel_id}:{guest.customer_id}"
        if kept := await self._tokens.get(name):
            try:
                return await self._opened(guest, channel, kept)
            except InvalidAuthError:
                await self._tokens.delete(name)
        token, seconds = await self._client.transaction_token(guest)
        await self._tokens.set(name, token, seconds * TOKEN_SHARE)
        return await self._opened(guest, channel, token)

    async def close(self) -> None:
        """Close every socket."""
        await self._sockets.close()

    async def _opened(self, guest: Guest, channel: Channel, token: str) -> GuestSocket:
        socket = GuestSocket(
            self._client, guest, is_live_chat=channel.is_live_chat, timing=self._timing
        )
        await socket.open(token)
        return socket
