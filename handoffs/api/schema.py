"""What /api/schema says of the Handoff API: its answer, its errors, examples."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema_serializer,
)
from rest_framework import serializers

_MEANINGS = {
    400: "Neither id nor shared_id is given, or expand names something unknown.",
    401: "The API key is missing or unknown.",
    403: "The API key may not do this, or there is no such project of its own.",
    404: "No such handoff.",
    429: "Too many requests. Retry-After says in how many seconds to try again.",
}


class HandoffAttempt(serializers.Serializer[Any]):
    """An integration that was tried."""

    attempt = serializers.IntegerField()
    integration = serializers.CharField()
    error_code = serializers.CharField(allow_blank=True)


class HandoffDetails(serializers.Serializer[Any]):
    """How the handoff went; times are ISO 8601 or null."""

    id = serializers.CharField()
    integration = serializers.CharField(allow_blank=True)
    status = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    destination = serializers.CharField(allow_blank=True)
    utterance = serializers.CharField(allow_blank=True)
    agent_name = serializers.CharField(allow_blank=True)
    vendor_conversation_id = serializers.CharField(allow_blank=True)
    queue = serializers.CharField(allow_blank=True)
    requested_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    joined_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField(allow_blank=True)
    attempt = serializers.IntegerField()
    attempts = HandoffAttempt(many=True)


class HandoffTranscriptLine(serializers.Serializer[Any]):
    """One line of what was said."""

    ts = serializers.DateTimeField()
    sender = serializers.CharField()
    text = serializers.CharField(allow_blank=True)


class HandoffError(serializers.Serializer[Any]):
    """Every refusal, with the cure in its text."""

    error_message = serializers.CharField()


@extend_schema_serializer(component_name="HandoffStateOut")
class HandoffState(serializers.Serializer[Any]):
    """What was stored at the moment of handoff."""

    id = serializers.CharField(help_text="The conversation's id.")
    shared_id = serializers.CharField(required=False)
    data = serializers.DictField(  # type: ignore[assignment]  # the documented name
        help_text="What the tool put there; free form."
    )
    handoff = HandoffDetails(required=False, help_text="With expand=handoff.")
    transcript = HandoffTranscriptLine(
        many=True, required=False, help_text="With expand=transcript, oldest first."
    )
    summary = serializers.CharField(
        required=False, allow_blank=True, help_text="With expand=summary: the tool's, or extracts."
    )


# Any: the library says texts and means security requirements.
BY_API_KEY: Any = [{"apiKey": []}]
PARAMETERS = [
    OpenApiParameter(
        "account_id", location=OpenApiParameter.PATH, description="The workspace's id or slug."
    ),
    OpenApiParameter(
        "project_id", location=OpenApiParameter.PATH, description="The project's id or slug."
    ),
    OpenApiParameter("id", description="Conversation id."),
    OpenApiParameter("shared_id", description="Wins over id when both are given."),
    OpenApiParameter("handoff_id", description="Selects one of several handoffs."),
    OpenApiParameter(
        "expand",
        description="What to add, with commas between: handoff, transcript, summary.",
        examples=[
            OpenApiExample("Nothing", value=""),
            OpenApiExample("Both", value="handoff,transcript"),
        ],
    ),
]
_EXAMPLE = OpenApiExample(
    "An order that is late",
    value={"id": "CONV-1745839200-01JT2Q", "data": {"order": "A-1042", "tier": "gold"}},
)
RESPONSES: dict[int, OpenApiResponse] = {
    200: OpenApiResponse(HandoffState, description="The handoff's context.", examples=[_EXAMPLE]),
    **{
        status: OpenApiResponse(
            HandoffError,
            description=meaning,
            examples=[OpenApiExample(f"{status}", value={"error_message": meaning})],
        )
        for status, meaning in _MEANINGS.items()
    },
}
