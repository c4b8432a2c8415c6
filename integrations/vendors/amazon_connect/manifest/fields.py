"""The values that an admin enters for Amazon Connect; data only."""

from __future__ import annotations

from integrations.contract.manifest import CredentialField, FieldKind

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
        name="availability_queue_id",
        label="Queue for availability",
        pattern=UUID_PATTERN,
        pattern_error="A queue ID is a UUID. The queue's whole ARN is taken too.",
        example="5f3d1c20-8f4e-4e0f-9d0a-2b7a61d0c4e8",
        max_length=500,
        help_text="With a queue here, the portal can ask whether live agents are available. The "
        "queue's page > Show additional queue information > ARN, the last part.",
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
