"""Who is present in a Genesys conversation, read from the conversation itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    NoLiveAgents,
    TransferStarted,
    VendorEvent,
)
from integrations.kit.json_values import Json, as_moment, as_object, as_objects, as_text
from integrations.vendors.genesys.mapping.messages import Agent, EventBase

_AGENTS = ("agent", "user")
_CUSTOMERS = ("customer", "external")
_QUEUE = "acd"
_PRESENT = ("connected", "parked")
_COMING = ("alerting", "dialing", "contacting", "offering", "converting")
_GONE = ("disconnected", "terminated")
# The person who left did it themselves; the other way round, the other side hung up.
_OWN_DOING = ("CLIENT", "ENDPOINT")
_OTHER_SIDE = "PEER"
# Nobody ended it, but a clock of Genesys's.
_CAUSES = {
    "INACTIVITY": "vendor_idle",
    "SESSION_EXPIRED": "vendor_time_limit",
    "TIMEOUT": "vendor_time_limit",
}
# What passes a conversation on has TRANSFER in its name, apart from this one.
_TAKEOVER = "TAKEOVER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Where a conversation waits."""

    identifier: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One leg of a conversation, past or present."""

    identifier: str
    purpose: str
    state: str
    agent: Agent
    queue_id: str
    disconnect_type: str
    connected_at: datetime | None
    ended_at: datetime | None
    # Id and time of each message of this leg's.
    messages: tuple[tuple[str, datetime | None], ...] = field(repr=False)

    @property
    def is_agent(self) -> bool:
        """Say whether a person at Genesys has this leg."""
        return self.purpose in _AGENTS

    @property
    def is_customer(self) -> bool:
        """Say whether this leg is the end user's."""
        return self.purpose in _CUSTOMERS

    @property
    def is_present(self) -> bool:
        """Say whether the leg is connected."""
        return self.state in _PRESENT

    @property
    def is_coming(self) -> bool:
        """Say whether it is only being offered."""
        return self.state in _COMING

    @property
    def is_gone(self) -> bool:
        """Say whether the leg is over."""
        return self.state in _GONE

    @property
    def has_been_present(self) -> bool:
        """Say whether it was ever connected: an offer that nobody took was not."""
        return self.is_present or self.connected_at is not None

    @property
    def was_passed_on(self) -> bool:
        """Say whether the leg ended because somebody else takes over."""
        return "TRANSFER" in self.disconnect_type or self.disconnect_type == _TAKEOVER


def participants_of(conversation: Json) -> list[Participant]:
    """Return all legs, oldest first."""
    return [_participant(item) for item in as_objects(conversation.get("participants"))]


def customer_of(participants: list[Participant]) -> Participant | None:
    """Return the end user's newest leg."""
    return next((item for item in reversed(participants) if item.is_customer), None)


def ended_leg(participants: list[Participant]) -> Participant | None:
    """Return the end user's leg with which the live agent's part was over; None while it goes on.

    A leg behind it belongs to a message that crossed the end: the threading window has pulled it
    back into the conversation. Before a live agent came, it simply goes on in the next leg.
    """
    legs = [item for item in participants if item.is_customer]
    gone = (leg for leg in legs if leg.is_gone)
    return next((leg for leg in gone if leg is legs[-1] or _attended(leg, participants)), None)


def late_ids(participants: list[Participant]) -> list[str]:
    """Return Genesys's ids of what the end user said behind the end."""
    legs = [item for item in participants if item.is_customer]
    leg = ended_leg(participants)
    behind = legs[legs.index(leg) + 1 :] if leg else []
    return [message_id for item in behind for message_id, _ in item.messages]


def _attended(leg: Participant, participants: list[Participant]) -> bool:
    """Say whether a live agent came while this leg was there."""
    agents = (item for item in participants if item.is_agent and item.has_been_present)
    return any(
        not (item.connected_at and leg.ended_at) or item.connected_at <= leg.ended_at
        for item in agents
    )


def agent_of(participants: list[Participant]) -> Agent | None:
    """Return the live agent who is present, else the one who was last."""
    agents = [item for item in participants if item.is_agent and item.has_been_present]
    present = [item for item in agents if item.is_present]
    return (present or agents)[-1].agent if agents else None


def name_of(user: Json) -> str:
    """Return a user's name; without one, what stands before the @ of their address."""
    return as_text(user.get("name")).strip() or as_text(user.get("email")).partition("@")[0]


def only_agent(participants: list[Participant]) -> Agent | None:
    """Return the live agent who is present alone: then every word is theirs."""
    present = [item.agent for item in participants if item.is_agent and item.is_present]
    return present[0] if len(present) == 1 else None


def author_of(message_id: str, participants: list[Participant]) -> Agent | None:
    """Return the live agent whose leg has a message; where none has it yet, whoever is likely."""
    agents = (item for item in participants if item.is_agent)
    named = (i.agent for i in agents if any(known == message_id for known, _ in i.messages))
    return next(named, None) or agent_of(participants)


def said_to_end_user(
    participants: list[Participant],
) -> list[tuple[str, datetime | None, Participant]]:
    """Return id, time and leg of every message that is not the end user's own."""
    return [
        (message_id, at, item)
        for item in participants
        if not item.is_customer
        for message_id, at in item.messages
    ]


def waiting_queue(participants: list[Participant]) -> Queue | None:
    """Return the queue in which the conversation waits, if it waits in one."""
    if any(item.is_agent and item.is_present for item in participants):
        return None
    waiting = (i for i in reversed(participants) if i.purpose == _QUEUE and i.is_present)
    leg = next((item for item in waiting if item.queue_id), None)
    return Queue(identifier=leg.queue_id, name=leg.agent.name) if leg else None


def normalised_disconnect(value: object) -> str:
    """Write both spellings of a disconnect type alike: transfer.noanswer, NO_ANSWER_TRANSFER."""
    return as_text(value).upper().replace(".", "_")


class Presence:
    """Turns what a conversation looks like into what has happened since the last look."""

    def __init__(self, conversation_id: str) -> None:
        """Start before anything is known; the first look tells all that happened so far."""
        self._conversation_id = conversation_id
        self._joined: set[str] = set()
        self._left: set[str] = set()
        self.has_ended = False

    @property
    def is_between_agents(self) -> bool:
        """Say whether live agents were here and none is now."""
        return bool(self._joined) and self._joined == self._left

    def apply(self, participants: list[Participant]) -> list[VendorEvent]:
        """Return the arrivals and departures that are news."""
        events: list[VendorEvent] = []
        for item in participants:
            if not item.is_agent or not item.has_been_present:
                continue
            if item.identifier not in self._joined:
                self._joined.add(item.identifier)
                events.append(self._arrival(item))
            if item.is_gone and item.identifier not in self._left:
                self._left.add(item.identifier)
                events += self._departure(item)
        return events

    def ended(self, participants: list[Participant]) -> list[VendorEvent]:
        """Return the end of the conversation; before anybody came it is a failure to find one."""
        self.has_ended = True
        customer = ended_leg(participants) or customer_of(participants)
        moment = customer.ended_at if customer else None
        is_ours = customer is not None and customer.disconnect_type in _OWN_DOING
        ended_by = _ended_by(participants, is_ours=is_ours)
        name = self._conversation_id
        cause = _cause(participants, customer)
        end = ConversationEnded(
            **self._base(f"{name}:ended", moment), ended_by=ended_by, cause=cause
        )
        if self._joined or is_ours:
            return [end]
        detail = "Genesys closed the conversation before a live agent joined"
        return [NoLiveAgents(**self._base(f"{name}:nobody", moment), detail=detail), end]

    def _arrival(self, item: Participant) -> LiveAgentJoined:
        base = self._base(f"{item.identifier}:joined", item.connected_at)
        return LiveAgentJoined(**base, agent_id=item.agent.agent_id, agent_name=item.agent.name)

    def _departure(self, item: Participant) -> list[VendorEvent]:
        base = self._base(f"{item.identifier}:left", item.ended_at)
        left = LiveAgentLeft(**base, agent_id=item.agent.agent_id, agent_name=item.agent.name)
        if not item.was_passed_on:
            return [left]
        return [TransferStarted(**self._base(f"{item.identifier}:transfer", item.ended_at)), left]

    def _base(self, event_id: str, moment: datetime | None) -> EventBase:
        return {
            "vendor_event_id": event_id,
            "vendor_conversation_id": self._conversation_id,
            "occurred_at": moment or datetime.now(UTC),
        }


def _cause(participants: list[Participant], customer: Participant | None) -> str:
    agents = [item for item in participants if item.is_agent and item.has_been_present]
    types = [leg.disconnect_type for leg in (customer, *agents[-1:]) if leg]
    return next((_CAUSES[one] for one in types if one in _CAUSES), "")


def _ended_by(participants: list[Participant], *, is_ours: bool) -> str:
    agents = [item for item in participants if item.is_agent and item.has_been_present]
    if agents and agents[-1].disconnect_type in _OWN_DOING:
        return "Agent"
    if is_ours or (agents and agents[-1].disconnect_type == _OTHER_SIDE):
        return "EndUser"
    return "System"


def _participant(item: Json) -> Participant:
    user_id = as_text(as_object(item.get("user")).get("id"))
    identifier = as_text(item.get("id"))
    messages = (
        (as_text(message.get("messageId")), as_moment(message.get("messageTime")))
        for message in as_objects(item.get("messages"))
    )
    return Participant(
        identifier=identifier,
        purpose=as_text(item.get("purpose")).lower(),
        state=as_text(item.get("state")).lower(),
        agent=Agent(agent_id=user_id or identifier, name=as_text(item.get("name"))),
        queue_id=as_text(as_object(item.get("queue")).get("id")),
        disconnect_type=normalised_disconnect(item.get("disconnectType")),
        connected_at=as_moment(item.get("connectedTime")),
        ended_at=as_moment(item.get("endTime")),
        messages=tuple(message for message in messages if message[0]),
    )
