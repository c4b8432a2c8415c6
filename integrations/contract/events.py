"""What a vendor can tell us, in our own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from integrations.contract.rich_content import (
    NO_RICH_CONTENT,
    Author,
    Markup,
    RichContent,
    VendorFile,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorEvent:
    """Anything that happened at the vendor; the pair (handoff, vendor_event_id) is applied once."""

    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAgentJoined(VendorEvent):
    """A live agent entered the vendor conversation."""

    agent_id: str
    agent_name: str = field(repr=False)
    avatar_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAgentLeft(VendorEvent):
    """A live agent left; alone this is not the end of the conversation."""

    agent_id: str
    agent_name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAgentMessage(VendorEvent):
    """A live agent, or the vendor's own bot or flow, wrote.

    All parts of one message of the vendor's are one event. `vendor_message_id` is what an answer to
    it names, and an edit or a deletion. A bot's message makes nobody join.
    """

    agent_id: str
    agent_name: str = field(default="", repr=False)
    text: str = field(repr=False)
    markup: Markup = Markup.PLAIN
    rich: RichContent = NO_RICH_CONTENT
    files: tuple[VendorFile, ...] = ()
    by: Author = Author.LIVE_AGENT
    vendor_message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAgentMessageEdited(VendorEvent):
    """A message that came under `vendor_message_id` reads differently now, or is a later part."""

    vendor_message_id: str
    text: str = field(repr=False)
    markup: Markup = Markup.PLAIN
    rich: RichContent = NO_RICH_CONTENT


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAgentMessageDeleted(VendorEvent):
    """A message that came under `vendor_message_id` was taken back."""

    vendor_message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAgentTyping(VendorEvent):
    """A live agent started or stopped typing; transient, never stored.

    `seconds` says for how long it is shown where the vendor may never tell that it has stopped.
    """

    agent_id: str
    is_typing: bool
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEchoed(VendorEvent):
    """The vendor repeats a message of ours: proof that it arrived, never shown."""

    vendor_message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDelivered(VendorEvent):
    """The other side received the message we sent under `vendor_message_id`."""

    vendor_message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRead(VendorEvent):
    """The other side read everything up to the message we sent under `vendor_message_id`."""

    vendor_message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed(VendorEvent):
    """What the vendor took under `vendor_message_id` did not reach the other side after all.

    `reason` is the vendor's own code or words, for the operator.
    """

    vendor_message_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleWarning(VendorEvent):
    """The vendor will end the conversation if the end user stays silent."""

    seconds_left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePositionChanged(VendorEvent):
    """Waiting: place in the queue (1 is next) or expected wait in seconds, whichever is known."""

    position: int | None = None
    estimated_wait_seconds: int | None = None
    queue_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemNotice(VendorEvent):
    """The vendor's own system wrote to the end user, for instance an automatic greeting."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStarted(VendorEvent):
    """The vendor moves the conversation to another queue or live agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLiveAgents(VendorEvent):
    """The vendor gave up routing: nobody will take this conversation."""

    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRefused(VendorEvent):
    """The vendor had accepted a start, and says now that it came to nothing.

    `code` is that of the error which `start` would have raised; `detail` is for the operator.
    """

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEnded(VendorEvent):
    """The vendor conversation is over; `ended_by` is the vendor's role name or empty.

    `cause` says when no person ended it: `vendor_idle` or `vendor_time_limit`.
    """

    ended_by: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(VendorEvent):
    """An event we do not know: counted and logged by `name`, then dropped."""

    name: str
