"""What is known about a connector without running it: data from which forms and docs are made."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from integrations.contract.failures import OWN_TROUBLE, UNKNOWN, answer_word
from integrations.contract.hints import Hint
from integrations.contract.tool_operations import ToolOperation


class Delivery(enum.Enum):
    """How a vendor's events reach us."""

    STREAM = "stream"
    WEBHOOK = "webhook"
    NONE = "none"  # nothing comes back: no live chat can go there


class TileGroup(enum.Enum):
    """The headings of Configure > Integrations, in order."""

    LIVE_AGENTS = "Live agents"
    CHANNELS = "Messaging channels"
    CRM = "CRM and tickets"


class Capability(enum.Enum):
    """What a connector can do beyond starting, sending text and ending."""

    TYPING_OUT = "typing_out"
    TYPING_IN = "typing_in"
    # Show that the end user is away, and back.
    PRESENCE_OUT = "presence_out"
    ATTACHMENT_OUT = "attachment_out"
    ATTACHMENT_IN = "attachment_in"
    READ_RECEIPT_OUT = "read_receipt_out"
    READ_RECEIPT_IN = "read_receipt_in"
    # Tell that nobody can get a message any more.
    FAILED_RECEIPT_OUT = "failed_receipt_out"
    TRANSCRIPT = "transcript"
    QUEUE_POSITION = "queue_position"
    AVAILABILITY = "availability"
    TRANSFER = "transfer"
    IDEMPOTENT_SEND = "idempotent_send"


class Support(enum.Enum):
    """How we know that a connector works; says nothing about the vendor."""

    LIVE_TESTED = "live_tested"
    SIMULATED = "simulated"
    EXPERIMENTAL = "experimental"


class FieldKind(enum.Enum):
    """Which control and which cleaning a credential field gets."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of field, not a value
    MULTILINE_SECRET = "multiline_secret"  # noqa: S105 - likewise
    URL = "url"
    CHOICE = "choice"
    CHOICES = "choices"  # any number of them, kept with commas between
    NUMBER = "number"
    SWITCH = "switch"
    KEY_VALUE = "key_value"

    @property
    def is_secret(self) -> bool:
        """Say whether the value is write-only."""
        return self in (FieldKind.SECRET, FieldKind.MULTILINE_SECRET)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One value an admin pastes; drives the form, the API, the checks and the docs."""

    name: str
    label: str
    help_text: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    pattern: str = ""
    pattern_error: str = ""
    example: str = ""
    max_length: int = 1024
    minimum: int | None = None
    maximum: int | None = None
    url_host_suffix: str = ""
    shown_for_modes: tuple[str, ...] = ()
    required_for_modes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorHelp:
    """What an admin reads for one failing check: the cause and the cure, a sentence each."""

    cause: str
    cure: str


class Symptom(enum.Enum):
    """What people see go wrong at a vendor while every check is green, in their words."""

    NOT_APPEARING = "The conversation does not appear with live agents"
    NO_REPLIES = "Live agents' messages do not arrive in the chat"
    NO_VALUES = "Values are missing with live agents"
    ENDS_EARLY = "It ends before anybody has it"


def usual_help(
    checks: Iterable[str], *, vendor: str, status_page: str
) -> dict[tuple[str, str], ErrorHelp]:
    """Return what helps where the vendor itself is slow, broken or asked too often."""
    usual = {
        "timeout": ErrorHelp(
            cause=f"{vendor} did not answer within 4 seconds.",
            cure=f"Test again. If it stays, look at {status_page} and at your firewall.",
        ),
        "unknown": ErrorHelp(
            cause=f"{vendor} answered with an error of its own.",
            cure=f"Test again. If it stays, look at {status_page}.",
        ),
        "rate_limited": ErrorHelp(
            cause=f"{vendor} limits how often an account may be asked.",
            cure="Wait a minute and test again.",
        ),
    }
    return {(check, code): found for check in checks for code, found in usual.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedKeyPair:
    """A key pair the portal can make: the private half fills a field, the public half is shown."""

    private_key_field: str
    # The fields that hold the key's id and algorithm at the vendor.
    key_id_field: str
    algorithm_field: str
    label: str
    help_text: str
    shown_for_modes: tuple[str, ...] = ()


class GeneratedKind(enum.Enum):
    """What the portal makes for an admin to paste at the vendor."""

    WEBHOOK_URL = "webhook_url"
    SECRET = "secret"  # noqa: S105 - a kind of value
    EXTERNAL_ID = "external_id"
    USER_NAME = "user_name"  # goes with a password, which is a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedValue:
    """A value shown in the step "Give to vendor".

    All but an address is kept among the credentials under `name`; a secret is shown once.
    For a webhook address `name` is its last part: events or status.
    """

    name: str
    kind: GeneratedKind
    label: str
    help_text: str
    shown_for_modes: tuple[str, ...] = ()
    # Of a secret, in random bytes; the text is a third longer.
    size: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentLimits:
    """What the vendor takes from an end user; an empty list of types means any."""

    max_bytes: int
    mime_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All that is known about a connector without running it.

    A folder with a manifest and no connector is a vendor that is planned: payloads may name it, and
    its tile says that it is not available yet.
    """

    key: str
    integration_key: str
    # The title of its tile; several connectors may share one.
    tile: str
    name: str
    # What the tile says, in one sentence.
    summary: str
    delivery: Delivery
    group: TileGroup = TileGroup.LIVE_AGENTS
    docs_url: str = ""
    # How sentences call the vendor, where the name says more than that.
    vendor: str = ""
    capabilities: frozenset[Capability] = frozenset()
    fields: tuple[CredentialField, ...] = ()
    # The field whose choice is the connection type: it decides which others are shown.
    mode_field: str = ""
    # Among the connectors of one tile: which comes first and speaks for it, and what its only
    # connection type is called.
    tile_order: int = 0
    connection_type: str = ""
    # What an admin must know at once, such as that the vendor has retired the product.
    notice: str = ""
    # What a tool may set beyond the hints that every integration understands.
    hints: tuple[Hint, ...] = ()
    # Hints that would let a tool choose where credentials are sent.
    refused_hints: frozenset[str] = frozenset()
    support: Support = Support.SIMULATED
    # Names that a tool may use instead of the integration key.
    aliases: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()
    vendor_steps: tuple[str, ...] = ()
    check_names: tuple[tuple[str, str], ...] = ()
    error_help: Mapping[tuple[str, str], ErrorHelp] = field(default_factory=dict)
    # Likely causes of what no check finds, the likeliest first.
    symptoms: Mapping[Symptom, tuple[ErrorHelp, ...]] = field(default_factory=dict)
    key_pair: GeneratedKeyPair | None = None
    loggable_keys: frozenset[str] = frozenset()
    generated: tuple[GeneratedValue, ...] = ()
    # Fields that together name what calls one portal address: only one connection may have it.
    exclusive_fields: tuple[str, ...] = ()
    attachments: AttachmentLimits | None = None
    # The field by whose value payloads choose among connections; their hint has the same name.
    named_by: str = ""
    # What a crash between send and mark may do, where the vendor offers nothing against it.
    repeat_note: str = ""
    # A message that comes after a live agent's end is taken as any other, and opens something new:
    # only the vendor's history tells which messages the live agent still got.
    takes_after_end: bool = False
    # What the vendor answers when it is asked for live agents, in a sentence for the admin.
    availability: str = ""
    # Where a live agent reads the hint `note`, which the end user never does.
    private_note: str = ""
    # It takes attributes only under names that were declared there before.
    declares_attributes: bool = False
    # The vendor appends paths of its own to our address, and calls them with PUT as well.
    appends_to_address: bool = False
    # No conversation can be handed over to it, not even as a ticket: it serves tools alone.
    only_for_tools: bool = False
    # End users write through it, by this channel; no handoff goes there.
    channel: str = ""
    # What tools can call, under conv.integrations.<tool_name>.
    tool_name: str = ""
    tool_operations: tuple[ToolOperation, ...] = ()

    def help_for(self, check: str, code: str) -> ErrorHelp | None:
        """Return what helps with a check that failed; the vendor's own trouble shares a text."""
        found = self.error_help.get((check, code))
        if found is None and answer_word(code) == OWN_TROUBLE:
            return self.error_help.get((check, UNKNOWN))
        return found

    @property
    def mode_choice(self) -> CredentialField | None:
        """Return the field that chooses the connection type; None where there is one type."""
        return next((item for item in self.fields if item.name == self.mode_field), None)

    @property
    def override_hints(self) -> tuple[str, ...]:
        """The hints that replace a saved value, where the project allows inline overrides."""
        return tuple(hint.name for hint in self.hints if hint.replaces_saved)

    @property
    def listed_hints(self) -> dict[str, tuple[str, ...]]:
        """The hints that must be on a list of the connection's, by name: the fields that list."""
        return {hint.name: hint.listed_in for hint in self.hints if hint.listed_in}

    @property
    def takes_live_chats(self) -> bool:
        """Say whether a live agent's answer can come back into the conversation."""
        return self.delivery is not Delivery.NONE

    @property
    def has_webhooks(self) -> bool:
        """Say whether an admin must give the vendor an address of ours to call."""
        return any(item.kind is GeneratedKind.WEBHOOK_URL for item in self.generated)
