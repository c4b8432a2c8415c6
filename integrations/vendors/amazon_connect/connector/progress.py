"""How far a chat has come: the order of its items, and what is stored after each."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentMessage,
    LiveAgentMessageEdited,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.json_values import as_count, as_moment, as_object, as_text
from integrations.kit.recent import Recent
from integrations.vendors.amazon_connect.mapping.events import (
    AGENT_ROLES,
    AUTO_DISCONNECTED,
    CHAT_ENDED,
    MESSAGE,
    Item,
    ItemReader,
    moment,
)
from integrations.vendors.amazon_connect.mapping.messages import is_view

Step = tuple[VendorSession, VendorEvent]
IDLE, TIME_LIMIT = "vendor_idle", "vendor_time_limit"
CLOCKS_APART = timedelta(minutes=1)
# A frame that is lost with its socket may have been overtaken by one that was not.
OVERLAP = timedelta(seconds=5)


def in_order(items: Iterable[Item]) -> list[Item]:
    """Sort by the vendor's own times, the end last; at the same time first come, first served."""
    return sorted(items, key=lambda item: (item.at, item.event == CHAT_ENDED))


class FrameOrder:
    """Lets each item wait a moment for what it has overtaken on its way."""

    def __init__(self, seconds: float) -> None:
        """Let items wait for so long."""
        self._seconds = seconds
        self._waiting: list[tuple[float, Item]] = []

    @property
    def due_at(self) -> float:
        """Return when the first item has waited long enough, by the monotonic clock."""
        return self._waiting[0][0] if self._waiting else math.inf

    def add(self, item: Item) -> None:
        """Let an item wait."""
        self._waiting.append((time.monotonic() + self._seconds, item))

    def take_due(self) -> list[Item]:
        """Return what has waited long enough, and before it what happened before it."""
        now = time.monotonic()
        due = [item.at for until, item in self._waiting if until <= now]
        return self._take(max(due)) if due else []

    def take_all(self) -> list[Item]:
        """Return whatever waits: nothing else can come before it."""
        items = [item for _, item in self._waiting]
        self._waiting.clear()
        return in_order(items)

    def _take(self, until: datetime) -> list[Item]:
        taken = [item for _, item in self._waiting if item.at <= until]
        self._waiting = [(due, item) for due, item in self._waiting if item.at > until]
        return in_order(taken)


class CatchUpMark:
    """From which item on a catch-up reads the transcript.

    It stays behind the newest item, and at a file that the vendor's scanner has yet to judge.
    """

    def __init__(self, cursor: str) -> None:
        """Take up where it was stored."""
        self._behind = cursor
        self._recent: dict[str, datetime] = {}
        # Items whose outcome is open, oldest first.
        self._open: dict[str, None] = {}

    @property
    def cursor(self) -> str:
        """Return the item's id; empty for the beginning of the chat."""
        return next(iter(self._open), self._behind)

    def note(self, item: Item, *, newest: datetime) -> None:
        """Note an item of the transcript that was applied; `newest` is the time of the newest."""
        if item.is_judged:
            self._open.pop(item.identifier, None)
        else:
            self.hold(item.identifier)
        self._recent[item.identifier] = item.at
        behind = [(at, name) for name, at in self._recent.items() if at <= newest - OVERLAP]
        if behind:
            latest, self._behind = max(behind)
            self._recent = {name: at for name, at in self._recent.items() if at >= latest}

    def hold(self, identifier: str) -> None:
        """Let a catch-up begin no later than at a message that comes in parts."""
        self._open.setdefault(identifier)


class PartialMessages:
    """Bots' messages that come in parts, each of which holds the ones before it.

    The last one is waited for; if its sender goes on without it, what there is is shown.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._newest: dict[str, int] = {}
        self._open: dict[str, Item] = {}
        self._unfinished: set[str] = set()
        self._shown: set[str] = set()

    def is_waited_for(self, item: Item) -> bool:
        """Say whether an item is to be passed by: a part, or older than one that came already."""
        number = as_count(item.metadata.get("ChunkNumber"))
        if item.kind != MESSAGE or number is None:
            self._open.pop(item.identifier, None)
            return False
        if number <= self._newest.get(item.identifier, -1):
            return True
        self._newest[item.identifier] = number
        if item.metadata.get("MessageCompleted") is not False:
            self._open.pop(item.identifier, None)
            return False
        if item.identifier not in self._unfinished:
            self._open[item.identifier] = item
        return True

    def is_open(self, item: Item) -> bool:
        """Say whether parts of an item's message are waited for."""
        return item.identifier in self._open

    def left_by(self, item: Item) -> list[Item]:
        """Return what will not be finished before this item: its sender goes on, or all ends."""
        if item.kind != MESSAGE and item.event != CHAT_ENDED:
            return []
        left = [
            one
            for one in self._open.values()
            if item.event == CHAT_ENDED
            or (item.participant_id == one.participant_id and item.identifier != one.identifier)
        ]
        for one in left:
            del self._open[one.identifier]
            self._unfinished.add(one.identifier)
        return left

    def edited(self, message: LiveAgentMessage) -> VendorEvent:
        """Return a message that was shown unfinished as what it has become."""
        if message.vendor_message_id not in self._unfinished:
            return message
        if message.vendor_message_id not in self._shown:
            self._shown.add(message.vendor_message_id)
            return message
        return LiveAgentMessageEdited(
            vendor_event_id=f"{message.vendor_event_id}:whole",
            vendor_conversation_id=message.vendor_conversation_id,
            occurred_at=message.occurred_at,
            vendor_message_id=message.vendor_message_id,
            text=message.text,
            markup=message.markup,
            rich=message.rich,
        )


class ChatProgress:
    """Turns items into events, each with the session to store after it; does no I/O."""

    def __init__(self, session: VendorSession, sent: Recent[str]) -> None:
        """Take up where `session` was stored; `sent` tells which item is which message of ours."""
        self.session = session
        self.has_ended = False
        self._sent = sent
        for item_id, message_id in as_object(session.state.get("sent")).items():
            sent.put(item_id, as_text(message_id))
        self._reader = ItemReader(
            conversation_id=session.vendor_conversation_id,
            participant_id=as_text(session.state.get("participant_id")),
        )
        self._parts = PartialMessages()
        self._mark = CatchUpMark(session.cursor)
        self._has_left = False

    def apply(self, item: Item) -> list[Step]:
        """Apply one item, and before it the message in parts that it leaves behind unfinished."""
        if item.is_past:
            return []
        left = [step for one in self._parts.left_by(item) for step in self._apply(one)]
        if self._parts.is_waited_for(item):
            if self._parts.is_open(item):
                self._mark.hold(item.identifier)
            return left
        return [*left, *self._apply(item)]

    def _apply(self, item: Item) -> list[Step]:
        """Apply an item; the cursor moves with its last event, so that a crash repeats all."""
        named = self._named(item)
        events = [self._ours(event) for event in self._reader.events_of(named)]
        events = self._with_verdict(named, events)
        steps: list[Step] = []
        for event in events:
            if event is events[-1]:
                self._advance(named)
            self._note(event)
            steps.append((self.session, event))
        if not events:
            self._advance(named)
        return steps

    def malformed(self, event_id: str) -> Step:
        """Pass by something unreadable."""
        return self.session, self._reader.malformed(event_id)

    def ended(self) -> Step:
        """Conclude that the chat is over, of which no item told us."""
        self.has_ended = True
        chat, now = self.session.vendor_conversation_id, datetime.now(UTC)
        return self.session, ConversationEnded(
            vendor_event_id=f"{chat}:ended",
            vendor_conversation_id=chat,
            occurred_at=now,
            cause=self._cause(now),
        )

    @property
    def has_agent(self) -> bool:
        """Say whether a live agent has been in the chat."""
        return bool(self.session.state.get("had_agent"))

    def opening_sent(self) -> None:
        """Note that the live agent has been told what was said before."""
        self._update(opening="")

    def _cause(self, at: datetime) -> str:
        """Return which of the vendor's clocks ended the chat; nothing where people did."""
        if self.session.state.get("is_idle_over"):
            return IDLE
        ends_at = as_moment(self.session.state.get("ends_at"))
        return TIME_LIMIT if ends_at is not None and at >= ends_at - CLOCKS_APART else ""

    def _named(self, item: Item) -> Item:
        """Give an item the name that its sender had before, where it brings none."""
        if item.role not in AGENT_ROLES or not item.participant_id:
            return item
        names = as_object(self.session.state.get("names"))
        known = as_text(names.get(item.participant_id))
        if item.display_name and item.display_name != known:
            self._update(names={**names, item.participant_id: item.display_name})
        return replace(item, display_name=item.display_name or known)

    def _with_verdict(self, item: Item, events: list[VendorEvent]) -> list[VendorEvent]:
        """Say why a chat ended before anybody came, unless the end user left it."""
        if self._reader.is_own(item):
            self._has_left = self._has_left or item.event == "participant.left"
            if item.event == AUTO_DISCONNECTED:
                self._update(is_idle_over=True)
        is_over = any(isinstance(event, ConversationEnded) for event in events)
        if not is_over or self._has_left or self.has_agent:
            return events
        nobody = NoLiveAgents(
            vendor_event_id=f"{item.identifier}:nobody",
            vendor_conversation_id=self.session.vendor_conversation_id,
            occurred_at=item.at,
            detail="The flow ended the chat before a live agent joined.",
        )
        return [nobody, *events]

    def _ours(self, event: VendorEvent) -> VendorEvent:
        """Say in an event what the item alone does not: our message, the cause, an edit."""
        if isinstance(event, ConversationEnded):
            return replace(event, cause=self._cause(event.occurred_at))
        if isinstance(event, LiveAgentMessage):
            return self._parts.edited(event)
        if isinstance(event, MessageEchoed | MessageDelivered | MessageRead | MessageFailed):
            message_id = self._sent.get(event.vendor_message_id) or event.vendor_message_id
            return replace(event, vendor_message_id=message_id)
        return event

    def _note(self, event: VendorEvent) -> None:
        if isinstance(event, LiveAgentMessage):
            self._note_message(event)
        elif isinstance(event, LiveAgentJoined):
            self._update(had_agent=True)
        elif isinstance(event, ConversationEnded):
            self.has_ended = True

    def _note_message(self, message: LiveAgentMessage) -> None:
        if message.by is Author.LIVE_AGENT:
            self._update(had_agent=True)
        # What is written while a guide's view is the newest message is an answer to it.
        has_view = is_view(message.rich)
        if has_view != bool(self.session.state.get("has_view")):
            self._update(has_view=has_view)

    def _advance(self, item: Item) -> None:
        sent = self._sent.as_dict()
        if sent != as_object(self.session.state.get("sent")):
            self._update(sent=sent)
        if not item.is_stored:
            return
        seen = as_text(self.session.state.get("seen_at"))
        if not seen or item.at >= moment(seen):
            self._update(seen_at=item.at.isoformat())
            if item.contact_id:  # another one after each transfer
                self._update(contact_id=item.contact_id)
        self._mark.note(item, newest=max(item.at, moment(seen) if seen else item.at))
        self.session = replace(self.session, cursor=self._mark.cursor)

    def _update(self, **changes: object) -> None:
        self.session = replace(self.session, state={**self.session.state, **changes})
