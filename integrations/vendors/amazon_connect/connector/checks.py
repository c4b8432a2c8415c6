"""Test connection for Amazon Connect: reads only, so that live agents see nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from integrations.contract.checks import Check, CheckFailedError, run_checks
from integrations.contract.connector import CheckResult
from integrations.contract.errors import (
    ConnectorError,
    InvalidAuthError,
    InvalidRoutingError,
    MissingPermissionError,
)
from integrations.http.client import HttpClient
from integrations.kit.json_values import as_text
from integrations.vendors.amazon_connect.client import AmazonConnectClient
from integrations.vendors.amazon_connect.client.budget import rate_budget
from integrations.vendors.amazon_connect.client.errors import ACCESS_DENIED, NOT_PUBLISHED
from integrations.vendors.amazon_connect.client.identity import AwsIdentity
from integrations.vendors.amazon_connect.client.signing import AwsKeys
from integrations.vendors.amazon_connect.connector.queue import QUEUE_METRICS, hours_around

_INBOUND = "CONTACT_FLOW"
_ACCESS_DENIED = (ACCESS_DENIED, f"{ACCESS_DENIED}Exception")


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
                await hours_around(client, self._value("instance_id"), hours_id, datetime.now(UTC))
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
