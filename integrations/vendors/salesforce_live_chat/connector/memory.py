"""What every worker must know of a chat, and no session may carry: kept with the tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from integrations.contract.connector import TokenCache, VendorSession
from integrations.kit.json_values import as_count, as_object, as_text
from integrations.vendors.salesforce_live_chat.client import DEFAULT_POLL_SECONDS, ChatSession

# A chat that nobody polls is ended by the server long before.
KEPT_SECONDS = 24 * 3600.0
INIT_SEQUENCE = 1
_SENT_KEPT = 50


class ChatMemory:
    """Server and affinity token of each chat, and under which number each message goes.

    The number is noted before the message is sent: whoever sends it again uses the same one, and
    the server passes over a number that it has had.
    """

    def __init__(self, cache: TokenCache) -> None:
        """Share the connector's cache."""
        self._cache = cache

    async def begun(self, handoff_id: str) -> ChatSession | None:
        """Return the session of an earlier try to start a handoff."""
        kept = await self._read(f"start:{handoff_id}")
        return _chat(kept) if kept else None

    async def begin(self, handoff_id: str, chat: ChatSession) -> None:
        """Keep a session, before anything is asked of the server in it."""
        await self._write(f"start:{handoff_id}", asdict(chat))

    async def forget(self, handoff_id: str) -> None:
        """Let go of a session in which nothing is open."""
        await self._cache.delete(f"start:{handoff_id}")

    async def chat(self, session: VendorSession) -> ChatSession:
        """Return how a chat is reached now."""
        moved = await self._read(f"chat:{session.vendor_conversation_id}")
        return _chat({**session.state, **moved})

    async def moved(self, chat: ChatSession) -> None:
        """Keep where a chat is now, for those who send."""
        place = {"affinity": chat.affinity, "server": chat.server}
        await self._write(f"chat:{chat.session_id}", place)

    async def number_of(self, session_id: str, message_id: str) -> int:
        """Return the number of a message: its own from an earlier try, or the next one.

        Where another worker has taken a number between the reading and the writing, it looks again.
        """
        name = f"sent:{session_id}"
        while True:
            text = await self._cache.get(name)
            kept = json.loads(text) if text else {}
            numbers = dict(as_object(kept.get("numbers")))
            if (known := as_count(numbers.get(message_id))) is not None:
                return known
            number = as_count(kept.get("next")) or INIT_SEQUENCE + 1
            newest = dict([*numbers.items(), (message_id, number)][-_SENT_KEPT:])
            new = json.dumps({"next": number + 1, "numbers": newest})
            if await self._cache.replace(name, text, new, KEPT_SECONDS):
                return number

    async def _read(self, name: str) -> dict[str, object]:
        text = await self._cache.get(name)
        return json.loads(text) if text else {}

    async def _write(self, name: str, value: Mapping[str, object]) -> None:
        await self._cache.set(name, json.dumps(value), KEPT_SECONDS)


def session_of(chat: ChatSession, handoff_id: str) -> VendorSession:
    """Return the session of a chat that has just been asked for."""
    state = {**asdict(chat), "handoff_id": handoff_id}
    return VendorSession(vendor_conversation_id=chat.session_id, state=state)


def _chat(kept: Mapping[str, object]) -> ChatSession:
    known = ChatSession(
        session_id=as_text(kept.get("session_id")),
        key=as_text(kept.get("key")),
        affinity=as_text(kept.get("affinity")),
        poll_seconds=as_count(kept.get("poll_seconds")) or DEFAULT_POLL_SECONDS,
    )
    return replace(known, server=as_text(kept.get("server")))
