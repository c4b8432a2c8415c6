"""The only caller of group_send: wake-ups after the commit, any of which may be lost."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from conversations.event_loop.executor import calling_loop
from conversations.journal.frames import (
    ConversationChanged,
    ConversationTransient,
    DirectDelivery,
    Frame,
    MemberChanged,
    RelaySignal,
    RelayWake,
    StreamGrown,
)
from integrations.telemetry.metrics import WAKE_UPS_DROPPED

logger = logging.getLogger(__name__)
_outage = {"is_on": False}
# Wake-ups only: what is dropped is found by a timer.
_WAITING = 20_000
_BATCH = 200


def conversation_group(conversation_id: str) -> str:
    """Return the group that every socket of a conversation joins."""
    return f"conversation.{conversation_id}"


def relay_group(worker_id: object) -> str:
    """Return the group that one relay worker joins."""
    return f"relay.{worker_id}"


def stream_group(stream_id: str) -> str:
    """Return the group that every socket of a project's agent joins."""
    return f"stream.{stream_id}"


def member_group(user_id: object) -> str:
    """Return the group that the open consoles of a member of the portal join."""
    return f"member.{user_id}"


def member_wake(user_id: object) -> None:
    """Tell a member's consoles to look whether they may go on."""
    message: MemberChanged = {"type": "member.changed"}
    _on_commit(member_group(user_id), message)


def stream_wake(stream_id: str) -> None:
    """Tell an agent's sockets that there is something to read."""
    message: StreamGrown = {"type": "stream.grown"}
    _on_commit(stream_group(stream_id), message)


async def group_join(layer: Any, group: str, channel: str) -> bool:
    """Hear what is published to a group; False where the channel layer is away."""
    try:
        await layer.group_add(group, channel)
    except (RedisError, OSError) as error:
        logger.warning("No channel layer, a timer looks instead: %s", type(error).__name__)
        return False
    return True


async def group_leave(layer: Any, group: str, channel: str) -> None:
    """Hear it no more."""
    try:
        await layer.group_discard(group, channel)
    except (RedisError, OSError):
        return


def frames_publish(conversation_id: str, frames: list[Frame]) -> None:
    """Show new journal lines to the conversation's sockets, once the transaction is committed."""
    _on_commit(conversation_group(conversation_id), _changed(frames))


def frames_show(conversation_id: str, frames: list[Frame]) -> None:
    """Show committed journal lines at once, from asynchronous code."""
    _put(conversation_group(conversation_id), _changed(frames))


def transient_publish(conversation_id: str, frame: Frame) -> None:
    """Show something that is not in the journal, once the transaction is committed."""
    message: ConversationTransient = {"type": "conversation.transient", "frame": frame}
    _on_commit(conversation_group(conversation_id), message)


def relay_wake(worker_id: object | None, handoff_id: str) -> None:
    """Tell the owner of a handoff that there is work; without an owner a claim will find it."""
    if worker_id is None:
        return
    message: RelayWake = {"type": "relay.wake", "handoff_id": handoff_id}
    _on_commit(relay_group(worker_id), message)


def relay_wake_with(
    worker_id: object | None, handoff_id: str, delivery: DirectDelivery | None
) -> None:
    """Do as relay_wake does at once, from asynchronous code, and say what the work is."""
    if worker_id is None:
        return
    message: RelayWake = {"type": "relay.wake", "handoff_id": handoff_id}
    if delivery is not None:
        message["delivery"] = delivery
    _put(relay_group(worker_id), message)


def relay_signal(worker_id: object | None, signal: RelaySignal) -> None:
    """Pass typing or a receipt to the owner of a handoff."""
    if worker_id is not None:
        _on_commit(relay_group(worker_id), signal)


def transient_show(conversation_id: str, frame: Frame) -> None:
    """Show something transient at once, from asynchronous code that wrote nothing."""
    message: ConversationTransient = {"type": "conversation.transient", "frame": frame}
    _put(conversation_group(conversation_id), message)


def _changed(frames: list[Frame]) -> ConversationChanged:
    return {"type": "conversation.changed", "frames": frames}


def _put(group: str, message: Mapping[str, Any]) -> None:
    _outgoing(asyncio.get_running_loop()).put(group, message)


def _on_commit(group: str, message: Mapping[str, Any]) -> None:
    transaction.on_commit(partial(_send, group, message))


def _send(group: str, message: Mapping[str, Any]) -> None:
    loop = calling_loop.get()
    if loop is None:
        async_to_sync(_groups_send)([(group, message)])
    elif not loop.is_closed():
        _outgoing(loop).put(group, message)


class _Outgoing:
    """What is to be published over one loop's connection: together, in order, without waiting."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, Mapping[str, Any]]] = []
        self._is_sending = False
        self._task: asyncio.Task[None] | None = None

    def put(self, group: str, message: Mapping[str, Any]) -> None:
        """Take a message from any thread; it is dropped when too many wait."""
        with self._lock:
            if len(self._waiting) >= _WAITING:
                WAKE_UPS_DROPPED.inc()
                return
            self._waiting.append((group, message))
            if self._is_sending:
                return
            self._is_sending = True
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while messages := self._take():
                await _groups_send(messages)
        except BaseException:
            # Whatever it was, the next message begins anew.
            with self._lock:
                self._is_sending = False
            raise

    def _take(self) -> list[tuple[str, Mapping[str, Any]]]:
        with self._lock:
            messages = self._waiting[:_BATCH]
            del self._waiting[:_BATCH]
            self._is_sending = bool(messages)
        return messages


_outgoings: WeakKeyDictionary[asyncio.AbstractEventLoop, _Outgoing] = WeakKeyDictionary()


def _outgoing(loop: asyncio.AbstractEventLoop) -> _Outgoing:
    return _outgoings.get(loop) or _outgoings.setdefault(loop, _Outgoing(loop))


async def _groups_send(messages: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Send, and log the beginning and the end of an outage once each."""
    try:
        await get_channel_layer().groups_send(messages)
    except (RedisError, OSError) as error:
        if not _outage["is_on"]:
            logger.warning("The channel layer is away: %s", type(error).__name__)
        _outage["is_on"] = True
        return
    if _outage["is_on"]:
        logger.warning("The channel layer is back")
        _outage["is_on"] = False
