"""The custom connector: what an admin enters, and how it may fail."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.contract.hints import Hint, text
from integrations.contract.manifest import (
    AttachmentLimits,
    Capability,
    CredentialField,
    Delivery,
    ErrorHelp,
    FieldKind,
    GeneratedKind,
    GeneratedValue,
    Manifest,
    Support,
)
from integrations.vendors.custom.symptoms import SYMPTOMS

MAX_FILE_BYTES = 25 * 1024 * 1024

# What each tick allows; end_by_user has no name among our capabilities.
ABILITIES: Mapping[str, frozenset[Capability]] = {
    "typing": frozenset({Capability.TYPING_OUT, Capability.TYPING_IN}),
    "presence": frozenset({Capability.PRESENCE_OUT}),
    "read": frozenset({Capability.READ_RECEIPT_IN}),
    "attachments": frozenset({Capability.ATTACHMENT_OUT, Capability.ATTACHMENT_IN}),
    "queue_status": frozenset({Capability.QUEUE_POSITION}),
    "availability": frozenset({Capability.AVAILABILITY}),
}
_ALWAYS = frozenset({Capability.TRANSCRIPT, Capability.TRANSFER, Capability.IDEMPOTENT_SEND})

_FIELDS = (
    CredentialField(
        name="connector",
        label="Name",
        required=True,
        pattern=r"^[a-z][a-z0-9_]{1,31}$",
        pattern_error="2 to 32 small letters, digits and underscores, beginning with a letter.",
        example="back_office",
        max_length=32,
        help_text="The payload of a handoff names it under the key connector.",
    ),
    CredentialField(
        name="base_url",
        label="Your endpoint",
        kind=FieldKind.URL,
        required=True,
        example="https://connector.example.com/baton",
        help_text="Baton calls /handoffs, /ping and the others below this address.",
    ),
    CredentialField(
        name="auth_header",
        label="Extra header: name",
        pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$",
        pattern_error="A header's name has no blanks and no colon.",
        example="X-Gateway-Key",
        max_length=64,
        help_text="Sent with every call, for instance for an API gateway in front of you.",
    ),
    CredentialField(
        name="auth_header_value",
        label="Extra header: value",
        kind=FieldKind.SECRET,
        help_text="What your gateway expects in that header.",
    ),
    CredentialField(
        name="capabilities",
        label="What your side can do",
        kind=FieldKind.CHOICES,
        choices=(
            ("typing", "Show typing, and tell of the live agent's"),
            ("presence", "Show that the end user is away"),
            ("read", "Tell what the live agent has read"),
            ("attachments", "Take and send files"),
            ("queue_status", "Tell place in the queue or waiting time"),
            ("availability", "Say whether somebody is there"),
            ("end_by_user", "Be told that a handoff is over"),
        ),
        help_text="Baton neither calls nor takes what is not ticked.",
    ),
    CredentialField(
        name="timeout_ms",
        label="Timeout in milliseconds",
        kind=FieldKind.NUMBER,
        default="5000",
        minimum=1000,
        maximum=30000,
        help_text="How long Baton waits for an answer of yours, 1000 to 30000.",
    ),
)

_GENERATED = (
    GeneratedValue(
        name="events",
        kind=GeneratedKind.WEBHOOK_URL,
        label="Events URL",
        help_text="Your side posts its events here, signed.",
    ),
    GeneratedValue(
        name="signing_secret",
        kind=GeneratedKind.SECRET,
        label="Signing secret",
        help_text="The key of the signatures in both directions.",
    ),
)

_PREREQUISITES = (
    "A service of your own that speaks the contract in the custom connector's page; the reference "
    "server in docs/examples carries a whole conversation. For Talkdesk there is a worked example.",
    "A public address for that service, with HTTPS on port 443.",
    "A public address for this portal: your service calls it.",
)

_VENDOR_STEPS = (
    "Give your service the Events URL and the Signing secret.",
    "Start it, and have it answer GET /ping: it calls the Events URL with type ping, and repeats "
    "the nonce.",
    "Enter its address here, tick what it can do, and test.",
)

_NOT_THERE = ErrorHelp(
    cause="Nothing answers at this address as the contract says.",
    cure="Check Your endpoint: Baton asks for /ping below it, and it must answer 200 with JSON.",
)
_UNREACHABLE = ErrorHelp(
    cause="The endpoint could not be reached, or answered with an error of its own.",
    cure="Check that the service runs and that its address, port 443 and certificate are public.",
)

ERROR_HELP = {
    ("ping", "invalid_auth"): ErrorHelp(
        cause="Your endpoint refused the signature or the extra header.",
        cure="Give it the Signing secret of the step Give to vendor; sign and verify the raw body.",
    ),
    ("ping", "missing_permission"): ErrorHelp(
        cause="Something in front of your endpoint does not let the portal through.",
        cure="Check the extra header and the gateway's rules.",
    ),
    ("ping", "invalid_routing"): _NOT_THERE,
    ("ping", "wrong_type"): ErrorHelp(
        cause="The answer to ping is no JSON object with the nonce of the question.",
        cure='Answer 200 with {"nonce": "<the one asked>"}.',
    ),
    ("ping", "timeout"): ErrorHelp(
        cause="The endpoint did not answer in time.",
        cure="Answer ping at once, and call the Events URL beside it.",
    ),
    **{("ping", code): _UNREACHABLE for code in ("dns", "tls", "unknown")},
    ("ping", "rate_limited"): ErrorHelp(
        cause="The endpoint answered 429.", cure="Wait a little and test again."
    ),
}

_LOGGABLE_KEYS = frozenset(
    {"available", "code", "event_id", "external_id", "message_id", "reason", "state", "type"}
)

MANIFEST = Manifest(
    key="custom",
    integration_key="custom_integration",
    tile="Custom connector",
    name="Custom connector",
    summary="Your own live-agent software, or Talkdesk, through a pair of signed webhooks.",
    docs_url="",
    delivery=Delivery.WEBHOOK,
    private_note="`hints.note`",
    availability=(
        "Your connector tells, if its ability “availability” is ticked; it is asked about the "
        "handoff's queue."
    ),
    capabilities=_ALWAYS.union(*ABILITIES.values()),
    fields=_FIELDS,
    hints=(Hint(name="connector", check=text(1, 128), is_required=True),),
    support=Support.SIMULATED,
    aliases=("custom",),
    prerequisites=_PREREQUISITES,
    vendor_steps=_VENDOR_STEPS,
    check_names=(("ping", "Your endpoint"),),
    error_help=ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=_LOGGABLE_KEYS,
    generated=_GENERATED,
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
    named_by="connector",
)
