"""Zendesk Messaging (Conversations API v2): what an admin enters, and how it may fail."""

from __future__ import annotations

from integrations.contract.hints import Hint, flat_dict, numeric_id, one_of, scalar, text, texts
from integrations.contract.manifest import (
    AttachmentLimits,
    Capability,
    CredentialField,
    Delivery,
    FieldKind,
    GeneratedKind,
    GeneratedValue,
    Manifest,
    Support,
)
from integrations.vendors.zendesk.manifest.help import ERROR_HELP, PREREQUISITES, VENDOR_STEPS

# Of the setting that says what becomes of the conversation when its ticket is solved.
GOES_ON = "goes_on"
MAX_FILE_BYTES = 50 * 1024 * 1024
_ID_PATTERN = r"^[0-9a-f]{24}$"
_ID_ERROR = "An ID of Zendesk's has 24 digits and letters a to f."


def _id_field(name: str, label: str, example: str, help_text: str) -> CredentialField:
    return CredentialField(
        name=name,
        label=label,
        required=True,
        pattern=_ID_PATTERN,
        pattern_error=_ID_ERROR,
        example=example,
        max_length=24,
        help_text=help_text,
    )


def _ticket_field(name: str, label: str, example: str, help_text: str) -> CredentialField:
    return CredentialField(
        name=name,
        label=label,
        pattern=r"^[0-9]{1,20}$",
        pattern_error="A ticket field's ID is a number.",
        example=example,
        help_text=help_text,
    )


_DETAILS = (
    "Admin Center > Apps and integrations > Integrations > Conversations integrations > your "
)
_FIELDS = (
    CredentialField(
        name="subdomain",
        label="Zendesk subdomain",
        required=True,
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        pattern_error="A subdomain holds small letters, digits and hyphens, 63 at most.",
        example="brightside",
        help_text="The part of your Zendesk address before .zendesk.com. A whole address is cut.",
    ),
    _id_field("app_id", "App ID", "aa11bb22cc33dd44ee55ff66", f"{_DETAILS}integration > Details."),
    _id_field(
        "integration_id", "Integration ID", "bb11cc22dd33ee44ff55aa66", "On the same Details tab."
    ),
    _id_field(
        "webhook_id",
        "Webhook ID",
        "dd11ee22ff33aa44bb55cc66",
        "On the same Details tab: the webhook that Zendesk made with the integration.",
    ),
    CredentialField(
        name="shared_secret",
        label="Shared secret",
        kind=FieldKind.SECRET,
        required=True,
        pattern=r"^.{16,}$",
        pattern_error="A shared secret has 16 characters or more.",
        help_text="On the same Details tab, shown once. Zendesk sends it with each call.",
    ),
    CredentialField(
        name="key_id",
        label="API key ID",
        required=True,
        example="app_cc11dd22ee33ff44aa55bb66",
        max_length=128,
        help_text="Admin Center > Apps and integrations > APIs > Conversations API > Create API "
        "key, or API keys of the integration. The portal needs it to send anything to Zendesk.",
    ),
    CredentialField(
        name="key_secret",
        label="API key secret",
        kind=FieldKind.SECRET,
        required=True,
        help_text="Shown once, when the API key is made.",
    ),
    CredentialField(
        name="status_webhook_secret",
        label="Webhook secret key",
        kind=FieldKind.SECRET,
        required=True,
        pattern=r"^.{16,}$",
        pattern_error="A webhook secret key has 16 characters or more.",
        help_text="The API key value of the webhook On Ticket Status Changed. Generate it here, or "
        "enter the one you have set there.",
    ),
    CredentialField(
        name="status_webhook_header",
        label="Webhook header name",
        default="X-API-Key",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$",
        pattern_error="A header name holds letters, digits and hyphens, 64 at most.",
        example="X-API-Key",
        help_text="The header name of the API key on the webhook On Ticket Status Changed.",
    ),
    CredentialField(
        name="status_signing_secret",
        label="Webhook signing secret",
        kind=FieldKind.SECRET,
        help_text="Optional: Reveal secret on the webhook On Ticket Status Changed. Then every "
        "call must be signed and younger than five minutes.",
    ),
    CredentialField(
        name="switchboard_integration_name",
        label="Agent Workspace integration",
        default="next",
        pattern=r"^\S{1,128}$",
        pattern_error="The name of a switchboard integration has no blanks.",
        example="zd-agentWorkspace",
        help_text="Where control is passed: next for whoever follows the integration on the "
        "switchboard, or a name such as zd-agentWorkspace.",
    ),
    CredentialField(
        name="own_switchboard_name",
        label="This portal's switchboard integration",
        pattern=r"^\S{1,128}$",
        pattern_error="The name of a switchboard integration has no blanks.",
        example="handoff-portal",
        help_text="The name of your integration on the switchboard. Enter it where another "
        "integration comes first for new conversations: the portal then takes control before it "
        "passes it, stays informed, and takes it back at the end.",
    ),
    CredentialField(
        name="conversation_type",
        label="Conversation type",
        kind=FieldKind.CHOICE,
        default="multiple",
        choices=(("multiple", "A new conversation per handoff"), ("single", "One per end user")),
        help_text="A new conversation makes a new ticket. One per end user keeps the history "
        "together, and is needed where multi-conversations is off.",
    ),
    CredentialField(
        name="solved_ticket",
        label="When a ticket is solved",
        kind=FieldKind.CHOICE,
        default="ends",
        choices=(
            ("ends", "The conversation ends"),
            (GOES_ON, "The conversation goes on until the ticket is closed"),
        ),
        help_text="What Solved means to your live agents. If the conversation goes on, the next "
        "words of the end user open the ticket again.",
    ),
    _ticket_field(
        "summary_field_id",
        "Ticket field for the summary",
        "36001234567",
        "Objects and rules > Tickets > Fields > the field's ID. A text field.",
    ),
    _ticket_field(
        "conversation_field_id",
        "Ticket field for the conversation ID",
        "36001234568",
        "Carries the conversation's ID in this portal, so that both sides can be matched.",
    ),
    CredentialField(
        name="ignored_authors",
        label="Authors to ignore",
        example="Automated Response, Survey bot",
        help_text="Names or IDs, with commas between. What they write is not shown to end users.",
    ),
    CredentialField(
        name="support_email",
        label="API user",
        pattern=r"^[^@\s]+@[^@\s]+$",
        pattern_error="This is not an e-mail address.",
        example="robin@example.org",
        help_text="Optional: the e-mail address of the user of the API token. With both, a live "
        "agent's name is known as soon as the ticket is assigned.",
    ),
    CredentialField(
        name="support_api_token",
        label="API token",
        kind=FieldKind.SECRET,
        help_text="Apps and integrations > APIs > Zendesk API > Add API token.",
    ),
    CredentialField(
        name="base_url_override",
        label="API address",
        kind=FieldKind.URL,
        example="https://api.smooch.io",
        help_text="Only for accounts from before Zendesk: https://api.smooch.io or "
        "https://api.eu-1.smooch.io. Otherwise leave it empty.",
    ),
)

_CHECK_NAMES = (
    ("access", "Address, API key and app"),
    ("webhook", "Webhook of the integration"),
    ("integration", "Integration"),
    ("switchboard", "Switchboard"),
    ("support", "API user and token"),
)

_GENERATED = (
    GeneratedValue(
        name="events",
        kind=GeneratedKind.WEBHOOK_URL,
        label="Events address",
        help_text="The webhook endpoint URL of the Conversations integration, version v2.",
    ),
    GeneratedValue(
        name="status",
        kind=GeneratedKind.WEBHOOK_URL,
        label="Status address",
        help_text="The endpoint URL of the webhook On Ticket Status Changed.",
    ),
    GeneratedValue(
        name="status_webhook_secret",
        kind=GeneratedKind.SECRET,
        label="Webhook secret key",
        help_text="The API key value of the webhook On Ticket Status Changed.",
    ),
)

_LOGGABLE_KEYS = frozenset(
    {
        "access",
        "code",
        "conversationId",
        "for",
        "id",
        "integrationId",
        "integrationType",
        "received",
        "role",
        "switchboardIntegration",
        "type",
        "userId",
        "version",
    }
)

MANIFEST = Manifest(
    key="zendesk",
    integration_key="zendesk_integration",
    tile="Zendesk Messaging",
    name="Zendesk Messaging",
    vendor="Zendesk",
    summary="Live agents answer in the Zendesk Agent Workspace, handed over by the switchboard.",
    docs_url="https://developer.zendesk.com/documentation/conversations",
    delivery=Delivery.WEBHOOK,
    takes_after_end=True,
    capabilities=frozenset(
        {
            Capability.TYPING_IN,
            Capability.ATTACHMENT_OUT,
            Capability.ATTACHMENT_IN,
            Capability.READ_RECEIPT_OUT,
            Capability.TRANSCRIPT,
            Capability.TRANSFER,
        }
    ),
    fields=_FIELDS,
    hints=(
        Hint(name="tags", check=texts(100, text(1, 255))),
        Hint(name="ticket_fields", check=flat_dict(numeric_id, scalar)),
        Hint(name="group_id", check=numeric_id),
        Hint(name="brand_id", check=numeric_id),
        Hint(name="assignee_id", check=numeric_id),
        Hint(name="organization_id", check=numeric_id),
        Hint(name="conversation_type", check=one_of("single", "multiple")),
    ),
    support=Support.SIMULATED,
    aliases=("zendesk",),
    prerequisites=PREREQUISITES,
    vendor_steps=VENDOR_STEPS,
    check_names=_CHECK_NAMES,
    error_help=ERROR_HELP,
    loggable_keys=_LOGGABLE_KEYS,
    generated=_GENERATED,
    exclusive_fields=("integration_id",),
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
    repeat_note="Zendesk takes no key against repeats. The portal looks into the conversation "
    "before it sends again; a message still on its way when a worker dies may arrive twice.",
)
