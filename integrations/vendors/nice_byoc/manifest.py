"""NICE CXone as a channel of our own (BYOC): what an admin enters, and how it may fail."""

from __future__ import annotations

from typing import Final

from integrations.contract.hints import Hint, flat_dict, pattern, text
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
from integrations.vendors.nice_byoc.symptoms import SYMPTOMS

# CXone publishes no limit for a file of this kind of channel: this one is ours.
MAX_FILE_BYTES = 25 * 1024 * 1024
DISCOVERY_HOST = "https://cxone.niceincontact.com"
_FIELD = pattern(r"[A-Za-z0-9_.-]{1,64}", "a field name of letters, digits, _ . -")
_CUSTOM_FIELDS = flat_dict(_FIELD, text(0, 1024))

_FIELDS = (
    CredentialField(
        name="integration_id",
        label="Channel integration ID",
        required=True,
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        pattern_error="An integration ID is a UUID.",
        example="3d0f5a52-5d5c-4f0c-8a44-52d0b1c9d7aa",
        max_length=36,
        help_text="CXone > ACD > Digital > Bring Your Own Channel > your integration, once it is "
        "saved.",
    ),
    CredentialField(
        name="channel_id",
        label="Channel ID",
        required=True,
        example="byoc_3d0f5a52_support",
        max_length=255,
        help_text="The id of the channel that was made with this integration, by POST /channels of "
        "the Digital Engagement API; also in Points of Contact Digital.",
    ),
    CredentialField(
        name="access_key_id",
        label="Access key ID",
        required=True,
        example="LXYNN2RGLEWQTTRJ7MFJ4LXZ5UUJDUGH",
        max_length=128,
        help_text="CXone > Admin > Employees > an administrator > Access keys. It is that "
        "employee's: one without a password that expires is best.",
    ),
    CredentialField(
        name="access_key_secret",
        label="Secret access key",
        kind=FieldKind.SECRET,
        required=True,
        max_length=256,
        help_text="Shown once, when the access key is made.",
    ),
    CredentialField(
        name="client_id",
        label="OAuth client ID",
        required=True,
        example="3a1b9d7e@cxone",
        max_length=128,
        help_text="From NICE's registration of your application, which takes two to three days.",
    ),
    CredentialField(
        name="client_secret",
        label="OAuth client secret",
        kind=FieldKind.SECRET,
        required=True,
        max_length=256,
        help_text="Belongs to the OAuth client ID.",
    ),
    CredentialField(
        name="tenant_id",
        label="Tenant ID",
        example="11ea2f5a-9b0c-4d1e-8f3a-0242ac110005",
        max_length=64,
        help_text="May be left empty: it is read from the access key's token.",
    ),
    CredentialField(
        name="end_on_resolved",
        label="End when the contact is resolved",
        kind=FieldKind.SWITCH,
        default="true",
        help_text="A resolved contact may be opened again by the end user's next message. Off: the "
        "conversation goes on until the contact is closed.",
    ),
    CredentialField(
        name="discovery_host",
        label="Discovery host",
        kind=FieldKind.URL,
        default=DISCOVERY_HOST,
        example="https://cxone-gov.niceincontact.com",
        help_text="Leave as it is, but for FedRAMP (cxone-gov) or a simulator.",
    ),
    CredentialField(
        name="api_host",
        label="API host",
        kind=FieldKind.URL,
        example="https://api-de-na1.niceincontact.com",
        help_text="Leave empty: it is found by the tenant.",
    ),
)

_GENERATED = (
    GeneratedValue(
        name="events",
        kind=GeneratedKind.WEBHOOK_URL,
        label="Integration Box URL",
        help_text="The Authorization URL is the same with /1.0/token behind it.",
    ),
    GeneratedValue(
        name="box_client_id",
        kind=GeneratedKind.USER_NAME,
        label="Client ID",
        help_text="With it CXone asks this portal for a token.",
    ),
    GeneratedValue(
        name="box_client_secret",
        kind=GeneratedKind.SECRET,
        label="Client Secret",
        help_text="Belongs to the Client ID.",
    ),
)

_PREREQUISITES = (
    "CXone Digital Engagement with Bring Your Own Channel.",
    "An access key of an administrator, and an OAuth client registered with NICE.",
    "A public address for this portal, with HTTPS on port 443: CXone calls it.",
)

_VENDOR_STEPS = (
    "In ACD > Digital > Bring Your Own Channel, add an integration with the Integration Box URL, "
    "Client ID and Client Secret shown here, and the Authorization URL: the Integration Box URL "
    "with /1.0/token behind it.",
    "Action/Add, Reconnect and Remove URL are not used: enter this portal's address.",
    "The switch Use DFO 3.0 Outbound API for replies may be on or off. On is better.",
    "Save, and copy the integration's ID.",
    "Make the channel with POST /dfo/3.0/channels: idOnExternalPlatform of your choice, the "
    "integration's ID as channelIntegrationId, realExternalPlatformId custom, and "
    "canSendSenderActions and hasAbilityToSendFiles true.",
    "In Points of Contact Digital, give the channel a script and a skill that your live agents "
    "have.",
)

_NO_HOST = ErrorHelp(
    cause="The host was not found.", cure="Check Discovery host, and leave API host empty."
)
_TLS = ErrorHelp(
    cause="The server's certificate does not fit its address.",
    cure="Behind a proxy that opens TLS, let CXone's hosts through.",
)
_CHECKS = ("token", "channel")

_ERROR_HELP: Final = {
    **{(check, "dns"): _NO_HOST for check in _CHECKS},
    **{(check, "tls"): _TLS for check in _CHECKS},
    **usual_help(_CHECKS, vendor="NICE CXone", status_page="the status page of NICE CXone"),
    ("token", "invalid_auth"): ErrorHelp(
        cause="CXone refused the access key or the OAuth client.",
        cure="Copy all four values again. An access key that is not used, or whose employee is "
        "inactive, is switched off by CXone.",
    ),
    ("channel", "missing_permission"): ErrorHelp(
        cause="The access key's employee may not see Digital Engagement.",
        cure="Give the employee a role with the permissions of Digital Engagement.",
    ),
    ("channel", "invalid_routing"): ErrorHelp(
        cause="The tenant has no channel with this id.",
        cure="Copy the channel's id, or make the channel as the last steps say.",
    ),
    ("channel", "wrong_type"): ErrorHelp(
        cause="The channel was made with another integration, so CXone calls another address.",
        cure="Compare the Channel integration ID with the integration in CXone.",
    ),
}

MANIFEST = Manifest(
    key="nice_byoc",
    integration_key="nice_integration",
    tile="NICE CXone Messaging",
    name="NICE CXone Bring Your Own Channel",
    tile_order=1,
    connection_type="Bring Your Own Channel (CXone calls this portal)",
    vendor="NICE CXone",
    summary="Live agents answer in CXone, on a channel of your own.",
    docs_url="https://help.nicecxone.com/",
    delivery=Delivery.WEBHOOK,
    private_note="contact field `note`",
    capabilities=frozenset(
        {
            Capability.TYPING_OUT,
            Capability.TYPING_IN,
            Capability.ATTACHMENT_OUT,
            Capability.ATTACHMENT_IN,
            Capability.READ_RECEIPT_OUT,
            Capability.FAILED_RECEIPT_OUT,
            Capability.TRANSCRIPT,
            Capability.TRANSFER,
            Capability.IDEMPOTENT_SEND,
        }
    ),
    fields=_FIELDS,
    hints=(Hint(name="contact_custom_fields", check=_CUSTOM_FIELDS),),
    support=Support.SIMULATED,
    prerequisites=_PREREQUISITES,
    vendor_steps=_VENDOR_STEPS,
    check_names=(("token", "Access key"), ("channel", "Channel")),
    error_help=_ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=frozenset(
        {"action", "area", "direction", "domain", "errorCode", "expires_in", "status", "type"}
    ),
    generated=_GENERATED,
    exclusive_fields=("integration_id", "channel_id"),
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
    takes_after_end=True,
    appends_to_address=True,
)
