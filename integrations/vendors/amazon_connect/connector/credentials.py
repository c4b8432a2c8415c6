"""What was entered for Amazon Connect: its rules, where a handoff goes by it, and its policies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from integrations.contract.connector import VendorDocument
from integrations.contract.errors import InvalidRoutingError
from integrations.vendors.amazon_connect.client.identity import session_tags
from integrations.vendors.amazon_connect.manifest import REGION_PATTERN, ROLE_PATTERN, UUID_PATTERN

ROLE_NOT_ALLOWED = "role_not_allowed"
MAX_TAGS = 50
_ARN = re.compile(
    r"arn:aws(?:-cn|-us-gov)?:connect:(?P<region>[a-z0-9-]+):\d{12}:instance/"
    r"(?P<instance>[^/]+)(?:/(?P<kind>contact-flow|queue)/(?P<resource>[^/:]+))?(?::.*)?"
)
_TAG = re.compile(r"[\w \t.:/=+@-]*")
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


# -- Where a handoff goes ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a handoff goes; kept with the vendor session, for the calls that come later."""

    instance_id: str
    contact_flow_id: str
    region: str
    role_arn: str

    def as_state(self) -> dict[str, object]:
        """Return it as a vendor session keeps it."""
        return dict(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectArn:
    """The parts of an ARN of Amazon Connect's."""

    region: str
    instance_id: str
    resource_id: str


def read_arn(text: str) -> ConnectArn | None:
    """Read an ARN of an instance or of something in it; None for anything else."""
    found = _ARN.fullmatch(text.strip())
    if found is None:
        return None
    return ConnectArn(
        region=found["region"],
        instance_id=found["instance"],
        resource_id=found["resource"] or "",
    )


def target_for(credentials: Mapping[str, str], routing: Mapping[str, object]) -> Target:
    """Merge what is saved with what the handoff names; raises InvalidRoutingError."""
    instance, flow = _named(routing, "instance_id"), _named(routing, "contact_flow_id")
    instance_arn, flow_arn = read_arn(instance), read_arn(flow)
    arn = instance_arn or flow_arn
    region = _named(routing, "aws_region") or (arn.region if arn else "")
    target = Target(
        instance_id=(instance_arn.instance_id if instance_arn else instance)
        or credentials.get("instance_id", ""),
        contact_flow_id=(flow_arn.resource_id if flow_arn else flow)
        or credentials.get("contact_flow_id", ""),
        region=region or credentials.get("aws_region", ""),
        role_arn=_role(credentials, _named(routing, "role_arn")),
    )
    _require(target.instance_id, UUID_PATTERN, "instance_id")
    _require(target.contact_flow_id, UUID_PATTERN, "contact_flow_id")
    _require(target.region, REGION_PATTERN, "aws_region")
    return target


def target_of(state: Mapping[str, object], credentials: Mapping[str, str]) -> Target:
    """Return the target that a vendor session was started with."""
    kept = state.get("target")
    values = kept if isinstance(kept, Mapping) else {}
    saved = {
        "instance_id": credentials.get("instance_id", ""),
        "contact_flow_id": credentials.get("contact_flow_id", ""),
        "region": credentials.get("aws_region", ""),
        "role_arn": credentials.get("role_arn", ""),
    }
    return Target(**{name: str(values.get(name, default)) for name, default in saved.items()})


def allowed_roles(credentials: Mapping[str, str]) -> list[str]:
    """Return the roles that a handoff may name: the saved one and the further ones."""
    further = re.split(r"[\s,]+", credentials.get("allowed_role_arns", ""))
    return [role for role in (credentials.get("role_arn", ""), *further) if role]


def _role(credentials: Mapping[str, str], named: str) -> str:
    if not named:
        return credentials.get("role_arn", "")
    if named not in allowed_roles(credentials) or not re.fullmatch(ROLE_PATTERN, named):
        raise InvalidRoutingError(
            "The handoff names a role that the integration does not allow",
            vendor_code=ROLE_NOT_ALLOWED,
            field="role_arn",
        )
    return named


def _named(routing: Mapping[str, object], name: str) -> str:
    value = routing.get(name)
    return value.strip() if isinstance(value, str) else ""


def _require(value: str, pattern: str, field: str) -> None:
    if not re.fullmatch(pattern, value):
        raise InvalidRoutingError(f"{field} is missing or malformed", field=field)


# -- What the form cannot judge field by field ---------------------------------------------


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
        tags = session_tags(text)
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


# -- What goes into IAM --------------------------------------------------------------------


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
