"""Five9: what an admin enters, and how it may fail."""

from __future__ import annotations

from integrations.contract.hints import Hint, text
from integrations.contract.manifest import (
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

CUSTOM = "custom"

_FIELDS = (
    CredentialField(
        name="region",
        label="Region",
        kind=FieldKind.CHOICE,
        required=True,
        default="app.five9.com",
        choices=(
            ("app.five9.com", "United States (app.five9.com)"),
            ("app.ca.five9.com", "Canada (app.ca.five9.com)"),
            ("app.eu.five9.eu", "Europe (app.eu.five9.eu)"),
            (CUSTOM, "Another login address"),
        ),
        help_text="Where people sign in to Five9. The portal learns the data centre from there.",
    ),
    CredentialField(
        name="login_base_url",
        label="Another login address",
        kind=FieldKind.URL,
        example="https://app.nld1.eu.five9.com",
        help_text="Only where Region is Another login address.",
    ),
    CredentialField(
        name="tenant_name",
        label="Domain name",
        required=True,
        example="Acme Trial Domain",
        max_length=128,
        help_text="The name of your Five9 domain, spelt exactly, with its spaces. It is the only "
        "thing that Five9 asks an anonymous session for: a domain ID, a delivery profile ID and an "
        "API consumer key are not asked here, because no calls for them are published.",
    ),
    CredentialField(
        name="campaign_name",
        label="Campaign name",
        required=True,
        example="Web Support",
        max_length=128,
        help_text="The inbound campaign that takes the conversations. Five9 routes by campaign.",
    ),
    CredentialField(
        name="authorization_form",
        label="Form of the Authorization header",
        kind=FieldKind.CHOICE,
        default="hyphen",
        choices=(("hyphen", "Bearer-token, with a hyphen"), ("space", "Bearer token, spaced")),
        help_text="Leave the hyphen, unless Test connection says that the session was refused.",
    ),
    CredentialField(
        name="priority",
        label="Priority",
        kind=FieldKind.NUMBER,
        minimum=1,
        maximum=100,
        help_text="Sent with each conversation. Empty: Five9 decides.",
    ),
    CredentialField(
        name="attributes",
        label="Attributes",
        kind=FieldKind.KEY_VALUE,
        help_text="Campaign variables that every conversation gets, each under its full name.",
    ),
)

_GENERATED = (
    GeneratedValue(
        name="events",
        kind=GeneratedKind.WEBHOOK_URL,
        label="Webhook URL",
        help_text="The portal names it in every conversation; Five9 appends paths of its own.",
    ),
    GeneratedValue(
        name="webhook_username",
        kind=GeneratedKind.EXTERNAL_ID,
        label="Webhook user",
        help_text="For an authorization profile, if your Five9 calls the Webhook URL with one.",
    ),
    GeneratedValue(
        name="webhook_password",
        kind=GeneratedKind.SECRET,
        label="Webhook password",
        help_text="Belongs to the Webhook user. It also signs the address of each conversation.",
    ),
)

_UNREACHABLE = ErrorHelp(
    cause="Five9 could not be reached at this address.",
    cure="Check Region, and that the portal may call Five9 on port 443.",
)

_ERROR_HELP = {
    ("session", "invalid_auth"): ErrorHelp(
        cause="Five9 knows no domain of this name in this region.",
        cure="Copy the Domain name exactly, with its spaces, and check Region.",
    ),
    ("session", "unexpected_response"): ErrorHelp(
        cause="The answer names no data centre.",
        cure="Check that Another login address is where people sign in to Five9.",
    ),
    **{("session", code): _UNREACHABLE for code in ("dns", "tls", "timeout", "unknown")},
    ("campaign", "invalid_auth"): ErrorHelp(
        cause="Five9 refused the session that it has just given.",
        cure="Choose the other form of the Authorization header.",
    ),
    ("campaign", "invalid_routing"): ErrorHelp(
        cause="Five9 knows no campaign of this name.",
        cure="Copy the name of an inbound campaign that is running.",
    ),
    **{("campaign", code): _UNREACHABLE for code in ("dns", "tls", "timeout", "unknown")},
}

MANIFEST = Manifest(
    key="five9",
    integration_key="five9_integration",
    tile="Five9",
    name="Five9",
    summary="Live agents answer in Five9. Beta: contract reconstructed.",
    delivery=Delivery.WEBHOOK,
    support=Support.EXPERIMENTAL,
    hints=(Hint(name="campaign_name", check=text(1, 128), replaces_saved=True),),
    aliases=("five9",),
    capabilities=frozenset(
        {
            Capability.AVAILABILITY,
            Capability.FAILED_RECEIPT_OUT,
            Capability.READ_RECEIPT_OUT,
            Capability.TRANSCRIPT,
            Capability.TRANSFER,
            Capability.TYPING_IN,
        }
    ),
    fields=_FIELDS,
    prerequisites=(
        "A Five9 domain with chat, and an inbound campaign that is running.",
        "A public address for this portal, with HTTPS on port 443: Five9 calls it.",
    ),
    vendor_steps=(
        "Give the campaign a skill, and the skill to the live agents.",
        "Where your Five9 calls webhooks with an authorization profile, enter Webhook user and "
        "Webhook password there.",
        "Have a live agent Ready for chat.",
    ),
    check_names=(("session", "Anonymous session"), ("campaign", "Campaign")),
    error_help=_ERROR_HELP,
    loggable_keys=frozenset({"status", "type", "messageType", "errorCode", "active"}),
    generated=_GENERATED,
    repeat_note="Five9 documents no key by which a repeat is recognised: a message whose answer "
    "was lost may be seen twice by the live agent.",
    appends_to_address=True,
)
