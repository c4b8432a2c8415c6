"""What a worker knows of conversations: what it keeps in mind, and what it can read at Genesys."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from integrations.contract.connector import Availability, TokenCache
from integrations.contract.errors import ConnectorError, MissingPermissionError
from integrations.contract.events import VendorEvent
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text
from integrations.kit.recent import Recent
from integrations.vendors.genesys.client import BATCH, GenesysClient
from integrations.vendors.genesys.mapping.messages import Agent, Notice, events_of, sender_id_of
from integrations.vendors.genesys.mapping.presence import (
    Participant,
    late_ids,
    name_of,
    participants_of,
)

MAX_CONVERSATIONS = 5000
MAX_IDS = 500
KEEP_NAMES_SECONDS = 24 * 3600.0
_OUTBOUND = "outbound"
_METRIC = "oOnQueueUsers"
# On the queue, but their desktop rings in vain.
_ABSENT = "NOT_RESPONDING"


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


class LearntQueues:
    """Which queue the customer's flow chooses for what handoffs ask for, as it was last seen."""

    _KEPT_SECONDS = 30 * 86400.0

    def __init__(self, cache: TokenCache) -> None:
        """Share what was learnt with all workers."""
        self._cache = cache

    async def of(self, asked: str) -> str:
        """Return the id of the queue in which such a handoff waited; empty for none yet."""
        return await self._cache.get(self._name(asked)) or ""

    async def learn(self, asked: str, queue_id: str) -> None:
        """Keep in which queue a handoff waits."""
        await self._cache.set(self._name(asked), queue_id, self._KEPT_SECONDS)

    def _name(self, asked: str) -> str:
        return f"queue:{hashlib.sha256(asked.encode()).hexdigest()[:32]}"


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
class Memory:
    """One conversation."""

    signals: Signals = field(default_factory=Signals)
    agent: Agent | None = None
    typing_sent_at: float = -math.inf
    has_sent: bool = False
    # Just made here: nothing can have happened in it.
    is_fresh: bool = False
    # What webhooks have brought, by Genesys's ids.
    seen: Recent[None] = field(default_factory=lambda: Recent(MAX_IDS))
    # Genesys's id of a message of ours to the id that the portal knows.
    our_ids: Recent[str] = field(default_factory=lambda: Recent(MAX_IDS))


class Records:
    """Remembers and reads for all of a connector.

    A role that may not view messages only loses the catch-up. What is remembered of conversations
    not touched for longest is forgotten first: that costs a few requests, nothing else.
    """

    def __init__(self, client: GenesysClient, note: Callable[[str, str], None]) -> None:
        """Take `note` for remarks about what may not be read: operation, error code."""
        self._client = client
        self.note = note
        self._memories: Recent[Memory] = Recent(MAX_CONVERSATIONS)
        self._names: dict[str, tuple[str, float]] = {}
        self._may_read_messages = True

    def memory(self, conversation_id: str) -> Memory:
        """Return what is remembered of a conversation, perhaps nothing yet."""
        return self._memories.of(conversation_id, Memory)

    def forget(self, conversation_id: str) -> None:
        """Drop a conversation that is over."""
        self._memories.discard(conversation_id)

    # ---- who is there ----

    async def participants(self, conversation_id: str) -> list[Participant]:
        """Return all legs; every live agent who came has a name, if there is one."""
        return [
            replace(item, agent=await self._named(item.agent))
            if item.is_agent and item.has_been_present
            else item
            for item in await self.legs(conversation_id)
        ]

    async def legs(self, conversation_id: str) -> list[Participant]:
        """Return all legs as the conversation has them, perhaps without names."""
        return participants_of(await self._client.conversation(conversation_id))

    async def _named(self, agent: Agent) -> Agent:
        """Look a name up once a day; a live agent without a name is better than none."""
        if agent.name:
            return agent
        name, until = self._names.get(agent.agent_id, ("", 0.0))
        if until < time.monotonic():
            try:
                name = name_of(await self._client.user(agent.agent_id))
            except ConnectorError:
                return agent
            self._names[agent.agent_id] = (name, time.monotonic() + KEEP_NAMES_SECONDS)
        return replace(agent, name=name)

    # ---- what was said ----

    async def said(
        self, conversation_id: str, authors: Mapping[str, Participant]
    ) -> list[VendorEvent]:
        """Return what the messages of these ids mean; each is given with the leg that wrote it."""
        events: list[VendorEvent] = []
        for message in await self._messages(conversation_id, list(authors)):
            author = authors.get(as_text(message.get("id")))
            notice = author and _notice(conversation_id, message, author)
            if author and notice:
                events += events_of(notice, author.agent)
        return events

    async def arrived(self, conversation_id: str) -> set[str]:
        """Return those ids of ours that Genesys has received, of the last messages."""
        legs = await self.legs(conversation_id)
        said = [message_id for leg in legs if leg.is_customer for message_id, _ in leg.messages]
        return await self._our_ids(conversation_id, said[-BATCH:])

    async def late(self, conversation_id: str) -> set[str]:
        """Return those ids of ours that Genesys has received behind the live agent's end."""
        return await self._our_ids(conversation_id, late_ids(await self.legs(conversation_id)))

    async def our_id(self, vendor_message_id: str) -> str:
        """Return our id of one message; empty where Genesys will not say."""
        try:
            message = await self._client.message_details(vendor_message_id)
        except ConnectorError:
            return ""
        normalised = as_object(message.get("normalizedMessage"))
        return as_text(message.get("providerMessageId")) or sender_id_of(normalised)

    async def _our_ids(self, conversation_id: str, message_ids: Sequence[str]) -> set[str]:
        messages = await self._messages(conversation_id, message_ids)
        found = {as_text(message.get("providerMessageId")) for message in messages}
        found |= {sender_id_of(as_object(m.get("normalizedMessage"))) for m in messages}
        return found - {""}

    async def _messages(self, conversation_id: str, message_ids: Sequence[str]) -> list[Json]:
        if not message_ids or not self._may_read_messages:
            return []
        try:
            return await self._client.messages_bulk(conversation_id, message_ids)
        except MissingPermissionError:
            self._may_read_messages = False
            self.note("messages_bulk", "history_not_allowed")
            return []

    # ---- a queue ----

    async def availability(self, queue_id: str) -> Availability:
        """Say whether a queue has live agents; nobody knows without a queue or the permission."""
        if not queue_id:
            return Availability(is_available=None)
        # Asked first: about a queue that does not exist, the other question just finds nobody.
        wait = await self.estimated_wait(queue_id)
        try:
            people = _live_agents_in(await self._client.queue_observations(queue_id))
        except MissingPermissionError:
            people = None
        return Availability(
            is_available=None if people is None else people > 0,
            estimated_wait_seconds=None if people == 0 else wait,
        )

    async def estimated_wait(self, queue_id: str) -> int | None:
        """Return the expected wait in seconds, if Genesys has a guess."""
        try:
            results = as_objects((await self._client.estimated_wait(queue_id)).get("results"))
        except MissingPermissionError:
            return None
        found = (as_count(result.get("estimatedWaitTimeSeconds")) for result in results)
        return next((seconds for seconds in found if seconds is not None), None)


def _notice(conversation_id: str, message: Json, author: Participant) -> Notice | None:
    """Make of a stored message what its webhook would have been; None for one of ours."""
    normalised = as_object(message.get("normalizedMessage"))
    direction = as_text(message.get("direction")) or as_text(normalised.get("direction"))
    if direction.lower() != _OUTBOUND:
        return None
    body = {
        "type": "Text",
        "text": message.get("textBody"),
        "originatingEntity": "Human" if author.is_agent else "Bot",
        **normalised,
        "id": message.get("id"),
        "channel": {"time": message.get("timestamp"), **as_object(normalised.get("channel"))},
    }
    return Notice(conversation_id=conversation_id, body=body)


def _live_agents_in(answer: Json) -> int | None:
    """Count the live agents in a queue observation, which leaves out what is zero."""
    if not isinstance(answer.get("results"), list):
        return None
    return sum(
        as_count(as_object(entry.get("stats")).get("count")) or 0
        for result in as_objects(answer.get("results"))
        for entry in as_objects(result.get("data"))
        if entry.get("metric") == _METRIC and as_text(entry.get("qualifier")) != _ABSENT
    )
