"""GET …/destinations: where an agent can hand off to, and whether somebody would answer there."""

from __future__ import annotations

import asyncio
from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import project_open
from conversations.api.async_view import AsyncEnvelopeView
from conversations.api.errors import BadFieldError
from conversations.api.schema import ACCOUNT_AND_PROJECT, answer
from conversations.event_loop.executor import run_sync
from conversations.models import Destination
from handoffs.api.agent.views import API, REQUESTS_PER_MINUTE
from handoffs.lifecycle.availability import DestinationCheck
from handoffs.starting.agent_place import HandoffPlace, handoff_places, place_check
from integrations.models import ApiKey, Environment

_EXPANSIONS = frozenset({"", "availability"})
_PARAMETERS = [
    *ACCOUNT_AND_PROJECT,
    OpenApiParameter(
        "client_env",
        enum=Environment.values,
        description="Of this environment; `live` unless named.",
    ),
    OpenApiParameter(
        "expand",
        enum=["availability"],
        description="Asks opening hours and vendors too, for up to three seconds.",
    ),
]


class DestinationAvailability(serializers.Serializer[Any]):
    """Whether somebody would answer now; null where nobody can tell."""

    available = serializers.BooleanField(allow_null=True)
    business_hours_open = serializers.BooleanField(allow_null=True)
    next_open_at = serializers.DateTimeField(allow_null=True)
    estimated_wait_seconds = serializers.IntegerField(allow_null=True)
    checked_at = serializers.DateTimeField()


class HandoffDestination(serializers.Serializer[Any]):
    """A name that `handoff` takes."""

    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(
        Destination.Kind.values, help_text="Who carries it out: live agents, or the page or app."
    )
    integration = serializers.CharField(
        allow_blank=True, help_text="Empty where the project's default decides."
    )
    is_default = serializers.BooleanField()
    availability = DestinationAvailability(required=False, help_text="With `expand`.")


@extend_schema_serializer(
    component_name="DestinationListOut",
    examples=[
        OpenApiExample(
            "A queue, and the connection itself",
            value={
                "data": [
                    {
                        "name": "Returns",
                        "description": "Parcels that come back",
                        "kind": "text_chat",
                        "integration": "example_integration",
                        "is_default": True,
                    },
                    {
                        "name": "example_integration",
                        "description": "Example",
                        "kind": "text_chat",
                        "integration": "example_integration",
                        "is_default": False,
                    },
                ]
            },
        )
    ],
)
class DestinationList(serializers.Serializer[Any]):
    """The project's destinations, then its connections by their keys; the default first."""

    data = HandoffDestination(many=True)  # type: ignore[assignment]  # the documented name


class DestinationsView(AsyncEnvelopeView):
    """GET …/destinations."""

    @API.operation(
        "destinations_retrieve",
        "List where a handoff can go",
        "Each name can be sent as `handoff`, or as its `destination`.",
        parameters=_PARAMETERS,
        gives=answer(DestinationList, "They are."),
        _400="INVALID_REQUEST",
    )
    async def get(self, request: Request, account_id: str, project_id: str) -> Response:
        """Return them, with whether somebody is there where that is asked for."""
        places = await run_sync(_places, request, account_id, project_id)
        if not _is_expanded(request):
            return Response({"data": [_shown(place) for place in places]})
        checks = await asyncio.gather(*(place_check(place) for place in places))
        shown = [
            {**_shown(place), "availability": _available(check)}
            for place, check in zip(places, checks, strict=True)
        ]
        return Response({"data": shown})


def _is_expanded(request: Request) -> bool:
    return request.query_params.get("expand", "") == "availability"


def _places(request: Request, account_id: str, project_id: str) -> list[HandoffPlace]:
    permission = ApiKey.Permission.CHAT
    opened = project_open(request, account_id, project_id, permission, limit=REQUESTS_PER_MINUTE)
    environment = request.query_params.get("client_env", Environment.LIVE.value)
    if environment not in Environment.values:
        raise BadFieldError(f"client_env is one of {', '.join(Environment.values)}.")
    if request.query_params.get("expand", "") not in _EXPANSIONS:
        raise BadFieldError("expand knows availability.")
    return handoff_places(opened.project, environment)


def _shown(place: HandoffPlace) -> dict[str, Any]:
    return {
        "name": place.name,
        "description": place.description,
        "kind": place.kind,
        "integration": place.integration_key,
        "is_default": place.is_default,
    }


def _available(check: DestinationCheck) -> dict[str, Any]:
    return {
        "available": check.is_available,
        "business_hours_open": check.is_open,
        "next_open_at": check.next_open_at,
        "estimated_wait_seconds": check.estimated_wait_seconds,
        "checked_at": check.checked_at,
    }
