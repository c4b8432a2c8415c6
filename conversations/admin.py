"""What the operator of the installation sees of conversations: never what was said in them."""

from __future__ import annotations

from django.contrib import admin

from conversations.models import (
    Attachment,
    Channel,
    Conversation,
    ConversationSearch,
    Deployment,
    Destination,
    EndUser,
    Flow,
    LogEntry,
    Note,
    OutsideAgent,
    Release,
    Tag,
    Tool,
    Topic,
    Variant,
    WebhookDelivery,
    WebhookEndpoint,
)
from conversations.widget.channels import channel_update
from integrations.admin import SafeAdmin


@admin.register(Channel)
class ChannelAdmin(SafeAdmin):
    """The widgets of all projects, and the pages that may carry them."""

    list_display = ("name", "kind", "environment", "project", "public_key", "is_enabled")
    list_select_related = ("project",)
    list_filter = ("is_enabled", "environment", "kind")
    search_fields = ("=public_key", "=project__public_id", "name__startswith")
    fields = (
        *("name", "kind", "project", "environment", "public_key", "allowed_origins", "title"),
        *("is_enabled", "created_at"),
    )
    services = {
        "switch_off": (
            "Switch off: nobody can open it",
            lambda row, actor: channel_update(
                channel=row, actor=actor, values={"is_enabled": False}
            ),
        )
    }


@admin.register(OutsideAgent)
class OutsideAgentAdmin(SafeAdmin):
    """AI agents that live elsewhere; what they are called with is not shown."""

    list_display = ("project", "kind", "url", "error_code", "error_at")
    list_select_related = ("project",)
    list_filter = ("kind",)
    search_fields = ("=project__public_id",)
    fields = ("project", "kind", "url", "options", "error_code", "error_at", "updated_at")


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(SafeAdmin):
    """Where customers' systems hear what happens; their secrets are not shown."""

    list_display = ("id", "project", "kind", "url", "is_enabled", "created_at")
    list_select_related = ("project",)
    list_filter = ("kind", "is_enabled")
    search_fields = ("=id", "=project__public_id")
    fields = (
        *("id", "project", "kind", "url", "event_types", "timeout_ms", "is_enabled"),
        *("previous_until", "last_position", "created_at", "updated_at"),
    )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(SafeAdmin):
    """Events on their way to endpoints: how they go, and nothing of what they tell."""

    list_display = ("event_id", "type", "endpoint", "status", "attempts", "created_at")
    list_select_related = ("endpoint",)
    list_filter = ("status",)
    search_fields = ("=event_id", "=endpoint__id", "=conversation__id")
    fields = (
        *("event_id", "type", "endpoint", "conversation", "environment", "status", "attempts"),
        *("next_attempt_at", "claimed_until", "response_status", "error_code", "duration_ms"),
        *("attempted_at", "created_at"),
    )


@admin.register(Topic)
class TopicAdmin(SafeAdmin):
    """What AI agents know about."""

    list_display = ("name", "project", "is_enabled", "updated_at")
    list_select_related = ("project",)
    list_filter = ("is_enabled",)
    search_fields = ("=project__public_id", "name__startswith")
    fields = (
        *("name", "project", "is_enabled", "example_queries", "content", "actions"),
        *("actions_text", "created_at", "updated_at"),
    )


@admin.register(Tool)
class ToolAdmin(SafeAdmin):
    """What AI agents may run."""

    list_display = ("name", "project", "timeout_seconds", "updated_at")
    list_select_related = ("project",)
    search_fields = ("=project__public_id", "name__startswith")
    fields = (
        *("name", "project", "description", "source", "timeout_seconds"),
        *("created_at", "updated_at"),
    )


@admin.register(Flow)
class FlowAdmin(SafeAdmin):
    """Conversations in steps."""

    list_display = ("name", "project", "start_step", "updated_at")
    list_select_related = ("project",)
    search_fields = ("=project__public_id", "name__startswith")
    fields = (
        *("name", "project", "description", "start_step", "steps", "created_at", "updated_at"),
    )


@admin.register(Variant)
class VariantAdmin(SafeAdmin):
    """AI agents' words and connections for one brand, site or language."""

    list_display = ("name", "public_id", "project", "is_default", "language")
    list_select_related = ("project",)
    list_filter = ("is_default",)
    search_fields = ("=public_id", "=project__public_id", "name__startswith")
    fields = (
        *("name", "public_id", "project", "is_default", "language", "greeting"),
        *("integration_key", "credential_set", "attributes", "created_at", "updated_at"),
    )


@admin.register(Destination)
class DestinationAdmin(SafeAdmin):
    """Where handoffs go by name."""

    list_display = ("name", "project", "kind", "integration_key", "is_default")
    list_select_related = ("project",)
    list_filter = ("kind", "is_default")
    search_fields = ("=project__public_id", "name__startswith")
    fields = (
        *("name", "project", "description", "kind", "is_default", "integration_key", "hints"),
        *("queue_name", "route", "client_reason", "after_flow", "created_at", "updated_at"),
    )


@admin.register(Release)
class ReleaseAdmin(SafeAdmin):
    """What AI agents knew at one moment; what is in it stands on the project's own pages."""

    list_display = ("number", "project", "note", "created_by", "created_at")
    list_select_related = ("project", "created_by")
    search_fields = ("=project__public_id", "=digest")
    fields = ("number", "project", "note", "digest", "created_by", "created_at")


@admin.register(Deployment)
class DeploymentAdmin(SafeAdmin):
    """Each move of an environment to a release."""

    list_display = ("at", "project", "environment", "kind", "release", "previous", "actor")
    list_select_related = ("project", "release", "previous", "actor")
    list_filter = ("environment", "kind")
    search_fields = ("=project__public_id",)
    fields = ("at", "project", "environment", "kind", "release", "previous", "note", "actor")


@admin.register(EndUser)
class EndUserAdmin(SafeAdmin):
    """People by number: what they are called is on the pages of their project."""

    list_display = ("pk", "project", "is_verified", "created_at")
    list_select_related = ("project",)
    list_filter = ("is_verified",)
    search_fields = ("=pk", "=project__public_id")
    fields = ("project", "is_verified", "created_at")


@admin.register(Conversation)
class ConversationAdmin(SafeAdmin):
    """All conversations by their facts."""

    list_display = ("id", "project", "environment", "state", "last_sequence", "started_at")
    list_select_related = ("project",)
    list_filter = ("state", "environment")
    search_fields = ("=id", "=session_id", "=project__public_id")
    fields = (
        *("id", "session_id", "project", "channel", "environment", "state", "last_sequence"),
        *("answered_sequence", "answer_due_at", "answer_tries", "turn_until", "locale"),
        *("last_seen_at", "started_at", "ended_at"),
    )
    in_portal = ("conversation", lambda row: (row.project.public_id, row.pk))
    ordering = ("-started_at",)


@admin.register(Attachment)
class AttachmentAdmin(SafeAdmin):
    """Files by size and kind; neither their names nor their addresses."""

    list_display = ("id", "direction", "mime_type", "size_bytes", "created_at")
    list_filter = ("direction",)
    search_fields = ("=id", "=conversation__id")
    fields = ("id", "conversation", "direction", "mime_type", "size_bytes", "created_at")
    ordering = ("-created_at",)


@admin.register(LogEntry)
class LogEntryAdmin(SafeAdmin):
    """Where something was logged and of what kind; the words are on the project's own page."""

    list_display = ("at", "level", "code", "source", "project")
    list_select_related = ("project",)
    list_filter = ("level",)
    search_fields = ("=conversation__id", "=project__public_id", "=code")
    fields = ("at", "level", "code", "source", "project", "conversation", "is_pii")


@admin.register(ConversationSearch)
class ConversationSearchAdmin(SafeAdmin):
    """How far the search has read each conversation; not a word of it."""

    list_display = ("conversation_id", "environment", "started_at", "sequence", "is_final")
    list_filter = ("is_final", "environment")
    search_fields = ("=conversation__id", "=project__public_id")
    fields = ("conversation", "project", "environment", "started_at", "sequence", "is_final")
    ordering = ("-started_at",)


@admin.register(Tag)
class TagAdmin(SafeAdmin):
    """The tags of projects."""

    list_display = ("id", "project", "created_at")
    list_select_related = ("project",)
    search_fields = ("=id", "=project__public_id")
    fields = ("id", "project", "created_at")


@admin.register(Note)
class NoteAdmin(SafeAdmin):
    """Who wrote a note and when; the words are on the conversation's own page."""

    list_display = ("id", "conversation_id", "created_at", "edited_at")
    search_fields = ("=id", "=conversation__id")
    fields = ("id", "conversation", "author", "api_key", "created_at", "edited_at")
    ordering = ("-created_at",)
