"""What an admin does in Genesys Cloud, and what each failing check means; words only."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp

PREREQUISITES = (
    "A Genesys Cloud licence CX 1 with Digital Add-on II, CX 2 Digital or CX 3 Digital.",
    "An admin of that organization, to make a role, an OAuth client, a flow and a queue.",
    "A public address for this portal, with HTTPS on port 443: Genesys calls it.",
)

VENDOR_STEPS = (
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

_SLOW = ErrorHelp(
    cause="Genesys did not answer within 4 seconds.",
    cure="Test again. If it stays, look at status.mypurecloud.com and at your firewall.",
)
_BUSY = ErrorHelp(
    cause="The OAuth client has used up its requests of this minute.",
    cure="Wait a minute and test again. Ask Genesys to raise client.credentials.token.rate.per."
    "minute if it happens often.",
)
_BROKEN = ErrorHelp(
    cause="Genesys answered with an error of its own.",
    cure="Test again. If it stays, look at status.mypurecloud.com.",
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

ERROR_HELP = {
    ("token", "auth"): ErrorHelp(
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
    ("token", "vendor_error"): ErrorHelp(
        cause="The connection was refused or cut, or Genesys answered with an error of its own.",
        cure="Check that your firewall lets this server reach the region on port 443, then test "
        "again.",
    ),
    ("integration", "not_found"): ErrorHelp(
        cause="No Open Messaging integration has this id in this region and division.",
        cure="Copy the Integration ID from the address of its page in Admin > Message > Platform "
        "Integrations, and give the OAuth client's role its division.",
    ),
    ("integration", "forbidden"): _ROLE,
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
    ("routing", "not_found"): ErrorHelp(
        cause="Genesys knows no routing for this integration.",
        cure="Attach the integration's address to a flow in Admin > Routing > Message Routing.",
    ),
    ("permissions", "forbidden"): _ROLE,
    ("notifications", "forbidden"): _ROLE,
    ("queue", "not_found"): ErrorHelp(
        cause="No queue has this id, or the OAuth client's role does not reach its division.",
        cure="Copy the id from the queue's address in Admin > Contact Center > Queues, or leave "
        "Default queue empty.",
    ),
    ("queue", "forbidden"): _ROLE,
    **{
        (check, code): help_
        for check in ("integration", "routing", "permissions", "notifications", "queue")
        for code, help_ in (("vendor_error", _BROKEN), ("auth", _TOKEN_REFUSED))
    },
    **{
        (check, code): help_
        for check in ("token", "integration", "routing", "permissions", "notifications", "queue")
        for code, help_ in (("timeout", _SLOW), ("rate_limited", _BUSY))
    },
}
