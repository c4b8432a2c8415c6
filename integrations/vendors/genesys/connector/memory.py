"""What a worker keeps in mind: the waits it lives by, and its conversations.

Losing what it knows of a conversation costs a few requests, nothing else.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field

from integrations.kit.recent import Recent
from integrations.vendors.genesys.mapping.events import Agent

MAX_CONVERSATIONS = 5000
MAX_IDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesysTiming:
    """Seconds; tests shorten them."""

    # Asking about a conversation: when the socket tells as well, and when nothing else does.
    poll: float = 60.0
    poll_alone: float = 15.0
    # While a live agent's desktop rings, and while an end is in the air.
    poll_offered: float = 2.0
    settle: float = 3.0
    lag: float = 1.0
    # Webhooks are repeated for 85 seconds; what has not come by then is fetched.
    webhooks_given_up: float = 100.0
    # Two heartbeats of the notification socket, which come every 30 seconds.
    silence: float = 60.0
    first_delay: float = 1.0
    max_delay: float = 30.0
    refused_delay: float = 300.0
    typing_out: float = 5.0
    lookup: float = 0.5


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
    # What webhooks have brought, by Genesys's ids.
    seen: Recent[None] = field(default_factory=lambda: Recent(MAX_IDS))
    # Genesys's id of a message of ours to the id that the portal knows.
    our_ids: Recent[str] = field(default_factory=lambda: Recent(MAX_IDS))

    def expect_typing_end(self, typing: Typing | None) -> None:
        """Set the moment at which the indicator goes out, or forget it."""
        self.typing = typing
        self.signals.wake.set()


class Memories:
    """All conversations of a connector; those not touched for longest are forgotten first."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: Recent[Memory] = Recent(MAX_CONVERSATIONS)

    def of(self, conversation_id: str) -> Memory:
        """Return what is known of a conversation, perhaps nothing yet."""
        return self._kept.of(conversation_id, Memory)

    def forget(self, conversation_id: str) -> None:
        """Drop a conversation that is over."""
        self._kept.discard(conversation_id)
