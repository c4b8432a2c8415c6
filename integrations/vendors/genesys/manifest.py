"""Genesys Cloud Open Messaging: what an admin enters, and how it may fail."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.contract.hints import Hint, pattern, text
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
from integrations.vendors.genesys.symptoms import SYMPTOMS

MAX_FILE_BYTES = 25 * 1024 * 1024
# AWS region, which Genesys's own pages print beside the domain, to domain.
REGIONS: Mapping[str, str] = {
    "us-east-1": "mypurecloud.com",
    "us-east-2": "use2.us-gov-pure.cloud",
    "us-west-2": "usw2.pure.cloud",
    "ca-central-1": "cac1.pure.cloud",
    "sa-east-1": "sae1.pure.cloud",
    "mx-central-1": "mxc1.pure.cloud",
    "eu-west-1": "mypurecloud.ie",
    "eu-west-2": "euw2.pure.cloud",
    "eu-central-1": "mypurecloud.de",
    "eu-central-2": "euc2.pure.cloud",
    "eusc-de-east-1": "edee1.eusc-pure.cloud",
    "me-central-1": "mec1.pure.cloud",
    "ap-south-1": "aps1.pure.cloud",
    "ap-southeast-1": "apse1.pure.cloud",
    "ap-southeast-2": "mypurecloud.com.au",
    "ap-northeast-1": "mypurecloud.jp",
    "ap-northeast-2": "apne2.pure.cloud",
    "ap-northeast-3": "apne3.pure.cloud",
}

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
        "go. Without it the portal learns the queue from the first handoff. The id is the last "
        "part of the queue's address.",
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

_PREREQUISITES = (
    "A Genesys Cloud licence CX 1 with Digital Add-on II, CX 2 Digital or CX 3 Digital.",
    "An admin of that organization, to make a role, an OAuth client, a flow and a queue.",
    "A public address for this portal, with HTTPS on port 443: Genesys calls it.",
)

_VENDOR_STEPS = (
    "In Admin > Roles / Permissions, make a role with: Agent UI conversation details view; "
    "Analytics conversation detail view; Architect datatable add, edit, view; Conversation "
    "communication disconnect; Conversation message accept, assign, create, monitor, park, pull, "
    "receive, view; Messaging integration and setting add, delete, edit, view; Routing message "
    "manage; Routing queue add, delete, edit, join, view.",
    "In Admin > Integrations > OAuth, add a client with the grant Client Credentials and that "
    "role, in the right division. Copy Client ID and Client Secret.",
    "In Admin > Message > Platform Configurations, add a configuration with typing indicators on "
    "in both directions. Without it Genesys drops them.",
    "In Admin > Message > Platform Integrations, add Open Messaging: paste Webhook URL as Outbound "
    "Notification Webhook URL and Webhook Secret as Outbound Notification Webhook Signature Secret "
    "Token, then choose the platform configuration and a supported content profile.",
    "Save it and copy the Integration ID, the last part of the page's address.",
    "In Admin > Contact Center > Queues, make a queue with members whose utilization includes "
    "messages.",
    "In Architect, make an inbound message flow that ends in Transfer to ACD. Get Participant Data "
    "reads the attributes: QueueName, PortalSessionId and those of the handoff function. Publish "
    "it.",
    "In Admin > Routing > Message Routing, attach the integration's address to the flow.",
    "In the threading timeline, set open messaging to 0, so that no message of a new handoff falls "
    "into an old conversation.",
    "Ask Genesys to raise client.credentials.token.rate.per.minute if more than about 50 live "
    "chats run at once: the default is 300 requests a minute for everything.",
)

_ROLE = ErrorHelp(
    cause="The OAuth client's role lacks the permission that is named.",
    cure="Add it to the role in Admin > Roles / Permissions, and check that the client has the "
    "role in the division of the integration.",
)
_TOKEN_REFUSED = ErrorHelp(
    cause="Genesys no longer accepts the token it gave.",
    cure="Test again. If it stays, check that the OAuth client is still active.",
)

_CHECKED_WITH_TOKEN = ("integration", "routing", "permissions", "notifications", "queue")
_ERROR_HELP = {
    **usual_help(
        ("token", *_CHECKED_WITH_TOKEN), vendor="Genesys", status_page="status.mypurecloud.com"
    ),
    **{
        (check, "rate_limited"): ErrorHelp(
            cause="The OAuth client has used up its requests of this minute.",
            cure="Wait a minute and test again. Ask Genesys to raise client.credentials.token."
            "rate.per.minute if it happens often.",
        )
        for check in ("token", *_CHECKED_WITH_TOKEN)
    },
    ("token", "invalid_auth"): ErrorHelp(
        cause="Genesys does not know this client id with this secret in this region.",
        cure="Copy Client ID and Client Secret from Admin > Integrations > OAuth, and choose the "
        "region that the address bar shows when you are signed in.",
    ),
    ("token", "dns"): ErrorHelp(
        cause="The region's login host has no address.",
        cure="Choose the region that the address bar shows when you are signed in.",
    ),
    ("token", "tls"): ErrorHelp(
        cause="The certificate does not fit the region's login host.",
        cure="Behind a proxy that opens TLS, allow the hosts of Genesys Cloud through.",
    ),
    ("token", "unknown"): ErrorHelp(
        cause="The connection was refused or cut, or Genesys answered with an error of its own.",
        cure="Check that your firewall lets this server reach the region on port 443, then test "
        "again.",
    ),
    ("integration", "invalid_routing"): ErrorHelp(
        cause="No Open Messaging integration has this id in this region and division.",
        cure="Copy the Integration ID from the address of its page in Admin > Message > Platform "
        "Integrations, and give the OAuth client's role its division.",
    ),
    ("integration", "missing_permission"): _ROLE,
    ("integration", "disabled"): ErrorHelp(
        cause="The integration is not active.",
        cure="Switch it to active in Admin > Message > Platform Integrations.",
    ),
    ("integration", "not_published"): ErrorHelp(
        cause="Genesys has not finished making the integration, or could not.",
        cure="Wait a minute and test again. If it stays, delete the integration and add it again.",
    ),
    ("webhook", "webhook_not_seen"): ErrorHelp(
        cause="The integration calls another address than this portal's.",
        cure="Paste Webhook URL into Outbound Notification Webhook URL and Webhook Secret into "
        "Outbound Notification Webhook Signature Secret Token.",
    ),
    ("routing", "not_published"): ErrorHelp(
        cause="No inbound message flow is attached, so Genesys swallows every message.",
        cure="Publish a flow that ends in Transfer to ACD, and attach it in Admin > Routing > "
        "Message Routing.",
    ),
    ("routing", "invalid_routing"): ErrorHelp(
        cause="Genesys knows no routing for this integration.",
        cure="Attach the integration's address to a flow in Admin > Routing > Message Routing.",
    ),
    ("permissions", "missing_permission"): _ROLE,
    ("notifications", "missing_permission"): _ROLE,
    ("queue", "invalid_routing"): ErrorHelp(
        cause="No queue has this id, or the OAuth client's role does not reach its division.",
        cure="Copy the id from the queue's address in Admin > Contact Center > Queues, or leave "
        "Default queue empty.",
    ),
    ("queue", "missing_permission"): _ROLE,
    **{(check, "invalid_auth"): _TOKEN_REFUSED for check in _CHECKED_WITH_TOKEN},
}

MANIFEST = Manifest(
    key="genesys",
    integration_key="genesys_integration",
    tile="Genesys Messaging",
    name="Genesys Messaging",
    vendor="Genesys",
    summary="Live agents answer in Genesys Cloud through an Open Messaging integration.",
    docs_url="https://developer.genesys.cloud/commdigital/digital/openmessaging",
    delivery=Delivery.WEBHOOK,
    private_note="participant attribute `note`",
    takes_after_end=True,
    availability=(
        "Genesys tells how many live agents of a queue are on: of the default queue, and of the "
        "queue in which the last handoff of the same kind waited. Before the first one it does "
        "not say."
    ),
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
            Capability.FAILED_RECEIPT_OUT,
        }
    ),
    fields=_FIELDS,
    hints=(
        Hint(name="queue_name", check=text(1, 128)),
        Hint(name="external_contact_id", check=pattern(_UUID, "a UUID")),
    ),
    support=Support.SIMULATED,
    aliases=("genesys", "genesys_cloud"),
    prerequisites=_PREREQUISITES,
    vendor_steps=_VENDOR_STEPS,
    check_names=_CHECK_NAMES,
    error_help=_ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=_LOGGABLE_KEYS,
    generated=_GENERATED,
    exclusive_fields=("integration_id",),
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
    repeat_note="nothing that Genesys's own history shows; without the permission to view "
    "messages, one message",
)
