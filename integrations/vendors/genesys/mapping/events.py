"""What a message of Genesys's, from a webhook or from its history, means in our events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict

from integrations.contract.events import (
    LiveAgentMessage,
    LiveAgentTyping,
    MessageDelivered,
    MessageEchoed,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.json_values import (
    Json,
    as_count,
    as_moment,
    as_object,
    as_objects,
    as_text,
)
from integrations.vendors.genesys.mapping.content import content_of

OPENING_PREFIX = "opening:"
_INBOUND, _OUTBOUND = "Inbound", "Outbound"
_BOT = "Bot"
_SPOKEN = ("Text", "Structured")
TYPING_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A live agent as events name them; `agent_id` is the user's id at Genesys."""

    agent_id: str
    name: str = field(default="", repr=False)


class EventBase(TypedDict):
    """What every event has."""

    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One body as it came, and what we know about it.

    `our_id` is the id we gave to the message of ours that the body is about.
    """

    conversation_id: str
    body: Json = field(repr=False)
    our_id: str = ""

    @property
    def identifier(self) -> str:
        """Return Genesys's id of the message."""
        return as_text(self.body.get("id"))

    @property
    def is_ours(self) -> bool:
        """Say whether it comes from our side, or is about something that did."""
        return self.body.get("direction") == _INBOUND

    @property
    def is_from_live_agent(self) -> bool:
        """Say whether a person at Genesys is the author."""
        return not self.is_ours and self.body.get("originatingEntity") != _BOT

    @property
    def is_spoken(self) -> bool:
        """Say whether it is something to read, not a receipt or an indicator."""
        return self.body.get("type") in _SPOKEN

    @property
    def is_typing(self) -> bool:
        """Say whether it is a typing indicator."""
        return self.body.get("type") == "Event"


def sender_id_of(body: Json) -> str:
    """Return the id that the sender gave to a message."""
    return as_text(as_object(body.get("channel")).get("messageId"))


def occurred_at(body: Json) -> datetime | None:
    """Return when Genesys says it happened."""
    return as_moment(as_object(body.get("channel")).get("time"))


def owner_of(body: Json, integration_id: str) -> str:
    """Return whose it is: the external user id that we made up for the handoff."""
    channel = as_object(body.get("channel"))
    # A receipt about a message of ours may name us as its sender.
    names = (as_text(as_object(channel.get(side)).get("id")) for side in ("to", "from"))
    return next((name for name in names if name and name != integration_id), "")


def events_of(notice: Notice, agent: Agent) -> list[VendorEvent]:
    """Return what a body means; `agent` is whoever speaks if a live agent does."""
    kind = as_text(notice.body.get("type"))
    reader = _READERS.get(kind)
    if reader is None:
        return [UnknownEvent(**_base(notice), name=kind or "untyped")]
    return reader(notice, agent)


def typing_seconds(notice: Notice) -> float:
    """Return how long an indicator holds; Genesys never takes one back."""
    events = as_objects(notice.body.get("events"))
    durations = (as_count(as_object(event.get("typing")).get("duration")) for event in events)
    return next((milliseconds / 1000 for milliseconds in durations if milliseconds), TYPING_SECONDS)


def _base(notice: Notice, suffix: str = "") -> EventBase:
    return {
        "vendor_event_id": notice.identifier + suffix,
        "vendor_conversation_id": notice.conversation_id,
        "occurred_at": occurred_at(notice.body) or datetime.now(UTC),
    }


def _read_spoken(notice: Notice, agent: Agent) -> list[VendorEvent]:
    if notice.is_ours:
        return [MessageEchoed(**_base(notice), vendor_message_id=notice.our_id)]
    content, author = (
        content_of(notice.body),
        agent if notice.is_from_live_agent else _bot(notice, agent),
    )
    if not (content.text or content.rich or content.files):
        return []
    said = LiveAgentMessage(
        **_base(notice),
        agent_id=author.agent_id,
        agent_name=author.name,
        text=content.text,
        rich=content.rich,
        files=tuple(content.files),
        by=Author.LIVE_AGENT if notice.is_from_live_agent else Author.VENDOR_BOT,
        vendor_message_id=notice.identifier,
    )
    return [said]


def _bot(notice: Notice, leg: Agent) -> Agent:
    """Name a flow as its messages do: by the integration, in either spelling that was seen."""
    sender = as_object(as_object(notice.body.get("channel")).get("from"))
    name = as_text(sender.get("nickname")) or as_text(sender.get("nickName")) or leg.name
    return Agent(agent_id=as_text(sender.get("id")) or _BOT, name=name)


def _read_typing(notice: Notice, agent: Agent) -> list[VendorEvent]:
    events: list[VendorEvent] = []
    for number, event in enumerate(as_objects(notice.body.get("events"))):
        base = _base(notice, f":{number}" if number else "")
        kind = as_text(event.get("eventType"))
        if kind != "Typing":
            events.append(UnknownEvent(**base, name=f"Event {kind}"))
            continue
        is_typing = as_object(event.get("typing")).get("type") != "Off"
        if notice.is_from_live_agent:
            typing = LiveAgentTyping(**base, agent_id=agent.agent_id, is_typing=is_typing)
            events.append(typing)
    return events


def _read_receipt(notice: Notice, agent: Agent) -> list[VendorEvent]:
    """Read how far a message of ours came; what is about the live agent's own is not for us."""
    status = as_text(notice.body.get("status"))
    base = _base(notice, f":{status}")
    if notice.body.get("direction") == _OUTBOUND:
        return []
    if status == "Delivered":
        return [MessageDelivered(**base, vendor_message_id=notice.our_id)]
    if status == "Read":
        return [MessageRead(**base, vendor_message_id=notice.our_id)]
    if status != "Failed":
        return []
    reasons = _reasons(notice.body)
    if notice.our_id.startswith(OPENING_PREFIX):
        detail = reasons or "Genesys did not take the first message"
        return [NoLiveAgents(**base, detail=detail)]
    return [MessageFailed(**base, vendor_message_id=notice.our_id, reason=reasons)]


def _reasons(body: Json) -> str:
    reasons = as_objects(body.get("reasons"))
    words = (as_text(r.get("message")) or as_text(r.get("code")) for r in reasons)
    return "; ".join(filter(None, words))[:300]


_READERS: Mapping[str, Callable[[Notice, Agent], list[VendorEvent]]] = {
    "Text": _read_spoken,
    "Structured": _read_spoken,
    "Event": _read_typing,
    "Receipt": _read_receipt,
}
