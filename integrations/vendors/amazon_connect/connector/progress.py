"""How far a chat has come: what is stored after each item, and what is still incomplete."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentMessage,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.json_values import as_object, as_text
from integrations.vendors.amazon_connect.mapping.events import ItemReader
from integrations.vendors.amazon_connect.mapping.interactive import is_view
from integrations.vendors.amazon_connect.mapping.item import ATTACHMENT, MESSAGE, Item, moment

Step = tuple[VendorSession, VendorEvent]
_MAX_SENT = 20
# A frame that is lost with its socket may have been overtaken by one that was not.
OVERLAP = timedelta(seconds=5)


class SentMessages:
    """Which message of ours became which item: receipts speak of items.

    Kept in memory for sends and listener of one process; the listener stores it on the way.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._by_chat: dict[str, OrderedDict[str, str]] = {}

    def add(self, chat: str, item_id: str, message_id: str) -> None:
        """Remember one, and forget the oldest when there are many."""
        known = self._by_chat.setdefault(chat, OrderedDict())
        known[item_id] = message_id
        while len(known) > _MAX_SENT:
            known.popitem(last=False)

    def of(self, chat: str) -> dict[str, str]:
        """Return item to message."""
        return dict(self._by_chat.get(chat, {}))

    def forget(self, chat: str) -> None:
        """Drop what is known of a chat that is over."""
        self._by_chat.pop(chat, None)


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
        if item.kind == ATTACHMENT:
            self._note_file(item)
        self._recent[item.identifier] = item.at
        behind = [(at, name) for name, at in self._recent.items() if at <= newest - OVERLAP]
        if behind:
            latest, self._behind = max(behind)
            self._recent = {name: at for name, at in self._recent.items() if at >= latest}

    def _note_file(self, item: Item) -> None:
        if item.is_judged:
            self._open.pop(item.identifier, None)
        else:
            self._open.setdefault(item.identifier)


class ChatProgress:
    """Turns items into events, each with the session to store after it; does no I/O."""

    def __init__(self, session: VendorSession, sent: SentMessages) -> None:
        """Take up where `session` was stored."""
        self.session = session
        self.has_ended = False
        self._sent = sent
        for item_id, message_id in as_object(session.state.get("sent")).items():
            sent.add(session.vendor_conversation_id, item_id, as_text(message_id))
        self._reader = ItemReader(
            conversation_id=session.vendor_conversation_id,
            participant_id=as_text(session.state.get("participant_id")),
        )
        self._chunks: dict[str, dict[int, str]] = {}
        self._mark = CatchUpMark(session.cursor)
        self._has_left = False

    def apply(self, item: Item) -> list[Step]:
        """Apply one item; the cursor moves with its last event, so that a crash repeats all."""
        whole = self._whole(item)
        if whole is None:
            return []
        events = [self._ours(event) for event in self._reader.events_of(whole)]
        events = self._with_verdict(whole, events)
        steps: list[Step] = []
        for event in events:
            if event is events[-1]:
                self._advance(whole)
            self._note(event)
            steps.append((self.session, event))
        if not events:
            self._advance(whole)
        return steps

    def malformed(self, event_id: str) -> Step:
        """Pass by something unreadable."""
        return self.session, self._reader.malformed(event_id)

    def ended(self) -> Step:
        """Conclude that the chat is over, of which no item told us."""
        self.has_ended = True
        chat = self.session.vendor_conversation_id
        return self.session, ConversationEnded(
            vendor_event_id=f"{chat}:ended",
            vendor_conversation_id=chat,
            occurred_at=datetime.now(UTC),
        )

    def _with_verdict(self, item: Item, events: list[VendorEvent]) -> list[VendorEvent]:
        """Say why a chat ended before anybody came, unless the end user left it."""
        if item.event == "participant.left" and self._reader.is_own(item):
            self._has_left = True
        is_over = any(isinstance(event, ConversationEnded) for event in events)
        if not is_over or self._has_left or self.session.state.get("had_agent"):
            return events
        nobody = NoLiveAgents(
            vendor_event_id=f"{item.identifier}:nobody",
            vendor_conversation_id=self.session.vendor_conversation_id,
            occurred_at=item.at,
            detail="The flow ended the chat before a live agent joined.",
        )
        return [nobody, *events]

    def _whole(self, item: Item) -> Item | None:
        """Put together a message that comes in parts; None while parts are missing."""
        number, is_complete = (
            item.metadata.get("ChunkNumber"),
            item.metadata.get("MessageCompleted"),
        )
        if item.kind != MESSAGE or not isinstance(number, int) or isinstance(number, bool):
            return item
        parts = self._chunks.setdefault(item.identifier, {})
        parts[number] = item.content
        if is_complete is False:
            return None
        del self._chunks[item.identifier]
        return replace(item, content="".join(text for _, text in sorted(parts.items())))

    def _ours(self, event: VendorEvent) -> VendorEvent:
        """Name our message in an event that names the vendor's item."""
        if isinstance(event, MessageEchoed | MessageDelivered | MessageRead | MessageFailed):
            known = self._sent.of(self.session.vendor_conversation_id)
            message_id = known.get(event.vendor_message_id, event.vendor_message_id)
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
        sent = self._sent.of(self.session.vendor_conversation_id)
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
