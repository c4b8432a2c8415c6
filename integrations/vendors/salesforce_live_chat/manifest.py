"""Salesforce Live Chat (legacy Live Agent): what an admin enters, and how it may fail."""

from __future__ import annotations

from integrations.contract.hints import Hint, flat_dict, text
from integrations.contract.manifest import (
    AttachmentLimits,
    Capability,
    CredentialField,
    Delivery,
    ErrorHelp,
    FieldKind,
    Manifest,
    Support,
)
from integrations.vendors.salesforce_live_chat.symptoms import SYMPTOMS

# Live Agent names no size; this is what the portal itself lets a file have.
MAX_FILE_BYTES = 5 * 1024 * 1024

PREREQUISITES = (
    "An organization in which Live Agent (Live Chat) still runs: Salesforce retired it on "
    "14 February 2026, and new organizations cannot switch it on.",
    "A Service Cloud User licence and the Live Agent User permission for each live agent.",
    "At least one live agent with a chat configuration and a skill.",
)

VENDOR_STEPS = (
    "Switch to Salesforce Classic for the set-up: Live Agent's pages are there.",
    "In Setup > Customize > Live Agent > Chat Agent Configurations, choose New, add the live "
    "agents, and save.",
    "In Setup > Customize > Live Agent > Skills, make a skill and add the same live agents.",
    "In Setup > Customize > Live Agent > Deployments, choose New and save. The Deployment Code "
    "shows the Live Agent URL, the deployment ID (572…) and the organization ID (00D…).",
    "In Setup > Customize > Live Agent > Chat Buttons & Invitations, choose New, take the skill "
    "or a queue for routing, and save. The button ID (573…) is the last part of its page's "
    "address.",
    "In the App Launcher, open the Service Console with Live Agent; the live agents go online "
    "there.",
    "To keep attributes with the transcript, 1 of 5: add a custom field to the object Live Chat "
    "Transcript (Setup > Object Manager).",
    "2 of 5: give the live agents' profiles the right to see that field.",
    "3 of 5: enter the pair attribute = API name of the field under Transcript fields here, for "
    "instance Order_Ref = Order_Ref__c.",
    "4 of 5: add the field to the page layout of Live Chat Transcript.",
    "5 of 5: where a flow or a trigger should read the value, let it run when a Live Chat "
    "Transcript is made, and write the value to the case or contact.",
)

_SLOW = ErrorHelp(
    cause="Live Agent did not answer within 4 seconds.",
    cure="Test again. If it stays, the organization's Live Agent may be retired: ask Salesforce, "
    "and look at status.salesforce.com and at your firewall.",
)
_BROKEN = ErrorHelp(
    cause="Live Agent answered with an error of its own, as it does where it has been retired.",
    cure="Ask Salesforce whether Live Agent still runs for this organization. If not, use "
    "Messaging for In-App and Web.",
)
_BUSY = ErrorHelp(
    cause="Salesforce takes no more calls at this moment.",
    cure="Wait a minute and test again.",
)
_DEPLOYMENT = ErrorHelp(
    cause="Live Agent does not know this organization with this deployment.",
    cure="Copy the organization ID (00D…) and the deployment ID (572…) from the Deployment Code.",
)
_CHECKS = ("reach", "deployment", "button")

ERROR_HELP = {
    ("reach", "dns"): ErrorHelp(
        cause="No public server has this name. Where Live Agent has been retired, its hosts are "
        "gone.",
        cure="Copy the Live Agent URL from the Deployment Code, and ask Salesforce whether Live "
        "Agent still runs for this organization.",
    ),
    ("reach", "tls"): ErrorHelp(
        cause="The server's certificate does not fit the address.",
        cure="Check the address. Behind a proxy that opens TLS, allow this host through.",
    ),
    ("reach", "unknown"): _BROKEN,
    ("deployment", "invalid_auth"): _DEPLOYMENT,
    ("deployment", "missing_permission"): _DEPLOYMENT,
    ("deployment", "invalid_routing"): ErrorHelp(
        cause="The address has no Live Agent.",
        cure="Copy the Live Agent URL from the Deployment Code, without a path.",
    ),
    ("deployment", "unknown"): _BROKEN,
    ("button", "invalid_routing"): ErrorHelp(
        cause="Live Agent does not tell of a chat button with this ID.",
        cure="Open the button under Chat Buttons & Invitations and copy the last part of the "
        "page's address (573…). The button must be active.",
    ),
    **{(check, "timeout"): _SLOW for check in _CHECKS},
    **{(check, "rate_limited"): _BUSY for check in _CHECKS},
}


def _id_field(name: str, label: str, prefix: str, help_text: str) -> CredentialField:
    return CredentialField(
        name=name,
        label=label,
        required=True,
        pattern=rf"^{prefix}[A-Za-z0-9]{{12}}([A-Za-z0-9]{{3}})?$",
        pattern_error=f"It starts with {prefix} and has 15 or 18 letters and digits.",
        example=f"{prefix}8Y0000012abc",
        max_length=255,
        help_text=help_text,
    )


_FIELDS = (
    CredentialField(
        name="live_agent_url",
        label="Live Agent URL",
        kind=FieldKind.URL,
        required=True,
        url_host_suffix=".salesforceliveagent.com",
        example="https://d.la1-c1.salesforceliveagent.com",
        help_text="Setup > Live Agent > Deployments > Deployment Code, the first argument of "
        "liveagent.init. Everything behind the host is removed.",
    ),
    _id_field(
        "org_id",
        "Organization ID",
        "00D",
        "Setup > Company Information, or the third argument of liveagent.init in the Deployment "
        "Code.",
    ),
    _id_field(
        "deployment_id",
        "Deployment ID",
        "572",
        "Setup > Live Agent > Deployments > Deployment Code, the second argument of "
        "liveagent.init.",
    ),
    _id_field(
        "button_id",
        "Button ID",
        "573",
        "Setup > Live Agent > Chat Buttons & Invitations > the button: the last part of the "
        "page's address. A whole address may be pasted.",
    ),
    CredentialField(
        name="transcript_fields",
        label="Transcript fields",
        kind=FieldKind.KEY_VALUE,
        max_length=65536,
        help_text="Which attribute goes into which field of the Live Chat Transcript: name = API "
        "name of the field, one pair on each line. An attribute without a pair is shown to the "
        "live agent all the same.",
    ),
)

_LOGGABLE_KEYS = frozenset(
    {
        "buttonId",
        "clientPollTimeout",
        "deploymentId",
        "id",
        "isAvailable",
        "isPost",
        "language",
        "offset",
        "organizationId",
        "position",
        "queuePosition",
        "reason",
        "receiveQueueUpdates",
        "resetSequence",
        "sequence",
        "type",
    }
)

MANIFEST = Manifest(
    key="salesforce_live_chat",
    integration_key="salesforce_integration",
    tile="Salesforce Messaging",
    name="Salesforce Live Chat",
    vendor="Salesforce",
    summary="Live agents answer in the Service Console through the legacy Live Agent API.",
    tile_order=2,
    connection_type="Live Chat (legacy)",
    notice="Salesforce has retired Live Agent on 14 February 2026. This connection is for "
    "organizations that still run it.",
    delivery=Delivery.STREAM,
    private_note="chat detail `note`",
    support=Support.SIMULATED,
    docs_url="https://developer.salesforce.com/docs/service/chat-rest",
    availability="Salesforce tells whether a live agent of the button is online.",
    capabilities=frozenset(
        {
            Capability.TYPING_OUT,
            Capability.TYPING_IN,
            Capability.ATTACHMENT_OUT,
            Capability.TRANSCRIPT,
            Capability.QUEUE_POSITION,
            Capability.AVAILABILITY,
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
    ),
    prerequisites=PREREQUISITES,
    vendor_steps=VENDOR_STEPS,
    check_names=(
        ("reach", "Address answers"),
        ("deployment", "Organization and deployment"),
        ("button", "Chat button"),
    ),
    error_help=ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=_LOGGABLE_KEYS,
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES),
)
