"""AWS itself: whose keys sign a call, how it is signed, and what its refusals mean.

Keys are static ones, this machine's, or a role's, borrowed from AWS's Security Token Service, which
speaks the Query protocol; botocore computes signatures and sends nothing.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import botocore.session  # type: ignore[import-untyped]
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    InvalidRoutingError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.errors import StatusTable, VendorResponse, status_error
from integrations.http.url_guard import is_local_host
from integrations.kit.hints import hint_text
from integrations.kit.json_values import as_object, as_text
from integrations.kit.waiting import RateBudget, RateTiming
from integrations.vendors.amazon_connect.mapping.events import moment

ACCESS_DENIED = "AccessDenied"
CHAT_QUOTA = "LimitExceededException"
NOT_PUBLISHED = "ContactFlowNotPublishedException"
EXPIRED = ("ExpiredToken", "ExpiredTokenException")
# A full contact centre does not empty within a second.
CHAT_QUOTA_SECONDS = 5.0

# By name, which some services end with Exception and some do not.
_ERRORS: Mapping[str, type[ConnectorError]] = {
    "UnrecognizedClient": InvalidAuthError,
    "InvalidClientTokenId": InvalidAuthError,
    "InvalidSignature": InvalidAuthError,
    "SignatureDoesNotMatch": InvalidAuthError,
    "IncompleteSignature": InvalidAuthError,
    "MissingAuthenticationToken": InvalidAuthError,
    "ExpiredToken": InvalidAuthError,
    "AccessDenied": MissingPermissionError,
    "ResourceNotFound": InvalidRoutingError,
    "ContactFlowNotPublished": InvalidRoutingError,
    "ContactNotFound": ConversationGoneError,
    "Throttling": RateLimitedError,
    "TooManyRequests": RateLimitedError,
    "LimitExceeded": RateLimitedError,
    "Conflict": RejectedError,
    "ServiceQuotaExceeded": RejectedError,
}
# What AWS takes in a second can be raised for an account: nothing is counted before it refuses.
_PAUSES = RateTiming(first=0.5, longest=20.0)
_XML_CODE = re.compile(rb"<Code>\s*([A-Za-z0-9_.]{1,64})\s*</Code>")
_NAME = re.compile(r"[A-Za-z0-9_.]{1,64}")
# Keys are replaced before they expire, so that no request meets the last second.
_EARLY_SECONDS = 300.0
NO_IDENTITY = "no_aws_identity"
API_VERSION = "2011-06-15"
SESSION_NAME = "Baton"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"


# -- What it refuses -----------------------------------------------------------------------


def rate_budget(http: HttpClient, instance_id: str) -> RateBudget:
    """Return the pauses of one instance, which all workers keep together.

    AWS counts its operations apart, but what is said goes in order: a refusal of one holds all.
    """
    # Too many chats at once is no matter of how fast we ask.
    return RateBudget(_PAUSES, account=instance_id, store=http.pauses, other_limits=(CHAT_QUOTA,))


def budget_kind(operation: str) -> str:
    """Return what a call is counted under: all of a connection, but for what can be left out.

    The questions about chats that wait may hold back nothing that is said.
    """
    return "question" if operation == "GetContactMetrics" else ""


def aws_error(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Read a refusal: the error's name decides, a status of the caller's before it, others last."""
    name = error_name(response)
    kind = statuses.get(response.status) or _ERRORS.get(name.removesuffix("Exception"))
    error = status_error(response, {response.status: kind} if kind else {})
    error.vendor_code = name
    if name == CHAT_QUOTA:
        error.retry_after = error.retry_after or CHAT_QUOTA_SECONDS
    return error


def error_name(response: VendorResponse) -> str:
    """Return the error's name from wherever this service of AWS's writes it."""
    named = response.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    if not named and (found := _XML_CODE.search(response.body[:4096])):
        named = found.group(1).decode()
    if not named:
        named = _name_in_json(response)
    name = named.rpartition("#")[2]
    return name if _NAME.fullmatch(name) else ""


def _name_in_json(response: VendorResponse) -> str:
    if response.body[:1] != b"{":
        return ""
    try:
        body = as_object(response.json())
    except ConnectorError:
        return ""
    return as_text(body.get("__type")) or as_text(body.get("code"))


# -- How calls are signed ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKeys:
    """What a request is signed with; `expires_at` is Unix time, None for keys that stay."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    expires_at: float | None = None

    @property
    def is_fresh(self) -> bool:
        """Say whether the keys can be used for a while yet."""
        return self.expires_at is None or self.expires_at - time.time() > _EARLY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """Exactly this body to exactly this address: both are signed."""

    service: str
    region: str
    method: str
    url: str
    body: bytes = field(repr=False)
    content_type: str
    accept: str = "application/json"

    def headers(self, keys: AwsKeys) -> dict[str, str]:
        """Return the headers that must go with it."""
        named = {"Content-Type": self.content_type} if self.body else {}
        request = AWSRequest(method=self.method, url=self.url, data=self.body, headers=named)
        credentials = Credentials(
            keys.access_key_id, keys.secret_access_key, keys.session_token or None
        )
        SigV4Auth(credentials, self.service, self.region).add_auth(request)
        return {str(name): str(value) for name, value in request.headers.items()}

    async def send(
        self, http: HttpClient, operation: str, keys: AwsKeys, **more: Any
    ) -> VendorResponse:
        """Sign it and send it; a refusal is read as AWS writes it."""
        return await http.request(
            operation,
            self.method,
            self.url,
            headers={**self.headers(keys), "Accept": self.accept},
            data=self.body or None,
            read_error=aws_error,
            **more,
        )


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where AWS's services are; an override on this machine stands in for all of them."""

    override: str = ""

    def connect(self, region: str) -> str:
        """Return the address of the service that starts and stops chats."""
        return self.override.rstrip("/") or f"https://connect.{region}.{_domain(region)}"

    def participant(self, region: str) -> str:
        """Return the address of the chats themselves."""
        return self._local() or f"https://participant.connect.{region}.{_domain(region)}"

    def sts(self, region: str) -> str:
        """Return the address of the service that lends a role's keys."""
        return self._local() or f"https://sts.{region}.{_domain(region)}"

    def _local(self) -> str:
        host = urlsplit(self.override).hostname or ""
        return self.override.rstrip("/") if is_local_host(host) else ""


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


# -- Whose keys sign them ------------------------------------------------------------------


class AwsIdentity:
    """Keeps the keys of each role while they are fresh; shared by all sessions."""

    def __init__(self, http: HttpClient, credentials: Mapping[str, str]) -> None:
        """Share the connector's client."""
        self.endpoints = Endpoints(credentials.get("endpoint_url", ""))
        self._http = http
        self._credentials = credentials
        self._roles: dict[tuple[str, str], AwsKeys] = {}
        self._machine: Any = None
        self._lock = asyncio.Lock()

    async def keys(self, *, region: str, role_arn: str) -> AwsKeys:
        """Return fresh keys; raises InvalidAuthError when there are none to be had."""
        if not role_arn:
            return self._static_keys()
        async with self._lock:
            found = self._roles.get((region, role_arn))
            if found is None or not found.is_fresh:
                found = await self._assume(region, role_arn)
                self._roles[region, role_arn] = found
            return found

    def forget(self, keys: AwsKeys, *, region: str, role_arn: str, error: InvalidAuthError) -> bool:
        """Drop a role's keys that were refused as expired; say whether new ones may help.

        Of several calls that were refused together, only the first finds them still here.
        """
        if self._roles.get((region, role_arn)) is keys:
            del self._roles[region, role_arn]
        return bool(role_arn) and error.vendor_code in EXPIRED

    async def caller(self, keys: AwsKeys, *, region: str) -> str:
        """Return the ARN that keys belong to."""
        return _value(await self._call(keys, region, "GetCallerIdentity", {}), "Arn")

    async def own_keys(self) -> AwsKeys:
        """Return the keys to assume a role with: entered ones, or those of this machine."""
        if self._credentials.get("access_key_id"):
            return self._static_keys()
        return await asyncio.to_thread(self._machine_keys)

    async def _assume(self, region: str, role_arn: str) -> AwsKeys:
        form = {"RoleArn": role_arn, "RoleSessionName": SESSION_NAME, "DurationSeconds": "3600"}
        if external_id := self._credentials.get("external_id", ""):
            form["ExternalId"] = external_id
        tags = session_tags(self._credentials.get("session_tags", ""))
        for number, (name, value) in enumerate(tags.items(), start=1):
            form[f"Tags.member.{number}.Key"] = name
            form[f"Tags.member.{number}.Value"] = value
        try:
            response = await self._call(await self.own_keys(), region, "AssumeRole", form)
        except MissingPermissionError as error:
            # Nothing works without the role, whoever is to blame for it.
            raise InvalidAuthError(
                error.message,
                status=error.status,
                vendor_code=error.vendor_code or ACCESS_DENIED,
                field="role_arn",
            ) from error
        return AwsKeys(
            access_key_id=_value(response, "AccessKeyId"),
            secret_access_key=_value(response, "SecretAccessKey"),
            session_token=_value(response, "SessionToken"),
            expires_at=moment(_value(response, "Expiration")).timestamp(),
        )

    async def _call(
        self, keys: AwsKeys, region: str, action: str, form: Mapping[str, str]
    ) -> VendorResponse:
        request = SignedRequest(
            service="sts",
            region=region,
            method="POST",
            url=f"{self.endpoints.sts(region)}/",
            body=urlencode({"Action": action, "Version": API_VERSION, **form}).encode(),
            content_type=_FORM,
            accept="text/xml",  # else it may answer in JSON
        )
        return await request.send(self._http, action, keys)

    def _static_keys(self) -> AwsKeys:
        key_id = self._credentials.get("access_key_id", "")
        secret = self._credentials.get("secret_access_key", "")
        if not key_id or not secret:
            raise InvalidAuthError(
                "Neither a role nor access keys are set", vendor_code=NO_IDENTITY, field="role_arn"
            )
        return AwsKeys(access_key_id=key_id, secret_access_key=secret)

    def _machine_keys(self) -> AwsKeys:
        """Ask the environment and the machine; may wait for the network, so not on the loop."""
        try:
            self._machine = self._machine or botocore.session.Session().get_credentials()
            frozen = self._machine.get_frozen_credentials() if self._machine else None
        except BotoCoreError as error:
            raise InvalidAuthError(
                "The AWS identity of this portal cannot be read", vendor_code=NO_IDENTITY
            ) from error
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            raise InvalidAuthError(
                "This portal runs under no AWS identity", vendor_code=NO_IDENTITY
            )
        return AwsKeys(
            access_key_id=frozen.access_key,
            secret_access_key=frozen.secret_key,
            session_token=frozen.token or "",
        )


def session_tags(text: str) -> dict[str, str]:
    """Read the tags for a role, a JSON object; raises ValueError for anything else."""
    pairs = json.loads(text) if text.strip() else {}
    if not isinstance(pairs, dict):
        raise ValueError("not an object")
    return {str(name): hint_text(value) for name, value in pairs.items()}


def _value(response: VendorResponse, name: str) -> str:
    """Read one element; the values are ids and keys, so no parser of XML is needed."""
    text = response.body.decode("utf-8", errors="replace")
    found = re.search(rf"<{name}>\s*([^<]+?)\s*</{name}>", text)
    if found is None:
        raise UnexpectedResponseError(f"{response.operation}: the answer lacks {name}")
    return html.unescape(found.group(1))
