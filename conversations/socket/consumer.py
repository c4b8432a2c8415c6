"""The widget's WebSocket: check the frame, ask the responder, send what the journal holds."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from typing import Any, cast

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError

from conversations.event_loop.executor import run_sync, work_account
from conversations.journal import publish
from conversations.journal.budget import in_batches, journal_wait
from conversations.journal.frames import (
    ConversationChanged,
    ConversationTransient,
    EventType,
    Frame,
    error_frame,
    frame_of,
    transient_frame,
)
from conversations.journal.selectors import frames_after, joinings_until
from conversations.journal.services import conversations_seen
from conversations.models import Conversation, Event
from conversations.socket.bounds import TRY_AGAIN_LATER
from conversations.socket.client_extensions import Speakers, frame_shown
from conversations.socket.client_frames import BadFrameError, frame_read
from conversations.socket.handshake import (
    CAUGHT_UP,
    CURSOR_UNKNOWN,
    HandshakeError,
    handshake_check,
    handshake_read,
    handshake_refuse,
    socket_gone,
)
from conversations.socket.responder import responder
from conversations.socket.talk import ClientTalk
from conversations.socket.watch import socket_watch

logger = logging.getLogger(__name__)
BATCH = 100


class WidgetConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket of one conversation; holds no truth, only how far it has sent."""

    conversation_id = locale = ""
    extensions: frozenset[str] = frozenset()
    # Of an app's session alone.
    speakers: Speakers | None = None
    is_grouped = False
    catching_up: asyncio.Task[None] | None = None
    checking: asyncio.Task[Conversation] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket; however it ends, nothing of it stays in this process."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            socket_watch().remove(self)
            if self.catching_up is not None:
                self.catching_up.cancel()
            # Goes on when even this is cancelled: else the session has one socket less for long.
            await asyncio.shield(asyncio.create_task(self._forget()))

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler; Channels would first visit a thread to look after connections.

        None is ever opened outside the executor, which looks after its own.
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Check the handshake, join the group, then send everything after the cursor."""
        self.socket_id = str(uuid.uuid4())
        try:
            handshake = handshake_read(self.scope)
            # Not cancelled with the socket: what counts it in a thread is not to be stopped there.
            self.checking = asyncio.create_task(
                run_sync(handshake_check, handshake, self.socket_id)
            )
            conversation = await asyncio.shield(self.checking)
        except HandshakeError as error:
            await handshake_refuse(self, error)
            return
        self.conversation_id, self.locale = conversation.pk, conversation.locale
        work_account.set(f"project:{conversation.project_id}")
        self.extensions = conversation.extensions
        # For what is refused before it comes to this consumer (bounds.py).
        self.scope.setdefault("state", {})["locale"] = self.locale
        # A cursor beyond the journal's end would hide all that is written from here on.
        is_cursor_known = (
            handshake.is_cursor_valid and handshake.cursor <= conversation.last_sequence
        )
        self.sent_sequence = handshake.cursor if is_cursor_known else 0
        self.speakers = await self._speakers() if conversation.is_app else None
        self.heard_at = self.noted_at = time.monotonic()
        self.sending = asyncio.Lock()
        self.talk = ClientTalk(self.conversation_id, self.locale, self)
        await self.accept(subprotocol=handshake.subprotocol)
        self.is_grouped = await self._join_group()
        if not await self._send_batches():
            # Not lost: the client's cursor goes on from here.
            await self.close(code=TRY_AGAIN_LATER)
            return
        if not is_cursor_known:
            await self.show(error_frame("bad_json", CURSOR_UNKNOWN))
        await self._send_queue_status()
        await run_sync(conversations_seen, [self.conversation_id])
        socket_watch().add(self)
        if caught_up := self.scope["state"].get(CAUGHT_UP):
            caught_up.set()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle one frame; a bad one is answered and the socket stays open."""
        self.heard_at = time.monotonic()
        try:
            frame = frame_read(text_data)
        except BadFrameError as error:
            await self.talk.refuse(error)
            return
        await self.talk.hear(frame)

    # ---- what the channel layer brings ----

    async def conversation_changed(self, message: ConversationChanged) -> None:
        """Send new journal lines, reading the journal when one is missing between."""
        await self._send_journal(message["frames"])

    async def conversation_transient(self, message: ConversationTransient) -> None:
        """Send what is shown now or never."""
        await self.show(message["frame"])

    # ---- sending ----

    async def show(self, frame: Frame) -> int:
        """Send what the client reads of a frame, and return its length.

        It is the one way out of this socket.
        """
        if self.speakers:
            frame = self.speakers.named(frame)
        text = json.dumps(frame_shown(frame, self.extensions, self.locale), ensure_ascii=False)
        await self.send(text_data=text)
        return len(text)

    async def show_with_echo(self, events: list[Event]) -> None:
        """Send lines; the first one also where it was sent before, for its echo may be lost."""
        if events[0].sequence <= self.sent_sequence:
            await self.show(frame_of(events[0]))
        await self.show_events(events)

    async def show_events(self, events: list[Event]) -> None:
        """Send journal lines that were written a moment ago."""
        await self._send_journal([frame_of(event) for event in events])

    async def _speakers(self) -> Speakers:
        """Return who spoke up to the cursor: what a client has already is not sent to it again."""
        known = Speakers()
        for frame in await run_sync(joinings_until, self.conversation_id, self.sent_sequence):
            known.named(frame)
        return known

    async def _send_journal(self, frames: list[Frame]) -> None:
        async with self.sending:
            for frame in frames:
                sequence = cast(int, frame["sequence"])
                if sequence == self.sent_sequence + 1:
                    await self.show(frame)
                    self.sent_sequence = sequence
                elif sequence > self.sent_sequence:
                    await self._send_gap()

    async def _send_gap(self) -> None:
        """Send what the journal has after the last line sent; the caller holds the lock."""
        for frame in await run_sync(frames_after, self.conversation_id, self.sent_sequence):
            await self.show(frame)
            self.sent_sequence = cast(int, frame["sequence"])

    async def _send_batches(self) -> bool:
        """Send what the journal has; False if the session has pulled too much in this minute."""
        is_spent = False
        async with self.sending:
            while True:
                frames = await run_sync(
                    frames_after, self.conversation_id, self.sent_sequence, limit=BATCH
                )
                for batch in in_batches(frames):
                    if is_spent:
                        return False
                    is_spent = await self._send_batch(batch)
                if len(frames) < BATCH:
                    return True

    async def _send_batch(self, frames: list[Frame]) -> bool:
        """Send a batch, and say whether it was the last that the session may have for now."""
        frame = transient_frame(EventType.EVENT_BATCH, {"events": frames})
        size = await self.show(frame)
        if not frames:
            return False
        self.sent_sequence = cast(int, frames[-1]["sequence"])
        wait = await run_sync(journal_wait, self.conversation_id, lines=len(frames), size=size)
        return wait > 0

    async def _send_queue_status(self) -> None:
        status = await run_sync(responder().queue_status, conversation_id=self.conversation_id)
        if status is not None:
            await self.show(transient_frame(EventType.HANDOFF_QUEUE_STATUS, status))

    # ---- what the slow timer of all sockets asks for (socket_watch.py) ----

    def catch_up(self) -> None:
        """Begin to send what the journal has beyond what was sent, unless that is under way."""
        if self.catching_up is None or self.catching_up.done():
            self.catching_up = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        if not self.is_grouped:
            self.is_grouped = await self._join_group()
        try:
            async with self.sending:
                await self._send_gap()
        except DatabaseError as error:
            logger.warning("The journal cannot be read: %s", type(error).__name__)
        except OSError:
            return  # the client is gone, and nobody asks for what this task found

    async def _join_group(self) -> bool:
        group = publish.conversation_group(self.conversation_id)
        return await publish.group_join(self.channel_layer, group, self.channel_name)

    async def _forget(self) -> None:
        """Stop counting the socket, also one whose handshake nobody waited for to the end."""
        if self.checking is None:
            return
        try:
            conversation = await self.checking
        except (HandshakeError, DatabaseError):
            return
        await run_sync(socket_gone, conversation.pk, self.socket_id)
        if self.is_grouped:
            group = publish.conversation_group(self.conversation_id)
            await publish.group_leave(self.channel_layer, group, self.channel_name)
