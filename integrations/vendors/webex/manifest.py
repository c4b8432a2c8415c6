"""Webex Contact Center: what an admin enters, and how it may fail."""

from __future__ import annotations

from integrations.contract.hints import Hint, flat_dict, pattern, scalar, text
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
from integrations.vendors.webex.mapping.credentials import UUID
from integrations.vendors.webex.symptoms import SYMPTOMS

MAX_FILE_BYTES = 25 * 1024 * 1024
_UUID = pattern(UUID, "a UUID")

_FIELDS = (
    CredentialField(
        name="api_base_url",
        label="Contact Center address",
        kind=FieldKind.URL,
        required=True,
        url_host_suffix="cisco.com",
        default="https://api.wxcc-us1.cisco.com",
        example="https://api.wxcc-eu1.cisco.com",
        help_text="The address of your organization's region: https://api.wxcc-REGION.cisco.com "
        "with us1, eu1, eu2, ca1, jp1, sg1 or anz1. The region alone may be entered too.",
    ),
    CredentialField(
        name="org_id",
        label="Organization ID",
        required=True,
        pattern=rf"^{UUID}$",
        pattern_error="An organization's id has 32 hexadecimal digits in five groups.",
        example="5d9a2f10-7c44-4c0e-9f0a-6a1c5f0d2e77",
        max_length=36,
        help_text="Control Hub > Account. The longer id of other Webex pages may be pasted.",
    ),
    CredentialField(
        name="client_id",
        label="Service App client ID",
        required=True,
        max_length=512,
        help_text="developer.webex.com > My Webex Apps: a Service App that a full admin has "
        "authorized for your organization.",
    ),
    CredentialField(
        name="client_secret",
        label="Service App client secret",
        kind=FieldKind.SECRET,
        required=True,
        help_text="On the same page, shown once.",
    ),
    CredentialField(
        name="refresh_token",
        label="Refresh token",
        kind=FieldKind.SECRET,
        required=True,
        max_length=4096,
        help_text="From the Service App's page, for your organization. The portal replaces it by "
        "itself with every refresh.",
    ),
    CredentialField(
        name="business_address",
        label="Business address",
        required=True,
        max_length=256,
        example="care@shop.example",
        help_text="Control Hub > Contact Center > Channels: the business address of the Custom "
        "Messaging asset, to the letter.",
    ),
    CredentialField(
        name="channel_name",
        label="Channel name",
        required=True,
        max_length=256,
        example="portal-chat",
        help_text="Control Hub > Contact Center > Channels: the name of the Custom Messaging "
        "channel, which must be active.",
    ),
    CredentialField(
        name="variable_names",
        label="Variables for routing hints",
        kind=FieldKind.KEY_VALUE,
        max_length=4000,
        example="queue=handoffQueue",
        help_text="Control Hub > Contact Center > Flows > Global variables: which of them takes "
        "which hint of a handoff, for your flow to route by. Hints: queue, skills, department, "
        "priority, language, subject, reason, user_email, user_phone, user_external_id. Leave it "
        "empty if your flow decides alone.",
    ),
    CredentialField(
        name="default_global_variables",
        label="Global variables",
        kind=FieldKind.KEY_VALUE,
        max_length=40_000,
        example="handoffSource=portal",
        help_text="Control Hub > Contact Center > Flows > Global variables. Sent with every "
        "handoff; 30 at most, each defined in your organization. Your flow reads them.",
    ),
    CredentialField(
        name="oauth_base_url",
        label="OAuth address of a simulator",
        kind=FieldKind.URL,
        url_host_suffix="webexapis.com",
        example="http://127.0.0.1:9500",
        help_text="For a simulator only. Leave it empty for Webex.",
    ),
)

_GENERATED = (
    GeneratedValue(
        name="events",
        kind=GeneratedKind.WEBHOOK_URL,
        label="Webhook URL",
        help_text="Paste it into the Custom Messaging asset. The portal makes the event "
        "subscriptions with the same address by itself.",
    ),
    GeneratedValue(
        name="asset_webhook_secret",
        kind=GeneratedKind.SECRET,
        label="Asset webhook secret",
        help_text="Paste it as the webhook secret of the Custom Messaging asset.",
    ),
)

_CHECK_NAMES = (
    ("token", "Service App"),
    ("expiry", "Authorization"),
    ("organization", "Organization"),
    ("subscriptions", "Event subscriptions"),
)

_LOGGABLE_KEYS = frozenset(
    {
        *("aliasId", "channelType", "createdTime", "eventTypes", "expires_in", "from"),
        *("grant_type", "key", "mediaType", "mimeType", "pageSize", "refresh_token_expires_in"),
        *("resourceVersion", "status", "timestamp", "to", "trackingId", "type"),
    }
)

_PREREQUISITES = (
    "Webex Contact Center with the feature Bring Your Own Custom Messaging Channel, which is in "
    "Beta: Cisco switches it on for an organization.",
    "A full admin of that organization, to authorize a Service App and to set up the channel.",
    "A public address for this portal, with HTTPS on port 443: Webex calls it and fetches files.",
)

_VENDOR_STEPS = (
    "On developer.webex.com make a Service App with the scopes cjp:task_write, cjp:task_read, "
    "cjp:config_read and cjp:config_write; cjp:user as well, if the portal is to end tasks.",
    "In Control Hub > Apps > Service Apps have a full admin authorize it. After a change of scopes "
    "it must be authorized again, and a new pair of tokens copied.",
    "On the Service App's page choose the organization and copy the refresh token.",
    "In Control Hub > Contact Center make a Custom Messaging channel with a messaging policy, and "
    "activate it.",
    "Make a Custom Messaging asset: a business address, Webhook URL as its webhook URL, Asset "
    "webhook secret as its secret.",
    "Define the global variables that a handoff sends, among them portalConversationId.",
    "Make a flow for Custom Messaging that queues the contact, an entry point that is mapped to "
    "it, a queue, a team, and a multimedia profile with the channel.",
)

_UNREACHABLE = ErrorHelp(
    cause="Webex could not be reached: its name is not known, or its certificate not trusted.",
    cure="Look at your firewall, proxy and DNS, and test again.",
)
_NO_ACCESS = ErrorHelp(
    cause="The token lacks the scope that is named, or the organization lacks the feature.",
    cure="Add the scope to the Service App, have a full admin authorize it again, and paste the "
    "new refresh token. If it stays, ask Cisco for Custom Messaging (Beta).",
)
_UNACCEPTED = ErrorHelp(
    cause="The contact center does not accept the token that Webex gave.",
    cure="Check that Contact Center address is the region of your organization, and authorize the "
    "Service App again.",
)

_WRONG_REGION = ErrorHelp(
    cause="There is no contact center of this organization at Contact Center address.",
    cure="Take the region in which Control Hub > Contact Center shows your organization.",
)

_ONLINE = ("token", "organization", "subscriptions")
_ERROR_HELP = {
    ("token", "invalid_auth"): ErrorHelp(
        cause="Webex does not take this refresh token with this client, or it is older than 90 "
        "days, or something else has used it.",
        cure="Copy client ID, client secret and a new refresh token from the Service App's page. "
        "If there is none, have a full admin authorize the Service App.",
    ),
    ("expiry", "invalid_auth"): ErrorHelp(
        cause="The refresh token ends within 14 days, and Webex does not prolong it.",
        cure="Have a full admin authorize the Service App again, and paste the new refresh token.",
    ),
    ("organization", "wrong_type"): ErrorHelp(
        cause="The token belongs to another organization than Organization ID.",
        cure="Choose the right organization on the Service App's page, and copy its tokens.",
    ),
    ("organization", "invalid_routing"): _WRONG_REGION,
    ("subscriptions", "disabled"): ErrorHelp(
        cause="Webex could not reach the portal for a while and has made a subscription inactive.",
        cure="Check that Webhook URL can be reached from outside. The portal activates the "
        "subscription again within 15 minutes, and at once when you save.",
    ),
    **usual_help(_ONLINE, vendor="Webex", status_page="status.webex.com"),
    **{(check, code): _UNREACHABLE for check in _ONLINE for code in ("dns", "tls")},
    **{
        (check, code): help_
        for check in ("organization", "subscriptions")
        for code, help_ in (("missing_permission", _NO_ACCESS), ("invalid_auth", _UNACCEPTED))
    },
    ("organization", "dns"): _WRONG_REGION,
}

MANIFEST = Manifest(
    key="webex",
    integration_key="webex_integration",
    tile="Webex Messaging",
    name="Webex Messaging",
    vendor="Webex",
    summary="Live agents answer in the Webex Contact Center desktop.",
    docs_url="https://developer.webex.com/webex-contact-center/docs/"
    "bring-your-own-custom-messaging-channel",
    delivery=Delivery.WEBHOOK,
    private_note="the flow variable that `note` is mapped to, else in the first message",
    takes_after_end=True,
    declares_attributes=True,
    capabilities=frozenset(
        {
            *(Capability.ATTACHMENT_OUT, Capability.ATTACHMENT_IN, Capability.TRANSCRIPT),
            *(Capability.TRANSFER, Capability.IDEMPOTENT_SEND),
        }
    ),
    fields=_FIELDS,
    hints=(
        Hint(name="destination_id", check=_UUID),
        Hint(name="entry_point_id", check=_UUID),
        Hint(name="global_variables", check=flat_dict(text(1, 64), scalar)),
    ),
    support=Support.SIMULATED,
    aliases=("webex",),
    prerequisites=_PREREQUISITES,
    vendor_steps=_VENDOR_STEPS,
    check_names=_CHECK_NAMES,
    error_help=_ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=_LOGGABLE_KEYS,
    generated=_GENERATED,
    exclusive_fields=("org_id", "business_address"),
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
)
