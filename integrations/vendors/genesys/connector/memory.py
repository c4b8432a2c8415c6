"""What one worker remembers of its conversations; losing it costs a few requests, nothing else."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass, field

from integrations.vendors.genesys.mapping.events import Agent

MAX_CONVERSATIONS = 5000
MAX_IDS = 500


@dataclass(slots=True)
class Signals:
    """How the notification socket and the webhooks wake a conversation's listener."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    is_news: bool = False
    # Something may have happened unheard: to be asked about when there is room.
    is_unsure: bool = False
    has_customer_end: bool = False
    # Whether the socket tells about this conversation, so that asking may be rare.
    is_carried: bool = False

    def tell(self) -> None:
        """Say that the conversation has changed."""
        self.is_news = True
        self.wake.set()

    def ask(self) -> None:
        """Say that the conversation may have changed."""
        self.is_unsure = True
        self.wake.set()


@dataclass(slots=True)
class Typing:
    """A typing indicator that nobody will take back."""

    event_id: str
    agent_id: str
    until: float


@dataclass(slots=True)
class Memory:
    """One conversation."""

    signals: Signals = field(default_factory=Signals)
    agent: Agent | None = None
    typing: Typing | None = None
    typing_sent_at: float = -math.inf
    has_sent: bool = False
    # Just made here: nothing can have happened in it.
    is_fresh: bool = False
    seen: Recent = field(default_factory=lambda: Recent())
    # Genesys's id of a message of ours to the id that the portal knows.
    our_ids: Recent = field(default_factory=lambda: Recent())

    def expect_typing_end(self, typing: Typing | None) -> None:
        """Set the moment at which the indicator goes out, or forget it."""
        self.typing = typing
        self.signals.wake.set()


class Recent:
    """The last few hundred names, each with a value."""

    def __init__(self, limit: int = MAX_IDS) -> None:
        """Start empty."""
        self._limit = limit
        self._kept: OrderedDict[str, str] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        """Say whether a name is among them."""
        return name in self._kept

    def get(self, name: str) -> str:
        """Return a name's value, or nothing."""
        return self._kept.get(name, "")

    def add(self, name: str, value: str = "") -> None:
        """Remember a name; the oldest one makes room."""
        self._kept[name] = value
        self._kept.move_to_end(name)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def discard(self, name: str) -> None:
        """Forget a name; absent is fine."""
        self._kept.pop(name, None)


class Memories:
    """All conversations of a connector; those not touched for longest are forgotten first."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: OrderedDict[str, Memory] = OrderedDict()

    def of(self, conversation_id: str) -> Memory:
        """Return what is known of a conversation, perhaps nothing yet."""
        memory = self._kept.setdefault(conversation_id, Memory())
        self._kept.move_to_end(conversation_id)
        if len(self._kept) > MAX_CONVERSATIONS:
            self._kept.popitem(last=False)
        return memory

    def forget(self, conversation_id: str) -> None:
        """Drop a conversation that is over."""
        self._kept.pop(conversation_id, None)
