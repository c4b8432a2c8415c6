"""Handoffs in the admin, to look at: their state is changed by services alone."""

from __future__ import annotations

from django.contrib import admin

from handoffs.models import Handoff, RelayWorker
from integrations.admin import ReadOnlyAdmin


@admin.register(Handoff)
class HandoffAdmin(ReadOnlyAdmin):
    """All projects' handoffs, without what is encrypted and without what was said."""

    list_display = ("id", "state", "environment", "integration_key", "requested_at", "owner")
    list_filter = ("state", "environment", "integration_key")
    list_select_related = ("owner",)
    search_fields = ("id", "conversation__id", "vendor_conversation_id")
    exclude = ("routing", "vendor_session", "context_data", "utterance")


@admin.register(RelayWorker)
class RelayWorkerAdmin(ReadOnlyAdmin):
    """The relay workers and when each was last heard of."""

    list_display = ("name", "heartbeat_at", "started_at", "stopped_at")
