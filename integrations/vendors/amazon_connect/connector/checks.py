"""What an admin entered: its rules, the policies that go into IAM, and the connection test."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from integrations.contract.checks import Check, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult, VendorDocument
from integrations.contract.errors import (
    ConnectorError,
    InvalidAuthError,
    InvalidRoutingError,
    MissingPermissionError,
)
from integrations.http.client import HttpClient
from integrations.kit.json_values import as_text
from integrations.vendors.amazon_connect.client import AmazonConnectClient
from integrations.vendors.amazon_connect.client.aws import (
    ACCESS_DENIED,
    NOT_PUBLISHED,
    AwsIdentity,
    AwsKeys,
    rate_budget,
    session_tags,
)
from integrations.vendors.amazon_connect.client.connect import QUEUE_METRICS
from integrations.vendors.amazon_connect.connector.chats import ConnectArn, allowed_roles, read_arn
from integrations.vendors.amazon_connect.manifest import ROLE_PATTERN

MAX_TAGS = 50
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
_INBOUND = "CONTACT_FLOW"
_ACCESS_DENIED = (ACCESS_DENIED, f"{ACCESS_DENIED}Exception")


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


# -- The connection test: reads only, so that live agents see nothing of it ----------------


class ConnectionChecks:
    """One run of the test; keeps the keys between its checks."""

    def __init__(self, http: HttpClient, credentials: Mapping[str, str]) -> None:
        """Share the connector's client, but no keys of its: the test asks for its own."""
        self._http = http
        self._credentials = credentials
        self._identity = AwsIdentity(http, credentials)
        self._region = credentials.get("aws_region", "")
        self._budget = rate_budget(http, "")
        self._keys: AwsKeys | None = None
        self._is_known = False
        self._has_instance = False

    def run(self) -> AsyncIterator[CheckResult]:
        """Yield the results in the manifest's order."""
        checks: list[tuple[str, Check]] = []
        if self._credentials.get("role_arn"):
            checks.append(("role", self._role))
        checks += [
            ("identity", self._caller),
            ("instance", self._instance),
            ("flow", self._flow),
        ]
        if self._credentials.get("availability_queue_id"):
            checks.append(("queue", self._queue))
        return run_checks(checks)

    async def _role(self) -> str:
        role_arn = self._credentials.get("role_arn", "")
        try:
            self._keys = await self._identity.keys(region=self._region, role_arn=role_arn)
        except InvalidAuthError as error:
            if error.vendor_code in _ACCESS_DENIED:
                caller = await self._refused_caller()
                detail = f"AWS answered {error.vendor_code}{caller}."
                raise CheckFailedError("missing_permission", detail) from error
            raise CheckFailedError("invalid_auth", error.message) from error
        return ""

    async def _refused_caller(self) -> str:
        """Name who the trust policy must let in, if AWS tells."""
        try:
            keys = await self._identity.own_keys()
            arn = await self._identity.caller(keys, region=self._region)
        except ConnectorError:
            return ""
        return f" to {arn}"

    async def _caller(self) -> str:
        if not self._credentials.get("role_arn"):
            self._keys = await self._identity.keys(region=self._region, role_arn="")
        arn = await self._identity.caller(self._need_keys(), region=self._region)
        self._is_known = True
        return f"Calls are made as {arn}."

    async def _instance(self) -> str:
        client = self._client()
        try:
            instance = await client.describe_instance(self._value("instance_id"))
        except MissingPermissionError:
            self._has_instance = True  # nothing speaks against it
            return "Not verified: the role may not call connect:DescribeInstance."
        except InvalidRoutingError as error:
            raise CheckFailedError(
                "wrong_region", f"{self._region} has no instance with this ID."
            ) from error
        status = as_text(instance.get("InstanceStatus"))
        if status != "ACTIVE":
            raise CheckFailedError("disabled", f"The instance's status is {status or 'unknown'}.")
        self._has_instance = True
        return ""

    async def _flow(self) -> str:
        client = self._client(needs_instance=True)
        try:
            flow = await client.describe_contact_flow(
                self._value("instance_id"), self._value("contact_flow_id")
            )
        except MissingPermissionError:
            return "Not verified: the role may not call connect:DescribeContactFlow."
        except InvalidRoutingError as error:
            is_saved = error.vendor_code == NOT_PUBLISHED
            raise CheckFailedError("not_published" if is_saved else "invalid_routing") from error
        name = as_text(flow.get("Name"))
        if flow.get("Type", _INBOUND) != _INBOUND:
            raise CheckFailedError("wrong_type", f"{name} is of type {as_text(flow.get('Type'))}.")
        if flow.get("State", "ACTIVE") != "ACTIVE":
            raise CheckFailedError("disabled", f"{name} is archived.")
        if flow.get("Status", "PUBLISHED") != "PUBLISHED":
            raise CheckFailedError("not_published", f"{name} is saved but not published.")
        return self._http.without_secrets(name)

    async def _queue(self) -> str:
        client = self._client(needs_instance=True)
        instance_id, queue_id = self._value("instance_id"), self._value("availability_queue_id")
        try:
            await client.get_current_metric_data(instance_id, queue_id, QUEUE_METRICS)
        except InvalidRoutingError as error:
            raise CheckFailedError("invalid_routing") from error
        try:
            queue = await client.describe_queue(instance_id, queue_id)
        except MissingPermissionError:
            return "Opening hours are not looked at: the role may not call connect:DescribeQueue."
        if queue.get("Status", "ENABLED") != "ENABLED":
            raise CheckFailedError("disabled")
        if not await self._may_read_hours(client, as_text(queue.get("HoursOfOperationId"))):
            return (
                "Opening hours are not looked at: the role may not call "
                "connect:GetEffectiveHoursOfOperations."
            )
        return as_text(queue.get("Name"))

    async def _may_read_hours(self, client: AmazonConnectClient, hours_id: str) -> bool:
        try:
            if hours_id:
                await client.get_effective_hours_of_operations(
                    self._value("instance_id"), hours_id, around=datetime.now(UTC)
                )
        except MissingPermissionError:
            return False
        return True

    def _client(self, *, needs_instance: bool = False) -> AmazonConnectClient:
        if not self._is_known or (needs_instance and not self._has_instance):
            raise CheckFailedError("skipped")
        return AmazonConnectClient(
            self._http,
            self._identity,
            self._budget,
            region=self._region,
            role_arn=self._value("role_arn"),
        )

    def _need_keys(self) -> AwsKeys:
        if self._keys is None:
            raise CheckFailedError("skipped")
        return self._keys

    def _value(self, name: str) -> str:
        return self._credentials.get(name, "")
