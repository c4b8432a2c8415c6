"""Ask a vendor for live agents before a conversation is opened; no answer counts as yes."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from integrations.behaviour.opening_hours import hours_of
from integrations.behaviour.settings import behaviour_of
from integrations.connections.building import connector_build, vendor_route
from integrations.contract.connector import (
    Availability,
    Connector,
    EndUserIdentity,
    HandoffRequest,
)
from integrations.contract.errors import ConnectorError, NoLiveAgentsError
from integrations.contract.manifest import Capability
from integrations.http.client import open_session
from integrations.models import Integration

logger = logging.getLogger(__name__)
BUDGET_SECONDS = 3.0


async def availability_ask(connector: Connector, request: HandoffRequest) -> Availability:
    """Return what the vendor says; None in it where it does not say, or not in time."""
    if Capability.AVAILABILITY not in connector.capabilities:
        return Availability(is_available=None)
    try:
        async with asyncio.timeout(BUDGET_SECONDS):
            return await connector.check_availability(request)
    except NoLiveAgentsError:
        return Availability(is_available=False)
    except (TimeoutError, ConnectorError) as error:
        logger.info("Availability is unknown: %s", getattr(error, "code", "timeout"))
        return Availability(is_available=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationCheck:
    """Whether a handoff would find somebody at a connection now; None where nobody can tell."""

    is_available: bool | None
    is_open: bool | None
    next_open_at: datetime | None
    estimated_wait_seconds: int | None
    checked_at: datetime


async def destination_check(
    integration: Integration, run_sync: Callable[..., Awaitable[Any]]
) -> DestinationCheck:
    """Ask the opening hours of a connection, and its vendor where they do not settle it."""
    now = timezone.now()
    is_open, next_open_at = _hours(integration, now)
    answer = Availability(is_available=False)
    if is_open is not False:
        async with open_session(
            allow_local=settings.ALLOW_LOCAL_VENDORS, route=vendor_route()
        ) as session:
            connector = await run_sync(
                connector_build, integration, session=session, run_sync=run_sync
            )
            answer = await availability_ask(connector, _question())
    return DestinationCheck(
        is_available=answer.is_available,
        is_open=is_open,
        next_open_at=next_open_at,
        estimated_wait_seconds=answer.estimated_wait_seconds,
        checked_at=now,
    )


def _hours(integration: Integration, now: datetime) -> tuple[bool | None, datetime | None]:
    """Return whether the hours are open, None without hours, and when they open next."""
    behaviour = behaviour_of(integration)
    try:
        hours = hours_of(
            behaviour.business_hours_zone, behaviour.business_hours, behaviour.business_holidays
        )
    except ValueError:
        hours = None
    if hours is None:
        return None, None
    is_open = hours.is_open(now)
    return is_open, None if is_open else hours.next_open(now)


def _question() -> HandoffRequest:
    """Return a request of nobody: only whether somebody is there is asked with it."""
    name = f"check-{uuid.uuid4()}"
    return HandoffRequest(
        handoff_id=name,
        conversation_id=name,
        end_user=EndUserIdentity(external_id=name, is_verified=False),
        channel="webchat",
        transcript=(),
        routing={},
    )
