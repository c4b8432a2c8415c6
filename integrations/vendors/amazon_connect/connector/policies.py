"""The two policies that an admin pastes in IAM, with what has been entered filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from integrations.contract.connector import VendorDocument

_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):iam::(?P<account>\d{12}):role/.+")
_ACTIONS = (
    "StartChatContact",
    "StopContact",
    # Whether a chat whose tokens are refused is over, and in which contact it is.
    "DescribeContact",
    "ListAssociatedContacts",
    # Place in the queue and expected wait.
    "GetContactMetrics",
    # The connection test.
    "DescribeInstance",
    "DescribeContactFlow",
    # Availability.
    "GetCurrentMetricData",
    "DescribeQueue",
    "GetEffectiveHoursOfOperations",
)


def policies(values: Mapping[str, str]) -> tuple[VendorDocument, ...]:
    """Return what the role needs; of what is not known yet the name stands in angle brackets."""
    permissions = VendorDocument(
        name="permissions_policy",
        label="Permissions policy",
        help_text="What the role, or the user whose keys you enter, may do.",
        text=_policy({"Action": [f"connect:{name}" for name in _ACTIONS], **_resources(values)}),
    )
    if values.get("access_key_id") and not values.get("role_arn"):
        return (permissions,)
    return (_trust(values), permissions)


def _trust(values: Mapping[str, str]) -> VendorDocument:
    principal = values.get("portal_identity") or "<AWS identity of this portal>"
    external_id = values.get("external_id") or "<External ID>"
    return VendorDocument(
        name="trust_policy",
        label="Trust policy",
        help_text="Lets this portal, and nobody without the external ID, assume the role.",
        text=_policy(
            {
                "Principal": {"AWS": principal},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ),
    )


def _resources(values: Mapping[str, str]) -> dict[str, object]:
    role = _ROLE.fullmatch(values.get("role_arn", ""))
    partition, account = (role["partition"], role["account"]) if role else ("aws", "<account ID>")
    region = values.get("aws_region") or "<region>"
    instance_id = values.get("instance_id") or "<Instance ID>"
    instance = f"arn:{partition}:connect:{region}:{account}:instance/{instance_id}"
    return {"Resource": [instance, f"{instance}/*"]}


def _policy(statement: Mapping[str, object]) -> str:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    return json.dumps(policy, indent=2, ensure_ascii=False)
