"""Salesforce Messaging (Enhanced Chat API v2): what an admin enters, and how it may fail."""

from __future__ import annotations

from functools import partial

from integrations.contract.hints import Hint, flat_dict, text
from integrations.contract.manifest import (
    AttachmentLimits,
    Capability,
    CredentialField,
    Delivery,
    ErrorHelp,
    FieldKind,
    GeneratedKeyPair,
    Manifest,
    Support,
    usual_help,
)
from integrations.vendors.salesforce_messaging.symptoms import SYMPTOMS

VERIFIED = "miaw_verified"
MAX_FILE_BYTES = 5 * 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."
# The contract names the kinds only: common images, PDF, text, office.
_MIME_TYPES = (
    "application/msword",
    "application/pdf",
    f"{_OFFICE}presentationml.presentation",
    f"{_OFFICE}spreadsheetml.sheet",
    f"{_OFFICE}wordprocessingml.document",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "image/gif",
    "image/jpeg",
    "image/png",
    "text/csv",
    "text/plain",
)

_PRINTABLE_PATTERN = r"^[\x20-\x7e]{1,255}$"

PREREQUISITES = (
    "A Salesforce edition with Service Cloud and Messaging for In-App and Web.",
    "A Service Cloud User licence on the admin who does the set-up.",
    "Omni-Channel switched on, and a queue with at least one live agent.",
)

VENDOR_STEPS = (
    "In Setup, switch on Omni-Channel. Add a service channel on Messaging Session, a routing "
    "configuration, a presence status, and a queue with your live agents.",
    "Build an Omni-Channel flow that routes the messaging session to that queue.",
    "In Messaging Settings, add a channel of type Messaging for In-App and Web that uses the "
    "flow, and activate it.",
    "Add the Omni-Channel utility and the messaging component to the Service Console.",
    "In Embedded Service Deployments, choose New Deployment > Messaging for In-App and Web > "
    "Custom Client, pick the channel, save, and publish. Stay on the page until it is published.",
    "Open the deployment's code snippet and copy OrganizationId, DeveloperName and Url.",
    "For user verification only: register the public key under User Verification > JSON Web "
    "Keysets and note key id and issuer; in Messaging Settings, add User Verification to the "
    "channel with that keyset; publish the deployment again.",
    "To show attributes to live agents, 1 of 5: add a custom field to Messaging Session.",
    "2 of 5: add a custom parameter to the messaging channel. Its channel variable name is the "
    "attribute's name here.",
    "3 of 5: map the parameter to a variable of the Omni-Channel flow.",
    "4 of 5: add a hidden pre-chat field with the same channel variable name to the deployment, "
    "and publish it again.",
    "5 of 5: in the flow, add a variable of the same name and an Update Records step that writes "
    "it to the custom field; activate the flow.",
)

_DEPLOYMENT = ErrorHelp(
    cause="No published deployment of type Custom Client has this developer name in this "
    "organization.",
    cure="Copy OrganizationId and DeveloperName from the deployment's code snippet, publish the "
    "deployment, and allow ten minutes.",
)
_KEYSET = ErrorHelp(
    cause="Salesforce did not accept the signed identity.",
    cure="Compare key id, issuer and public key with the keyset, add User Verification to the "
    "channel, publish the deployment, and check that this server's clock is right.",
)
# Whatever a signed identity is refused for, the keyset is to be looked at.
_REFUSALS = (
    "invalid_auth",
    "missing_permission",
    "invalid_routing",
    "not_published",
    "wrong_type",
)
_REFUSED = ErrorHelp(
    cause="Salesforce refused the token for this call.",
    cure="Check that the messaging channel is active, and publish the deployment again.",
)

_CHECK_NAMES = (
    ("reach", "Address answers"),
    ("token", "Organization and deployment"),
    ("verified_token", "User verification"),
    ("stream", "Event stream"),
)

ERROR_HELP = {
    **usual_help(
        (name for name, _ in _CHECK_NAMES),
        vendor="Salesforce",
        status_page="status.salesforce.com",
    ),
    ("reach", "dns"): ErrorHelp(
        cause="No public server has this name.",
        cure="Copy Url from the deployment's code snippet: it ends in .my.salesforce-scrt.com.",
    ),
    ("reach", "tls"): ErrorHelp(
        cause="The server's certificate does not fit the address.",
        cure="Check the address. Behind a proxy that opens TLS, allow this host through.",
    ),
    ("reach", "unknown"): ErrorHelp(
        cause="The connection was refused or cut.",
        cure="Check the address, and that your firewall lets this server reach it on port 443.",
    ),
    ("token", "wrong_type"): ErrorHelp(
        cause="The deployment is not of type Custom Client, or is not published.",
        cure="Make a deployment of type Custom Client in Embedded Service Deployments, publish it, "
        "and copy its developer name.",
    ),
    ("token", "invalid_auth"): ErrorHelp(
        cause="The channel does not accept end users without verification.",
        cure="Choose the connection type with user verification, or allow unverified users on the "
        "channel.",
    ),
    ("token", "missing_permission"): _REFUSED,
    **{("token", code): _DEPLOYMENT for code in ("invalid_routing", "not_published")},
    **{("verified_token", code): _KEYSET for code in _REFUSALS},
    **{("stream", code): _REFUSED for code in ("invalid_auth", "missing_permission")},
    ("stream", "invalid_routing"): ErrorHelp(
        cause="The address has no event stream.",
        cure="Check the organization base URL: it is Url in the deployment's code snippet.",
    ),
}

# A routing attribute's name, and what user verification alone needs.
_attribute_field = partial(
    CredentialField,
    pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$",
    pattern_error="An attribute name holds letters, digits and underscores, 64 at most.",
    max_length=64,
)
_verified_field = partial(
    CredentialField, shown_for_modes=(VERIFIED,), required_for_modes=(VERIFIED,)
)

_FIELDS = (
    CredentialField(
        name="mode",
        label="Connection type",
        kind=FieldKind.CHOICE,
        required=True,
        default="miaw",
        choices=(
            ("miaw", "Messaging for In-App and Web"),
            (VERIFIED, "Messaging for In-App and Web with user verification"),
        ),
        help_text="With user verification, Salesforce recognises the end users whom your own site "
        "has signed in. It needs a key pair and a keyset in Salesforce.",
    ),
    CredentialField(
        name="org_id",
        label="Organization ID",
        required=True,
        pattern=r"^00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$",
        pattern_error="An organization ID starts with 00D and has 15 or 18 letters and digits.",
        example="00D8Y0000012abc",
        max_length=18,
        help_text="Setup > Company Information, or OrganizationId in the deployment's code "
        "snippet.",
    ),
    CredentialField(
        name="scrt_url",
        label="Organization Base URL",
        kind=FieldKind.URL,
        required=True,
        url_host_suffix=".my.salesforce-scrt.com",
        example="https://birchline.my.salesforce-scrt.com",
        help_text="Url in the deployment's code snippet. A my.salesforce.com address is converted.",
    ),
    CredentialField(
        name="es_developer_name",
        label="Developer Name",
        required=True,
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$",
        pattern_error="A developer name starts with a letter and holds letters, digits and "
        "underscores, 80 at most.",
        example="Portal_Handoff",
        max_length=80,
        help_text="DeveloperName in the deployment's code snippet: the API name of the Embedded "
        "Service deployment, not its label.",
    ),
    CredentialField(
        name="routing_attributes",
        label="Routing attributes",
        kind=FieldKind.KEY_VALUE,
        max_length=65536,
        help_text="Sent with every conversation. Each name must be a custom parameter of the "
        "messaging channel, or Salesforce drops it without a word. Up to 50 pairs.",
    ),
    _attribute_field(
        name="session_attribute_name",
        label="Trace attribute",
        default="PortalSessionId",
        example="PortalSessionId",
        help_text="The routing attribute that carries the conversation's id in this portal, so "
        "that both sides can be matched.",
    ),
    _attribute_field(
        name="consumer_type_attribute",
        label="Identity attribute",
        default="Chat_Consumer_Type",
        example="Chat_Consumer_Type",
        help_text="The routing attribute that says authenticated or unauthenticated; a flow can "
        "branch on it.",
    ),
    _verified_field(
        name="jwt_key_id",
        label="Auth Key ID",
        pattern=_PRINTABLE_PATTERN,
        pattern_error="A key id has 1 to 255 printable characters.",
        example="portal-2026-01",
        max_length=255,
        help_text="The key id (kid) of the key in the keyset that User Verification uses.",
    ),
    _verified_field(
        name="jwt_issuer",
        label="Issuer",
        pattern=_PRINTABLE_PATTERN,
        pattern_error="An issuer has 1 to 255 printable characters.",
        example="https://portal.example.org",
        max_length=255,
        help_text="Must equal JSON Web Key Issuer of the keyset, character by character.",
    ),
    _verified_field(
        name="jwt_private_key",
        label="Private key (PEM)",
        kind=FieldKind.MULTILINE_SECRET,
        max_length=16384,
        help_text="RSA, 2048 bits or more, not encrypted. Generate a pair here, or paste your own.",
    ),
    CredentialField(
        name="jwt_alg",
        label="Algorithm",
        kind=FieldKind.CHOICE,
        default="RS256",
        choices=(("RS256", "RS256"), ("RS512", "RS512")),
        shown_for_modes=(VERIFIED,),
        help_text="Must equal the algorithm of the key in the keyset.",
    ),
    CredentialField(
        name="jwt_ttl_seconds",
        label="Token life",
        kind=FieldKind.NUMBER,
        default="300",
        minimum=60,
        maximum=3600,
        shown_for_modes=(VERIFIED,),
        help_text="Seconds for which a signed identity is valid, 60 to 3600. Keep it below the "
        "channel's token expiry for verified users.",
    ),
    CredentialField(
        name="anonymous_allowed",
        label="Accept anonymous visitors",
        kind=FieldKind.SWITCH,
        default="true",
        shown_for_modes=(VERIFIED,),
        help_text="Off: the handoff of an end user who is not verified fails with the reason "
        "identity_required.",
    ),
)

_LOGGABLE_KEYS = frozenset(
    {
        "acknowledgedConversationEntryIdentifier",
        "appType",
        "authMode",
        "authorizationType",
        "cancelReason",
        "capabilitiesVersion",
        "clientTimestamp",
        "conversationEntryId",
        "conversationId",
        "deploymentType",
        "direction",
        "entryType",
        "errorCode",
        "esDeveloperName",
        "failureType",
        "formatType",
        "id",
        "identifier",
        "inReplyToMessageId",
        "isNewMessagingSession",
        "language",
        "lastEventId",
        "limit",
        "messageType",
        "openConversationsFound",
        "operation",
        "platform",
        "role",
        "routingStatus",
        "routingType",
        "sessionStatus",
        "startTimestamp",
        "transcriptedTimestamp",
    }
)

MANIFEST = Manifest(
    key="salesforce_messaging",
    integration_key="salesforce_integration",
    tile="Salesforce Messaging",
    name="Salesforce Messaging",
    vendor="Salesforce",
    summary="Live agents answer in the Service Console through Messaging for In-App and Web.",
    docs_url="https://developer.salesforce.com/docs/service/messaging-api",
    delivery=Delivery.STREAM,
    private_note="routing attribute `note`",
    takes_after_end=True,
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
            Capability.TRANSFER,
            Capability.IDEMPOTENT_SEND,
        }
    ),
    fields=_FIELDS,
    mode_field="mode",
    hints=(
        Hint(
            name="routing_attributes",
            check=flat_dict(text(1, 64), text(0, 1024)),
            aliases=("pre_chat",),
        ),
    ),
    support=Support.SIMULATED,
    aliases=("salesforce",),
    prerequisites=PREREQUISITES,
    vendor_steps=VENDOR_STEPS,
    check_names=_CHECK_NAMES,
    error_help=ERROR_HELP,
    symptoms=SYMPTOMS,
    key_pair=GeneratedKeyPair(
        private_key_field="jwt_private_key",
        key_id_field="jwt_key_id",
        algorithm_field="jwt_alg",
        label="Generate a key pair",
        help_text="The private key is kept here, encrypted. Register the public key in Salesforce "
        "under User Verification > JSON Web Keysets.",
        shown_for_modes=(VERIFIED,),
    ),
    loggable_keys=_LOGGABLE_KEYS,
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES, mime_types=_MIME_TYPES),
)
