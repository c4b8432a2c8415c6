"""Who changed what, when: names of fields, never their values."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from integrations.models.workspace import Project


class AuditEntry(models.Model):
    """One change made by a user or by Baton itself (actor empty)."""

    # Empty where it concerns the whole portal.
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="audit_entries"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    fields = models.JSONField(default=list)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["project", "-at"], name="audit_by_project")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
