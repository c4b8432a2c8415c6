"""How far a conversation has come: what is stored after each entry, and who is present."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from integrations.contract.connector import VendorSession
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    MessageEchoed,
    NoLiveAgents,
    VendorEvent,
)
from integrations.kit.conversation_entries.entries import Entry, events_of, malformed_event
from integrations.kit.json_values import as_count, as_object, as_text

Step = tuple[VendorSession, VendorEvent]
_LOOK_BACK_MS = 60_000


class ConversationProgress:
    """Turns entries into events, each with the session to store after it; does no I/O."""

    def __init__(self, session: VendorSession) -> None:
        """Take up where `session` was stored."""
        self.session = session
        self.has_ended = False

    @property
    def seen(self) -> int:
        """Return the server's time of the newest entry applied, in milliseconds."""
        return as_count(self.session.state.get("seen")) or 0

    @property
    def is_between_agents(self) -> bool:
        """Say whether live agents were here and none is now."""
        return bool(self.session.state.get("had_agent")) and not self._agents

    def apply(self, entry: Entry, cursor: str) -> list[Step]:
        """Apply one entry; the cursor moves with its last event, so that a crash repeats all."""
        ours = self.session.vendor_conversation_id
        if entry.conversation_id and entry.conversation_id != ours:
            self._advance(cursor, 0)
            return []
        events = [event for event in events_of(entry) if self._is_wanted(event)]
        steps: list[Step] = []
        for event in events:
            event = self._named(event)
            self._note(event)
            if len(steps) + 1 == len(events):
                self._advance(cursor, entry.milliseconds)
            steps.append((self.session, event))
        if not events:
            self._advance(cursor, entry.milliseconds)
        return steps

    def malformed(self, event_id: str, cursor: str) -> Step:
        """Pass by something unreadable."""
        self._advance(cursor, 0)
        return self.session, malformed_event(event_id, self.session.vendor_conversation_id)

    def ended(self) -> Step:
        """Conclude that the live agent has ended the conversation, which no entry said."""
        conversation_id = self.session.vendor_conversation_id
        self.has_ended = True
        return self.session, ConversationEnded(
            vendor_event_id=f"{conversation_id}:ended",
            vendor_conversation_id=conversation_id,
            occurred_at=datetime.now(UTC),
            ended_by="Agent",
        )

    @property
    def _agents(self) -> Mapping[str, object]:
        return as_object(self.session.state.get("agents"))

    def _is_wanted(self, event: VendorEvent) -> bool:
        # A transfer that found nobody leaves the conversation with the live agent who tried.
        return not (isinstance(event, NoLiveAgents) and self._agents)

    def _named(self, event: VendorEvent) -> VendorEvent:
        """Give a live agent whose name an entry leaves out the one under which they came."""
        if not isinstance(event, LiveAgentMessage | LiveAgentLeft) or event.agent_name:
            return event
        name = as_text(self._agents.get(event.agent_id))
        return replace(event, agent_name=name)

    def _note(self, event: VendorEvent) -> None:
        if isinstance(event, LiveAgentJoined):
            agents = {**self._agents, event.agent_id: event.agent_name}
            self._update(agents=agents, had_agent=True)
        elif isinstance(event, LiveAgentLeft):
            left = {key: name for key, name in self._agents.items() if key != event.agent_id}
            self._update(agents=left, had_agent=True)
        elif isinstance(event, ConversationEnded):
            self.has_ended = True

    def _advance(self, cursor: str, milliseconds: int) -> None:
        self.session = replace(self.session, cursor=cursor or self.session.cursor)
        if milliseconds > self.seen:
            self._update(seen=milliseconds)

    def _update(self, **changes: object) -> None:
        self.session = replace(self.session, state={**self.session.state, **changes})


def last_minute(session: VendorSession) -> int:
    """Return the time, on Salesforce's clock, from which on the end must be among the entries."""
    return max((as_count(session.state.get("seen")) or 0) - _LOOK_BACK_MS, 0)


def said_after_end(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the ids of the end user's messages behind the first end.

    Without one, behind the last live agent's leaving, from which we have concluded it.
    """
    known = {entry.identifier: entry for entry in entries}  # pages overlap
    ordered = sorted(known.values(), key=lambda entry: entry.milliseconds)
    events = [event for entry in ordered for event in events_of(entry)]
    ends = [n for n, event in enumerate(events) if isinstance(event, ConversationEnded)]
    left = [n for n, event in enumerate(events) if isinstance(event, LiveAgentLeft)]
    if not (ends or left):
        return frozenset()
    behind = events[ends[0] if ends else left[-1] :]
    return frozenset(
        event.vendor_message_id for event in behind if isinstance(event, MessageEchoed)
    )
