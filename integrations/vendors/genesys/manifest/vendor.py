"""Genesys Cloud Open Messaging: what an admin enters, and how it may fail."""

from __future__ import annotations

from integrations.contract.hints import Hint, pattern, text
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
from integrations.vendors.genesys.manifest.help import ERROR_HELP, PREREQUISITES, VENDOR_STEPS
from integrations.vendors.genesys.mapping.region import REGIONS

MAX_FILE_BYTES = 25 * 1024 * 1024

_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_UUID_ERROR = "An id of Genesys's has 32 hexadecimal digits in five groups."
_OVERRIDE_HELP = (
    "For a simulator on this machine only, where the deployment allows it. Leave it empty for "
    "Genesys Cloud."
)

_FIELDS = (
    CredentialField(
        name="region",
        label="Region",
        kind=FieldKind.CHOICE,
        required=True,
        default="mypurecloud.com",
        choices=tuple((domain, f"{domain} ({region})") for region, domain in REGIONS.items()),
        help_text="What follows apps. in the address bar when you are signed in to Genesys Cloud.",
    ),
    CredentialField(
        name="integration_id",
        label="Integration ID",
        required=True,
        pattern=_UUID,
        pattern_error=_UUID_ERROR,
        example="9f2c4a11-0b7d-4c58-8a3e-77d1e5b60a42",
        max_length=36,
        help_text="The last part of the address of the Open Messaging integration, after saving "
        "it. The whole address may be pasted.",
    ),
    CredentialField(
        name="client_id",
        label="Client ID",
        required=True,
        pattern=_UUID,
        pattern_error=_UUID_ERROR,
        example="3b1d0c7e-6a52-4b08-9f3a-0b6a8f1c2d10",
        max_length=36,
        help_text="Admin > Integrations > OAuth: a client with the grant Client Credentials.",
    ),
    CredentialField(
        name="client_secret",
        label="Client Secret",
        kind=FieldKind.SECRET,
        required=True,
        max_length=512,
        help_text="On the same page as the client id.",
    ),
    CredentialField(
        name="queue_name_attribute",
        label="Attribute with the queue name",
        default="QueueName",
        pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,63}$",
        pattern_error="An attribute name holds letters, digits, underscores and dots, 64 at most.",
        example="QueueName",
        max_length=64,
        help_text="The attribute in which your flow finds the queue that a handoff asks for.",
    ),
    CredentialField(
        name="queue_id",
        label="Default queue",
        pattern=_UUID,
        pattern_error=_UUID_ERROR,
        example="5c7a3f10-8d46-4e7b-9a52-1f0c6e2b4d38",
        max_length=36,
        help_text="For availability and waiting time only; your flow decides where conversations "
        "go. The id is the last part of the queue's address.",
    ),
    CredentialField(
        name="use_notifications",
        label="Listen for agent join and leave",
        kind=FieldKind.SWITCH,
        default="true",
        help_text="Over one socket for all conversations. Off: the portal asks every 15 seconds "
        "instead, which uses up the OAuth client's requests.",
    ),
    CredentialField(
        name="login_base_url",
        label="Login address of a simulator",
        kind=FieldKind.URL,
        example="http://127.0.0.1:9500",
        help_text=_OVERRIDE_HELP,
    ),
    CredentialField(
        name="api_base_url",
        label="API address of a simulator",
        kind=FieldKind.URL,
        example="http://127.0.0.1:9500",
        help_text=_OVERRIDE_HELP,
    ),
)

_GENERATED = (
    GeneratedValue(
        name="events",
        kind=GeneratedKind.WEBHOOK_URL,
        label="Webhook URL",
        help_text="Paste it as Outbound Notification Webhook URL.",
    ),
    GeneratedValue(
        name="webhook_secret",
        kind=GeneratedKind.SECRET,
        label="Webhook Secret",
        help_text="Paste it as Outbound Notification Webhook Signature Secret Token.",
    ),
)

_CHECK_NAMES = (
    ("token", "OAuth client"),
    ("integration", "Open Messaging integration"),
    ("webhook", "Webhook URL"),
    ("routing", "Inbound message flow"),
    ("permissions", "Permissions"),
    ("notifications", "Agent join and leave"),
    ("queue", "Default queue"),
)

_LOGGABLE_KEYS = frozenset(
    {
        "code",
        "contextId",
        "contentType",
        "conversationId",
        "createStatus",
        "direction",
        "disconnectType",
        "eventType",
        "expires",
        "idType",
        "mediaType",
        "messageId",
        "messageStatus",
        "messengerType",
        "metric",
        "originatingEntity",
        "platform",
        "prefetchConversationId",
        "purpose",
        "qualifier",
        "state",
        "status",
        "time",
        "token_type",
        "type",
        "useNormalizedMessage",
    }
)

MANIFEST = Manifest(
    key="genesys",
    integration_key="genesys_integration",
    tile="Genesys Messaging",
    name="Genesys Messaging",
    vendor="Genesys",
    summary="Live agents answer in Genesys Cloud through an Open Messaging integration.",
    docs_url="https://developer.genesys.cloud/commdigital/digital/openmessaging",
    delivery=Delivery.WEBHOOK,
    takes_after_end=True,
    capabilities=frozenset(
        {
            Capability.TYPING_OUT,
            Capability.TYPING_IN,
            Capability.ATTACHMENT_OUT,
            Capability.ATTACHMENT_IN,
            Capability.TRANSCRIPT,
            Capability.QUEUE_POSITION,
            Capability.AVAILABILITY,
            Capability.TRANSFER,
            Capability.IDEMPOTENT_SEND,
        }
    ),
    fields=_FIELDS,
    hints=(
        Hint(name="queue_name", check=text(1, 128)),
        Hint(name="external_contact_id", check=pattern(_UUID, "a UUID")),
    ),
    support=Support.SIMULATED,
    aliases=("genesys", "genesys_cloud"),
    prerequisites=PREREQUISITES,
    vendor_steps=VENDOR_STEPS,
    check_names=_CHECK_NAMES,
    error_help=ERROR_HELP,
    loggable_keys=_LOGGABLE_KEYS,
    generated=_GENERATED,
    inbox_fields=("integration_id",),
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
    repeat_note="nothing that Genesys's own history shows; without the permission to view "
    "messages, one message",
)
