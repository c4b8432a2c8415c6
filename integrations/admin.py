"""What the operator of the installation sees of integrations, across all workspaces.

Django's own admin, to look and to repair: everyday work has pages of the portal. Nothing that is
encrypted, hashed or said by anybody is shown, and where a service is the only writer, it stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from integrations.connections.services import integration_disable
from integrations.entry.keys import api_key_revoke
from integrations.entry.members.invitations import invitation_revoke
from integrations.entry.members.services import member_remove
from integrations.entry.sessions.looking_again import sockets_look_again
from integrations.models import (
    Alert,
    ApiKey,
    AuditEntry,
    Integration,
    Invitation,
    Membership,
    Project,
    VendorCall,
    Workspace,
)
from integrations.projects.audit import audit_person, audit_record
from integrations.tasks import probe

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    DjangoUserAdmin = UserAdmin[User]
    RowPaginator = Paginator[Any]
else:
    ModelAdmin = admin.ModelAdmin
    DjangoUserAdmin = UserAdmin
    RowPaginator = Paginator

COUNTED = 10_000
Act = Callable[[Any, Any], object]


class BoundedPaginator(RowPaginator):
    """Counts no further than ten thousand rows: a table of a million would be read for it."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, or the most that are counted."""
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return len(rows.order_by().values_list("pk", flat=True)[: COUNTED + 1])
        return len(rows)


class SafeAdmin(ModelAdmin):
    """Shows the fields it names and lets nobody add, change or delete a row.

    A subclass names `fields`; none that is encrypted, hashed or personal. Actions go through
    services: they ask first, and are in the audit with who did it.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    # Of a service, by the action's name: what the button says, and what it does.
    services: dict[str, tuple[str, Act]] = {}
    # The same thing's page in the portal: its name, and what of a row the address takes.
    in_portal: tuple[str, Callable[[Any], tuple[Any, ...]]] | None = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse to everybody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to everybody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to everybody."""
        return False

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """Return the row's page in the portal, which opens to members of its workspace."""
        if obj is None or self.in_portal is None:
            return None
        name, parts = self.in_portal
        return reverse(name, args=parts(obj))

    def may_act(self, request: HttpRequest) -> bool:
        """Say whether the user may do what changes rows: the right to change them is asked for."""
        options = self.opts
        return bool(request.user.has_perm(f"{options.app_label}.change_{options.model_name}"))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the services' actions, and none that goes past them."""
        if not self.may_act(request):
            return {}
        return {
            name: (_asking(name, label, act), name, label)
            for name, (label, act) in self.services.items()
        }


def _asking(name: str, label: str, act: Act) -> Callable[..., TemplateResponse | None]:
    """Return an action that asks on a page of its own, and acts when that is answered."""

    def run(
        model_admin: SafeAdmin, request: HttpRequest, rows: QuerySet[Any]
    ) -> TemplateResponse | None:
        if request.POST.get("confirmed"):
            _carry_out(model_admin, request, rows, act)
            return None
        context = {
            **model_admin.admin_site.each_context(request),
            "title": label,
            "action": name,
            "rows": rows,
            "opts": model_admin.opts,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/confirm_action.html", context)

    return run


def _carry_out(model_admin: SafeAdmin, request: HttpRequest, rows: Iterable[Any], act: Act) -> None:
    done = 0
    for row in rows:
        try:
            act(row, request.user)
            done += 1
        except ValidationError as error:
            model_admin.message_user(request, f"{row}: {error.messages[0]}", messages.ERROR)
    if done:
        model_admin.message_user(request, f"Done for {done}.", messages.SUCCESS)


def _probe(integration: Integration, actor: Any) -> None:
    audit_record(
        project=integration.project,
        actor=actor,
        action="integration.tested",
        subject=str(integration),
    )
    probe.delay(integration.pk)


@admin.register(Workspace)
class WorkspaceAdmin(SafeAdmin):
    """The customers of this installation."""

    list_display = ("name", "public_id", "slug", "created_at")
    search_fields = ("=public_id", "name__startswith", "slug__startswith")
    fields = ("name", "public_id", "slug", "created_at")
    readonly_fields = ("public_id", "slug", "created_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A workspace's name has no page in the portal: it is changed here."""
        return self.may_act(request)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note it in the portal's audit as well."""
        audit_record(
            project=None,
            workspace=obj,
            actor=request.user,
            action="project.workspace_renamed",
            subject=obj.name,
        )
        return super().log_change(request, obj, message)


admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(DjangoUserAdmin):
    """Accounts are made, changed and switched off here, never deleted: much belongs to them.

    Who is no superuser neither makes one nor changes one, and gives no rights in the admin.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to everybody: memberships would go with it, the last admin's too."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave superusers to superusers, their passwords as well."""
        is_above = obj is not None and obj.is_superuser and not _is_superuser(request)
        return super().has_change_permission(request, obj) and not is_above

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave what gives rights in the admin to superusers."""
        given = ("is_staff", "is_superuser", "groups", "user_permissions")
        return () if _is_superuser(request) else given

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note it in the portal's audit as well."""
        audit_person(user=obj, actor=request.user, action="member.account_made")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note it in the portal's audit as well, and have the user's sockets look again."""
        told = [part for part in message if isinstance(part, dict)]
        labels = [name for part in told for name in part.get("changed", {}).get("fields", [])]
        fields = [label.lower().replace(" ", "_") for label in labels]
        audit_person(user=obj, actor=request.user, action="member.account_changed", fields=fields)
        sockets_look_again([obj.pk])
        return super().log_change(request, obj, message)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


@admin.register(Project)
class ProjectAdmin(SafeAdmin):
    """The tenants."""

    list_display = ("name", "public_id", "workspace", "created_at")
    list_select_related = ("workspace",)
    search_fields = ("=public_id", "name__startswith", "slug__startswith")
    fields = (
        *("name", "public_id", "workspace", "slug", "agent_name", "allow_inline_overrides"),
        "created_at",
    )
    in_portal = ("project_home", lambda row: (row.public_id,))


@admin.register(Membership)
class MembershipAdmin(SafeAdmin):
    """Who may do what in which workspace."""

    list_display = ("user", "workspace", "is_admin", "areas", "sees_personal_data")
    list_select_related = ("user", "workspace")
    list_filter = ("is_admin",)
    search_fields = ("=user__username",)
    fields = ("user", "workspace", "is_admin", "areas", "sees_personal_data")
    services = {
        "remove": (
            "Remove from the workspace",
            lambda row, actor: member_remove(membership=row, actor=actor),
        )
    }


@admin.register(Invitation)
class InvitationAdmin(SafeAdmin):
    """Who was invited by whom, by number: the address is on the page of the workspace's members."""

    list_display = ("public_id", "workspace", "invited_by", "expires_at", "accepted_at")
    list_select_related = ("workspace", "invited_by")
    list_filter = ("accepted_at", "revoked_at")
    search_fields = ("=public_id", "=workspace__public_id")
    fields = (
        *("public_id", "workspace", "is_admin", "areas", "sees_personal_data", "invited_by"),
        *("sent_at", "expires_at", "accepted_at", "revoked_at"),
    )
    services = {
        "revoke": (
            "Revoke: the link opens nothing any more",
            lambda row, actor: invitation_revoke(invitation=row, actor=actor),
        )
    }


@admin.register(Alert)
class AlertAdmin(SafeAdmin):
    """What was wrong in which project, and whether people were told."""

    list_display = ("kind", "subject", "project", "environment", "raised_at", "cleared_at")
    list_select_related = ("project",)
    list_filter = ("kind", "cleared_at")
    search_fields = ("=project__public_id",)
    fields = (
        *("project", "kind", "subject", "environment", "detail", "raised_at", "told_at"),
        "cleared_at",
    )


@admin.register(Integration)
class IntegrationAdmin(SafeAdmin):
    """All connections; their credentials are nowhere to be seen."""

    list_display = (
        *("integration_key", "credential_set", "project", "environment", "status"),
        *("last_error_code", "last_success_at"),
    )
    list_select_related = ("project",)
    list_filter = ("status", "environment", "connector_key")
    search_fields = ("=project__public_id", "integration_key__startswith")
    fields = (
        *("project", "environment", "connector_key", "integration_key", "credential_set"),
        *("status", "is_default", "last_error_code", "last_error_message", "last_error_at"),
        *("last_success_at", "last_webhook_at", "connected_at", "failed_probes"),
        *("probed_at", "created_at", "updated_at"),
    )
    in_portal = (
        "integration",
        lambda row: (row.project.public_id, row.environment, row.connection),
    )
    services = {
        "probe_now": ("Test again now", _probe),
        "disable": (
            "Disable: new handoffs are refused, open ones go on",
            lambda row, actor: integration_disable(integration=row, actor=actor),
        ),
    }


@admin.register(ApiKey)
class ApiKeyAdmin(SafeAdmin):
    """Keys by their beginning; the key itself is known to nobody."""

    list_display = ("name", "prefix", "project", "permissions", "last_used_at", "revoked_at")
    list_select_related = ("project",)
    list_filter = ("revoked_at",)
    search_fields = ("=prefix", "=project__public_id")
    fields = (
        *("name", "prefix", "project", "permissions", "expires_at", "revoked_at"),
        *("last_used_at", "created_at"),
    )
    services = {
        "revoke": ("Revoke at once", lambda row, actor: api_key_revoke(key=row, actor=actor))
    }


@admin.register(VendorCall)
class VendorCallAdmin(SafeAdmin):
    """Requests to vendors, without what was in them."""

    list_display = ("at", "operation", "method", "status", "error_code", "duration_ms", "reference")
    list_filter = ("method",)
    search_fields = ("=reference", "=correlation_id")
    fields = (
        *("at", "integration", "operation", "method", "path", "status", "error_code"),
        *("duration_ms", "reference", "correlation_id"),
    )
    ordering = ("-at",)


@admin.register(AuditEntry)
class AuditEntryAdmin(SafeAdmin):
    """Who changed what, and which sign-ins were refused: some of it is on no project's page."""

    list_display = ("at", "action", "subject", "changed", "actor", "project")
    list_select_related = ("actor", "project")
    list_filter = ("action",)
    search_fields = ("=project__public_id", "=actor__username", "subject__startswith")
    fields = ("at", "action", "subject", "changed", "actor", "project")

    @admin.display(description="fields")
    def changed(self, entry: AuditEntry) -> str:
        """Return the names of what changed."""
        return ", ".join(map(str, entry.fields))
