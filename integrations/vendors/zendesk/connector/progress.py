"""How far a conversation has come: what is stored after each event, and which agent is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentAttachment,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.kit.json_values import Json, as_moment, as_object, as_text
from integrations.vendors.zendesk.connector.webhooks import (
    ASSIGNMENT_CHANGED,
    ENDING_STATUSES,
    STATUS_CHANGED,
    merged_ids,
    merged_user,
    ticket_key,
)
from integrations.vendors.zendesk.mapping.control import Switchboard
from integrations.vendors.zendesk.mapping.events import (
    ConversationEvent,
    EventBase,
    ended,
    events_of,
)
from integrations.vendors.zendesk.mapping.messages import (
    event_of,
    happened_at,
    mark_of,
    message_in,
    moment,
)

Step = tuple[VendorSession, VendorEvent]
UNNAMED = "Live agent"
_MERGE = "user:merge"
ENDED_AT = "ended_at"
_WITHIN_THE_SECOND = timedelta(milliseconds=999)
# Webhooks pass each other: what is older than the newest message told by more was told as well.
_ORDER_DIFFERS = timedelta(minutes=2)


class ConversationProgress:
    """Turns stored webhook items into events, each with the session to keep; does no I/O."""

    def __init__(
        self, session: VendorSession, *, switchboard: Switchboard, ignored_authors: frozenset[str]
    ) -> None:
        """Take up where `session` was stored."""
        self.session = session
        self.has_ended = False
        self._switchboard = switchboard
        self._ignored_authors = ignored_authors

    def kept_steps(self, messages: Sequence[Json] | None, body: Json) -> list[Step]:
        """Apply what Zendesk has kept and perhaps not told, with the event at its place.

        `messages` is None when something may be missing and cannot be read; `body` may be empty.
        """
        told = message_in(body).get("id")
        events = [event_of(one) for one in messages or () if one.get("id") != told]
        events = [event for event in events if self._may_be_news(event)]
        in_order = sorted([*events, body] if body else events, key=happened_at)
        steps: list[Step] = []
        for event in in_order:
            if messages is not None:
                self._note_told(event)
            steps += self.conversation_steps(event)
        return steps

    def _may_be_news(self, event: Json) -> bool:
        if not _is_theirs(event):
            return False
        known = as_moment(self.session.cursor)
        return known is None or happened_at(event) > known - _ORDER_DIFFERS

    def _note_told(self, event: Json) -> None:
        """Keep the time of the newest message told before which none is missing."""
        if _is_theirs(event):
            at = happened_at(event).isoformat(timespec="milliseconds")
            self.session = replace(self.session, cursor=max(self.session.cursor, at))

    def conversation_steps(self, body: Json) -> list[Step]:
        """Apply an event of the Conversations webhook."""
        if body.get("type") == _MERGE:
            return self._merged(body)
        created_at = moment(body.get("createdAt"))
        if self._opened_at and created_at <= self._opened_at:
            return []  # what nobody took in an earlier handoff of this conversation
        event = ConversationEvent(
            event_id=as_text(body.get("id")),
            kind=as_text(body.get("type")),
            created_at=created_at,
            payload=as_object(body.get("payload")),
            conversation_id=self.session.vendor_conversation_id,
            switchboard=self._switchboard,
            ignored_authors=self._ignored_authors,
        )
        return [step for found in events_of(event) for step in self._applied(found)]

    def ticket_steps(self, body: Json, item_id: str, agent_name: str) -> list[Step]:
        """Apply an event of the ticket webhook; `agent_name` is that of a new assignee."""
        at, kind = moment(body.get("time")), as_text(body.get("type"))
        if self._opened_at and at < self._opened_at.replace(microsecond=0):
            return []
        steps = self._learnt_ticket(as_text(body.get("ticket")), item_id, kind, at)
        current = as_text(body.get("current"))
        if kind == STATUS_CHANGED and current.upper() in ENDING_STATUSES:
            steps += self._applied(ended(self.session.vendor_conversation_id, at, "agent"))
        elif kind == ASSIGNMENT_CHANGED and self._is_news(at):
            steps += self._assigned(current, agent_name, item_id, at)
        return steps

    def unheard_end(self) -> list[Step]:
        """Conclude an end that no event told us of."""
        at = datetime.now(UTC)
        return [*self._applied(ended(self.session.vendor_conversation_id, at, "agent"))]

    def _applied(self, event: VendorEvent) -> Iterator[Step]:
        if isinstance(event, ConversationEnded):
            self._note_end(event)
        if isinstance(event, LiveAgentMessage | LiveAgentAttachment):
            yield from self._present(
                event.agent_id, event.agent_name, event.vendor_event_id, event.occurred_at
            )
        if isinstance(event, LiveAgentTyping):
            event = replace(event, agent_id=self._agent_id)
            if not event.agent_id:
                return
        yield self.session, event

    def _note_end(self, event: ConversationEnded) -> None:
        """Keep when it ended first: what came later has reached nobody."""
        self.has_ended = True
        if not self.session.state.get(ENDED_AT):
            self._update(**{ENDED_AT: event.occurred_at.isoformat()})

    def _present(self, agent_id: str, name: str, event_id: str, at: datetime) -> Iterator[Step]:
        """Announce who is there now: a new live agent, or the name of one not named so far."""
        is_same = agent_id == self._agent_id
        if is_same and (not name or self._agent_name != UNNAMED):
            return
        if not is_same and self._is_overtaken(at):
            return  # written before the conversation went to somebody else
        yield from self._absent(event_id, at)
        self._update(agent_id=agent_id, agent_name=name or UNNAMED, agent_at=at.isoformat())
        joined = LiveAgentJoined(
            **self._base(f"{event_id}:joined", at), agent_id=agent_id, agent_name=self._agent_name
        )
        yield self.session, joined

    def _absent(self, event_id: str, at: datetime) -> Iterator[Step]:
        """Say that the live agent who was there is there no longer."""
        if not self._agent_id:
            return
        left = LiveAgentLeft(
            **self._base(f"{event_id}:left", at),
            agent_id=self._agent_id,
            agent_name=self._agent_name,
        )
        self._update(agent_id="", agent_name="", agent_at=at.isoformat())
        yield self.session, left

    def _assigned(self, agent_id: str, name: str, item_id: str, at: datetime) -> Iterator[Step]:
        if {agent_id.lower(), name.lower()} & self._ignored_authors - {""}:
            return
        if agent_id:
            # Ticket events count whole seconds: what was written within this one came before.
            yield from self._present(agent_id, name, item_id, at + _WITHIN_THE_SECOND)
        elif self._agent_id:
            yield from self._absent(item_id, at)
            yield self.session, TransferStarted(**self._base(f"{item_id}:transfer", at))

    def _is_news(self, at: datetime) -> bool:
        """Say whether an assignment is no older than what we know of the live agent."""
        known = as_moment(self.session.state.get("agent_at"))
        return known is None or at >= known.replace(microsecond=0)

    def _is_overtaken(self, at: datetime) -> bool:
        known = as_moment(self.session.state.get("agent_at"))
        return bool(self._agent_id) and known is not None and at < known

    def _learnt_ticket(self, ticket_id: str, item_id: str, kind: str, at: datetime) -> list[Step]:
        key = ticket_key(ticket_id)
        if not ticket_id or key in self.session.keys:
            return []
        self.session = replace(self.session, keys=(*self.session.keys, key))
        # A session is stored with an event only, and this one changes nothing else.
        return [(self.session, UnknownEvent(**self._base(f"{item_id}:ticket", at), name=kind))]

    def _merged(self, body: Json) -> list[Step]:
        """Follow a conversation that Zendesk has merged into another one."""
        payload, old = as_object(body.get("payload")), self.session.vendor_conversation_id
        surviving = next(iter(merged_ids(payload, "surviving")), "")
        if old not in merged_ids(payload, "discarded") or not surviving:
            return []
        if user_id := merged_user(payload):
            self._update(user_id=user_id)
        self.session = replace(
            self.session, vendor_conversation_id=surviving, keys=(*self.session.keys, old)
        )
        at = moment(body.get("createdAt"))
        event = UnknownEvent(**self._base(as_text(body.get("id")), at), name=_MERGE)
        return [(self.session, event)]

    def _base(self, event_id: str, at: datetime) -> EventBase:
        return {
            "vendor_event_id": event_id,
            "vendor_conversation_id": self.session.vendor_conversation_id,
            "occurred_at": at,
        }

    @property
    def _opened_at(self) -> datetime | None:
        """Return Zendesk's time of the last message written before control was passed."""
        return as_moment(self.session.state.get("opened_at"))

    @property
    def _agent_id(self) -> str:
        return as_text(self.session.state.get("agent_id"))

    @property
    def _agent_name(self) -> str:
        return as_text(self.session.state.get("agent_name"))

    def _update(self, **changes: object) -> None:
        self.session = replace(self.session, state={**self.session.state, **changes})


def _is_theirs(event: Json) -> bool:
    """Say whether an event tells of a message that this portal has not posted."""
    message = message_in(event)
    return bool(as_text(message.get("id"))) and mark_of(message) is None
