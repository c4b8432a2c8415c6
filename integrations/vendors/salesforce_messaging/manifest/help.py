"""What an admin does in Salesforce, and what each failing check means; words only."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp

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

_SLOW = ErrorHelp(
    cause="Salesforce did not answer within 4 seconds.",
    cure="Test again. If it stays, look at status.salesforce.com and at your firewall.",
)
_BUSY = ErrorHelp(
    cause="Salesforce limits how many tokens an organization may ask for in a minute.",
    cure="Wait a minute and test again.",
)
_BROKEN = ErrorHelp(
    cause="Salesforce answered with an error of its own.",
    cure="Test again. If it stays, look at status.salesforce.com.",
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
_REFUSED = ErrorHelp(
    cause="Salesforce refused the token for this call.",
    cure="Check that the messaging channel is active, and publish the deployment again.",
)

ERROR_HELP = {
    ("reach", "dns"): ErrorHelp(
        cause="No public server has this name.",
        cure="Copy Url from the deployment's code snippet: it ends in .my.salesforce-scrt.com.",
    ),
    ("reach", "tls"): ErrorHelp(
        cause="The server's certificate does not fit the address.",
        cure="Check the address. Behind a proxy that opens TLS, allow this host through.",
    ),
    ("reach", "timeout"): _SLOW,
    ("reach", "vendor_error"): ErrorHelp(
        cause="The connection was refused or cut.",
        cure="Check the address, and that your firewall lets this server reach it on port 443.",
    ),
    ("token", "not_found"): _DEPLOYMENT,
    ("token", "not_published"): _DEPLOYMENT,
    ("token", "wrong_type"): ErrorHelp(
        cause="The deployment is not of type Custom Client, or is not published.",
        cure="Make a deployment of type Custom Client in Embedded Service Deployments, publish it, "
        "and copy its developer name.",
    ),
    ("token", "auth"): ErrorHelp(
        cause="The channel does not accept end users without verification.",
        cure="Choose the connection type with user verification, or allow unverified users on the "
        "channel.",
    ),
    ("token", "forbidden"): _REFUSED,
    ("verified_token", "auth"): _KEYSET,
    ("verified_token", "forbidden"): _KEYSET,
    ("verified_token", "not_found"): _KEYSET,
    ("verified_token", "not_published"): _KEYSET,
    ("verified_token", "wrong_type"): _KEYSET,
    ("stream", "auth"): _REFUSED,
    ("stream", "forbidden"): _REFUSED,
    ("stream", "not_found"): ErrorHelp(
        cause="The address has no event stream.",
        cure="Check the organization base URL: it is Url in the deployment's code snippet.",
    ),
    **{(check, "timeout"): _SLOW for check in ("token", "verified_token", "stream")},
    **{(check, "vendor_error"): _BROKEN for check in ("token", "verified_token", "stream")},
    **{(check, "rate_limited"): _BUSY for check in ("reach", "token", "verified_token", "stream")},
}
