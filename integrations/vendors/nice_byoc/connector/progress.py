"""How far a contact has come: what CXone's record of it says, in events; does no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.contract.connector import VendorSession, WebhookItem
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageEchoed,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.digital_messages.content import content_of, name_of
from integrations.kit.json_values import (
    Json,
    as_count,
    as_id,
    as_moment,
    as_object,
    as_text,
)
from integrations.kit.recent import Recent
from integrations.vendors.nice_byoc.connector.box import OUTBOUND, TYPING

Step = tuple[VendorSession, VendorEvent]
CLOSED = frozenset({"closed", "trashed"})
RESOLVED = "resolved"
IDS_KEPT = 500
# A call and the record of what it says are this close in time.
SAME_TIME = timedelta(minutes=2)
# How many messages' ids of ours are stored with the session: receipts name them.
NAMES_STORED = 20


class ContactProgress:
    """One handoff's contact; the truth of this process, for polls, calls and sends alike."""

    def __init__(self, session: VendorSession, *, ends_on_resolved: bool) -> None:
        """Take up where `session` was stored."""
        self.session = session
        # Whether the record may hold something of ours that we do not know of.
        self.is_in_doubt = True
        self.known: Recent[bool] = Recent(IDS_KEPT)
        self._over = CLOSED | {RESOLVED} if ends_on_resolved else CLOSED
        self._told: Recent[Json] = Recent(IDS_KEPT)
        # Ids of ours under which a call was told without its record.
        self._told_alone: Recent[Json] = Recent(IDS_KEPT)

    @property
    def contact_id(self) -> str:
        """The contact's number; empty until the first message was answered."""
        return as_text(self.session.state.get("contact_id"))

    @property
    def has_ended(self) -> bool:
        """Say whether the contact is over."""
        return bool(self.session.state.get("ended"))

    @property
    def has_agent(self) -> bool:
        """Say whether somebody has the contact."""
        return bool(self._agent)

    @property
    def had_agent(self) -> bool:
        """Say whether somebody has ever had the contact."""
        return bool(self.session.state.get("joins"))

    def is_over(self, contact: Json) -> bool:
        """Say whether a contact is over as it stands."""
        return as_text(contact.get("status")) in self._over

    def opened(self, contact: Json, message: Json) -> None:
        """Note the contact that a message of ours has gone into."""
        post_id = as_id(message.get("postId")) or as_id(message.get("threadId"))
        keys = (*self.session.keys, post_id) if post_id else self.session.keys
        self.session = replace(self.session, keys=tuple(dict.fromkeys(keys)))
        if contact_id := as_id(contact.get("id")):
            self._update(contact_id=contact_id)

    def name_for_receipt(self, message_id: str) -> str:
        """Return the id that we gave a message, by which a receipt names it.

        One that was read before CXone's call has none yet; what is not known here is one of ours.
        """
        names = as_object(self.session.state.get("names"))
        return as_text(names.get(message_id)) or ("" if message_id in self._told else message_id)

    def assigned(self, contact: Json) -> list[Step]:
        """Tell who has left and who has joined, where that has changed."""
        user = as_object(contact.get("inboxAssigneeUser")) or as_object(
            contact.get("inboxAssignee")
        )
        return list(self._assigned(user, datetime.now(UTC)))

    def messages(self, messages: Sequence[Json]) -> list[Step]:
        """Tell what the record has and we have not told, oldest first."""
        steps: list[Step] = []
        for message in sorted(messages, key=_moment_of):
            steps += self._message(message)
        return steps

    def record_of(self, item: WebhookItem, messages: Sequence[Json]) -> Json:
        """Return the record of what a call says: under our id, or the same words at that time.

        A call that is repeated has another id of ours each time, and one record.
        """
        outbound = [one for one in messages if one.get("direction") != "inbound"]
        ours = (one for one in outbound if one.get("idOnExternalPlatform") == item.item_id)
        data, at = as_object(item.body.get("data")), _moment(item)
        same = (
            one
            for one in outbound
            if content_of(one) == content_of(data) and abs(_moment_of(one) - at) < SAME_TIME
        )
        found = next(ours, None) or next(same, {})
        if found and not found.get("idOnExternalPlatform"):
            self._name(as_id(found.get("id")), item.item_id)  # our answer is on its way there
        return found

    def item(self, item: WebhookItem) -> list[Step]:
        """Tell what a call says by itself."""
        kind, data, at = item.body.get("kind"), as_object(item.body.get("data")), _moment(item)
        user = as_object(data.get("authorUser"))
        if kind == TYPING:
            is_typing = as_object(data.get("senderAction")).get("action") == "isTypingOn"
            agent_id = as_id(user.get("id")) or as_id(self._agent.get("id"))
            return [
                self._step(
                    LiveAgentTyping, item.item_id, at, agent_id=agent_id, is_typing=is_typing
                )
            ]
        if kind != OUTBOUND:
            name = f"call of {as_text(data.get('path'))}"
            return [self._step(UnknownEvent, item.item_id, at, name=name)]
        self._told_alone.put(item.item_id, {})
        return [self._said(data, item.item_id, at, user, ours=item.item_id)]

    def ended(self) -> list[Step]:
        """Tell that the contact is over, once."""
        if self.has_ended:
            return []
        self._update(ended=self.contact_id or "unknown")
        event_id, now = f"{self.contact_id}:ended", datetime.now(UTC)
        return [self._step(ConversationEnded, event_id, now, ended_by="user")]

    def _message(self, message: Json) -> Iterator[Step]:
        message_id, ours = as_id(message.get("id")), as_text(message.get("idOnExternalPlatform"))
        if message.get("direction") == "inbound":
            self.known.put(ours, True)
            if message_id not in self._told:
                self._told.put(message_id, {})
                yield self._step(
                    MessageEchoed, message_id, _moment_of(message), vendor_message_id=ours
                )
            return
        self._name(message_id, ours)
        if not message_id or message_id in self._told or (ours and ours in self._told_alone):
            return
        self._told.put(message_id, {})
        user, at = as_object(message.get("authorUser")), _moment_of(message)
        if user and user.get("isBotUser") is not True and not self.had_agent:
            yield from self._assigned(user, at)
        yield self._said(message, message_id, at, user, ours=ours)

    def _said(self, message: Json, event_id: str, at: datetime, user: Json, *, ours: str) -> Step:
        content, agent = content_of(message), self._agent
        is_bot = user.get("isBotUser") is True if user else not agent
        self._name(event_id, ours)
        return self._step(
            LiveAgentMessage,
            event_id,
            at,
            agent_id=as_id(user.get("id")) or as_id(agent.get("id")) or "bot",
            agent_name=name_of(user) or ("" if is_bot else as_text(agent.get("name"))),
            text=content.text,
            rich=content.rich,
            files=content.files,
            by=Author.VENDOR_BOT if is_bot else Author.LIVE_AGENT,
            vendor_message_id=event_id,
        )

    def _assigned(self, user: Json, at: datetime) -> Iterator[Step]:
        known, agent_id = self._agent, as_id(user.get("id"))
        before = as_id(known.get("id"))
        if before == agent_id:
            return
        joins, name = as_count(self.session.state.get("joins")) or 0, name_of(user)
        agent = {"id": agent_id, "name": name} if agent_id else {}
        self._update(agent=agent, joins=joins + bool(agent_id))
        left, joined = f"{self.contact_id}:left:{joins}", f"{self.contact_id}:joined:{joins + 1}"
        if before:
            old = as_text(known.get("name"))
            yield self._step(LiveAgentLeft, left, at, agent_id=before, agent_name=old)
        if agent_id:
            yield self._step(LiveAgentJoined, joined, at, agent_id=agent_id, agent_name=name)
        else:
            yield self._step(TransferStarted, f"{left}:transfer", at)

    def _name(self, message_id: str, ours: str) -> None:
        names = dict(as_object(self.session.state.get("names")))
        if ours and message_id and names.get(message_id) != ours:
            names[message_id] = ours
            self._update(names=dict(list(names.items())[-NAMES_STORED:]))

    def _update(self, **changes: object) -> None:
        self.session = replace(self.session, state={**self.session.state, **changes})

    def _step(self, kind: type[VendorEvent], event_id: str, at: datetime, **fields: Any) -> Step:
        thread_id = self.session.vendor_conversation_id
        event = kind(
            vendor_event_id=event_id, vendor_conversation_id=thread_id, occurred_at=at, **fields
        )
        return self.session, event

    @property
    def _agent(self) -> Json:
        return as_object(self.session.state.get("agent"))


def _moment_of(message: Json) -> datetime:
    """Return when a message was made; now, for one without a time."""
    at = as_moment(message.get("createdAtWithMilliseconds")) or as_moment(message.get("createdAt"))
    return at or datetime.now(UTC)


def _moment(item: WebhookItem) -> datetime:
    return as_moment(item.body.get("received_at")) or datetime.now(UTC)
