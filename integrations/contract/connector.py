"""The interface every vendor implements, and the plain data it speaks."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from integrations.contract.errors import ConnectorError, UnsupportedFeatureError
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import AttachmentLimits, Capability, Manifest
from integrations.contract.rich_content import Answer

if TYPE_CHECKING:
    from integrations.http.client import HttpClient


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    """One line of what was said before the handoff; `speaker` is end_user, ai_agent or system."""

    speaker: str
    text: str = field(repr=False)
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndUserIdentity:
    """Who the end user is; `is_verified` means the customer's own system vouched for it."""

    external_id: str = field(repr=False)
    is_verified: bool = False
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRequest:
    """Everything a connector needs to open the vendor conversation.

    `handoff_id` is the idempotency key; `routing` is the dict the tool returned for this vendor.
    """

    handoff_id: str
    conversation_id: str
    end_user: EndUserIdentity
    # By what the end user writes: webchat, sms, whatsapp, or chat (the Chat API).
    channel: str
    transcript: Sequence[TranscriptLine]
    routing: Mapping[str, object] = field(repr=False)
    locale: str = ""
    webhook_url: str = ""
    # The vendor conversation of the same person's handoff before this one over this connection.
    previous_conversation_id: str = ""
    # A page of ours with the whole transcript: told to the live agent wherever a limit of the
    # vendor's cuts it. Whoever has the address can read it.
    transcript_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """An end user's message for the vendor; `message_id` (UUID) is the idempotency key.

    With `answer` it takes what a message of the vendor's offered: `text` is then the label.
    """

    message_id: str
    text: str = field(repr=False)
    sent_at: datetime
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorSession:
    """What a connector needs to carry on; `state` is opaque to us and encrypted at rest."""

    vendor_conversation_id: str
    cursor: str = ""
    state: Mapping[str, object] = field(default_factory=dict, repr=False)
    # Further names under which webhooks speak of this vendor conversation.
    keys: tuple[str, ...] = ()
    # Other vendor conversations, opened by messages that crossed the end of this one. The caller
    # keeps and ends them; connectors need not look.
    strays: tuple[str, ...] = ()


class EndReason(enum.Enum):
    """Why we tell the vendor that the conversation is over."""

    END_USER_ENDED = "end_user_ended"
    END_USER_LEFT = "end_user_left"
    CANCELLED = "cancelled"
    IDLE_TIMEOUT = "idle_timeout"
    WAIT_TIMEOUT = "wait_timeout"
    OPERATOR_ENDED = "operator_ended"
    FAILED = "failed"


class ReceiptKind(enum.Enum):
    """How far a live agent's message came on our side."""

    DELIVERED = "delivered"
    READ = "read"
    # Nobody can get it any more.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether somebody would answer; None means the vendor does not say."""

    is_available: bool | None
    position: int | None = None
    estimated_wait_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One line of Test connection: `code` is one of `failures.py`, `ms` the wall time."""

    name: str
    is_ok: bool
    code: str
    detail: str = ""
    ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorDocument:
    """A text to paste at the vendor, made of what has been entered; `name` is unique in a flow."""

    name: str
    label: str
    help_text: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A call from a vendor as it came; header names are in lower case."""

    endpoint: str  # the last part of the address: events or status
    method: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    # What the vendor has appended to the address, where the manifest says `appends_to_address`.
    path: str = field(default="", repr=False)
    # The whole address as the vendor was told it, for those who sign it.
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookItem:
    """One thing a call told us, stored before the call is answered.

    `item_id` makes a repeated call recognisable within the integration. `key` says whose it is:
    one of the keys of a VendorSession, or its vendor_conversation_id.
    """

    item_id: str
    key: str
    body: Mapping[str, object] = field(repr=False)
    # The portal may have missed calls until this moment: their repetitions come after this item.
    missed_until: datetime | None = None
    # The other side's own count of what it tells under this key, where it counts (from 1 on, 2
    # after 1): items are taken in that order, and a missing one is waited for a moment.
    position: int | None = None
    # The vendor's own time, where it does not count: what waits together is taken in this order.
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookResult:
    """What to store and what to answer; `body` is for handshakes."""

    items: Sequence[WebhookItem] = ()
    status: int = 200
    body: str = ""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundAttachment:
    """An end user's file; `attachment_id` (UUID) is the idempotency key.

    `public_url` is a signed address that expires, for vendors that fetch instead of receive.
    """

    attachment_id: str
    file_name: str = field(repr=False)
    mime_type: str
    content: bytes = field(repr=False)
    public_url: str = field(default="", repr=False)


# Names that begin so hold a secret that each use replaces. They are shared by the checks of a
# connection as well, outlast other changes to it, and are never read from a worker's own memory.
ROTATING = "rotating:"
# Names that begin so note how far something is: what was begun at the vendor, which numbers are
# used up. Another worker may have gone on with it, and no vendor refuses what is out of date
# here: these are never read from a worker's own memory either.
PROGRESS = ("start:", "sent:")


class TokenCache(Protocol):
    """Access tokens shared by all workers, per integration; values are encrypted at rest."""

    async def get(self, name: str) -> str | None:
        """Return the value, or None when absent or expired."""

    async def set(self, name: str, value: str, ttl_seconds: float) -> None:
        """Keep a value for `ttl_seconds`."""

    async def delete(self, name: str) -> None:
        """Forget a value; absent is fine."""

    async def replace(self, name: str, old: str | None, value: str, ttl_seconds: float) -> bool:
        """Keep a value for `ttl_seconds` in place of `old`, or None where there was none.

        False where another worker was faster: then nothing is kept, and it must be read again.
        """

    async def claim(self, name: str, ttl_seconds: float) -> bool:
        """Take a name for `ttl_seconds`: of all workers that ask, one is told True.

        `delete` gives it back. For what must not be done twice at once, such as a refresh that
        makes the refresh token before it worthless.
        """


class Connector(ABC):
    """One vendor's protocol; knows nothing of conversations, handoffs or Django."""

    manifest: ClassVar[Manifest]
    # Whether `receive` also takes an item without a body, when another worker goes on with a
    # session: it then returns what the vendor's history has, which no call may have told.
    reads_history: ClassVar[bool] = False
    # After so many seconds without a call, `receive` gets such an item as well: for vendors whose
    # calls may be lost on the way.
    silence_seconds: ClassVar[float | None] = None

    def __init__(
        self, *, credentials: Mapping[str, str], http: HttpClient, tokens: TokenCache
    ) -> None:
        """Keep the decrypted credentials for the life of this object, and nowhere else."""
        self._credentials = credentials
        self._http = http
        self._tokens = tokens

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this connection can do: the manifest's, or what its credentials leave of them."""
        return self.capabilities_with(self._credentials)

    # ---- every vendor implements these ----

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return the values as they will be kept, and a sentence for each change worth showing.

        Runs before validation, so values may still be malformed; must not do I/O.
        """
        return dict(values), ()

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Return errors by field name that the fields' own patterns cannot see; must not do I/O."""
        return {}

    @classmethod
    def capabilities_with(cls, credentials: Mapping[str, str]) -> frozenset[Capability]:
        """Return what a connection with these credentials can do: the manifest's, or fewer."""
        return cls.manifest.capabilities

    @classmethod
    def vendor_documents(cls, values: Mapping[str, str]) -> tuple[VendorDocument, ...]:
        """Return what an admin copies into the vendor's product; must not hold a secret.

        Values may be missing: their place is then marked in angle brackets. Must not do I/O.
        """
        return ()

    @abstractmethod
    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Yield one result per check of the manifest, in order; must never write at the vendor.

        Raises nothing of the ConnectorError tree: a failure is a result. Later checks that cannot
        run because of an earlier failure are yielded with code `skipped`.
        """

    def probe(self) -> AsyncIterator[CheckResult]:
        """Yield the checks that may be repeated every few minutes for as long as we are connected.

        All of them, unless one uses up something at the vendor.
        """
        return self.test_connection()

    @abstractmethod
    async def start(self, request: HandoffRequest) -> VendorSession:
        """Open the vendor conversation with transcript and context.

        Must be idempotent by `handoff_id` as far as the vendor allows: after a crash it is called
        again. May raise any ConnectorError: given up, `unfinished` names what is to be ended.
        """

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Return what a start that was given up may have left open, as `end` takes it.

        None says that nothing can be open, or that the vendor closes it by itself. Must not do
        I/O: `end` finds out what there is. `error` is the last one; None after a crash.
        """
        return None

    @abstractmethod
    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send one message; a repeat with the same `message_id` must not be shown twice if the
        manifest declares IDEMPOTENT_SEND. May raise any ConnectorError.

        Once a live agent has been there, a message must not reopen what is over: raise
        ConversationGoneError, which names what the call itself may have opened.
        """

    @abstractmethod
    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """End the vendor conversation for the end user; ending twice is not an error.

        Returning is the confirmation: before, the vendor must have said that nothing is open under
        this session, or knows nothing of it (ConversationGoneError says the same). Whatever else
        is raised, it is called again. It is also called after an end on the vendor's side, where a
        message may have crossed it.
        """

    async def late_messages(
        self, session: VendorSession, messages: Sequence[OutboundMessage]
    ) -> frozenset[str]:
        """Return the ids of those messages that came after the live agent's end.

        Asked once the vendor's side has ended, about what it took shortly before we knew, and
        before `end`. A vendor whose manifest says `takes_after_end` must look into its history;
        elsewhere what was taken has arrived. May raise any ConnectorError.
        """
        return frozenset()

    async def tool_call(self, operation: str, given: Mapping[str, Any]) -> object:
        """Carry out one of the manifest's `tool_operations`; returns plain data.

        The arguments are those that the operation declares. Raises ValueError for a value that
        cannot be meant, and any ConnectorError.
        """
        raise UnsupportedFeatureError(operation)

    async def close(self) -> None:  # noqa: B027 - having nothing to let go of is common
        """Let go of what sessions share; called when the last one in this process is over.

        One object serves every session of an integration in a relay worker, so that they can share
        a token, a budget or a notification socket.
        """

    # ---- by declared delivery: STREAM implements listen, WEBHOOK the two below it. A WEBHOOK
    # ---- vendor may implement listen as well, for what its webhooks do not tell.

    def listen(self, session: VendorSession) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        """Yield each event with the session to store after it was applied.

        Owns its reconnects, token renewal and catch-up; returns when the vendor conversation has
        ended, raises a ConnectorError when it gives up, may be cancelled at any await. A refusal
        alone is no end: ConversationGoneError says that the vendor's own history or state shows it.
        """
        raise UnsupportedFeatureError("listen")

    @classmethod
    def parse_webhook(
        cls, request: WebhookRequest, credentials: Mapping[str, str]
    ) -> WebhookResult:
        """Verify the raw body first, then say what to store; must not do I/O.

        Raises WebhookVerificationError before anything is parsed. Unknown kinds become items too:
        `receive` turns them into UnknownEvent.
        """
        raise UnsupportedFeatureError("parse_webhook")

    async def receive(
        self, session: VendorSession, item: WebhookItem
    ) -> Sequence[tuple[VendorSession, VendorEvent]]:
        """Turn one stored item into events, each with the session to store after it.

        May call the vendor, for what calls missed before the item have said (`missed_until`).
        Items of one conversation come in the order in which they arrived;
        called again for the same item after a crash. May raise any ConnectorError: a retryable one
        is tried again, another one drops the item.
        """
        raise UnsupportedFeatureError("receive")

    @classmethod
    def said_in(cls, item: WebhookItem) -> str:
        """Return the vendor's id of what a live agent or a bot says in an item; empty for others.

        An item that comes after the end is not received: `send_receipt` says that it failed.
        """
        return ""

    # ---- only where the vendor must be told our webhook address ----

    async def on_connected(self, webhook_urls: Mapping[str, str]) -> Mapping[str, str]:
        """Register our addresses (by endpoint) at the vendor; return further secrets to keep."""
        return {}

    async def on_disconnected(self) -> None:  # noqa: B027 - most vendors need no word
        """Take our addresses back; failing is not an error for the admin."""

    # ---- by declared capability ----

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Say whether somebody would answer; may raise any ConnectorError."""
        raise UnsupportedFeatureError("check_availability")

    async def send_typing(self, session: VendorSession, *, is_typing: bool) -> VendorSession:
        """Show or hide the end user's typing at the vendor; losing one is harmless."""
        raise UnsupportedFeatureError("send_typing")

    async def send_presence(self, session: VendorSession, *, is_away: bool) -> VendorSession:
        """Show that the end user is away, or is back; losing one is harmless."""
        raise UnsupportedFeatureError("send_presence")

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Tell the vendor how far its message came; losing one is harmless."""
        raise UnsupportedFeatureError("send_receipt")

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Send one file of the end user's; may raise any ConnectorError."""
        raise UnsupportedFeatureError("send_attachment")

    @classmethod
    def attachment_limits(cls, session: VendorSession) -> AttachmentLimits | None:
        """Return which files this vendor conversation takes; None leaves those of the manifest.

        For vendors who tell when a conversation begins. Must not do I/O.
        """
        return None

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Download a live agent's file, with the vendor's authorisation where it needs one."""
        raise UnsupportedFeatureError("fetch_attachment")
