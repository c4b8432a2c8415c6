"""What members keep: how pages look to them, a list's filters under a name, long exports of it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from integrations.models.workspace import Project


class MemberSettings(models.Model):
    """What a member chose for the portal's pages, in whichever browser they open them."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="portal_settings"
    )
    # light, dark, or nothing for what the system asks for.
    theme = models.CharField(max_length=8, blank=True)
    has_single_keys = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"Settings of {self.user}"


class SavedView(models.Model):
    """The address of a list with its filters, under a name; of one member, or shared with all."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="saved_views", db_index=False
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    # The list, by the name of its page.
    page = models.CharField(max_length=24)
    name = models.CharField(max_length=60)
    # The filters, as they stand in the address.
    query = models.TextField(blank=True)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "page", "owner", "name"], name="one_view_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.name


def export_path(export: ListExport, name: str) -> str:
    """Return where the file of an export lies; its id cannot be guessed."""
    return f"exports/{export.pk}"


class ListExport(models.Model):
    """A list too long for one answer, written by a task; its file is of one member, for days."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        READY = "ready"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="list_exports")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="list_exports"
    )
    page = models.CharField(max_length=24)
    form = models.CharField(max_length=8)
    query = models.TextField(blank=True)
    # With what people wrote and are called: whoever lost that right gets it no more.
    shows_people = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    rows = models.PositiveIntegerField(default=0)
    file = models.FileField(upload_to=export_path, max_length=255, blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    # Who works on it, until when nobody else does.
    busy_until = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        ordering = ["-requested_at"]

    def __str__(self) -> str:
        return f"{self.page} {self.pk}"
