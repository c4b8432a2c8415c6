"""Salesforce Bring Your Own Channel: what an admin enters, and how it may fail."""

from __future__ import annotations

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
from integrations.vendors.salesforce_byoc.symptoms import SYMPTOMS

JWT_BEARER = "jwt_bearer"
CLIENT_CREDENTIALS = "client_credentials"
MY_DOMAIN = "my_domain"
LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")
MAX_FILE_BYTES = 25 * 1024 * 1024
_IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
_IDENTIFIER_ERROR = "A name holds letters, digits and underscores, 64 at most."
_ID_REST = r"[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?"

PREREQUISITES = (
    "A Salesforce edition with Service Cloud and Bring Your Own Channel for Messaging.",
    "A Service Cloud User licence on each live agent, and an integration user for the portal.",
    "Omni-Channel switched on, and a queue or a flow with at least one live agent.",
)

VENDOR_STEPS = (
    "In Setup > App Manager, make a Connected App (since Spring '26 an External Client App): "
    "switch on OAuth, upload a certificate under Use digital signatures, and choose the scopes "
    "interaction_api, api, and refresh_token, offline_access.",
    "In the app, switch on Issue JSON Web Token (JWT)-based access tokens for named users; set "
    "Permitted Users to Admin approved users are pre-authorized; under Manage > Profiles or "
    "Permission Sets, add one that the integration user has. Changes take up to ten minutes.",
    "In Setup > Platform Events, make an event such as Portal_Out__e with a long text field "
    "Payload__c (131,072 characters) and a text field EventType__c. The integration user needs "
    "the right to read it.",
    "Make a ConversationChannelDefinition through the Tooling API or a package, with "
    "customPlatformEvent Portal_Out__e, customEventPayloadField Portal_Out__e.Payload__c, "
    "customEventTypeField Portal_Out__e.EventType__c, supportsCustomChannelParameters true, and "
    "routingOwner Salesforce. Its developer name is the channel definition here.",
    "In Setup > Messaging Settings, add a channel of that definition, link the queue or "
    "Omni-Channel flow, and activate it. Its channel address identifier (a UUID) is in the record "
    "MessagingChannel, field ChannelAddressIdentifier.",
    "Add the Omni-Channel utility and the messaging component to the Service Console.",
    "To show attributes to live agents, 1 of 5: add a custom field to Messaging Session.",
    "2 of 5: add a custom parameter to the messaging channel, under the attribute's name.",
    "3 of 5: map the parameter to a variable of the Omni-Channel flow.",
    "4 of 5: let the definition have supportsCustomChannelParameters: it stands for the pre-chat "
    "field, which this kind of channel does not have.",
    "5 of 5: in the flow, add a variable of the same name and an Update Records step that writes "
    "it to the custom field; activate the flow.",
)

_APP = ErrorHelp(
    cause="The app is not approved for this user.",
    cure="In Setup, open the Connected App or External Client App, set Permitted Users to Admin "
    "approved users are pre-authorized, and add a profile or permission set of the integration "
    "user. Allow ten minutes.",
)
_KEY = ErrorHelp(
    cause="Salesforce does not accept the app's credentials: a wrong consumer key or secret, a "
    "private key that does not fit the app's certificate, a locked user, or an app that is not "
    "active yet.",
    cure="Compare consumer key, private key and user with the app, and allow ten minutes after a "
    "change.",
)
_CHECKS = ("token", "organization", "channel", "interaction", "events")

ERROR_HELP = {
    ("token", "dns"): ErrorHelp(
        cause="No public server has this name.",
        cure="Check the Instance URL: it is your My Domain and ends in .my.salesforce.com.",
    ),
    ("token", "tls"): ErrorHelp(
        cause="The server's certificate does not fit the address.",
        cure="Check the address. Behind a proxy that opens TLS, allow this host through.",
    ),
    ("token", "missing_permission"): _APP,
    ("token", "invalid_auth"): _KEY,
    ("token", "wrong_region"): ErrorHelp(
        cause="The login host is not the one of this organization.",
        cure="Choose login.salesforce.com for production, test.salesforce.com for a sandbox.",
    ),
    ("token", "disabled"): ErrorHelp(
        cause="The app does not offer this OAuth flow at this host.",
        cure="Switch on the flow in the app. Client credentials need a Run As user in the app.",
    ),
    ("token", "rejected"): ErrorHelp(
        cause="The signed request has expired, or its clock is wrong.",
        cure="Check that this server's clock is right.",
    ),
    ("organization", "invalid_routing"): ErrorHelp(
        cause="The app belongs to another organization.",
        cure="Copy the organization ID from Setup > Company Information of the same organization.",
    ),
    ("channel", "invalid_routing"): ErrorHelp(
        cause="No messaging channel has this channel address identifier.",
        cure="Copy MessagingChannel.ChannelAddressIdentifier, a UUID, of the channel that was made "
        "for the definition.",
    ),
    ("channel", "missing_permission"): ErrorHelp(
        cause="The integration user may not read messaging channels, or the app lacks the scope "
        "api.",
        cure="Add the scope api to the app, and give the user the right to read MessagingChannel.",
    ),
    ("interaction", "missing_permission"): ErrorHelp(
        cause="The token lacks the scope interaction_api, or the user lacks the permission.",
        cure="Add the scope interaction_api to the app, and JWT-based access tokens for named "
        "users.",
    ),
    ("interaction", "invalid_routing"): ErrorHelp(
        cause="The channel definition does not fit the channel or the app.",
        cure="Compare the developer name of the ConversationChannelDefinition, and link the "
        "channel to it.",
    ),
    ("interaction", "licence"): ErrorHelp(
        cause="Bring Your Own Channel is not enabled for this organization.",
        cure="Ask Salesforce for Bring Your Own Channel, and link the channel to a contact center "
        "where it needs one.",
    ),
    ("interaction", "invalid_auth"): ErrorHelp(
        cause="The messaging host does not accept the token.",
        cure="Switch on JWT-based access tokens for named users in the app.",
    ),
    ("events", "invalid_routing"): ErrorHelp(
        cause="The organization has no such platform event.",
        cure="Copy the API name of the event, with __e. It is case-sensitive.",
    ),
    ("events", "missing_permission"): ErrorHelp(
        cause="The integration user may not read the platform event.",
        cure="Give the user the right to read the event, and add the scope api to the app.",
    ),
    **usual_help(_CHECKS, vendor="Salesforce", status_page="status.salesforce.com"),
}


def _field_name(name: str, label: str, default: str, help_text: str) -> CredentialField:
    return CredentialField(
        name=name,
        label=label,
        default=default,
        pattern=_IDENTIFIER,
        pattern_error=_IDENTIFIER_ERROR,
        example=default,
        max_length=64,
        help_text=help_text,
    )


_FIELDS = (
    CredentialField(
        name="org_id",
        label="Organization ID",
        required=True,
        pattern=r"^00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$",
        pattern_error="An organization ID starts with 00D and has 15 or 18 letters and digits.",
        example="00D8Y0000012abc",
        max_length=18,
        help_text="Setup > Company Information.",
    ),
    CredentialField(
        name="instance_url",
        label="Instance URL",
        kind=FieldKind.URL,
        required=True,
        url_host_suffix=".my.salesforce.com",
        example="https://birchline.my.salesforce.com",
        help_text="Setup > My Domain: the current My Domain URL.",
    ),
    CredentialField(
        name="scrt_url",
        label="Messaging URL",
        kind=FieldKind.URL,
        required=True,
        url_host_suffix=".my.salesforce-scrt.com",
        example="https://birchline.my.salesforce-scrt.com",
        help_text="My Domain with -scrt: https://<my domain>.my.salesforce-scrt.com. A "
        "my.salesforce.com address is converted.",
    ),
    CredentialField(
        name="oauth_flow",
        label="OAuth flow",
        kind=FieldKind.CHOICE,
        default=JWT_BEARER,
        choices=((JWT_BEARER, "JWT bearer"), (CLIENT_CREDENTIALS, "Client credentials")),
        help_text="JWT bearer needs private key and integration user; client credentials need the "
        "consumer secret and a Run As user in the app.",
    ),
    CredentialField(
        name="login_host",
        label="Login host",
        kind=FieldKind.CHOICE,
        default=LOGIN_HOSTS[0],
        choices=(
            (LOGIN_HOSTS[0], "login.salesforce.com (production)"),
            (LOGIN_HOSTS[1], "test.salesforce.com (sandbox)"),
            (MY_DOMAIN, "My Domain (the Instance URL)"),
        ),
        help_text="Where the JWT is sent, and its audience. Client credentials always go to My "
        "Domain.",
    ),
    CredentialField(
        name="consumer_key",
        label="Consumer Key",
        kind=FieldKind.SECRET,
        required=True,
        pattern=r"^\S{20,}$",
        pattern_error="A consumer key has 20 characters or more, and no blanks.",
        help_text="Setup > App Manager > the app > View > Manage Consumer Details.",
    ),
    CredentialField(
        name="private_key",
        label="Private key of the app certificate",
        kind=FieldKind.MULTILINE_SECRET,
        max_length=16384,
        help_text="For JWT bearer: RSA, 2048 bits or more, not encrypted. It belongs to the "
        "certificate that was uploaded under Use digital signatures.",
    ),
    CredentialField(
        name="integration_user",
        label="Integration user",
        pattern=r"^[^@\s]+@[^@\s]+$",
        pattern_error="A user name looks like an e-mail address.",
        example="portal@birchline.example",
        help_text="For JWT bearer: Setup > Users, the user name. The app must be approved for this "
        "user.",
    ),
    CredentialField(
        name="consumer_secret",
        label="Consumer Secret",
        kind=FieldKind.SECRET,
        help_text="For client credentials only: beside the consumer key.",
    ),
    CredentialField(
        name="authorization_context",
        label="Channel definition",
        required=True,
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,159}$",
        pattern_error="A developer name starts with a letter and holds letters, digits and "
        "underscores.",
        example="Portal_PortalOtt",
        max_length=160,
        help_text="Developer name of the ConversationChannelDefinition.",
    ),
    CredentialField(
        name="channel_address_identifier",
        label="Channel address identifier",
        required=True,
        example="7c0b7d5e-51a9-4c35-8a20-0f6d2f4b9e11",
        max_length=240,
        help_text="MessagingChannel.ChannelAddressIdentifier of the channel made for the "
        "definition: a UUID.",
    ),
    CredentialField(
        name="event_topic",
        label="Event topic",
        default="/event/Portal_Out__e",
        pattern=r"^/event/[A-Za-z][A-Za-z0-9_]*__e$",
        pattern_error="A topic is /event/ and the API name of the platform event, with __e.",
        example="/event/Portal_Out__e",
        help_text="/event/ and the API name of the definition's custom platform event.",
    ),
    _field_name(
        "payload_field",
        "Payload field",
        "Payload__c",
        "API name of the event's long text field (customEventPayloadField).",
    ),
    _field_name(
        "type_field",
        "Type field",
        "EventType__c",
        "API name of the event's type field (customEventTypeField).",
    ),
    CredentialField(
        name="routing_queue_id",
        label="Default queue",
        pattern=rf"^00G{_ID_REST}$",
        pattern_error="A queue id starts with 00G and has 15 or 18 letters and digits.",
        example="00G8Y000000TeSt",
        max_length=18,
        help_text="Only where the definition's routingOwner is Partner: the queue, where the "
        "handoff names none. Leave it empty where Salesforce routes.",
    ),
    CredentialField(
        name="routing_flow_id",
        label="Default flow",
        pattern=rf"^300{_ID_REST}$",
        pattern_error="A flow id starts with 300 and has 15 or 18 letters and digits.",
        example="3008Y000000FlOw",
        max_length=18,
        help_text="Only where the definition's routingOwner is Partner: the flow; the queue is "
        "then its fallback.",
    ),
    CredentialField(
        name="routing_attributes",
        label="Routing attributes",
        kind=FieldKind.KEY_VALUE,
        max_length=65536,
        help_text="Sent with every conversation. Each name must be a custom parameter of the "
        "messaging channel, or Salesforce drops it without a word. Up to 50 pairs.",
    ),
    _field_name(
        "session_attribute_name",
        "Trace attribute",
        "PortalSessionId",
        "The routing attribute that carries the conversation's id in this portal.",
    ),
    _field_name(
        "consumer_type_attribute",
        "Identity attribute",
        "Chat_Consumer_Type",
        "The routing attribute that says authenticated or unauthenticated.",
    ),
)

_LOGGABLE_KEYS = frozenset(
    {
        *("acknowledgementType", "appType", "cancelReason", "channel"),
        *("channelAddressIdentifier", "clientTimestamp", "code", "connectionType"),
        *("conversationIdentifier", "direction", "entryType", "error", "errorReason"),
        *("failureType", "formatType", "id", "identifier", "interactionType", "limit"),
        *("messageType", "operation", "operationBy", "psrId", "queueId", "reconnect"),
        *("replayId", "role", "routingType", "sessionStatus", "status", "subscription"),
        *("successful", "success", "workItemId"),
    }
)

MANIFEST = Manifest(
    key="salesforce_byoc",
    integration_key="salesforce_integration",
    tile="Salesforce Messaging",
    name="Salesforce Bring Your Own Channel",
    vendor="Salesforce",
    summary="Live agents answer in the Service Console, on a channel of your own.",
    tile_order=1,
    connection_type="Bring Your Own Channel",
    delivery=Delivery.STREAM,
    private_note="routing attribute `note`",
    support=Support.SIMULATED,
    takes_after_end=True,
    docs_url="https://developer.salesforce.com/docs/service/messaging-partner",
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
    hints=(
        Hint(
            name="routing_attributes",
            check=flat_dict(text(1, 64), text(0, 1024)),
            aliases=("pre_chat",),
        ),
        Hint(
            name="queue_id",
            check=pattern(rf"00G{_ID_REST}", "a Salesforce queue id, 00G and 12 or 15 more"),
        ),
        Hint(
            name="flow_id",
            check=pattern(rf"300{_ID_REST}", "a Salesforce flow id, 300 and 12 or 15 more"),
        ),
    ),
    prerequisites=PREREQUISITES,
    vendor_steps=VENDOR_STEPS,
    check_names=(
        ("token", "Connected App and user"),
        ("organization", "Organization"),
        ("channel", "Messaging channel"),
        ("interaction", "Interaction Service"),
        ("events", "Platform event"),
    ),
    error_help=ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=_LOGGABLE_KEYS,
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
)
