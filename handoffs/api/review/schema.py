"""What /api/schema says of one conversation, its notes and tags, and of the list of handoffs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from conversations.api.schema import ACCOUNT_AND_PROJECT
from conversations.api.strict import StrictSerializer
from conversations.models.review import NOTE_MAX
from handoffs.api.conversation_schema import PAGE as CONVERSATIONS
from handoffs.api.conversation_schema import ConversationItem
from handoffs.api.schema import STATES, HandoffDetails
from handoffs.portal.one_handoff.outcomes import Outcome
from integrations.models import Environment

_TIME = "2026-11-20T09:13:50.123456+00:00"
CONVERSATION = OpenApiParameter(
    "conversation_id",
    location=OpenApiParameter.PATH,
    description="The conversation's id, or a shared id: the newest that was handed off with it.",
)
TAG = OpenApiParameter(
    "tag", location=OpenApiParameter.PATH, description="Up to 40 characters; small letters count."
)
EVENTS_PARAMETERS = [
    *ACCOUNT_AND_PROJECT,
    CONVERSATION,
    OpenApiParameter("after", OpenApiTypes.INT, default=0, description="Lines after this one."),
    OpenApiParameter("limit", OpenApiTypes.INT, default=100, description="From 1 to 500."),
]
HANDOFFS_PARAMETERS = [
    *ACCOUNT_AND_PROJECT,
    OpenApiParameter("q", description="As `q` of the Conversations API, of the conversation."),
    OpenApiParameter("client_env", enum=Environment.values, description="All unless named."),
    OpenApiParameter("state", enum=("open", *STATES), description="The state; `open` is any."),
    OpenApiParameter("outcome", enum=[*Outcome], description="What became of it."),
    *(
        OpenApiParameter(name, description=f"The {what}, exactly.")
        for name, what in (
            ("vendor", "vendor, by its integration key or an alias"),
            ("queue", "queue that was asked for"),
            ("topic", "topic"),
            ("reason", "reason's code, or the reason as it was said"),
            ("agent", "live agent, or a part of the name"),
            ("code", "error code"),
            ("conversation", "conversation's id"),
        )
    ),
    OpenApiParameter("from", OpenApiTypes.DATE, description="Asked for that day or later (UTC)."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="Asked for that day or before (UTC)."),
    OpenApiParameter("limit", OpenApiTypes.INT, default=50, description="From 1 to 500."),
    OpenApiParameter("cursor", description="next_cursor of the page before, as it came."),
]


class NoteOut(serializers.Serializer[Any]):
    """A note that members and other systems have written; it is never sent to anybody."""

    id = serializers.UUIDField()
    author = serializers.CharField()
    text = serializers.CharField()
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)


@extend_schema_serializer(component_name="ConversationReviewOut")
class ReviewOut(ConversationItem):
    """One conversation with all that is known of it."""

    notes = NoteOut(many=True)


@extend_schema_serializer(
    component_name="ConversationNoteCreate",
    examples=[OpenApiExample("A note", value={"text": "Called back, all is well."})],
)
class NoteIn(StrictSerializer):
    """What to write."""

    text = serializers.CharField(max_length=NOTE_MAX)


@extend_schema_serializer(component_name="ConversationNoteOut")
class NoteCreated(NoteOut):
    """The note as it stands."""


@extend_schema_serializer(component_name="ConversationNotesOut")
class NotesOut(serializers.Serializer[Any]):
    """The notes of a conversation, oldest first."""

    notes = NoteOut(many=True)


@extend_schema_serializer(component_name="ConversationTagsOut")
class TagsOut(serializers.Serializer[Any]):
    """The tags of a conversation."""

    tags = serializers.ListField(child=serializers.CharField())


class JournalLine(serializers.Serializer[Any]):
    """A line of the journal, as the conversation's socket sends it."""

    id = serializers.CharField()
    sequence = serializers.IntegerField()
    timestamp = serializers.DateTimeField()
    type = serializers.CharField()
    payload = serializers.DictField()
    metadata = serializers.DictField(required=False)


@extend_schema_serializer(component_name="ConversationEventsOut")
class EventsOut(serializers.Serializer[Any]):
    """Lines, oldest first; `last_sequence` is the end of the journal."""

    events = JournalLine(many=True)
    last_sequence = serializers.IntegerField()


class HandoffItem(HandoffDetails):
    """A handoff in the list."""

    conversation_id = serializers.CharField()
    environment = serializers.CharField()
    topic = serializers.CharField(allow_blank=True)
    outcome = serializers.ChoiceField([*Outcome])


@extend_schema_serializer(component_name="HandoffsOut")
class HandoffsOut(serializers.Serializer[Any]):
    """A page, newest first."""

    handoffs = HandoffItem(many=True)
    next_cursor = serializers.CharField(allow_null=True)


NOTE: dict[str, Any] = {
    "id": "6f2b8c1e-54a7-4a5d-93d1-1f0f3f1c9f10",
    "author": "API key Quality",
    "text": "Called back, all is well.",
    "created_at": _TIME,
    "edited_at": None,
}
REVIEW_EXAMPLE = OpenApiExample(
    "A conversation with a note",
    value={**CONVERSATIONS.value["conversations"][0], "notes": [NOTE]},
)
NOTE_EXAMPLE = OpenApiExample("A note", value=NOTE)
NOTES_EXAMPLE = OpenApiExample("One note", value={"notes": [NOTE]})
TAGS_EXAMPLE = OpenApiExample("Two tags", value={"tags": ["lost parcel", "vip"]})
EVENTS_EXAMPLE = OpenApiExample(
    "What the end user said",
    value={
        "events": [
            {
                "id": NOTE["id"],
                "sequence": 4,
                "timestamp": _TIME,
                "type": "EVENT_TYPE_USER_MESSAGE",
                "payload": {"message_id": NOTE["id"], "text": "Hello", "attachments": []},
            }
        ],
        "last_sequence": 4,
    },
)
_HANDOFF: dict[str, Any] = {
    "id": "HOF-0193f2a4-c1d2-7a8e-9b7c-5d3e1f0a2b4c",
    "integration": "crm_integration",
    "status": "handoff_completed",
    "state": "ended",
    "reason": "billing",
    "reason_code": "billing",
    "destination": "",
    "utterance": "",
    "agent_name": "Noor Halvorsen",
    "vendor_conversation_id": "5a1c",
    "queue": "Billing",
    "requested_at": _TIME,
    "accepted_at": _TIME,
    "joined_at": _TIME,
    "ended_at": _TIME,
    "end_reason": "live_agent_ended",
    "attempt": 1,
    "attempts": [{"attempt": 1, "integration": "crm_integration", "error_code": ""}],
    "conversation_id": "CONV-0193f2a4c1d27a8e9b7c5d3e1f0a2b4c",
    "environment": "live",
    "topic": "Invoices",
    "outcome": "answered",
}
HANDOFFS_EXAMPLE = OpenApiExample(
    "One that was answered", value={"handoffs": [_HANDOFF], "next_cursor": None}
)
