"""The queue update API: another system tells how long an end user will wait (features A12)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import clean, project_open
from conversations.api.errors import EnvelopeView, error_response
from conversations.api.schema import ACCOUNT_AND_PROJECT, Interface, answer
from conversations.api.strict import ClosedSerializer, problems_told
from handoffs.lifecycle.queue_status import NotWaitingError, queue_update
from handoffs.models import Handoff
from integrations.models import ApiKey

REQUESTS_PER_MINUTE = 600
AMOUNT_MAX = 604_800
_API = Interface(
    "Handoff API", ["apiKey"], _401="UNAUTHORIZED", _403="FORBIDDEN", _429="RATE_LIMITED"
)
_HANDOFF = OpenApiParameter(
    "handoff_id", location=OpenApiParameter.PATH, description="Of a handoff that waits."
)


class QueueUpdateView(EnvelopeView):
    """PUT …/handoffs/{handoff_id}/queue."""

    @extend_schema_serializer(
        component_name="HandoffQueueUpdate",
        examples=[OpenApiExample("The third place", value={"unit": "position", "amount": 3})],
    )
    class Input(ClosedSerializer):
        """A place from 1, seconds, or that nothing is known."""

        unit = serializers.ChoiceField(["position", "time", "unknown"])
        amount = serializers.IntegerField(
            min_value=0,
            max_value=AMOUNT_MAX,
            required=False,
            allow_null=True,
            help_text="The place, or seconds; not with `unknown`.",
        )
        queue_name = serializers.CharField(max_length=128, required=False, allow_blank=True)

        def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
            """Ask for an amount where there is something to count."""
            unit, amount = attrs["unit"], attrs.get("amount")
            if unit != "unknown" and amount is None:
                raise serializers.ValidationError({"amount": "It is missing."})
            if (unit, amount) == ("position", 0):
                raise serializers.ValidationError({"amount": "The first place is 1."})
            return attrs

    @extend_schema_serializer(component_name="HandoffQueueOut")
    class Output(serializers.Serializer[Any]):
        """What the end user is shown from now on."""

        queue_name = serializers.CharField(required=False)
        position_in_queue = serializers.IntegerField(required=False)
        estimated_wait_seconds = serializers.IntegerField(required=False)
        display_message = serializers.CharField(required=False)

    @_API.operation(
        "queue_update",
        "Tell how long an end user will wait",
        "While a handoff waits, at whichever vendor. The banner of the widget follows.",
        parameters=[*ACCOUNT_AND_PROJECT, _HANDOFF],
        takes=Input,
        gives=answer(
            Output,
            "It is shown.",
            OpenApiExample("The third place", value={"position_in_queue": 3}),
        ),
        _400="INVALID_REQUEST",
        _404="NOT_FOUND",
        _409="NOT_WAITING",
    )
    def put(self, request: Request, account_id: str, project_id: str, handoff_id: str) -> Response:
        """Answer 404 for a handoff that is not of this project."""
        permission = ApiKey.Permission.HANDOFF
        try:
            opened = project_open(
                request, account_id, project_id, permission, limit=REQUESTS_PER_MINUTE
            )
            form = self.Input(data=request.data)
            if not form.is_valid():
                return error_response(400, "INVALID_REQUEST", problems_told(form.errors))
            rows = Handoff.objects.filter(conversation__project=opened.project)
            if not rows.filter(pk=clean(handoff_id)).exists():
                return error_response(404, "NOT_FOUND", "This project has no such handoff.")
            told = form.validated_data
            status = queue_update(
                clean(handoff_id),
                unit=told["unit"],
                amount=told.get("amount"),
                queue_name=told.get("queue_name", ""),
            )
        except NotWaitingError as error:
            return error_response(409, "NOT_WAITING", str(error))
        return Response(status)
