"""Messages of a contact of CXone Digital into events, from a history or as they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.contract.events import (
    IdleWarning,
    LiveAgentMessageDeleted,
    LiveAgentMessageEdited,
    MessageEchoed,
    MessageRead,
    UnknownEvent,
)
from integrations.kit.digital_messages.content import content_of
from integrations.kit.digital_messages.progress import DigitalProgress, Step, made_at
from integrations.kit.json_values import Json, as_id, as_moment, as_object, as_text, json_digest

# History is read again from so long before the newest that we have seen.
OVERLAP = timedelta(seconds=30)
_TAKEN_BACK = ("isDeletedOnExternalPlatform", "isHiddenOnExternalPlatform")


class MessageProgress(DigitalProgress):
    """Tells each message once, and what happens to it later; does no I/O."""

    @property
    def since(self) -> datetime | None:
        """From when on history must be read; None for all of it."""
        seen = as_moment(self.session.cursor)
        return seen - OVERLAP if seen else None

    def message(self, message: Json, *, is_update: bool = False) -> list[Step]:
        """Apply a message, from history or of a push."""
        message_id = as_id(message.get("id"))
        at = made_at(message)
        if not message_id or at is None:
            digest = json_digest(message)
            return [self._step(UnknownEvent, digest, datetime.now(UTC), name="message without id")]
        if message.get("direction") == "inbound":
            return list(self._own(message, message_id, at))
        if is_update:
            return list(self._changed(message, message_id, at))
        if message_id in self._told:
            return []
        self._told.put(message_id, True)
        return list(self._said(message, message_id, at))

    def _is_of_bot(self, user: Json) -> bool:
        """Say whether a bot or the system wrote what has this author."""
        return not user or user.get("isBotUser") is True

    def _said(self, message: Json, message_id: str, at: datetime) -> Iterator[Step]:
        if _is_taken_back(message):
            return
        content, user = content_of(message), as_object(message.get("authorUser"))
        self._seen(at)
        if content.is_idle:
            seconds = content.idle_seconds
            yield self._step(IdleWarning, f"{message_id}:idle", at, seconds_left=seconds)
        is_bot = self._is_of_bot(user)
        if not is_bot and not self.had_agent:
            yield from self._assigned(user, at)
        yield self._message_step(content, message_id, at, user, is_bot=is_bot)

    def _changed(self, message: Json, message_id: str, at: datetime) -> Iterator[Step]:
        if _is_taken_back(message):
            yield self._step(
                LiveAgentMessageDeleted, f"{message_id}:deleted", at, vendor_message_id=message_id
            )
            return
        content, digest = content_of(message), json_digest(message.get("messageContent"))[:16]
        yield self._step(
            LiveAgentMessageEdited,
            f"{message_id}:{digest}",
            at,
            vendor_message_id=message_id,
            text=content.text,
            rich=content.rich,
        )

    def _own(self, message: Json, message_id: str, at: datetime) -> Iterator[Step]:
        yield from self._echoed(message, message_id, at)
        yield from self._receipt(message, at)

    def _echoed(self, message: Json, message_id: str, at: datetime) -> Iterator[Step]:
        ours = as_text(message.get("idOnExternalPlatform"))
        self._seen(at)
        if ours and message_id not in self._told:
            self._told.put(message_id, True)
            yield self._step(MessageEchoed, message_id, at, vendor_message_id=ours)

    def _receipt(self, message: Json, at: datetime) -> Iterator[Step]:
        ours = as_text(message.get("idOnExternalPlatform"))
        read_at = as_moment(as_object(message.get("userStatistics")).get("readAt"))
        name = f"{ours}:read"
        if ours and read_at and name not in self._told:
            self._told.put(name, True)
            yield self._step(MessageRead, name, read_at, vendor_message_id=ours)

    def _seen(self, at: datetime) -> None:
        known = as_moment(self.session.cursor)
        if known is None or at > known:
            self.session = replace(self.session, cursor=at.isoformat())


def live_agent_of(message: Json) -> Json:
    """Return the person who wrote a message; nothing for the end user, a bot or the system."""
    user = as_object(message.get("authorUser"))
    is_person = message.get("direction") != "inbound" and user.get("isBotUser") is not True
    return user if is_person else {}


def _is_taken_back(message: Json) -> bool:
    return any(message.get(name) is True for name in _TAKEN_BACK)
