"""Amazon Connect: what it can do, what is entered, what a tool may set. Data only."""

from __future__ import annotations

from typing import Final

from integrations.contract.hints import Hint, one_of, pattern, text, whole_number
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
from integrations.vendors.amazon_connect.symptoms import SYMPTOMS

MAX_FILE_BYTES = 20 * 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument"
_MIME_TYPES = (
    *("application/msword", "application/pdf", "application/rtf"),
    *("application/vnd.ms-excel", "application/vnd.ms-powerpoint"),
    *(f"{_OFFICE}.presentationml.presentation", f"{_OFFICE}.spreadsheetml.sheet"),
    f"{_OFFICE}.wordprocessingml.document",
    *("audio/wav", "image/heic", "image/jpeg", "image/png"),
    *("text/csv", "text/plain", "text/rtf", "video/mp4", "video/quicktime"),
)

_CHECK_NAMES = (
    ("role", "Role"),
    ("identity", "AWS identity"),
    ("instance", "Instance"),
    ("flow", "Contact flow"),
    ("queue", "Queue for availability"),
)

_LOGGABLE_KEYS = frozenset(
    {
        *("AbsoluteTime", "AttachmentId", "AttachmentIds", "ClientToken", "ContactFlowId"),
        *("ContactId", "ContentType", "Id", "InitialContactId", "InstanceId", "InstanceStatus"),
        *("MessageProcessingStatus", "Name", "ParticipantId", "ParticipantRole", "ScanDirection"),
        *("SortOrder", "State", "Status", "Type", "Unit", "__type"),
    }
)

# -- What an admin enters ------------------------------------------------------------------

UUID_PATTERN = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
REGION_PATTERN = r"^[a-z]{2}(-[a-z]+)+-\d$"
ROLE_PATTERN = r"^arn:aws(-cn|-us-gov)?:iam::\d{12}:role/[\w+=,.@/-]{1,512}$"
PORTAL_PATTERN = (
    r"^(\d{12}|arn:aws(-cn|-us-gov)?:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]{1,512}))$"
)
AWS_HOST_SUFFIX = ".amazonaws.com"

FIELDS = (
    CredentialField(
        name="instance_id",
        label="Instance ID",
        required=True,
        pattern=UUID_PATTERN,
        pattern_error="An instance ID is a UUID. The instance's whole ARN is taken too.",
        example="7e1c0f5a-93b2-4d0e-8a61-2f0b8f5d9c11",
        max_length=500,
        help_text="Amazon Connect console > your instance > Instance ARN, the part after "
        "instance/. You may paste the whole ARN.",
    ),
    CredentialField(
        name="contact_flow_id",
        label="Contact flow ID",
        required=True,
        pattern=UUID_PATTERN,
        pattern_error="A contact flow ID is a UUID. The flow's whole ARN is taken too.",
        example="c2a9e4d0-1b6f-4f38-9a57-60c1ad7be903",
        max_length=500,
        help_text="Flow designer > About this flow > ARN, the last part. The flow is of type "
        "inbound and transfers chats to a queue.",
    ),
    CredentialField(
        name="aws_region",
        label="AWS region",
        required=True,
        pattern=REGION_PATTERN,
        pattern_error="A region looks like eu-central-1.",
        example="eu-central-1",
        max_length=32,
        help_text="The region of the instance. It is taken from an ARN if you paste one above.",
    ),
    CredentialField(
        name="role_arn",
        label="Role ARN",
        pattern=ROLE_PATTERN,
        pattern_error="A role ARN looks like arn:aws:iam::210987654321:role/PortalHandoff.",
        example="arn:aws:iam::210987654321:role/PortalHandoff",
        max_length=600,
        help_text="The role that this portal assumes. Needed unless you enter access keys that "
        "may call Amazon Connect themselves. Enter it before you create the role, and its "
        "policies are shown ready to paste in the step before this one.",
    ),
    CredentialField(
        name="portal_identity",
        label="AWS identity of this portal",
        pattern=PORTAL_PATTERN,
        pattern_error="The ARN of a role or user, or the number of an account.",
        example="arn:aws:iam::123456789012:role/BatonServer",
        max_length=600,
        help_text="Only for the trust policy, as its principal: the role or user that this portal "
        "runs as, or whose access keys you enter. If the role refuses it, the test names it.",
    ),
    CredentialField(
        name="allowed_role_arns",
        label="Further roles that a handoff may name",
        example="arn:aws:iam::210987654321:role/PortalHandoffNorth",
        max_length=4096,
        help_text="Role ARNs, separated by commas. A handoff that names any other role fails. All "
        "of them need the external ID in their trust policy.",
    ),
    CredentialField(
        name="session_tags",
        label="Session tags",
        kind=FieldKind.KEY_VALUE,
        max_length=8192,
        help_text="Sent when a role is assumed. With any tag here, the trust policy must allow "
        "sts:TagSession as well.",
    ),
    CredentialField(
        name="access_key_id",
        label="Access key ID",
        pattern=r"^A[KS]IA[A-Z0-9]{12,}$",
        pattern_error="An access key ID starts with AKIA or ASIA.",
        example="AKIAQ2P7EXAMPLE4RT6Z",
        max_length=128,
        help_text="Only when this portal does not run under an AWS identity of its own.",
    ),
    CredentialField(
        name="secret_access_key",
        label="Secret access key",
        kind=FieldKind.SECRET,
        max_length=256,
        help_text="Belongs to the access key ID.",
    ),
    CredentialField(
        name="user_display_name_default",
        label="Name shown to live agents",
        default="Guest",
        example="Guest",
        max_length=256,
        help_text="For end users whose name is not known.",
    ),
    CredentialField(
        name="chat_duration_minutes",
        label="Longest chat",
        kind=FieldKind.NUMBER,
        minimum=60,
        maximum=10080,
        help_text="Minutes, 60 to 10080. Empty: Amazon Connect's own limit of 25 hours.",
    ),
    CredentialField(
        name="transcript_when",
        label="Summary and transcript",
        kind=FieldKind.CHOICE,
        default="joined",
        choices=(
            ("joined", "When a live agent joins"),
            ("start", "As the chat's first message"),
        ),
        help_text="Amazon Connect takes a first message for the customer's own words: a bot in "
        "the flow would answer it.",
    ),
    CredentialField(
        name="persistent_chat",
        label="Continue a returning customer's chat",
        kind=FieldKind.SWITCH,
        default="false",
        help_text="Persistent chat: the live agent sees the last chat, too. For end users with a "
        "verified identity, and within one conversation.",
    ),
    CredentialField(
        name="availability_queue_id",
        label="Queue for availability",
        pattern=UUID_PATTERN,
        pattern_error="A queue ID is a UUID. The queue's whole ARN is taken too.",
        example="5f3d1c20-8f4e-4e0f-9d0a-2b7a61d0c4e8",
        max_length=500,
        help_text="The queue that is asked for live agents. Without one the portal reads it from "
        "the flow, if that sets a single one. The queue's page > Show additional queue "
        "information > ARN, the last part.",
    ),
    CredentialField(
        name="endpoint_url",
        label="Endpoint (simulator or FIPS endpoint)",
        kind=FieldKind.URL,
        url_host_suffix=AWS_HOST_SUFFIX,
        example="https://connect-fips.us-east-1.amazonaws.com",
        help_text="Leave empty. A simulator's address stands in for all of AWS; an address of "
        "AWS's serves the calls that start, stop and check chats.",
    ),
)

# -- What a tool may set -------------------------------------------------------------------

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ARN = r"arn:aws[a-z-]*:connect:[a-z0-9-]{1,40}:[0-9]{12}:instance/"
_INSTANCE = pattern(rf"(?:{_ARN})?{_UUID}", "an instance id (UUID) or instance ARN")
_FLOW = pattern(rf"(?:{_ARN}{_UUID}/contact-flow/)?{_UUID}", "a contact flow id (UUID) or flow ARN")
_REGION = pattern(r"[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}", "an AWS region code")
_ROLE = pattern(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}", "an IAM role ARN")

HINTS: Final = (
    Hint(name="instance_id", check=_INSTANCE, replaces_saved=True),
    Hint(name="contact_flow_id", check=_FLOW, replaces_saved=True),
    Hint(name="aws_region", check=_REGION, replaces_saved=True),
    Hint(name="role_arn", check=_ROLE, listed_in=("role_arn", "allowed_role_arns")),
    Hint(name="chat_duration_minutes", check=whole_number(60, 10080)),
    Hint(name="related_contact_id", check=text(1, 256)),
    Hint(name="source_contact_id", check=text(1, 256)),
    Hint(name="rehydration_type", check=one_of("ENTIRE_PAST_SESSION", "FROM_SEGMENT")),
    Hint(name="customer_id", check=text(1, 255)),
)

# Published once by the reference product and withdrawn: taking them would let a tool choose
# where credentials are sent.
REFUSED_HINTS: Final = frozenset({"api_url", "headers"})

# -- What an admin reads -------------------------------------------------------------------

_PREREQUISITES = (
    "An Amazon Connect instance with chat, and live agents whose routing profile takes chats.",
    "Somebody who may create IAM roles in the AWS account of the instance.",
    "An AWS identity for this portal: the role of the machine it runs on, or access keys.",
)

_VENDOR_STEPS = (
    "In the flow designer, build an inbound flow that sets a working queue and transfers to it, "
    "and publish it. Add a disconnect flow if chats shall go on after the live agent leaves.",
    "In the routing profile of your live agents, switch on chat for that queue.",
    "For files: switch on attachments in the instance's data storage, with CORS on the bucket.",
    "In IAM, create a role with a custom trust policy, and a permissions policy: both are shown in "
    "the step Give to vendor, with the values of this form once they are kept.",
    "Of the permissions, GetContactMetrics is for place in the queue and expected wait, the two "
    "after it are for the connection test, and the last three for availability: leave out what you "
    "do not want.",
    "Copy the instance's ARN, the flow's ARN and the role's ARN.",
)

_NO_HOST = ErrorHelp(
    cause="AWS has no public server for this region.",
    cure="Check the region's spelling, and that the endpoint field is empty.",
)
_TLS = ErrorHelp(
    cause="The server's certificate does not fit its address.",
    cure="Behind a proxy that opens TLS, allow amazonaws.com through.",
)
_KEYS = ErrorHelp(
    cause="AWS does not know these keys, or there are none.",
    cure="Run this portal under an AWS identity, or copy access key ID and secret access key "
    "again. Check that this server's clock is right.",
)
_TRUST = ErrorHelp(
    cause="The role does not let this portal assume it.",
    cure="Compare the trust policy: the principal is this portal's AWS identity, the actions hold "
    "sts:AssumeRole and, with session tags, sts:TagSession, and sts:ExternalId equals the "
    "external ID shown here.",
)
_POLICY = ErrorHelp(
    cause="The role may not make this call.",
    cure="Add the actions of the set-up steps to the role's policy, on the instance's ARN and on "
    "the same ARN followed by /*.",
)
_CHECKS = tuple(name for name, _ in _CHECK_NAMES)

ERROR_HELP = {
    **{(check, "dns"): _NO_HOST for check in _CHECKS},
    **{(check, "tls"): _TLS for check in _CHECKS},
    **usual_help(_CHECKS, vendor="AWS", status_page="health.aws.amazon.com"),
    **{(check, "invalid_auth"): _KEYS for check in _CHECKS},
    ("role", "missing_permission"): _TRUST,
    ("identity", "missing_permission"): _POLICY,
    ("queue", "missing_permission"): _POLICY,
    ("instance", "wrong_region"): ErrorHelp(
        cause="This region has no instance with this ID.",
        cure="Compare region and instance ID with the instance's ARN.",
    ),
    ("instance", "disabled"): ErrorHelp(
        cause="The instance is not active.",
        cure="Look at the instance in the Amazon Connect console.",
    ),
    ("flow", "invalid_routing"): ErrorHelp(
        cause="The instance has no flow with this ID.",
        cure="Copy the flow's ARN from About this flow in the flow designer.",
    ),
    ("flow", "not_published"): ErrorHelp(
        cause="The flow is saved but not published.",
        cure="Open it in the flow designer and publish it.",
    ),
    ("flow", "wrong_type"): ErrorHelp(
        cause="The flow is not an inbound flow.",
        cure="Use a flow of type inbound: whisper, hold and transfer flows cannot start a chat.",
    ),
    ("flow", "disabled"): ErrorHelp(
        cause="The flow is archived.",
        cure="Take it out of the archive, or choose another flow.",
    ),
    ("queue", "invalid_routing"): ErrorHelp(
        cause="The instance has no such queue.",
        cure="Copy the last part of the queue's ARN, or empty the field.",
    ),
    ("queue", "disabled"): ErrorHelp(
        cause="The queue is switched off.",
        cure="Enable the queue, or choose another one.",
    ),
}

MANIFEST = Manifest(
    key="amazon_connect",
    integration_key="amazon_connect_integration",
    tile="Amazon Connect",
    name="Amazon Connect",
    summary="Live agents answer in the Contact Control Panel of an Amazon Connect instance.",
    docs_url="https://docs.aws.amazon.com/connect/latest/adminguide/chat.html",
    delivery=Delivery.STREAM,
    private_note="contact attribute `note`",
    availability=(
        "Amazon Connect tells staff and hours of a queue: of the one that the connection names "
        "for the check, or else of the one that its flow sets. A flow that computes its queue, "
        "or sets several, needs one here."
    ),
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
            Capability.AVAILABILITY,
            Capability.TRANSFER,
            Capability.IDEMPOTENT_SEND,
        }
    ),
    fields=FIELDS,
    hints=HINTS,
    refused_hints=REFUSED_HINTS,
    support=Support.SIMULATED,
    aliases=("amazon_connect", "connect"),
    prerequisites=_PREREQUISITES,
    vendor_steps=_VENDOR_STEPS,
    check_names=_CHECK_NAMES,
    error_help=ERROR_HELP,
    symptoms=SYMPTOMS,
    loggable_keys=_LOGGABLE_KEYS,
    generated=(
        GeneratedValue(
            name="external_id",
            kind=GeneratedKind.EXTERNAL_ID,
            label="External ID",
            help_text="Goes into the trust policy of the role, as the condition sts:ExternalId.",
        ),
    ),
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES, mime_types=_MIME_TYPES),
)
