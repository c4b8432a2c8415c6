"""Analytics over REST: the same figures as the pages, and their definitions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import project_open
from conversations.api.errors import EnvelopeView, RefusedError
from conversations.api.schema import ACCOUNT_AND_PROJECT, Interface, answer
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.figures import TABS
from handoffs.portal.one_handoff.outcomes import Outcome
from integrations.models import ApiKey, Environment
from integrations.projects.lists.filters import PERIODS

REQUESTS_PER_MINUTE = 60
_API = Interface(
    "Analytics API", ["apiKey"], _401="UNAUTHORIZED", _403="FORBIDDEN", _429="RATE_LIMITED"
)
_PARAMETERS = [
    *ACCOUNT_AND_PROJECT,
    OpenApiParameter(
        "subject", location=OpenApiParameter.PATH, enum=[*TABS], description="Which figures."
    ),
    OpenApiParameter("period", enum=[*PERIODS], default="7d", description="Days up to today."),
    OpenApiParameter("from", OpenApiTypes.DATE, description="The first day, without period."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="The last day, without period."),
    OpenApiParameter("tz", description="The IANA zone whose days are counted; the project's."),
    OpenApiParameter(
        "client_env", enum=Environment.values, default="live", description="The environment."
    ),
    OpenApiParameter("outcome", enum=[*Outcome], description="What became of them."),
    *(
        OpenApiParameter(name, description=f"The {name}, exactly.")
        for name in ("channel", "vendor", "queue", "topic", "reason")
    ),
]


class AnalyticsFigure(serializers.Serializer[Any]):
    """One table with the words in which the page explains it."""

    name = serializers.CharField()
    title = serializers.CharField()
    definition = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField())


@extend_schema_serializer(component_name="AnalyticsOut")
class AnalyticsOut(serializers.Serializer[Any]):
    """The figures of a subject, and what they are narrowed to."""

    first_day = serializers.DateField()
    last_day = serializers.DateField()
    time_zone = serializers.CharField()
    environment = serializers.CharField()
    figures = AnalyticsFigure(many=True)


_EXAMPLE = OpenApiExample(
    "What became of them",
    value={
        "first_day": "2026-11-14",
        "last_day": "2026-11-20",
        "time_zone": "UTC",
        "environment": "live",
        "figures": [
            {
                "name": "outcomes",
                "title": "What became of them",
                "definition": "Each handoff has exactly one outcome.",
                "columns": ["Outcome", "Handoffs", "Share"],
                "rows": [["Answered", 3, "75.0 %"], ["Abandoned", 1, "25.0 %"]],
            }
        ],
    },
)


class AnalyticsView(EnvelopeView):
    """GET …/analytics/{subject}."""

    @_API.operation(
        "analytics_retrieve",
        "Read the figures of analytics",
        "Those of the page Analytics with the same filter, each with its definition.",
        parameters=_PARAMETERS,
        gives=answer(AnalyticsOut, "The figures.", _EXAMPLE),
        _400="INVALID_REQUEST",
        _404="NOT_FOUND",
    )
    def get(self, request: Request, account_id: str, project_id: str, subject: str) -> Response:
        """Answer 404 for a subject that there is not."""
        permission = ApiKey.Permission.CONVERSATIONS
        opened = project_open(
            request, account_id, project_id, permission, limit=REQUESTS_PER_MINUTE
        )
        if subject not in TABS:
            text = f"There is no such subject; they are {', '.join(TABS)}."
            raise RefusedError(404, "NOT_FOUND", text)
        asked = {name: str(value) for name, value in request.query_params.items()}
        scope = Scope.read(
            opened.project, {**asked, "environment": asked.get("client_env", "live")}
        )
        figures = TABS[subject].read(scope)
        return Response(
            {
                "first_day": scope.span.start,
                "last_day": scope.span.end,
                "time_zone": scope.given["tz"],
                "environment": scope.given["environment"],
                "figures": [
                    {
                        "name": figure.name,
                        "title": figure.title,
                        "definition": figure.definition,
                        "columns": list(figure.columns),
                        "rows": [list(row) for row in figure.rows],
                    }
                    for figure in figures
                ],
            }
        )
