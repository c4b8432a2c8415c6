"""Follows one thread: pushes of the socket, history after each opening, and what arrives cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from integrations.contract.connector import VendorSession
from integrations.contract.errors import CannotConnectError, ConnectorError, RateLimitedError
from integrations.kit.digital_messages.content import content_of, text_content
from integrations.kit.digital_messages.progress import Step
from integrations.kit.json_values import Json, as_id, as_object, as_text
from integrations.kit.waiting import Reconnecting, ReconnectTiming
from integrations.vendors.nice_chat.client import NiceChatClient
from integrations.vendors.nice_chat.connector.guests import Guests
from integrations.vendors.nice_chat.connector.progress import ThreadProgress
from integrations.vendors.nice_chat.connector.socket import (
    GuestSocket,
    RefusedRequestError,
    SocketTiming,
)
from integrations.vendors.nice_chat.mapping.frames import Push, push_of


class ThreadListener:
    """One listener: from a stored session to the end of the contact."""

    def __init__(
        self,
        session: VendorSession,
        *,
        guests: Guests,
        client: NiceChatClient,
        timing: SocketTiming,
        ends_on_resolved: bool,
    ) -> None:
        """Take up where `session` was stored."""
        self._guests = guests
        self._client = client
        self._timing = timing
        self._progress = ThreadProgress(session, ends_on_resolved=ends_on_resolved)
        self._losses = Reconnecting(
            ReconnectTiming(
                first=timing.first_delay,
                longest=timing.max_delay,
                give_up=timing.give_up,
                factor=1.3,
            )
        )

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Yield events until the contact is over; raises when it cannot go on."""
        while not self._progress.has_ended:
            try:
                async with aclosing(self._connection()) as steps:
                    async for step in steps:
                        yield step
            except (CannotConnectError, RateLimitedError) as error:
                await self._losses.pause(error)

    async def _connection(self) -> AsyncGenerator[Step, None]:
        """Live through one socket: history first, then pushes, and history again now and then."""
        async with (
            self._guests.using(self._progress.session) as socket,
            socket.pushes() as next_push,
        ):
            self._guests.let_go(self._progress.session)
            for step in await self._caught_up(socket):
                yield step
            self._losses.connected()
            while not self._progress.has_ended:
                push = await next_push(self._timing.recheck)
                self._losses.alive()
                found = await (self._taken(socket, push) if push else self._caught_up(socket))
                for step in found:
                    yield step

    async def _caught_up(self, socket: GuestSocket) -> list[Step]:
        """Read what was said since we last knew: nothing is pushed again."""
        try:
            found = await socket.recover()
        except RefusedRequestError as error:
            return await self._not_found(socket, error)
        messages = await socket.history(found, self._progress.since)
        return self._progress.recovered(
            found, [await self._whole(socket, message) for message in messages]
        )

    async def _not_found(self, socket: GuestSocket, error: RefusedRequestError) -> list[Step]:
        """Decide what a thread that is not found means: a live chat is not, once it is closed."""
        if socket.is_live_chat and self._progress.session.state.get("contact_id"):
            await asyncio.sleep(self._timing.ask_again)
            try:
                await socket.recover()
            except RefusedRequestError:
                return self._progress.ended()
        raise CannotConnectError(error.message, vendor_code=error.vendor_code)

    async def _taken(self, socket: GuestSocket, push: Push) -> list[Step]:
        if push.event == "EventInS3":
            push = await self._stored(push)
        message = as_object(push.data.get("message"))
        if message and push.event.startswith("Message"):
            whole = await self._whole(socket, message)
            push = replace(push, data={**push.data, "message": whole})
        return self._progress.apply(push)

    async def _stored(self, push: Push) -> Push:
        """Fetch an event that was too large for the socket."""
        url = as_text(as_object(push.data.get("s3Object")).get("url"))
        return push_of(await self._client.stored_event(url))

    async def _whole(self, socket: GuestSocket, message: Json) -> Json:
        """Return a message with all of its text: one may arrive cut, another is streamed."""
        if message.get("direction") == "inbound":
            return message
        try:
            if message.get("hasAdditionalMessageContent") is not False:
                message = await self._uncut(socket, message)
            if url := content_of(message).streamed_from:
                text = await self._client.streamed_text(url)
                message = {**message, "messageContent": text_content(text)}
        except ConnectorError as error:
            if error.retryable:
                raise
            # What there is must do.
        return message

    async def _uncut(self, socket: GuestSocket, message: Json) -> Json:
        guest, message_id = socket.guest, as_id(message.get("id"))
        url = f"/chat/1.0/brand/{guest.brand_id}/messages/{message_id}"
        granted = await socket.request("GenerateAuthorizationToken", {**guest.thread, "url": url})
        token = as_text(as_object(granted.get("authorizationToken")).get("token"))
        found = await self._client.message(message_id, token)
        return found if as_id(found.get("id")) == message_id else message
