"""Tell a vendor by a call where our webhooks are, and tell it again when that is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from asgiref.sync import async_to_sync

from integrations.connections.addresses import webhook_urls
from integrations.connections.building import connector_with, vendor_session
from integrations.connections.tokens import TrialTokens
from integrations.contract.connector import Connector
from integrations.contract.errors import CannotConnectError, ConnectorError
from integrations.contract.registry import connector_class, manifest_get
from integrations.models import Integration

logger = logging.getLogger(__name__)
_SECONDS = 20.0
R = TypeVar("R")


def vendor_register(integration: Integration) -> Mapping[str, str]:
    """Register our addresses at the vendor and return the secrets it gave; raises ConnectorError.

    Must not be called inside a transaction: it waits for the vendor.
    """
    if connector_class(integration.connector_key).on_connected is Connector.on_connected:
        return {}
    urls = webhook_urls(integration)
    return _call(integration, lambda connector: connector.on_connected(urls))


def vendor_unregister(integration: Integration) -> None:
    """Take our addresses back; a vendor that cannot be reached keeps them, which does no harm."""
    if connector_class(integration.connector_key).on_disconnected is Connector.on_disconnected:
        return
    try:
        _call(integration, lambda connector: connector.on_disconnected())
    except ConnectorError as error:
        logger.warning("The vendor was not told of a disconnect: %s", error.code)


def _call(integration: Integration, work: Callable[[Connector], Awaitable[R]]) -> R:
    async def run() -> R:
        async with vendor_session() as session:
            connector = connector_with(
                manifest_get(integration.connector_key),
                credentials=integration.credentials,
                session=session,
                tokens=TrialTokens(integration.pk),
            )
            try:
                async with asyncio.timeout(_SECONDS):
                    return await work(connector)
            except TimeoutError as error:
                raise CannotConnectError("registering our addresses timed out") from error
            finally:
                await connector.close()

    return async_to_sync(run)()
