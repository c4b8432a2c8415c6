"""AWS's Security Token Service: borrow a role's keys, and ask who one is."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from integrations.contract.errors import MissingPermissionError, UnexpectedResponseError
from integrations.http.client import REQUEST_SECONDS, HttpClient
from integrations.http.errors import VendorResponse
from integrations.vendors.amazon_connect.client.errors import aws_error
from integrations.vendors.amazon_connect.client.signing import AwsKeys, Endpoints, signed_headers
from integrations.vendors.amazon_connect.mapping.item import moment

API_VERSION = "2011-06-15"
SESSION_NAME = "Baton"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"


class StsClient:
    """Speaks the Query protocol; holds no keys."""

    def __init__(self, http: HttpClient, endpoints: Endpoints) -> None:
        """Share the connector's client."""
        self._http = http
        self._endpoints = endpoints

    async def assume_role(
        self,
        keys: AwsKeys,
        *,
        region: str,
        role_arn: str,
        external_id: str,
        tags: Mapping[str, str],
    ) -> AwsKeys:
        """Return keys that act as the role; raises MissingPermissionError when it is not ours."""
        form = {"RoleArn": role_arn, "RoleSessionName": SESSION_NAME, "DurationSeconds": "3600"}
        if external_id:
            form["ExternalId"] = external_id
        for number, (name, value) in enumerate(tags.items(), start=1):
            form[f"Tags.member.{number}.Key"] = name
            form[f"Tags.member.{number}.Value"] = value
        try:
            response = await self._call(keys, region, "AssumeRole", form)
        except MissingPermissionError as error:
            error.field = "role_arn"
            raise
        return AwsKeys(
            access_key_id=_value(response, "AccessKeyId"),
            secret_access_key=_value(response, "SecretAccessKey"),
            session_token=_value(response, "SessionToken"),
            expires_at=_moment(response, "Expiration").timestamp(),
        )

    async def get_caller_identity(self, keys: AwsKeys, *, region: str) -> str:
        """Return the ARN that the keys belong to."""
        return _value(await self._call(keys, region, "GetCallerIdentity", {}), "Arn")

    async def _call(
        self, keys: AwsKeys, region: str, action: str, form: Mapping[str, str]
    ) -> VendorResponse:
        url = f"{self._endpoints.sts(region)}/"
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
            timeout=REQUEST_SECONDS,
            read_error=aws_error,
        )


def _value(response: VendorResponse, name: str) -> str:
    """Read one element; the values are ids and keys, so no parser of XML is needed."""
    text = response.body.decode("utf-8", errors="replace")
    found = re.search(rf"<{name}>\s*([^<]+?)\s*</{name}>", text)
    if found is None:
        raise UnexpectedResponseError(f"{response.operation}: the answer lacks {name}")
    return html.unescape(found.group(1))


def _moment(response: VendorResponse, name: str) -> datetime:
    return moment(_value(response, name))
