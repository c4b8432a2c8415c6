"""What a carrier of text messages implements: it brings end users' texts and takes ours.

A carrier is connected, tested and registered like any other vendor; it takes no handoff.
"""

from __future__ import annotations

import enum
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from integrations.contract.connector import (
    Connector,
    EndReason,
    HandoffRequest,
    OutboundMessage,
    VendorSession,
    WebhookItem,
)
from integrations.contract.errors import RejectedError, UnsupportedFeatureError
from integrations.contract.manifest import ErrorHelp


class TextStatus(enum.StrEnum):
    """How far a text of ours came; each word is also what is stored."""

    TAKEN = "taken"  # the carrier has it
    SENT = "sent"  # it has left the carrier
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"

    @property
    def rank(self) -> int:
        """Return a number that only grows: reports come in any order."""
        return {TextStatus.TAKEN: 1, TextStatus.SENT: 2}.get(self, 3)

    @property
    def is_lost(self) -> bool:
        """Say whether the end user will never read it."""
        return self in (TextStatus.UNDELIVERED, TextStatus.FAILED)


class Keyword(enum.StrEnum):
    """A text that is a word to the carrier, not to whoever answers."""

    STOP = "stop"
    START = "start"
    HELP = "help"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file that came with a text, and where it can be fetched."""

    url: str = field(repr=False)
    mime_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundText:
    """A text of an end user's; `carrier_id` makes a repetition recognisable."""

    carrier_id: str
    # Both in E.164, or a short code.
    sender: str = field(repr=False)
    recipient: str
    text: str = field(repr=False)
    media: tuple[Media, ...] = ()
    segments: int = 1
    keyword: Keyword | None = None
    # The word is one that people say too, such as "yes": it counts only where it changes something.
    is_everyday_word: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReport:
    """How far a text of ours came, by our own id of it."""

    text_id: str
    carrier_id: str
    status: TextStatus
    # The carrier's own number for what went wrong.
    error_code: str = ""
    # It did not go because the end user wants no more texts.
    is_opted_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundText:
    """A text for an end user; `text_id` (UUID) comes back in its reports."""

    text_id: str
    sender: str
    recipient: str = field(repr=False)
    text: str = field(repr=False)
    media_urls: tuple[str, ...] = field(default=(), repr=False)
    # Where the carrier tells how far it came; empty where nobody wants to know.
    report_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentText:
    """What the carrier says of a text that it has taken."""

    carrier_id: str
    status: TextStatus = TextStatus.TAKEN
    error_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPolicy:
    """What a connection's values say about its threads."""

    # The numbers that are listed; none where a pool at the carrier chooses.
    numbers: tuple[str, ...] = ()
    # The variant of conversations with a number, by number.
    variants: Mapping[str, str] = field(default_factory=dict)
    # What is told besides what people say: greeting, joined, left, ended.
    told: frozenset[str] = frozenset()
    sends_media: bool = False
    wants_reports: bool = True
    texts_per_second: float = 1.0


# Says which of a carrier's ids of texts no call has told.
Untold = Callable[[Collection[str]], Awaitable[Collection[str]]]


class OptedOutError(RejectedError):
    """The end user has told the carrier that they want no more texts."""


class Carrier(Connector):
    """One carrier's protocol; knows nothing of conversations, journals or Django."""

    # What helps with the carrier's own error numbers.
    error_causes: ClassVar[Mapping[str, ErrorHelp]] = {}
    # What fits into one text; longer ones are sent as several.
    max_characters: ClassVar[int] = 1600
    max_media_bytes: ClassVar[int] = 5 * 1024 * 1024  # of all its files together
    max_media_files: ClassVar[int] = 10

    # ---- every carrier implements these, and parse_webhook, which must judge the signature ----

    @classmethod
    @abstractmethod
    def policy(cls, credentials: Mapping[str, str]) -> ThreadPolicy:
        """Return what the values say about threads; must not do I/O."""

    @classmethod
    @abstractmethod
    def read(
        cls, item: WebhookItem, credentials: Mapping[str, str]
    ) -> InboundText | TextReport | None:
        """Return what a verified call tells; None for what concerns nobody. Must not do I/O."""

    @abstractmethod
    async def send(self, text: OutboundText) -> SentText:
        """Hand a text over; may raise any ConnectorError, OptedOutError among them."""

    @abstractmethod
    async def find_sent(
        self, text: OutboundText, *, since: datetime, but: Collection[str]
    ) -> SentText | None:
        """Return a text whose answer was lost, if the carrier has it; `but` are other texts' ids.

        May raise any ConnectorError; without a way to look it returns None, and one may be doubled.
        """

    async def received(
        self, number: str, *, since: datetime, untold: Untold
    ) -> Sequence[InboundText]:
        """Return what came in at a number since then and no call has told, oldest first.

        Calls may have been lost while we were away: the carrier's list may have what they had,
        files too. May raise any ConnectorError.
        """
        return ()

    @abstractmethod
    async def fetch_media(self, media: Media, *, max_bytes: int) -> bytes:
        """Download what came with a text; may raise any ConnectorError."""

    # ---- carriers leave these alone: nobody is there to take over ----

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Refuse: no live agent is there."""
        raise UnsupportedFeatureError("start")

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Refuse likewise."""
        raise UnsupportedFeatureError("send_message")

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Have nothing to end."""
