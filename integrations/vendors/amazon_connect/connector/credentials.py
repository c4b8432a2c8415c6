"""The rules for Amazon Connect's credentials that a single field's pattern cannot express."""

from __future__ import annotations

import re
from collections.abc import Mapping

from integrations.vendors.amazon_connect.connector.target import ConnectArn, allowed_roles, read_arn
from integrations.vendors.amazon_connect.manifest.fields import ROLE_PATTERN
from integrations.vendors.amazon_connect.mapping.start import read_pairs

MAX_TAGS = 50
_TAG = re.compile(r"[\w \t.:/=+@-]*")


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the values as they are kept, with a sentence for each change worth showing."""
    kept = dict(values)
    notices: list[str] = []
    for name, label in (("instance_id", "instance"), ("contact_flow_id", "contact flow")):
        arn = read_arn(kept.get(name, ""))
        found = (arn.instance_id if name == "instance_id" else arn.resource_id) if arn else ""
        if arn is None or not found:
            continue
        kept[name] = found
        notices.append(f"The {label} ID was taken from the ARN.")
        notices += _filled_in(kept, arn)
    queue = read_arn(kept.get("availability_queue_id", ""))
    if queue is not None and queue.resource_id:
        kept["availability_queue_id"] = queue.resource_id
        notices.append("The queue ID was taken from the ARN.")
    if roles := kept.get("allowed_role_arns", "").strip():
        kept["allowed_role_arns"] = ", ".join(re.split(r"[\s,]+", roles.strip(" ,\n")))
    return kept, tuple(notices)


def credential_errors(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by field name."""
    return {
        **_identity_errors(values),
        **_role_errors(values),
        **_tag_errors(values.get("session_tags", "")),
    }


def _filled_in(kept: dict[str, str], arn: ConnectArn) -> list[str]:
    """Take region and instance from an ARN where they were left empty, or where one disagrees."""
    notices = []
    if kept.get("aws_region", "").strip() != arn.region:
        kept["aws_region"] = arn.region
        notices.append(f"The region {arn.region} was taken from the ARN.")
    if not kept.get("instance_id", "").strip():
        kept["instance_id"] = arn.instance_id
        notices.append("The instance ID was taken from the ARN.")
    return notices


def _identity_errors(values: Mapping[str, str]) -> dict[str, str]:
    key_id, secret = values.get("access_key_id", ""), values.get("secret_access_key", "")
    errors = {}
    if bool(key_id) != bool(secret):
        missing = "access_key_id" if secret else "secret_access_key"
        errors[missing] = "Access key ID and secret access key go together: enter or empty both."
    if not values.get("role_arn") and not key_id and not secret:
        errors["role_arn"] = (
            "Enter the role that this portal assumes, or access keys that may call Amazon Connect."
        )
    return errors


def _role_errors(values: Mapping[str, str]) -> dict[str, str]:
    further = {**values, "role_arn": ""}
    wrong = [role for role in allowed_roles(further) if not re.fullmatch(ROLE_PATTERN, role)]
    if not wrong:
        return {}
    return {
        "allowed_role_arns": f"{wrong[0][:80]} is no role ARN. One looks like "
        "arn:aws:iam::210987654321:role/PortalHandoff."
    }


def _tag_errors(text: str) -> dict[str, str]:
    try:
        tags = read_pairs(text)
    except ValueError:
        return {"session_tags": "The session tags cannot be read. Write one name = value per line."}
    if len(tags) > MAX_TAGS:
        return {"session_tags": f"AWS takes {MAX_TAGS} session tags at most."}
    for name, value in tags.items():
        if not name or len(name) > 128 or len(value) > 256 or not _TAG.fullmatch(name + value):
            return {
                "session_tags": f"AWS does not take the tag {name[:40]}. A name has 1 to 128 "
                "characters, a value up to 256: letters, digits, blanks and _.:/=+@-"
            }
    return {}
