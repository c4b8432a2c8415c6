"""How far a conversation has come: what is stored after each event, and which agent is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.json_values import Json, as_moment, as_object, as_text
from integrations.vendors.zendesk.connector.webhooks import (
    ASSIGNMENT_CHANGED,
    ENDING_STATUSES,
    SOLVED,
    STATUS_CHANGED,
    merged_ids,
    ticket_key,
    user_keys,
)
from integrations.vendors.zendesk.mapping.events import (
    ConversationEvent,
    EventBase,
    ended,
    events_of,
)
from integrations.vendors.zendesk.mapping.outgoing import (
    Switchboard,
    event_of,
    happened_at,
    mark_of,
    message_in,
    moment,
)

Step = tuple[VendorSession, VendorEvent]
NOTHING: Mapping[str, str] = MappingProxyType({})
_MERGE = "user:merge"
ENDED_AT = "ended_at"
_WITHIN_THE_SECOND = timedelta(milliseconds=999)
# Webhooks pass each other: what is older than the newest message told by more was told as well.
_ORDER_DIFFERS = timedelta(minutes=2)


class ConversationProgress:
    """Turns stored webhook items into events, each with the session to keep; does no I/O."""

    def __init__(
        self,
        session: VendorSession,
        *,
        switchboard: Switchboard,
        ignored_authors: frozenset[str],
        goes_on_solved: bool = False,
        marks: Mapping[str, str] = NOTHING,
        names: Mapping[str, str] = NOTHING,
    ) -> None:
        """Take up where `session` was stored.

        `marks` are ours by Zendesk's ids of the messages, `names` those of live agents by their ids
        where Zendesk's messages have none. With `goes_on_solved` a solved ticket is no end: what
        the end user writes opens it again.
        """
        self.session = session
        self.has_ended = False
        self._switchboard = switchboard
        self._ignored_authors = ignored_authors
        self._ending_statuses = ENDING_STATUSES - ({SOLVED} if goes_on_solved else set())
        self._marks = marks
        self._names = names

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
        created_at = moment(body.get("createdAt"))
        if self._opened_at and created_at <= self._opened_at:
            return []  # what nobody took in an earlier handoff of this conversation
        if body.get("type") == _MERGE:
            return self._merged(body)
        event = ConversationEvent(
            event_id=as_text(body.get("id")),
            kind=as_text(body.get("type")),
            created_at=created_at,
            payload=as_object(body.get("payload")),
            conversation_id=self.session.vendor_conversation_id,
            switchboard=self._switchboard,
            ignored_authors=self._ignored_authors,
            marks=self._marks,
        )
        return [step for found in events_of(event) for step in self._applied(found)]

    def ticket_steps(self, body: Json, item_id: str, agent_name: str) -> list[Step]:
        """Apply an event of the ticket webhook; `agent_name` is that of a new assignee."""
        at, kind = moment(body.get("time")), as_text(body.get("type"))
        if self._opened_at and at < self._opened_at.replace(microsecond=0):
            return []
        steps = self._learnt_ticket(as_text(body.get("ticket")), item_id, kind, at)
        current = as_text(body.get("current"))
        if kind == STATUS_CHANGED and current.upper() in self._ending_statuses:
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
        if isinstance(event, LiveAgentMessage) and event.by is Author.LIVE_AGENT:
            event = replace(event, agent_name=event.agent_name or self._name_of(event.agent_id))
            yield from self._present(
                event.agent_id, event.agent_name, event.vendor_event_id, event.occurred_at
            )
        if isinstance(event, LiveAgentTyping):
            event = replace(event, agent_id=as_text(self.session.state.get("agent_id")))
            if not event.agent_id:
                return
        yield self.session, event

    def _note_end(self, event: ConversationEnded) -> None:
        """Keep when it ended first: what came later has reached nobody."""
        self.has_ended = True
        if not self.session.state.get(ENDED_AT):
            self._update(**{ENDED_AT: event.occurred_at.isoformat()})

    def _present(self, agent_id: str, name: str, event_id: str, at: datetime) -> Iterator[Step]:
        """Announce a live agent who was not there; those who are there stay."""
        agents = self._agents
        if agent_id in agents:
            self._update(agents={**agents, agent_id: name or agents[agent_id]}, agent_id=agent_id)
            return
        if agents and self._is_overtaken(at):
            return  # written before the conversation went to somebody else
        self._update(agents={**agents, agent_id: name}, agent_id=agent_id, agent_at=at.isoformat())
        joined = LiveAgentJoined(
            **self._base(f"{event_id}:joined", at), agent_id=agent_id, agent_name=name
        )
        yield self.session, joined

    def _absent(self, event_id: str, at: datetime, *, but: str = "") -> Iterator[Step]:
        """Say that those who were there are there no longer, with one exception at most."""
        for agent_id, name in self._agents.items():
            if agent_id == but:
                continue
            left = LiveAgentLeft(
                **self._base(f"{event_id}:left:{agent_id}", at), agent_id=agent_id, agent_name=name
            )
            remaining = {key: value for key, value in self._agents.items() if key != agent_id}
            self._update(agents=remaining, agent_id=but, agent_at=at.isoformat())
            yield self.session, left

    def _assigned(self, agent_id: str, name: str, item_id: str, at: datetime) -> Iterator[Step]:
        if {agent_id.lower(), name.lower()} & self._ignored_authors - {""}:
            return
        if agent_id:
            # Ticket events count whole seconds: what was written within this one came before.
            at += _WITHIN_THE_SECOND
            yield from self._absent(item_id, at, but=agent_id)
            yield from self._present(agent_id, name or self._name_of(agent_id), item_id, at)
        elif self._agents:
            yield from self._absent(item_id, at)
            yield self.session, TransferStarted(**self._base(f"{item_id}:transfer", at))

    def _is_news(self, at: datetime) -> bool:
        """Say whether an assignment is no older than what we know of the live agent."""
        known = as_moment(self.session.state.get("agent_at"))
        return known is None or at >= known.replace(microsecond=0)

    def _is_overtaken(self, at: datetime) -> bool:
        known = as_moment(self.session.state.get("agent_at"))
        return known is not None and at < known

    def _learnt_ticket(self, ticket_id: str, item_id: str, kind: str, at: datetime) -> list[Step]:
        key = ticket_key(ticket_id)
        if not ticket_id or key in self.session.keys:
            return []
        self.session = replace(self.session, keys=(*self.session.keys, key))
        # A session is stored with an event only, and this one changes nothing else.
        return [(self.session, UnknownEvent(**self._base(f"{item_id}:ticket", at), name=kind))]

    def _merged(self, body: Json) -> list[Step]:
        """Follow a conversation, or its end user alone, that Zendesk has merged into another."""
        payload, old = as_object(body.get("payload")), self.session.vendor_conversation_id
        users = as_object(payload.get("mergedUsers"))
        has_moved = old in merged_ids(payload, "discarded")
        surviving = next(iter(merged_ids(payload, "surviving")), "") if has_moved else old
        is_user_gone = bool(set(user_keys(users.get("discarded"))) & set(self.session.keys))
        if not surviving or not (has_moved or is_user_gone):
            return []
        survivor = users.get("surviving")
        if user_id := as_text(as_object(survivor).get("id")) or as_text(survivor):
            self._update(user_id=user_id)
        keys = (*self.session.keys, *user_keys(survivor), *([old] if has_moved else []))
        self.session = replace(
            self.session, vendor_conversation_id=surviving, keys=tuple(dict.fromkeys(keys))
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
    def _agents(self) -> dict[str, str]:
        """Return who is there: names by ids, which may be empty."""
        kept = self.session.state.get("agents")
        return {str(key): as_text(name) for key, name in as_object(kept).items()}

    def _name_of(self, agent_id: str) -> str:
        return self._agents.get(agent_id, "") or self._names.get(agent_id, "")

    def _update(self, **changes: object) -> None:
        self.session = replace(self.session, state={**self.session.state, **changes})


def _is_theirs(event: Json) -> bool:
    """Say whether an event tells of a message that this portal has not posted."""
    message = message_in(event)
    return bool(as_text(message.get("id"))) and mark_of(message) is None
