"""One slow timer for all sockets of a process: what a lost wake-up costs is seconds, no message."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import Error as DatabaseError

from conversations.event_loop.executor import run_sync
from conversations.journal.selectors import journal_ends
from conversations.journal.services import conversations_seen
from conversations.socket.handshake import sockets_seen

logger = logging.getLogger(__name__)
_GROUP = 200


class Watched(Protocol):
    """A socket as the watch sees it."""

    conversation_id: str
    socket_id: str
    sent_sequence: int
    is_grouped: bool
    # When its client was heard last, and when that was written down last; monotonic seconds.
    heard_at: float
    noted_at: float

    def catch_up(self) -> None:
        """Begin to send what the journal has beyond what was sent, and to hear wake-ups again."""


class SocketWatch:
    """Compares what was sent with what the journal has, and notes whose client lives.

    All sockets are seen once in JOURNAL_RECHECK_SECONDS, a group at a time: one visit to the
    database and one to Redis for each group.
    """

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._sockets: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, socket: Watched) -> None:
        """Watch a socket from now on."""
        self._sockets.add(socket)
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    def remove(self, socket: Watched) -> None:
        """Forget a socket; without any the timer stops."""
        self._sockets.discard(socket)
        if not self._sockets and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while self._sockets:
            sockets = list(self._sockets)
            groups = [sockets[start : start + _GROUP] for start in range(0, len(sockets), _GROUP)]
            for group in groups:
                await asyncio.sleep(settings.JOURNAL_RECHECK_SECONDS / len(groups))
                try:
                    await _look(group)
                except DatabaseError as error:
                    logger.warning("The journal cannot be read: %s", type(error).__name__)


async def _look(sockets: Sequence[Watched]) -> None:
    now = time.monotonic()
    heard = [one for one in sockets if _is_news(one, now)]
    ends = await run_sync(
        _ends_and_notes,
        [one.conversation_id for one in sockets],
        [(one.conversation_id, one.socket_id) for one in heard],
    )
    for socket in heard:
        socket.noted_at = now
    for socket in sockets:
        if ends.get(socket.conversation_id, 0) > socket.sent_sequence or not socket.is_grouped:
            socket.catch_up()


def _is_news(socket: Watched, now: float) -> bool:
    every = settings.SOCKET_HEARTBEAT_SECONDS / 2
    return socket.heard_at > socket.noted_at and now - socket.noted_at > every


def _ends_and_notes(conversation_ids: list[str], heard: list[tuple[str, str]]) -> dict[str, int]:
    if heard:
        conversations_seen([conversation_id for conversation_id, _ in heard])
        sockets_seen(heard)
    return journal_ends(conversation_ids)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, SocketWatch] = WeakKeyDictionary()


def socket_watch() -> SocketWatch:
    """Return the watch of the running loop."""
    return _watches.setdefault(asyncio.get_running_loop(), SocketWatch())
