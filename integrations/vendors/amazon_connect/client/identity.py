"""Finds the keys that calls are signed with: static ones, this machine's, or a role's.

A role's keys are borrowed from AWS's Security Token Service, which speaks the Query protocol.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import botocore.session  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

from integrations.contract.errors import (
    InvalidAuthError,
    MissingPermissionError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.errors import VendorResponse
from integrations.kit.hints import hint_text
from integrations.vendors.amazon_connect.client.errors import ACCESS_DENIED, EXPIRED, aws_error
from integrations.vendors.amazon_connect.client.signing import AwsKeys, Endpoints, signed_headers
from integrations.vendors.amazon_connect.mapping.item import moment

NO_IDENTITY = "no_aws_identity"
API_VERSION = "2011-06-15"
SESSION_NAME = "Baton"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"


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

    def forget(self, *, region: str, role_arn: str, error: InvalidAuthError) -> bool:
        """Drop keys that were refused as expired; say whether new ones may help."""
        is_known = self._roles.pop((region, role_arn), None) is not None
        return is_known and error.vendor_code in EXPIRED

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
        url = f"{self.endpoints.sts(region)}/"
        body = urlencode({"Action": action, "Version": API_VERSION, **form}).encode()
        headers = signed_headers(
            keys,
            service="sts",
            region=region,
            method="POST",
            url=url,
            body=body,
            content_type=_FORM,
        )
        return await self._http.request(
            action,
            "POST",
            url,
            headers={**headers, "Accept": "text/xml"},
            data=body,
            read_error=aws_error,
        )

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
