"""What a tool may set for a handoff to Amazon Connect."""

from __future__ import annotations

from typing import Final

from integrations.contract.hints import Hint, captured, pattern, text, whole_number

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ARN = r"arn:aws[a-z-]*:connect:[a-z0-9-]{1,40}:[0-9]{12}:instance/"
_INSTANCE = captured(rf"(?:{_ARN})?({_UUID})", "an instance id (UUID) or instance ARN")
_FLOW = captured(
    rf"(?:{_ARN}{_UUID}/contact-flow/)?({_UUID})", "a contact flow id (UUID) or flow ARN"
)
_REGION = pattern(r"[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}", "an AWS region code")
_ROLE = pattern(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}", "an IAM role ARN")

HINTS: Final = (
    Hint(name="instance_id", check=_INSTANCE, replaces_saved=True),
    Hint(name="contact_flow_id", check=_FLOW, replaces_saved=True),
    Hint(name="aws_region", check=_REGION, replaces_saved=True),
    Hint(name="role_arn", check=_ROLE, listed_in=("role_arn", "allowed_role_arns")),
    Hint(name="chat_duration_minutes", check=whole_number(60, 10080)),
    Hint(name="related_contact_id", check=text(1, 256)),
    Hint(name="customer_id", check=text(1, 255)),
)

# Published once by the reference product and withdrawn: taking them would let a tool choose
# where credentials are sent.
REFUSED_HINTS: Final = frozenset({"api_url", "headers"})
