"""What an admin does in AWS, and what each failing check means; words only."""

from __future__ import annotations

from integrations.contract.manifest import ErrorHelp

PREREQUISITES = (
    "An Amazon Connect instance with chat, and live agents whose routing profile takes chats.",
    "Somebody who may create IAM roles in the AWS account of the instance.",
    "An AWS identity for this portal: the role of the machine it runs on, or access keys.",
)

VENDOR_STEPS = (
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

_SLOW = ErrorHelp(
    cause="AWS did not answer within 4 seconds.",
    cure="Test again. If it stays, check the region, and that your firewall lets this server "
    "reach amazonaws.com on port 443.",
)
_BUSY = ErrorHelp(
    cause="AWS limits how often these calls may be made.",
    cure="Wait a minute and test again.",
)
_BROKEN = ErrorHelp(
    cause="AWS could not be reached, or answered with an error of its own.",
    cure="Test again. If it stays, check your firewall and health.aws.amazon.com.",
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
_QUEUE = ErrorHelp(
    cause="The instance has no such queue.",
    cure="Copy the last part of the queue's ARN, or empty the field.",
)

_CHECKS = ("role", "identity", "instance", "flow", "queue")

ERROR_HELP = {
    **{(check, "dns"): _NO_HOST for check in _CHECKS},
    **{(check, "tls"): _TLS for check in _CHECKS},
    **{(check, "timeout"): _SLOW for check in _CHECKS},
    **{(check, "vendor_error"): _BROKEN for check in _CHECKS},
    **{(check, "rate_limited"): _BUSY for check in _CHECKS},
    **{(check, "auth"): _KEYS for check in _CHECKS},
    ("role", "forbidden"): _TRUST,
    ("identity", "forbidden"): _POLICY,
    ("queue", "forbidden"): _POLICY,
    ("instance", "wrong_region"): ErrorHelp(
        cause="This region has no instance with this ID.",
        cure="Compare region and instance ID with the instance's ARN.",
    ),
    ("instance", "disabled"): ErrorHelp(
        cause="The instance is not active.",
        cure="Look at the instance in the Amazon Connect console.",
    ),
    ("flow", "not_found"): ErrorHelp(
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
    ("queue", "not_found"): _QUEUE,
    ("queue", "disabled"): ErrorHelp(
        cause="The queue is switched off.",
        cure="Enable the queue, or choose another one.",
    ),
}
