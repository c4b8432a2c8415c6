"""What AI agents and their tools may use of the portal: where to hand off, and who is there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection
from django.utils import timezone

from conversations.ai_agent.conv.place import HANDOFFS
from conversations.ai_agent.destinations.selectors import destinations_of
from conversations.ai_agent.lifetime.end import end_function_run
from conversations.ai_agent.outside.agent import AgentPlace
from conversations.ai_agent.sandbox.host import Service
from conversations.ai_agent.streaming import Chunks
from conversations.event_loop.executor import run_sync
from conversations.models import Conversation, Destination
from conversations.releases.content import content_in
from handoffs.errors import HandoffError
from handoffs.lifecycle.availability import (
    DestinationCheck,
    destination_check,
)
from handoffs.models import Handoff
from handoffs.payload.reading import payload_for_call_handoff
from handoffs.starting.addressing import Address, offered_integrations, payload_address
from handoffs.starting.start import handoff_address
from integrations.connections.destinations import offered_destinations, vendor_title
from integrations.connections.tool_calls import integration_tool_call
from integrations.contract.integration_keys import vendor_name
from integrations.models import Integration, Project


def agent_place(conversation: Conversation) -> AgentPlace:
    """Return the place of a conversation; it has its project."""
    rows = destinations_of(conversation)
    named = {row.name: row.description or row.get_kind_display() for row in rows}
    keys = offered_integrations(conversation.project, [conversation.environment])
    show = Chunks(conversation.pk).show if conversation.is_streaming else None
    return AgentPlace(
        conversation=conversation,
        destinations=named | {key: f"live agents at {vendor_name(key)}" for key in keys},
        is_available=partial(is_available, conversation),
        show=show,
        services=tool_services(conversation),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffPlace:
    """Where a handoff can go by name; no connection where the client carries it out itself."""

    name: str
    description: str
    kind: str
    integration_key: str
    is_default: bool
    connection: Integration | None


def handoff_places(project: Project, environment: str) -> list[HandoffPlace]:
    """Return a project's destinations, then its connections by their keys; the default first."""
    rows = list(content_in(project, environment).rows(Destination))
    named = [_named_place(project, environment, row, rows) for row in rows]
    taken = {place.name.casefold() for place in named}
    has_default = any(place.is_default for place in named)
    connections = offered_destinations(project, environment)
    keyed = [
        HandoffPlace(
            name=one.integration_key,
            description=vendor_title(one),
            kind=Destination.Kind.TEXT_CHAT.value,
            integration_key=one.integration_key,
            is_default=not has_default and (one.is_default or len(connections) == 1),
            connection=one,
        )
        for one in connections
        if one.integration_key not in taken
    ]
    return sorted([*named, *keyed], key=lambda place: not place.is_default)


def _named_place(
    project: Project, environment: str, row: Destination, rows: Sequence[Destination]
) -> HandoffPlace:
    return HandoffPlace(
        name=row.name,
        description=row.description or row.get_kind_display(),
        kind=row.kind,
        integration_key=row.integration_key,
        is_default=row.is_default,
        connection=_connection(project, environment, row, rows),
    )


def _connection(
    project: Project, environment: str, row: Destination, rows: Sequence[Destination]
) -> Integration | None:
    """Return where a destination leads now; None where a handoff there would be refused, too."""
    try:
        payload = payload_for_call_handoff(row.name)
        return payload_address(project, environment, payload, rows).integration
    except HandoffError:
        return None


async def place_check(place: HandoffPlace) -> DestinationCheck:
    """Say whether somebody would answer there; what the client carries out nobody here can tell."""
    if place.connection is not None:
        return await destination_check(place.connection, run_sync)
    return DestinationCheck(
        is_available=None,
        is_open=None,
        next_open_at=None,
        estimated_wait_seconds=None,
        checked_at=timezone.now(),
    )


# Of a destination that is the client's own affair nobody here can tell.
_UNKNOWN: dict[str, Any] = {
    "available": None,
    "queue": None,
    "position_estimate": None,
    "estimated_wait_seconds": None,
    "business_hours_open": None,
}


def tool_services(conversation: Conversation) -> dict[str, Service]:
    """Return what the tools of a conversation may ask of this app."""
    return {
        "check_availability": partial(_check_availability, conversation),
        HANDOFFS: partial(_handoffs, conversation),
        "integration": partial(
            integration_tool_call,
            conversation.project,
            conversation.environment,
            variant=conversation.variant_id,
        ),
    }


def _handoffs(
    conversation: Conversation, asked: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """Answer conv.handoffs: the project's destinations, and each connection by its key."""
    keys = offered_integrations(conversation.project, [conversation.environment])
    connected = {
        key: {
            "name": key,
            "description": f"live agents at {vendor_name(key)}",
            "kind": "text_chat",
            "integration": key,
            "is_default": False,
        }
        for key in keys
    }
    named = {
        row.name: {
            "name": row.name,
            "description": row.description,
            "kind": row.kind,
            "integration": row.integration_key,
            "is_default": row.is_default,
        }
        for row in destinations_of(conversation)
    }
    return {**connected, **named}


def _check_availability(
    conversation: Conversation, asked: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """Answer conv.check_availability; raises ValueError for a destination that there is not."""
    try:
        payload = payload_for_call_handoff(asked["destination"])
        integration = handoff_address(conversation, payload).integration
    except HandoffError as error:
        raise ValueError(f"conv.check_availability: {error}") from error
    if not connection.in_atomic_block:
        connection.close()
    if integration is None:
        return _UNKNOWN | {"checked_at": timezone.now().isoformat()}
    found = asyncio.run(_within(seconds, integration))
    return {
        "available": found.is_available,
        "queue": payload.queue or None,
        "position_estimate": None,
        "estimated_wait_seconds": found.estimated_wait_seconds,
        "business_hours_open": found.is_open,
        "checked_at": found.checked_at.isoformat(),
    }


async def _within(seconds: float, integration: Integration) -> DestinationCheck:
    async with asyncio.timeout(seconds):
        return await destination_check(integration, run_sync)


async def is_available(conversation: Conversation, name: str) -> bool | None:
    """Ask whether a live agent would answer there; None where nobody can tell."""
    address = await run_sync(_address, conversation, name)
    if address is None:
        return False
    if address.integration is None:
        return None
    return (await destination_check(address.integration, run_sync)).is_available


def _address(conversation: Conversation, name: str) -> Address | None:
    """Return what is behind a name; None where a handoff there would be refused."""
    try:
        return handoff_address(conversation, payload_for_call_handoff(name))
    except HandoffError:
        return None


def end_function(conversation_id: str) -> None:
    """Run the end_function of a conversation that is over, once."""
    conversation = Conversation.objects.select_related("project", "channel", "end_user").get(
        pk=conversation_id
    )
    view, services = partial(handoff_view, conversation), tool_services(conversation)
    end_function_run(conversation_id, view, services)


def handoff_view(conversation: Conversation) -> dict[str, Any] | None:
    """Return what `conv.handoff` shows: the current or last handoff."""
    handoff = Handoff.objects.filter(conversation=conversation).order_by("-requested_at").first()
    if handoff is None:
        return None
    return {
        "id": handoff.pk,
        "integration": handoff.integration_key,
        "status": handoff.state,
        "reason": handoff.reason,
        "agent_name": handoff.agent_name,
        "vendor_conversation_id": handoff.vendor_conversation_id,
        "started_at": handoff.requested_at.isoformat(),
        "ended_at": handoff.ended_at.isoformat() if handoff.ended_at else None,
        "end_reason": handoff.end_reason,
    }
