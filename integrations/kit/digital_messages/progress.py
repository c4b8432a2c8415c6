"""How far a contact of CXone Digital has come: who has it, what was said, whether it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.digital_messages.content import Content, name_of
from integrations.kit.json_values import Json, as_count, as_id, as_moment, as_object, as_text
from integrations.kit.recent import Recent

Step = tuple[VendorSession, VendorEvent]
CLOSED = frozenset({"closed", "trashed"})
RESOLVED = "resolved"
IDS_KEPT = 500


class DigitalProgress:
    """What both ways to CXone Digital know of a handoff's contact; does no I/O."""

    def __init__(self, session: VendorSession, *, ends_on_resolved: bool) -> None:
        """Take up where `session` was stored."""
        self.session = session
        self._over = CLOSED | {RESOLVED} if ends_on_resolved else CLOSED
        # What was told once here need not be told again; the inbox would drop it as well.
        self._told: Recent[bool] = Recent(IDS_KEPT)

    @property
    def contact_id(self) -> str:
        """The contact's number; empty until it is known."""
        return as_text(self.session.state.get("contact_id"))

    @property
    def agent(self) -> Json:
        """Id and name of who has the contact; empty for nobody."""
        return as_object(self.session.state.get("agent"))

    @property
    def had_agent(self) -> bool:
        """Say whether somebody has ever had the contact."""
        return bool(self.session.state.get("joins"))

    @property
    def has_ended(self) -> bool:
        """Say whether the contact is over."""
        return bool(self.session.state.get("ended"))

    def ended(self, at: datetime | None = None) -> list[Step]:
        """Tell that the contact is over, once."""
        if self.has_ended:
            return []
        self._update(ended=self.contact_id or "unknown")
        event_id = f"{self.contact_id}:ended"
        return [self._step(ConversationEnded, event_id, at or datetime.now(UTC), ended_by="user")]

    def _assigned(self, user: Json, at: datetime) -> Iterator[Step]:
        """Tell who has left and who has joined, where that has changed."""
        known, agent_id, name = self.agent, as_id(user.get("id")), name_of(user)
        before = as_id(known.get("id"))
        if before == agent_id:
            return
        joins = as_count(self.session.state.get("joins")) or 0
        agent = {"id": agent_id, "name": name} if agent_id else {}
        self._update(agent=agent, joins=joins + bool(agent_id))
        if before:
            left, old = f"{self.contact_id}:left:{joins}", as_text(known.get("name"))
            yield self._step(LiveAgentLeft, left, at, agent_id=before, agent_name=old)
        if agent_id:
            joined, avatar = f"{self.contact_id}:joined:{joins + 1}", as_text(user.get("imageUrl"))
            yield self._step(
                LiveAgentJoined, joined, at, agent_id=agent_id, agent_name=name, avatar_url=avatar
            )

    def _message_step(
        self, content: Content, event_id: str, at: datetime, user: Json, *, is_bot: bool
    ) -> Step:
        """Return a message; one without an author is of who has the contact, or of the bot."""
        agent = {} if is_bot else self.agent
        return self._step(
            LiveAgentMessage,
            event_id,
            at,
            agent_id=as_id(user.get("id")) or as_id(agent.get("id")) or "bot",
            agent_name=name_of(user) or as_text(agent.get("name")),
            text=content.text,
            rich=content.rich,
            files=content.files,
            by=Author.VENDOR_BOT if is_bot else Author.LIVE_AGENT,
            vendor_message_id=event_id,
        )

    def _update(self, **changes: object) -> None:
        self.session = replace(self.session, state={**self.session.state, **changes})

    def _step(self, kind: type[VendorEvent], event_id: str, at: datetime, **fields: Any) -> Step:
        thread_id = self.session.vendor_conversation_id
        event = kind(
            vendor_event_id=event_id, vendor_conversation_id=thread_id, occurred_at=at, **fields
        )
        return self.session, event


def made_at(message: Json) -> datetime | None:
    """Return when a message was made, if it says so."""
    return as_moment(message.get("createdAtWithMilliseconds")) or as_moment(
        message.get("createdAt")
    )
