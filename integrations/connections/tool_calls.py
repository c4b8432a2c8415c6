"""Carry out what tools ask of a connection: conv.integrations.<name>.<operation>(…)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection

from integrations.connections.building import connector_build, vendor_session
from integrations.connections.calls import vendor_calls_save
from integrations.connections.destinations import credential_set_for
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    InvalidAuthError,
    MissingPermissionError,
    RateLimitedError,
)
from integrations.contract.registry import manifest_get, manifests
from integrations.http.recording import VendorCallRecord
from integrations.models import Integration, Project

# Which set of credentials, where a tool names one.
_SET = "credential_set"


def integration_tool_call(
    project: Project,
    environment: str,
    asked: Mapping[str, Any],
    seconds: float,
    *,
    variant: str = "",
) -> object:
    """Make one call for a tool and return plain data.

    Raises ValueError for a call that cannot be made, PermissionError where the vendor refuses the
    connection, ConnectionError and TimeoutError where it gave no answer, RuntimeError for any
    other refusal. No message quotes a credential.
    """
    name, given = str(asked["name"]), dict(asked["given"])
    manifest = next((one for one in manifests() if one.tool_name == name), None)
    wanted = str(asked["operation"])
    operations = manifest.tool_operations if manifest else ()
    operation = next((one for one in operations if one.name == wanted), None)
    if manifest is None or operation is None:
        raise ValueError(f"there is no conv.integrations.{name}.{wanted}")
    named = given.pop(_SET, None)
    if problem := operation.problem(given):
        raise ValueError(problem)
    key = manifest.integration_key
    credential_set = str(named or credential_set_for(project, environment, key, variant))
    row = Integration.objects.filter(
        project=project,
        environment=environment,
        integration_key=key,
        credential_set=credential_set,
    ).first()
    if row is None or not row.is_usable:
        raise ValueError(f"{manifest.tile} is not connected in {environment}")
    return async_to_sync(_called)(row, wanted, given, seconds)


async def _called(
    row: Integration, operation: str, given: Mapping[str, Any], seconds: float
) -> object:
    records: list[VendorCallRecord] = []
    title = manifest_get(row.connector_key).tile
    try:
        async with vendor_session() as session, asyncio.timeout(seconds):
            connector = connector_build(
                row, session=session, run_sync=_run_sync, recorder=records.append
            )
            return await connector.tool_call(operation, given)
    except TimeoutError:
        raise TimeoutError(f"{title} did not answer in {seconds:.0f} s") from None
    except ConnectorError as error:
        raise _for_tools(title, error) from error
    finally:
        if records:
            await _run_sync(_save, row.pk, records)


def _save(integration_id: int, records: list[VendorCallRecord]) -> None:
    vendor_calls_save(integration_id=integration_id, records=[("", record) for record in records])


async def _run_sync(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run a query in the caller's thread, and hold no connection while the vendor is asked."""
    return await sync_to_async(_let_go)(work, *arguments)


def _let_go(work: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return work(*arguments)
    finally:
        if not connection.in_atomic_block:
            connection.close()


def _for_tools(title: str, error: ConnectorError) -> Exception:
    """Return the exception that a tool can catch; the vendor's own code says what was wrong."""
    told = f"{title}: {error.message}" + (f" ({error.vendor_code})" if error.vendor_code else "")
    if isinstance(error, InvalidAuthError | MissingPermissionError):
        return PermissionError(told)
    if isinstance(error, CannotConnectError) and error.reason == "timeout":
        return TimeoutError(told)
    if isinstance(error, CannotConnectError | RateLimitedError):
        return ConnectionError(told)
    return RuntimeError(told)
