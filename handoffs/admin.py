"""Handoffs in the admin: to look at, and to free what is stuck."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from conversations.models import Erasure, LegalHold
from handoffs.models import (
    Delivery,
    Handoff,
    HandoffTransition,
    PastAttempt,
    RelayWorker,
    StoredWebhook,
    VendorEvent,
)
from handoffs.portal.erasure.erasing import erasure_resume
from handoffs.portal.erasure.holds import hold_lift
from handoffs.portal.operators import (
    handoff_end_by_operator,
    handoff_release,
    worker_mark_dead,
)
from integrations.admin import SafeAdmin
from integrations.contract.integration_keys import vendor_choices


class VendorFilter(admin.SimpleListFilter):
    """By vendor; the choices are those that payloads may name, and no table is read for them."""

    title = "vendor"
    parameter_name = "integration_key"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Offer each vendor."""
        return vendor_choices()

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one vendor's rows."""
        chosen = self.value()
        return queryset.filter(integration_key=chosen) if chosen else queryset


@admin.register(Handoff)
class HandoffAdmin(SafeAdmin):
    """All projects' handoffs, without what is encrypted and without what was said."""

    list_display = ("id", "state", "environment", "integration_key", "requested_at", "owner")
    list_filter = ("state", "environment", VendorFilter, "end_reason")
    # Ids begin with the time, and have an index.
    ordering = ("-id",)
    list_select_related = ("owner",)
    search_fields = ("=id", "=conversation__id", "=vendor_conversation_id")
    fields = (
        *("id", "conversation", "integration", "environment", "integration_key", "tool_call_id"),
        *("state", "end_reason", "error_code", "error_detail", "destination", "reason"),
        *("attempt", "vendor_conversation_id", "vendor_end_until", "owner", "lease_epoch"),
        *("deadline_at", "remind_at", "requested_at", "accepted_at", "joined_at", "ended_at"),
    )
    in_portal = ("handoff", lambda row: (row.conversation.project.public_id, row.pk))
    services = {
        "end": (
            "End: the vendor and the end user are told",
            lambda row, actor: handoff_end_by_operator(handoff_id=row.pk, actor=actor),
        ),
        "release": (
            "Release the lease: another relay worker takes over",
            lambda row, actor: handoff_release(handoff_id=row.pk, actor=actor),
        ),
    }


@admin.register(Delivery)
class DeliveryAdmin(SafeAdmin):
    """End users' messages on their way to vendors."""

    list_display = ("id", "handoff", "sequence", "status", "attempts", "error_code", "created_at")
    list_filter = ("status",)
    search_fields = ("=handoff__id", "=event__id")
    fields = (
        *("handoff", "event_id", "sequence", "status", "attempts", "parts_sent"),
        *("next_attempt_at", "error_code", "created_at", "sent_at"),
    )
    ordering = ("-id",)


@admin.register(VendorEvent)
class VendorEventAdmin(SafeAdmin):
    """What vendors told us, by kind."""

    list_display = ("id", "handoff", "kind", "occurred_at", "received_at")
    search_fields = ("=handoff__id", "=vendor_event_id")
    fields = ("handoff", "vendor_event_id", "kind", "event_id", "occurred_at", "received_at")
    ordering = ("-id",)


@admin.register(StoredWebhook)
class StoredWebhookAdmin(SafeAdmin):
    """Calls of vendors that wait to be taken in, or were; their bodies are encrypted."""

    list_display = ("id", "integration", "is_done", "attempts", "received_at")
    list_select_related = ("integration",)
    list_filter = ("is_done",)
    search_fields = ("=item_id", "=key")
    fields = ("integration", "item_id", "is_done", "attempts", "received_at", "missed_until")
    ordering = ("-id",)


@admin.register(HandoffTransition)
class HandoffTransitionAdmin(SafeAdmin):
    """The moves of all handoffs."""

    list_display = ("at", "handoff", "from_state", "to_state", "trigger", "detail")
    list_filter = ("to_state", "trigger")
    search_fields = ("=handoff__id",)
    fields = ("at", "handoff", "from_state", "to_state", "trigger", "detail")
    ordering = ("-id",)


@admin.register(PastAttempt)
class PastAttemptAdmin(SafeAdmin):
    """Integrations that handoffs have given up for their fallback."""

    list_display = ("handoff", "number", "integration_key", "error_code", "at", "vendor_end_until")
    list_filter = (VendorFilter,)
    search_fields = ("=handoff__id",)
    fields = (
        *("handoff", "number", "integration", "integration_key", "error_code"),
        *("vendor_end_until", "at"),
    )
    ordering = ("-id",)


@admin.register(RelayWorker)
class RelayWorkerAdmin(SafeAdmin):
    """The relay workers and when each was last heard of."""

    list_display = ("name", "heartbeat_at", "started_at", "stopped_at")
    fields = ("id", "name", "heartbeat_at", "started_at", "stopped_at")
    ordering = ("-heartbeat_at",)
    services = {
        "mark_dead": (
            "Mark as dead: others take over at once",
            lambda row, actor: worker_mark_dead(worker=row, actor=actor),
        )
    }


@admin.register(Erasure)
class ErasureAdmin(SafeAdmin):
    """How far erasures are; whose they are is known to nobody any more."""

    list_display = ("id", "project", "state", "waits_for", "requested_at", "done_at")
    list_select_related = ("project",)
    list_filter = ("state",)
    search_fields = ("=id", "=project__public_id")
    fields = (
        *("id", "project", "reason", "actor_label", "state", "waits_for", "counts"),
        *("requested_at", "done_at"),
    )
    services = {"resume": ("Go on where it stopped", erasure_resume)}


@admin.register(LegalHold)
class LegalHoldAdmin(SafeAdmin):
    """What is neither deleted nor erased; the end user by number."""

    list_display = ("id", "project", "conversation", "person", "set_at", "until", "lifted_at")
    list_select_related = ("project", "conversation")
    list_filter = ("lifted_at",)
    search_fields = ("=conversation__id", "=project__public_id")
    fields = (
        *("project", "conversation", "person", "reason", "set_by", "set_at", "until"),
        *("lifted_by", "lifted_at"),
    )
    services = {
        "lift": (
            "Lift: what was due goes in a day",
            lambda row, actor: hold_lift(hold=row, actor=actor),
        )
    }

    @admin.display(description="end user")
    def person(self, hold: LegalHold) -> str:
        """Return the number of the end user."""
        return f"end user {hold.end_user_id}" if hold.end_user_id else ""
