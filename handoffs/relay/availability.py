"""Ask a vendor for live agents before a conversation is opened; no answer counts as yes."""

from __future__ import annotations

import asyncio
import logging

from integrations.contract.connector import Connector, HandoffRequest
from integrations.contract.errors import ConnectorError, NoLiveAgentsError
from integrations.contract.manifest import Capability

logger = logging.getLogger(__name__)
BUDGET_SECONDS = 3.0


async def is_somebody_there(connector: Connector, request: HandoffRequest) -> bool:
    """Return False only where the vendor says that nobody would answer."""
    if Capability.AVAILABILITY not in connector.capabilities:
        return True
    try:
        async with asyncio.timeout(BUDGET_SECONDS):
            answer = await connector.check_availability(request)
    except NoLiveAgentsError:
        return False
    except (TimeoutError, ConnectorError) as error:
        logger.info("Availability is unknown: %s", getattr(error, "code", "timeout"))
        return True
    return answer.is_available is not False
