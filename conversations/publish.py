"""The only caller of group_send: wake-ups after the commit, any of which may be lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from conversations.executor import calling_loop
from conversations.frames import (
    ConversationChanged,
    ConversationTransient,
    Frame,
    RelaySignal,
    RelayWake,
)

logger = logging.getLogger(__name__)
_outage = {"is_on": False}


def conversation_group(conversation_id: str) -> str:
    """Return the group that every socket of a conversation joins."""
    return f"conversation.{conversation_id}"


def relay_group(worker_id: object) -> str:
    """Return the group that one relay worker joins."""
    return f"relay.{worker_id}"


def frames_publish(conversation_id: str, frames: list[Frame]) -> None:
    """Show new journal lines to the conversation's sockets, once the transaction is committed."""
    message: ConversationChanged = {"type": "conversation.changed", "frames": frames}
    _on_commit(conversation_group(conversation_id), message)


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


def relay_signal(worker_id: object | None, signal: RelaySignal) -> None:
    """Pass typing or a receipt to the owner of a handoff."""
    if worker_id is not None:
        _on_commit(relay_group(worker_id), signal)


async def transient_send(conversation_id: str, frame: Frame) -> None:
    """Show something transient at once, from asynchronous code that wrote nothing."""
    message: ConversationTransient = {"type": "conversation.transient", "frame": frame}
    await _group_send(conversation_group(conversation_id), message)


def _on_commit(group: str, message: Mapping[str, Any]) -> None:
    transaction.on_commit(partial(_send, group, message))


def _send(group: str, message: Mapping[str, Any]) -> None:
    loop = calling_loop.get()
    if loop is None:
        async_to_sync(_group_send)(group, message)
    elif not loop.is_closed():
        asyncio.run_coroutine_threadsafe(_group_send(group, message), loop)


async def _group_send(group: str, message: Mapping[str, Any]) -> None:
    """Send, and log the beginning and the end of an outage once each."""
    try:
        await get_channel_layer().group_send(group, message)
    except (RedisError, OSError) as error:
        if not _outage["is_on"]:
            logger.warning("The channel layer is away: %s", type(error).__name__)
        _outage["is_on"] = True
        return
    if _outage["is_on"]:
        logger.warning("The channel layer is back")
        _outage["is_on"] = False
