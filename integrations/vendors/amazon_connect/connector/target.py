"""Which instance, flow, region and role a handoff uses: the saved ones, or those it may name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from integrations.contract.errors import InvalidRoutingError
from integrations.vendors.amazon_connect.manifest.fields import (
    REGION_PATTERN,
    ROLE_PATTERN,
    UUID_PATTERN,
)

ROLE_NOT_ALLOWED = "role_not_allowed"
_ARN = re.compile(
    r"arn:aws(?:-cn|-us-gov)?:connect:(?P<region>[a-z0-9-]+):\d{12}:instance/"
    r"(?P<instance>[^/]+)(?:/(?P<kind>contact-flow|queue)/(?P<resource>[^/:]+))?(?::.*)?"
)


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
