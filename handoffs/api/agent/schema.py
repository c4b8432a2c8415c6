"""What the Agent API takes and answers, as /api/schema says it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from conversations.ai_agent.conv.offers import (
    IMAGE,
    LABEL_MAX,
    OFFERS_MAX,
    PAYLOAD_MAX,
    URL,
    URL_MAX,
)
from conversations.ai_agent.sandbox.results import MAX_SAID_CHARS
from conversations.api.strict import ClosedSerializer
from handoffs.api.schema import STATES

CONVERSATION = OpenApiParameter(
    "conversation_id", location=OpenApiParameter.PATH, description="One of this project."
)
_MESSAGE_ID = "7c1e5b2a-9d3f-4a86-8b57-2f0e6d4c1a93"
_HANDOFF_ID = "HOF-0193f2a4c1d27a8e9b7c5d3e1f0a2b4c"
LINE = OpenApiExample("A line", value={"message_id": _MESSAGE_ID, "sequence": 7})
HOF = OpenApiExample("It begins", value={"handoff_id": _HANDOFF_ID, "status": "requested"})
CANCELLED = OpenApiExample("It is over", value={"handoff_id": _HANDOFF_ID, "status": "ended"})


class AgentSuggestion(serializers.Serializer[Any]):
    """A reply that is offered as a button."""

    message_text = serializers.CharField(max_length=LABEL_MAX)
    payload = serializers.CharField(max_length=PAYLOAD_MAX, required=False, allow_null=True)


class AgentAttachment(serializers.Serializer[Any]):
    """A link or a picture; every address begins with https://."""

    content_url = serializers.RegexField("^https://", max_length=URL_MAX)
    content_type = serializers.ChoiceField([URL, IMAGE], required=False)
    title = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=500)
    call_to_action_text = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=500
    )
    preview_image_url = serializers.RegexField(
        "^(https://|$)", required=False, allow_blank=True, allow_null=True, max_length=URL_MAX
    )


class AgentCallAction(serializers.Serializer[Any]):
    """A number to call."""

    title = serializers.CharField(max_length=LABEL_MAX)
    contact_number = serializers.CharField(max_length=40)


class Offers(ClosedSerializer):
    """What a message offers beside its text, as clients get it (agent_api 11.2)."""

    response_suggestions = serializers.ListField(
        child=AgentSuggestion(), required=False, allow_null=True, max_length=OFFERS_MAX
    )
    attachments = serializers.ListField(
        child=AgentAttachment(), required=False, allow_null=True, max_length=OFFERS_MAX
    )
    chat_call_actions = serializers.ListField(
        child=AgentCallAction(), required=False, allow_null=True, max_length=OFFERS_MAX
    )


@extend_schema_serializer(
    component_name="AgentMessageCreate",
    examples=[
        OpenApiExample(
            "A question with answers",
            value={
                "text": "Shall I reserve it?",
                "response_suggestions": [{"message_text": "Yes"}, {"message_text": "No"}],
            },
        )
    ],
)
class MessageCreate(Offers):
    """A text, or something offered, or both."""

    text = serializers.CharField(required=False, allow_null=True, max_length=MAX_SAID_CHARS)
    message_id = serializers.UUIDField(required=False, allow_null=True)


@extend_schema_serializer(
    component_name="AgentChunkCreate",
    examples=[
        OpenApiExample(
            "The second piece",
            value={"message_id": _MESSAGE_ID, "chunk_index": 2, "text": " reserve it?"},
        )
    ],
)
class PieceCreate(ClosedSerializer):
    """The next piece of a text that grows."""

    message_id = serializers.UUIDField()
    chunk_index = serializers.IntegerField(min_value=1)
    text = serializers.CharField(max_length=MAX_SAID_CHARS, trim_whitespace=False, allow_blank=True)
    is_complete = serializers.BooleanField(required=False, allow_null=True)


@extend_schema_serializer(component_name="AgentMessageOut")
class MessageCreated(serializers.Serializer[Any]):
    """The line in the journal."""

    message_id = serializers.UUIDField()
    sequence = serializers.IntegerField()


@extend_schema_field(
    {
        "oneOf": [
            {"type": "boolean", "enum": [True]},
            {"type": "string", "minLength": 1},
            {"type": "object"},
        ]
    }
)
class HandoffShape(serializers.JSONField):
    """True, a name, or an object, as a tool may return it."""


@extend_schema_serializer(
    component_name="AgentHandoffCreate",
    examples=[
        OpenApiExample(
            "To a destination",
            value={
                "utterance": "I'll get a colleague.",
                "handoff": {"destination": "returns", "reason": "refund"},
                "summary": "Wants to return order A-1042.",
                "data": {"order": "A-1042"},
            },
        ),
        OpenApiExample("To the default", value={"handoff": True}),
    ],
)
class HandoffCreate(Offers):
    """What a tool would return (agent_api section 3)."""

    handoff = HandoffShape()
    utterance = serializers.CharField(required=False, allow_null=True, max_length=MAX_SAID_CHARS)
    reason = serializers.CharField(required=False, max_length=128)
    summary = serializers.CharField(required=False, max_length=4000)
    data = serializers.DictField(required=False)  # type: ignore[assignment]


class _HandoffState(serializers.Serializer[Any]):
    handoff_id = serializers.CharField()
    status = serializers.ChoiceField(STATES)


@extend_schema_serializer(component_name="AgentHandoffOut")
class HandoffCreated(_HandoffState):
    """The handoff, and where it stands."""


@extend_schema_serializer(component_name="AgentHandoffCancelOut")
class HandoffCancelled(_HandoffState):
    """The handoff that was cancelled."""


@extend_schema_serializer(
    component_name="AgentEnd",
    examples=[OpenApiExample("A last word", value={"utterance": "Goodbye!"})],
)
class ConversationEnd(Offers):
    """A last word, if there is one."""

    utterance = serializers.CharField(required=False, allow_null=True, max_length=MAX_SAID_CHARS)
