"""Finds the keys that calls are signed with: static ones, this machine's, or a role's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import botocore.session  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

from integrations.contract.errors import InvalidAuthError, MissingPermissionError
from integrations.vendors.amazon_connect.client.errors import ACCESS_DENIED, EXPIRED
from integrations.vendors.amazon_connect.client.signing import AwsKeys
from integrations.vendors.amazon_connect.client.sts import StsClient
from integrations.vendors.amazon_connect.mapping.start import read_pairs

NO_IDENTITY = "no_aws_identity"


class AwsIdentity:
    """Keeps the keys of each role while they are fresh; shared by all sessions."""

    def __init__(self, *, sts: StsClient, credentials: Mapping[str, str]) -> None:
        """Share the connector's client."""
        self._sts = sts
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

    async def _assume(self, region: str, role_arn: str) -> AwsKeys:
        try:
            return await self._sts.assume_role(
                await self.own_keys(),
                region=region,
                role_arn=role_arn,
                external_id=self._credentials.get("external_id", ""),
                tags=read_pairs(self._credentials.get("session_tags", "")),
            )
        except MissingPermissionError as error:
            # Nothing works without the role, whoever is to blame for it.
            raise InvalidAuthError(
                error.message,
                status=error.status,
                vendor_code=error.vendor_code or ACCESS_DENIED,
                field="role_arn",
            ) from error

    async def own_keys(self) -> AwsKeys:
        """Return the keys to assume a role with: entered ones, or those of this machine."""
        if self._credentials.get("access_key_id"):
            return self._static_keys()
        return await asyncio.to_thread(self._machine_keys)

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
