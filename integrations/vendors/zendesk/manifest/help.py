"""What an admin does in Zendesk, and what each failing check means; words only."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp

PREREQUISITES = (
    "A Zendesk plan with messaging, Suite Professional or above, and the Agent Workspace on.",
    "An admin of the Zendesk account.",
    "An address of this portal that Zendesk can reach over HTTPS.",
)

VENDOR_STEPS = (
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

_SLOW = ErrorHelp(
    cause="Zendesk did not answer within 4 seconds.",
    cure="Test again. If it stays, look at status.zendesk.com and at your firewall.",
)
_BUSY = ErrorHelp(
    cause="Zendesk limits how often an account may be asked.",
    cure="Wait a minute and test again.",
)
_BROKEN = ErrorHelp(
    cause="Zendesk answered with an error of its own.",
    cure="Test again. If it stays, look at status.zendesk.com.",
)
_NO_HOST = ErrorHelp(
    cause="No public server has this name.",
    cure="Enter the part of your Zendesk address before .zendesk.com as subdomain.",
)
_CERTIFICATE = ErrorHelp(
    cause="The server's certificate does not fit the address.",
    cure="Check the subdomain. Behind a proxy that opens TLS, allow this host through.",
)
_PLAN = ErrorHelp(
    cause="The key may not read this. Zendesk opens the Conversations API from the plan Suite "
    "Professional up.",
    cure="Check the account's plan, and that the key was made for this integration or this app.",
)
_KEY = ErrorHelp(
    cause="Zendesk did not accept the API key pair, or there is none. App ID, shared secret and "
    "the other values only let Zendesk call this portal; to call Zendesk, a key pair is needed.",
    cure="Create an API key under Apps and integrations > APIs > Conversations API, and enter key "
    "ID and secret. A secret that was not copied is lost: make a new key.",
)

_CHECKS = ("access", "webhook", "integration", "switchboard", "support")

ERROR_HELP = {
    **{(check, "timeout"): _SLOW for check in _CHECKS},
    **{(check, "unknown"): _BROKEN for check in _CHECKS},
    **{(check, "rate_limited"): _BUSY for check in _CHECKS},
    **{(check, "missing_permission"): _PLAN for check in _CHECKS},
    **{(check, "invalid_auth"): _KEY for check in _CHECKS},
    **{(check, "dns"): _NO_HOST for check in ("access", "support")},
    **{(check, "tls"): _CERTIFICATE for check in ("access", "support")},
    ("access", "invalid_routing"): ErrorHelp(
        cause="Zendesk knows no app or integration with these IDs in this account.",
        cure="Copy App ID and Integration ID from the integration's Details tab, and check the "
        "subdomain.",
    ),
    ("webhook", "invalid_routing"): ErrorHelp(
        cause="The integration has no webhook with this ID.",
        cure="Copy Webhook ID from the integration's Details tab.",
    ),
    ("webhook", "wrong_type"): ErrorHelp(
        cause="The webhook has version v1, or calls another address than this portal's.",
        cure="In the integration's settings, enter the Events address shown here and choose "
        "version v2.",
    ),
    ("webhook", "disabled"): ErrorHelp(
        cause="The webhook does not tell everything the portal must hear.",
        cure="In the integration's settings, add the subscriptions named under Give to vendor.",
    ),
    ("integration", "invalid_routing"): ErrorHelp(
        cause="Zendesk knows no integration with this ID.",
        cure="Copy Integration ID from the integration's Details tab.",
    ),
    ("integration", "wrong_type"): ErrorHelp(
        cause="This is the ID of another kind of integration.",
        cure="Copy Integration ID from the integration you made under Conversations integrations.",
    ),
    ("integration", "disabled"): ErrorHelp(
        cause="The integration is not active.",
        cure="Activate it under Apps and integrations > Integrations > Conversations integrations.",
    ),
    ("switchboard", "invalid_routing"): ErrorHelp(
        cause="The switchboard does not know the integration, or nothing of that name.",
        cure="Leave Agent Workspace integration at next, or enter zd-agentWorkspace; check that "
        "the integration is connected to messaging.",
    ),
    ("switchboard", "wrong_type"): ErrorHelp(
        cause="The switchboard passes control elsewhere, or knows the integration by another name.",
        cure="Enter zd-agentWorkspace as Agent Workspace integration, and the integration's name "
        "on the switchboard as this portal's name.",
    ),
    ("switchboard", "disabled"): ErrorHelp(
        cause="The switchboard is switched off, so control cannot be passed.",
        cure="Switch messaging and the Agent Workspace on in Admin Center.",
    ),
    ("support", "invalid_auth"): ErrorHelp(
        cause="Zendesk did not accept API user and API token.",
        cure="Under Apps and integrations > APIs > Zendesk API, switch token access on, make a "
        "token, and enter it with the e-mail address of its user.",
    ),
    ("support", "missing_permission"): ErrorHelp(
        cause="The API user is neither an agent nor an admin.",
        cure="Enter the e-mail address of an agent or an admin.",
    ),
    ("support", "invalid_routing"): ErrorHelp(
        cause="There is no Zendesk account at this subdomain.",
        cure="Enter the part of your Zendesk address before .zendesk.com as subdomain.",
    ),
}
