"""Zendesk Messaging (Conversations API v2): what an admin enters, and how it may fail."""

from __future__ import annotations

from functools import partial

from integrations.contract.hints import Hint, flat_dict, numeric_id, one_of, scalar, text, texts
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
from integrations.vendors.zendesk.symptoms import SYMPTOMS

# Of the setting that says what becomes of the conversation when its ticket is solved.
GOES_ON = "goes_on"
MAX_FILE_BYTES = 50 * 1024 * 1024
_secret_field = partial(CredentialField, kind=FieldKind.SECRET)
_id_field = partial(
    CredentialField,
    required=True,
    max_length=24,
    pattern=r"^[0-9a-f]{24}$",
    pattern_error="An ID of Zendesk's has 24 digits and letters a to f.",
)
_ticket_field = partial(
    CredentialField, pattern=r"^[0-9]{1,20}$", pattern_error="A ticket field's ID is a number."
)
_switchboard_field = partial(
    CredentialField,
    pattern=r"^\S{1,128}$",
    pattern_error="The name of a switchboard integration has no blanks.",
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
    _id_field(
        name="app_id",
        label="App ID",
        example="aa11bb22cc33dd44ee55ff66",
        help_text=f"{_DETAILS}integration > Details.",
    ),
    _id_field(
        name="integration_id",
        label="Integration ID",
        example="bb11cc22dd33ee44ff55aa66",
        help_text="On the same Details tab.",
    ),
    _id_field(
        name="webhook_id",
        label="Webhook ID",
        example="dd11ee22ff33aa44bb55cc66",
        help_text="On the same Details tab: the webhook that Zendesk made with the integration.",
    ),
    _secret_field(
        name="shared_secret",
        label="Shared secret",
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
    _secret_field(
        name="key_secret",
        label="API key secret",
        required=True,
        help_text="Shown once, when the API key is made.",
    ),
    _secret_field(
        name="status_webhook_secret",
        label="Webhook secret key",
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
    _secret_field(
        name="status_signing_secret",
        label="Webhook signing secret",
        help_text="Optional: Reveal secret on the webhook On Ticket Status Changed. Then every "
        "call must be signed and younger than five minutes.",
    ),
    _switchboard_field(
        name="switchboard_integration_name",
        label="Agent Workspace integration",
        default="next",
        example="zd-agentWorkspace",
        help_text="Where control is passed: next for whoever follows the integration on the "
        "switchboard, or a name such as zd-agentWorkspace.",
    ),
    _switchboard_field(
        name="own_switchboard_name",
        label="This portal's switchboard integration",
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
        name="summary_field_id",
        label="Ticket field for the summary",
        example="36001234567",
        help_text="Objects and rules > Tickets > Fields > the field's ID. A text field.",
    ),
    _ticket_field(
        name="conversation_field_id",
        label="Ticket field for the conversation ID",
        example="36001234568",
        help_text="Carries the conversation's ID in this portal, so that both sides match.",
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
    _secret_field(
        name="support_api_token",
        label="API token",
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

_PREREQUISITES = (
    "A Zendesk plan with messaging, Suite Professional or above, and the Agent Workspace on.",
    "An admin of the Zendesk account.",
    "An address of this portal that Zendesk can reach over HTTPS.",
)

_VENDOR_STEPS = (
    "In Admin Center, open Channels > Messaging and social > Messaging > Manage settings. Switch "
    "on multi-conversations, and ending sessions if your live agents shall use it.",
    "Open Apps and integrations > Integrations > Conversations integrations and choose Create "
    "integration.",
    "Enter a name and, as webhook endpoint URL, the Events address shown here; choose version v2.",
    "Subscribe to: conversation message, typing, read and postback; switchboard pass control, "
    "pass control failure, offer control and release control; user merge; conversation remove.",
    "Save, and copy App ID, Integration ID, Webhook ID and shared secret from the Details tab. "
    "The shared secret is shown once.",
    "On the integration's API keys, or under Apps and integrations > APIs > Conversations API, "
    "choose Create API key, and copy key ID and secret. The secret is shown once.",
    "Open Apps and integrations > Webhooks, choose Create webhook > Zendesk events, and subscribe "
    "to Ticket status changed and Ticket agent assignment changed.",
    "Name it On Ticket Status Changed; endpoint: the Status address shown here; method POST, "
    "format JSON; authentication API key, with the header name and the secret key shown here; "
    "status Active.",
    "To have summary or conversation id in a ticket field, add a text field under Objects and "
    "rules > Tickets > Fields, put it on the ticket form, and copy the field's ID.",
    "After the first handoff, look at the integration's Logs and at the webhook's Activity tab: "
    "every call must have been answered with 200.",
)

_CHECKS = ("access", "webhook", "integration", "switchboard", "support")
# Code of a failure -> cause and cure, whichever check it ends.
_ANYWHERE = {
    "invalid_auth": (
        "Zendesk did not accept the API key pair, or there is none. App ID, shared secret and "
        "the other values only let Zendesk call this portal; to call Zendesk, a key pair is "
        "needed.",
        "Create an API key under Apps and integrations > APIs > Conversations API, and enter key "
        "ID and secret. A secret that was not copied is lost: make a new key.",
    ),
    "missing_permission": (
        "The key may not read this. Zendesk opens the Conversations API from the plan Suite "
        "Professional up.",
        "Check the account's plan, and that the key was made for this integration or this app.",
    ),
    "dns": (
        "No public server has this name.",
        "Enter the part of your Zendesk address before .zendesk.com as subdomain.",
    ),
    "tls": (
        "The server's certificate does not fit the address.",
        "Check the subdomain. Behind a proxy that opens TLS, allow this host through.",
    ),
}
_HELP = {
    ("access", "invalid_routing"): (
        "Zendesk knows no app or integration with these IDs in this account.",
        "Copy App ID and Integration ID from the integration's Details tab, and check the "
        "subdomain.",
    ),
    ("webhook", "invalid_routing"): (
        "The integration has no webhook with this ID.",
        "Copy Webhook ID from the integration's Details tab.",
    ),
    ("webhook", "wrong_type"): (
        "The webhook has version v1, or calls another address than this portal's.",
        "In the integration's settings, enter the Events address shown here and choose version v2.",
    ),
    ("webhook", "disabled"): (
        "The webhook does not tell everything the portal must hear.",
        "In the integration's settings, add the subscriptions named under Give to vendor.",
    ),
    ("integration", "invalid_routing"): (
        "Zendesk knows no integration with this ID.",
        "Copy Integration ID from the integration's Details tab.",
    ),
    ("integration", "wrong_type"): (
        "This is the ID of another kind of integration.",
        "Copy Integration ID from the integration you made under Conversations integrations.",
    ),
    ("integration", "disabled"): (
        "The integration is not active.",
        "Activate it under Apps and integrations > Integrations > Conversations integrations.",
    ),
    ("switchboard", "invalid_routing"): (
        "The switchboard does not know the integration, or nothing of that name.",
        "Leave Agent Workspace integration at next, or enter zd-agentWorkspace; check that "
        "the integration is connected to messaging.",
    ),
    ("switchboard", "wrong_type"): (
        "The switchboard passes control elsewhere, or knows the integration by another name.",
        "Enter zd-agentWorkspace as Agent Workspace integration, and the integration's name "
        "on the switchboard as this portal's name.",
    ),
    ("switchboard", "disabled"): (
        "The switchboard is switched off, so control cannot be passed.",
        "Switch messaging and the Agent Workspace on in Admin Center.",
    ),
    ("support", "invalid_auth"): (
        "Zendesk did not accept API user and API token.",
        "Under Apps and integrations > APIs > Zendesk API, switch token access on, make a "
        "token, and enter it with the e-mail address of its user.",
    ),
    ("support", "missing_permission"): (
        "The API user is neither an agent nor an admin.",
        "Enter the e-mail address of an agent or an admin.",
    ),
    ("support", "invalid_routing"): (
        "There is no Zendesk account at this subdomain.",
        "Enter the part of your Zendesk address before .zendesk.com as subdomain.",
    ),
}
_ERROR_HELP = {
    **usual_help(_CHECKS, vendor="Zendesk", status_page="status.zendesk.com"),
    **{
        place: ErrorHelp(cause=cause, cure=cure)
        for place, (cause, cure) in (
            {(check, code): text for check in _CHECKS for code, text in _ANYWHERE.items()} | _HELP
        ).items()
    },
}

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
    (
        *("access", "code", "conversationId", "for", "id", "integrationId", "integrationType"),
        *("received", "role", "switchboardIntegration", "type", "userId", "version"),
    )
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
    private_note="ticket metadata; with a Support API token an internal note",
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
    prerequisites=_PREREQUISITES,
    vendor_steps=_VENDOR_STEPS,
    check_names=_CHECK_NAMES,
    error_help=_ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=_LOGGABLE_KEYS,
    generated=_GENERATED,
    exclusive_fields=("integration_id",),
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
    repeat_note="Zendesk takes no key against repeats. The portal looks into the conversation "
    "before it sends again; a message still on its way when a worker dies may arrive twice.",
)
