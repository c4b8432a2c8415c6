"""The widget's WebSocket: check the frame, ask the responder, send what the journal holds."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from typing import Any, cast

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from conversations.errors import ConversationError, RateLimitedError
from conversations.event_loop.executor import run_sync, work_account
from conversations.journal import publish
from conversations.journal.frames import (
    ConversationChanged,
    ConversationTransient,
    EventType,
    Frame,
    error_frame,
    frame_of,
    transient_frame,
)
from conversations.journal.selectors import frames_after
from conversations.journal.services import agent_join, conversations_seen
from conversations.models import Conversation, Event
from conversations.responder import responder
from conversations.socket.client_extensions import frame_shown
from conversations.socket.client_frames import BadFrameError, ClientFrame, frame_read
from conversations.socket.handshake import (
    HandshakeError,
    handshake_check,
    handshake_read,
    socket_gone,
)
from conversations.socket.refusals import LastRefusal
from conversations.socket.watch import socket_watch

logger = logging.getLogger(__name__)
BATCH = 100


class WidgetConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket of one conversation; holds no truth, only how far it has sent."""

    conversation_id = locale = ""
    extensions: frozenset[str] = frozenset()
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
            await self._refuse(error)
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
        self.heard_at = self.noted_at = time.monotonic()
        self.sending = asyncio.Lock()
        self.last_refusal = LastRefusal()
        await self.accept(subprotocol=handshake.subprotocol)
        self.is_grouped = await self._join_group()
        await self._send_batches()
        if not is_cursor_known:
            text = "The cursor is not a sequence of this session; 0 was used."
            await self._send(error_frame("bad_json", text))
        await self._send_queue_status()
        await run_sync(conversations_seen, [self.conversation_id])
        socket_watch().add(self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle one frame; a bad one is answered and the socket stays open."""
        self.heard_at = time.monotonic()
        try:
            frame = frame_read(text_data)
        except BadFrameError as error:
            await self._send(error_frame(error.code, error.text(self.locale), error.metadata))
            return
        try:
            await self._handle(frame)
        except ConversationError as error:
            await self._send(error_frame(error.code, error.text(self.locale), frame.metadata))

    # ---- what the channel layer brings ----

    async def conversation_changed(self, message: ConversationChanged) -> None:
        """Send new journal lines, reading the journal when one is missing between."""
        await self._send_journal(message["frames"])

    async def conversation_transient(self, message: ConversationTransient) -> None:
        """Send what is shown now or never."""
        await self._send(message["frame"])

    # ---- what the client sends ----

    async def _handle(self, frame: ClientFrame) -> None:
        match frame.type:
            case EventType.USER_MESSAGE:
                await self._on_message(frame)
            case EventType.HEARTBEAT:
                await self._send(transient_frame(EventType.HEARTBEAT, {}, frame.metadata))
            case EventType.USER_TYPING:
                await run_sync(
                    responder().on_typing,
                    conversation_id=self.conversation_id,
                    is_typing=frame.is_typing,
                )
            case EventType.USER_READ_MESSAGE | EventType.USER_RECEIVED_MESSAGE:
                await run_sync(
                    responder().on_receipt,
                    conversation_id=self.conversation_id,
                    message_id=frame.message_id,
                    is_read=frame.type == EventType.USER_READ_MESSAGE,
                )
            case EventType.REQUEST_POLY_AGENT_JOIN:
                await self._on_join(frame)
            case EventType.USER_CANCEL_HANDOFF:
                await self._send_events(
                    await run_sync(responder().on_cancel, conversation_id=self.conversation_id)
                )
            case EventType.USER_RETRY_MESSAGE:
                await self._on_retry(frame)
            case EventType.USER_END_SESSION:
                events = await run_sync(
                    responder().on_leave,
                    conversation_id=self.conversation_id,
                    metadata=frame.metadata,
                )
                await self._send_events(events)

    async def _on_message(self, frame: ClientFrame) -> None:
        self.last_refusal.check()
        try:
            events = await responder().on_message(
                conversation_id=self.conversation_id,
                text=frame.text,
                client_event_id=frame.client_event_id,
                metadata=frame.metadata,
                file_ids=frame.file_ids,
                answer=frame.answer,
            )
        except RateLimitedError as error:
            self.last_refusal.note(error)
            raise
        await self._send_with_echo(events)

    async def _on_retry(self, frame: ClientFrame) -> None:
        events = await run_sync(
            responder().on_retry,
            conversation_id=self.conversation_id,
            message_id=frame.message_id,
            client_event_id=frame.client_event_id,
            metadata=frame.metadata,
        )
        await self._send_with_echo(events)

    async def _on_join(self, frame: ClientFrame) -> None:
        await self._send(transient_frame(frame.type, {}, frame.metadata))
        joined, *greeting = await run_sync(agent_join, self.conversation_id)
        await self._send_events([joined])
        await self._send(transient_frame(EventType.POLY_AGENT_THINKING, {}))
        await self._send_events(greeting)

    # ---- sending ----

    async def _send(self, frame: Frame) -> None:
        """Send what the client reads of a frame: the one way out of this socket."""
        shown = frame_shown(frame, self.extensions, self.locale)
        await self.send(text_data=json.dumps(shown, ensure_ascii=False))

    async def _send_with_echo(self, events: list[Event]) -> None:
        """Send lines; the first one also where it was sent before, for its echo may be lost."""
        if events[0].sequence <= self.sent_sequence:
            await self._send(frame_of(events[0]))
        await self._send_events(events)

    async def _send_events(self, events: list[Event]) -> None:
        await self._send_journal([frame_of(event) for event in events])

    async def _send_journal(self, frames: list[Frame]) -> None:
        async with self.sending:
            for frame in frames:
                sequence = cast(int, frame["sequence"])
                if sequence == self.sent_sequence + 1:
                    await self._send(frame)
                    self.sent_sequence = sequence
                elif sequence > self.sent_sequence:
                    await self._send_gap()

    async def _send_gap(self) -> None:
        """Send what the journal has after the last line sent; the caller holds the lock."""
        for frame in await run_sync(frames_after, self.conversation_id, self.sent_sequence):
            await self._send(frame)
            self.sent_sequence = cast(int, frame["sequence"])

    async def _send_batches(self) -> None:
        async with self.sending:
            while True:
                frames = await run_sync(
                    frames_after, self.conversation_id, self.sent_sequence, limit=BATCH
                )
                await self._send(transient_frame(EventType.EVENT_BATCH, {"events": frames}))
                if frames:
                    self.sent_sequence = cast(int, frames[-1]["sequence"])
                if len(frames) < BATCH:
                    return

    async def _send_queue_status(self) -> None:
        status = await run_sync(responder().queue_status, conversation_id=self.conversation_id)
        if status is not None:
            await self._send(transient_frame(EventType.HANDOFF_QUEUE_STATUS, status))

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
        try:
            await self.channel_layer.group_add(group, self.channel_name)
        except (RedisError, OSError) as error:
            logger.warning("No channel layer, the journal is polled: %s", type(error).__name__)
            return False
        return True

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
            await self._leave_group()

    async def _leave_group(self) -> None:
        group = publish.conversation_group(self.conversation_id)
        try:
            await self.channel_layer.group_discard(group, self.channel_name)
        except (RedisError, OSError):
            return

    async def _refuse(self, error: HandshakeError) -> None:
        """Answer the handshake with an HTTP status where the server can, else close it (403)."""
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.close()
            return
        body = json.dumps({"error_message": str(error)}).encode()
        start: dict[str, Any] = {
            "type": "websocket.http.response.start",
            "status": error.status,
            "headers": [(b"content-type", b"application/json")],
        }
        await self.base_send(start)
        await self.base_send({"type": "websocket.http.response.body", "body": body})
        raise StopConsumer
