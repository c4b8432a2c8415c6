"""NICE CXone Messaging: what an admin enters, and how it may fail."""

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
    Manifest,
    Support,
    usual_help,
)
from integrations.vendors.nice_chat.symptoms import SYMPTOMS

MAX_FILE_BYTES = 25 * 1024 * 1024
_ENVIRONMENTS = (
    *("NA1", "NA2", "EU1", "EU2", "UK1", "UK2", "AE1", "AU1", "AU2", "CA1", "JO1", "JP1", "KR1"),
    "ZA1",
)
_CUSTOM = "custom"

_FIELD = pattern(r"[A-Za-z0-9_.-]{1,64}", "a field name of letters, digits, _ . -")
_CUSTOM_FIELDS = flat_dict(_FIELD, text(0, 1024))

FIELDS: Final = (
    CredentialField(
        name="brand_id",
        label="Brand ID",
        required=True,
        pattern=r"^[0-9]{1,10}$",
        pattern_error="A brand ID is a number.",
        example="4711",
        max_length=10,
        help_text="CXone > Digital > Points of Contact Digital > Chat > your channel > Basics, or "
        "the first number of the initialisation script there.",
    ),
    CredentialField(
        name="channel_id",
        label="Channel ID",
        required=True,
        example="chat_5c1d9a40-7e2b-4f63-9c88-0b1a2d3e4f50",
        max_length=500,
        help_text="The same page: chat_ and a UUID. You may paste the whole script.",
    ),
    CredentialField(
        name="environment",
        label="Environment",
        kind=FieldKind.CHOICE,
        required=True,
        default="NA1",
        choices=(*((name, name) for name in _ENVIRONMENTS), (_CUSTOM, "custom")),
        help_text="The region in the address of your CXone, such as na1 or eu1. Choose custom only "
        "for hosts of your own.",
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
        name="custom_field_map",
        label="Custom fields of the contact",
        kind=FieldKind.KEY_VALUE,
        max_length=8192,
        help_text="Name of a hint or attribute = ident of the field in CXone. Names that are the "
        "same on both sides need no line. What the channel has no field for is told in a message.",
    ),
    CredentialField(
        name="customer_id_prefix",
        label="Prefix of customer ids",
        default="portal-",
        pattern=r"^[A-Za-z0-9_.-]{0,32}$",
        pattern_error="Up to 32 letters, digits, dots, hyphens and underscores.",
        example="portal-",
        max_length=32,
        help_text="What the ids of this portal's end users begin with in CXone.",
    ),
    CredentialField(
        name="chat_host",
        label="Chat host",
        kind=FieldKind.URL,
        example="https://channels-de-na1.niceincontact.com",
        help_text="Leave empty, but for the environment custom or a simulator. {environment} in it "
        "stands for the environment's name.",
    ),
    CredentialField(
        name="gateway_host",
        label="Gateway host",
        kind=FieldKind.URL,
        example="https://chat-gw-de-na1.niceincontact.com",
        help_text="The same for the socket; an address that begins with wss:// is taken too.",
    ),
    CredentialField(
        name="authorize_host",
        label="Authorize host",
        kind=FieldKind.URL,
        example="https://digital-oauth-de-na1.niceincontact.com",
        help_text="The same for the tokens of secured sessions.",
    ),
)

_PREREQUISITES = (
    "A chat channel in CXone Digital Engagement (Points of Contact Digital), of either kind: "
    "messaging or live chat.",
    "A routing queue, a skill and live agents for that channel.",
    "No address of this portal needs to be reachable: it opens all connections itself.",
)

_VENDOR_STEPS = (
    "In Digital > Points of Contact Digital > Chat, add a channel, or open the one to use.",
    "Assign it to a routing queue whose skills your live agents have.",
    "In its custom fields, add those that live agents shall see, for instance conversation_id.",
    "If the channel lists allowed domains, they do not matter here: the portal is no browser.",
    "From Basics copy the brand ID and the channel ID.",
)

_CHECKS = ("channel", "gateway")
_NO_HOST = ErrorHelp(
    cause="The environment's host was not found.",
    cure="Check the environment, and that the three host fields are empty.",
)
_TLS = ErrorHelp(
    cause="The server's certificate does not fit its address.",
    cure="Behind a proxy that opens TLS, let the environment's hosts through.",
)
_NOT_LET_IN = ErrorHelp(
    cause="The gateway does not let a guest in.",
    cure="Check brand, channel and environment. A channel whose authorization needs a sign-in with "
    "your own identity provider cannot be used: switch it off, or make another channel.",
)
_BLOCKED = ErrorHelp(
    cause="CXone blocks the address of this server.",
    cure="Ask the support of NICE to take it off the list.",
)

ERROR_HELP: Final = {
    **usual_help(_CHECKS, vendor="NICE CXone", status_page="the status page of NICE CXone"),
    **{(check, "dns"): _NO_HOST for check in _CHECKS},
    **{(check, "tls"): _TLS for check in _CHECKS},
    **{(check, "invalid_auth"): _NOT_LET_IN for check in _CHECKS},
    **{(check, "missing_permission"): _BLOCKED for check in _CHECKS},
    ("channel", "invalid_routing"): ErrorHelp(
        cause="Brand ID, channel ID and environment do not belong together.",
        cure="Copy brand ID and channel ID again from Basics, and compare the environment with the "
        "address of your CXone.",
    ),
    ("channel", "wrong_region"): ErrorHelp(
        cause="The channel is in another environment.",
        cure="Choose the environment that the result names.",
    ),
    ("fields", "invalid_routing"): ErrorHelp(
        cause="The channel lacks a field of the map: CXone drops its values without a word.",
        cure="Add the field to the channel's custom fields, or correct its ident here.",
    ),
}

MANIFEST = Manifest(
    key="nice_chat",
    integration_key="nice_integration",
    tile="NICE CXone Messaging",
    name="NICE CXone Messaging",
    connection_type="Chat channel (nothing to reach from outside)",
    vendor="NICE CXone",
    summary="Live agents answer in CXone, routed by skill.",
    docs_url="https://help.nicecxone.com/",
    delivery=Delivery.STREAM,
    private_note="contact field `note`, else in the first message",
    availability="CXone tells whether the channel is online.",
    capabilities=frozenset(
        {
            Capability.TYPING_OUT,
            Capability.TYPING_IN,
            Capability.ATTACHMENT_OUT,
            Capability.ATTACHMENT_IN,
            Capability.READ_RECEIPT_OUT,
            Capability.READ_RECEIPT_IN,
            Capability.TRANSCRIPT,
            Capability.QUEUE_POSITION,
            Capability.AVAILABILITY,
            Capability.TRANSFER,
            Capability.IDEMPOTENT_SEND,
        }
    ),
    fields=FIELDS,
    hints=(
        Hint(name="contact_custom_fields", check=_CUSTOM_FIELDS),
        Hint(name="customer_custom_fields", check=_CUSTOM_FIELDS),
        Hint(name="channel_id", check=text(1, 255), replaces_saved=True),
    ),
    support=Support.SIMULATED,
    aliases=("nice", "nice_cxone"),
    prerequisites=_PREREQUISITES,
    vendor_steps=_VENDOR_STEPS,
    check_names=(
        ("channel", "Channel"),
        ("gateway", "Chat gateway"),
        ("fields", "Custom fields"),
    ),
    error_help=ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=frozenset(
        {
            *("allowedFileSize", "availability", "errorCode", "eventType", "expiresIn", "id"),
            *("isAuthorizationEnabled", "isLiveChat", "isSecuredCookieEnabled", "status"),
            "isUnsecuredConnectionAllowed",
        }
    ),
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
    takes_after_end=True,
)
