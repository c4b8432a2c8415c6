"""What /api/schema says of the Handoff API: its answer, its errors, examples."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema_serializer,
)
from rest_framework import serializers

from conversations.api.schema import (
    ACCOUNT_AND_PROJECT,
    TEXT,
    Answers,
    Interface,
    answer,
    refusals_as,
)
from handoffs.states import State

STATUSES = ("handoff_initiated", "handoff_completed", "handoff_failed")
STATES = tuple(state.value for state in State)
EXPANSIONS = ("handoff", "transcript", "summary")


class HandoffAttempt(serializers.Serializer[Any]):
    """An integration that was tried."""

    attempt = serializers.IntegerField()
    integration = serializers.CharField()
    error_code = serializers.CharField(allow_blank=True)


class HandoffDetails(serializers.Serializer[Any]):
    """How the handoff went; times are ISO 8601 or null."""

    id = serializers.CharField()
    integration = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(STATUSES)
    state = serializers.ChoiceField(STATES)
    reason = serializers.CharField(allow_blank=True, help_text="As it was said.")
    reason_code = serializers.CharField(
        allow_blank=True, help_text="Of the project's list; empty for any other reason."
    )
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


class _HandoffApi(Interface):
    """The Handoff API's refusals have a form of their own (agent_api section 7)."""

    def refusals(self, **codes: str) -> Answers:
        """Return them: a code names an example, for the body has none."""
        return refusals_as(HandoffError, lambda code: {"error_message": TEXT}, codes)


API = _HandoffApi(
    "Handoff API", ["apiKey"], _401="UNAUTHORIZED", _403="FORBIDDEN", _429="RATE_LIMITED"
)
PARAMETERS = [
    *ACCOUNT_AND_PROJECT,
    OpenApiParameter("id", description="Conversation id; this or shared_id is needed."),
    OpenApiParameter("shared_id", description="Wins over id when both are given."),
    OpenApiParameter("handoff_id", description="Selects one of several handoffs."),
    OpenApiParameter(
        "expand",
        description="What to add, with commas between: handoff, transcript, summary.",
        pattern=f"^(({'|'.join(EXPANSIONS)})?(,|$))*$",
        examples=[
            OpenApiExample("Nothing", value=""),
            OpenApiExample("Both", value="handoff,transcript"),
        ],
    ),
]
OUT = answer(
    HandoffState,
    "The handoff's context.",
    OpenApiExample(
        "An order that is late",
        value={"id": "CONV-1745839200-01JT2Q", "data": {"order": "A-1042", "tier": "gold"}},
    ),
)
