"""Who changed what, when: names of fields, never their values."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from integrations.models.api_key import ApiKey
from integrations.models.workspace import Project, Workspace


class AuditEntry(models.Model):
    """One change made by a user, with an API key, or by Baton itself (both empty)."""

    # Empty where it concerns the whole portal.
    workspace = models.ForeignKey(
        Workspace, null=True, blank=True, on_delete=models.SET_NULL, related_name="audit_entries"
    )
    # Empty where it concerns the whole workspace; what was done outlives the project.
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="audit_entries"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    api_key = models.ForeignKey(
        ApiKey, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Who it was in the words of that day; stays when user or key goes.
    actor_label = models.CharField(max_length=200, blank=True)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    fields = models.JSONField(default=list)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["project", "-at"], name="audit_by_project"),
            models.Index(fields=["workspace", "-at", "-id"], name="audit_by_workspace"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    @property
    def actor_name(self) -> str:
        """Name who did it; empty where it was Baton itself."""
        return self.actor_label
