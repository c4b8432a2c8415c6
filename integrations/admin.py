"""The audit in the admin, to look at: what concerns the whole portal is on no project's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from integrations.models import AuditEntry

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows and lets nobody add, change or delete one."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse to everybody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to everybody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to everybody."""
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who changed what, and which sign-ins were refused."""

    list_display = ("at", "action", "subject", "fields", "actor", "project")
    list_filter = ("action",)
