"""What the Chat API takes and answers, as /api/schema says it and as it is checked."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema_serializer,
)
from rest_framework import serializers

from conversations.api.schema import ACCOUNT_AND_PROJECT, TOKEN, Interface
from conversations.api.strict import StrictSerializer
from handoffs.api.schema import STATES, STATUSES

API = Interface("Chat API", ["apiKey"], _401="UNAUTHORIZED", _403="FORBIDDEN", _429="RATE_LIMITED")
PLACE = [*ACCOUNT_AND_PROJECT, TOKEN]
ATTRIBUTES_MAX_BYTES = 65_536
METADATA_MAX_BYTES = 8192
CONVERSATION = OpenApiParameter("conversation_id", required=True, description="Of chat/create.")
AFTER = OpenApiParameter(
    "after", type=int, description="The highest sequence read; 0 reads from the beginning."
)
WAIT = OpenApiParameter(
    "wait", type=int, description="Seconds to wait for a line, up to 30; 0 answers at once."
)
_CONVERSATION_ID = "CONV-0193f2a4c1d27a8e9b7c5d3e1f0a2b4c"


class ChatContext(StrictSerializer):
    """What may come with a call."""

    integration_attributes = serializers.DictField(required=False, allow_null=True)
    asr_lang_code = serializers.CharField(max_length=35, required=False, allow_blank=True)
    tts_lang_code = serializers.CharField(
        max_length=35, required=False, allow_blank=True, help_text="The language of the answers."
    )

    def validate_integration_attributes(self, value: dict[str, Any] | None) -> dict[str, Any]:
        """Keep attributes within what a tool's state may hold."""
        if len(json.dumps(value)) > ATTRIBUTES_MAX_BYTES:
            raise serializers.ValidationError(f"At most {ATTRIBUTES_MAX_BYTES} bytes.")
        return value or {}


@extend_schema_serializer(
    component_name="ChatCreate",
    examples=[
        OpenApiExample(
            "A messenger",
            value={"channel": "whatsapp", "integration_attributes": {"tier": "gold"}},
        )
    ],
)
class ChatCreateInput(ChatContext):
    """All fields are optional."""

    variant_id = serializers.CharField(max_length=64, required=False, allow_blank=True)
    channel = serializers.ChoiceField(["webchat", "whatsapp", "sms", "api"], default="api")


@extend_schema_serializer(
    component_name="ChatCreateOut",
    examples=[
        OpenApiExample(
            "A greeting",
            value={"conversation_id": _CONVERSATION_ID, "response": "Hello, how can I help?"},
        )
    ],
)
class ChatCreated(serializers.Serializer[Any]):
    """The conversation, and what the AI agent says first."""

    conversation_id = serializers.CharField()
    response = serializers.CharField(allow_blank=True)


@extend_schema_serializer(
    component_name="ChatRespond",
    examples=[
        OpenApiExample(
            "A question",
            value={"conversation_id": _CONVERSATION_ID, "message": "Where is my order?"},
        )
    ],
)
class ChatRespondInput(ChatContext):
    """What the end user says."""

    conversation_id = serializers.CharField(min_length=1, max_length=48)
    message = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=settings.MESSAGE_MAX_CHARACTERS,
    )
    metadata = serializers.DictField(
        required=False, allow_null=True, help_text="Kept with the message and carried back."
    )

    def validate_metadata(self, value: dict[str, Any] | None) -> dict[str, Any]:
        """Keep it within what a frame may carry."""
        if len(json.dumps(value)) > METADATA_MAX_BYTES:
            raise serializers.ValidationError(f"At most {METADATA_MAX_BYTES} bytes.")
        return value or {}


class ChatHandoff(serializers.Serializer[Any]):
    """Where the conversation goes; the last four where the portal carries it out."""

    destination = serializers.CharField()
    reason = serializers.CharField()
    id = serializers.CharField(required=False)
    status = serializers.ChoiceField(STATUSES, required=False)
    state = serializers.ChoiceField(STATES, required=False)
    integration = serializers.CharField(required=False)


@extend_schema_serializer(
    component_name="ChatRespondOut",
    examples=[
        OpenApiExample(
            "An answer",
            value={
                "conversation_id": _CONVERSATION_ID,
                "response": "It arrives tomorrow.",
                "end_conversation": False,
            },
        ),
        OpenApiExample(
            "A handoff that the client routes",
            value={
                "conversation_id": _CONVERSATION_ID,
                "response": "I'll transfer you.",
                "end_conversation": True,
                "handoff": {"destination": "billing_team", "reason": "refund"},
            },
        ),
    ],
)
class ChatTurn(serializers.Serializer[Any]):
    """What the AI agent said; empty while a live agent has the conversation."""

    conversation_id = serializers.CharField()
    response = serializers.CharField(allow_blank=True)
    end_conversation = serializers.BooleanField()
    handoff = ChatHandoff(required=False)


@extend_schema_serializer(
    component_name="ChatClose",
    examples=[OpenApiExample("This one", value={"conversation_id": _CONVERSATION_ID})],
)
class ChatCloseInput(StrictSerializer):
    """Which conversation."""

    conversation_id = serializers.CharField(min_length=1, max_length=48)


@extend_schema_serializer(
    component_name="ChatCloseOut",
    examples=[OpenApiExample("It is over", value={"success": True})],
)
class ChatClosed(serializers.Serializer[Any]):
    """It is over."""

    success = serializers.BooleanField()


@extend_schema_serializer(
    component_name="ChatMessage",
    examples=[
        OpenApiExample(
            "A live agent's line",
            value={
                "id": "7c1e5b2a-9d3f-4a86-8b57-2f0e6d4c1a93",
                "sequence": 9,
                "timestamp": "2026-11-20T09:13:50.123Z",
                "type": "EVENT_TYPE_LIVE_AGENT_MESSAGE",
                "payload": {"text": "Hello, Noor speaking.", "by": "live_agent"},
            },
        )
    ],
)
class ChatFrame(serializers.Serializer[Any]):
    """A line of the journal, as the socket's frames have it."""

    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    timestamp = serializers.DateTimeField()
    type = serializers.CharField()
    payload = serializers.DictField()
    metadata = serializers.DictField(required=False)
