"""How far a contact has come: what CXone's record of it says, in events; does no I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import VendorSession, WebhookItem
from integrations.contract.events import (
    LiveAgentTyping,
    TransferStarted,
    UnknownEvent,
)
from integrations.kit.digital_messages.content import content_of
from integrations.kit.digital_messages.messages import MessageProgress
from integrations.kit.digital_messages.progress import IDS_KEPT, Step, made_at
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

# A call and the record of what it says are this close in time.
SAME_TIME = timedelta(minutes=2)
# How many messages' ids of ours are stored with the session: receipts name them.
NAMES_STORED = 20


class ContactProgress(MessageProgress):
    """One handoff's contact; the truth of this process, for polls, calls and sends alike."""

    def __init__(self, session: VendorSession, *, ends_on_resolved: bool) -> None:
        """Take up where `session` was stored."""
        super().__init__(session, ends_on_resolved=ends_on_resolved)
        # Whether the record may hold something of ours that we do not know of.
        self.is_in_doubt = True
        # Set where the record has something to tell.
        self.news = asyncio.Event()
        self.known: Recent[bool] = Recent(IDS_KEPT)
        # Ids of ours under which a call was told without its record.
        self._told_alone: Recent[bool] = Recent(IDS_KEPT)

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

    def placed(self, session: VendorSession) -> VendorSession:
        """Return a session with the contact that a message of ours has gone into.

        What else is known by now is the listener's to tell: stored before, nobody would tell it.
        """
        keys, contact_id = self.session.keys, self.contact_id
        if (session.keys, session.state.get("contact_id")) == (keys, contact_id):
            return session
        return replace(session, keys=keys, state={**session.state, "contact_id": contact_id})

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
        now, had_one = datetime.now(UTC), bool(self.agent)
        steps = list(self._assigned(user, now))
        if had_one and not self.agent:
            joins = as_count(self.session.state.get("joins"))
            steps.append(self._step(TransferStarted, f"{self.contact_id}:queue:{joins}", now))
        return steps

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
            agent_id = as_id(user.get("id")) or as_id(self.agent.get("id"))
            return [
                self._step(
                    LiveAgentTyping, item.item_id, at, agent_id=agent_id, is_typing=is_typing
                )
            ]
        if kind != OUTBOUND:
            name = f"call of {as_text(data.get('path'))}"
            return [self._step(UnknownEvent, item.item_id, at, name=name)]
        self._told_alone.put(item.item_id, True)
        self._name(item.item_id, item.item_id)
        is_bot = self._is_of_bot(user)
        return [self._message_step(content_of(data), item.item_id, at, user, is_bot=is_bot)]

    def _message(self, message: Json) -> Iterator[Step]:
        message_id, ours = as_id(message.get("id")), as_text(message.get("idOnExternalPlatform"))
        if message.get("direction") == "inbound":
            self.known.put(ours, True)
            yield from self._echoed(message, message_id, _moment_of(message))
            return
        self._name(message_id, ours)
        if not message_id or message_id in self._told or (ours and ours in self._told_alone):
            return
        self._told.put(message_id, True)
        yield from self._said(message, message_id, _moment_of(message))

    def _is_of_bot(self, user: Json) -> bool:
        """Take one without an author for the live agent's who has the contact."""
        return user.get("isBotUser") is True if user else not self.agent

    def _name(self, message_id: str, ours: str) -> None:
        names = dict(as_object(self.session.state.get("names")))
        if ours and message_id and names.get(message_id) != ours:
            names[message_id] = ours
            self._update(names=dict(list(names.items())[-NAMES_STORED:]))


def _moment_of(message: Json) -> datetime:
    """Return when a message was made; now, for one without a time."""
    return made_at(message) or datetime.now(UTC)


def _moment(item: WebhookItem) -> datetime:
    return as_moment(item.body.get("received_at")) or datetime.now(UTC)
