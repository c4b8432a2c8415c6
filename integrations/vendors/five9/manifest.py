"""Five9: what an admin enters, and how it may fail."""

from __future__ import annotations

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
    usual_help,
)
from integrations.vendors.five9.symptoms import SYMPTOMS

CUSTOM = "custom"
# Five9 publishes no limit for a file: this one is ours.
MAX_FILE_BYTES = 25 * 1024 * 1024

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
        "thing that Five9 asks an anonymous session for: a delivery profile ID and an API consumer "
        "key are not asked here, because no calls for them are published.",
    ),
    CredentialField(
        name="domain_id",
        label="Domain ID",
        pattern=r"^[0-9]{1,20}$",
        pattern_error="A domain ID has digits only.",
        example="141414",
        max_length=20,
        help_text="The number of your Five9 domain. Test connection compares it with the domain "
        "that the name leads to, and shows that one. May be left empty.",
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
        kind=GeneratedKind.USER_NAME,
        label="Webhook user",
        help_text="For an authorization profile, if your Five9 calls the Webhook URL with one.",
    ),
    GeneratedValue(
        name="webhook_password",
        kind=GeneratedKind.SECRET,
        label="Webhook password",
        help_text="Belongs to the Webhook user. It also signs the address of each conversation.",
        size=24,
    ),
)

_UNREACHABLE = ErrorHelp(
    cause="Five9 could not be reached at this address.",
    cure="Check Region, and that the portal may call Five9 and its data centre on port 443.",
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
    ("domain", "invalid_routing"): ErrorHelp(
        cause="The Domain name leads to a domain with another number.",
        cure="Check Domain name and Region, or copy the number that is shown into Domain ID.",
    ),
    ("campaign", "invalid_auth"): ErrorHelp(
        cause="Five9 refused the session that it has just given.",
        cure="Choose the other form of the Authorization header.",
    ),
    ("campaign", "invalid_routing"): ErrorHelp(
        cause="Five9 knows no campaign of this name.",
        cure="Copy the name of an inbound campaign that is running.",
    ),
    **{(check, code): _UNREACHABLE for check in ("session", "campaign") for code in ("dns", "tls")},
    **usual_help(("session", "campaign"), vendor="Five9", status_page="Five9's status page"),
}

MANIFEST = Manifest(
    key="five9",
    integration_key="five9_integration",
    tile="Five9",
    name="Five9",
    summary="Live agents answer in Five9. Beta: contract reconstructed.",
    delivery=Delivery.WEBHOOK,
    private_note="attribute `note`",
    support=Support.EXPERIMENTAL,
    hints=(Hint(name="campaign_name", check=text(1, 128), replaces_saved=True),),
    aliases=("five9",),
    availability=(
        "Five9 tells whether a live agent is logged in to the campaign and whether it is open "
        "for business."
    ),
    capabilities=frozenset(
        {
            Capability.ATTACHMENT_OUT,
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
        "A Five9 domain with chat or digital messaging. Five9 bills Open Messaging by consumption.",
        "An inbound campaign, and an administrator of the domain.",
        "A public address for this portal, with HTTPS on port 443: Five9 calls it.",
    ),
    vendor_steps=(
        "Where your Five9 calls webhooks with an authorization profile and a delivery profile, "
        "make both with Webhook URL, Webhook user and Webhook password, and give the delivery "
        "profile to the campaign.",
        "Give the campaign a chat profile and a skill, and the skill to the live agents.",
        "Start the campaign: its state must be Running.",
        "Have a live agent Ready with the channel Chat.",
    ),
    check_names=(
        ("session", "Anonymous session"),
        ("domain", "Domain ID"),
        ("campaign", "Campaign"),
    ),
    error_help=_ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=frozenset({"status", "type", "messageType", "errorCode", "active"}),
    generated=_GENERATED,
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
    repeat_note="Five9 documents no key by which a repeat is recognised: a message whose answer "
    "was lost may be seen twice by the live agent.",
    appends_to_address=True,
)
