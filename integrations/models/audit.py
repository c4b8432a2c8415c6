"""Who changed what, when: names of fields, never their values."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from integrations.models.api_key import ApiKey
from integrations.models.workspace import Project


class AuditEntry(models.Model):
    """One change made by a user, with an API key, or by Baton itself (both empty)."""

    # Empty where it concerns the whole portal.
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="audit_entries"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    api_key = models.ForeignKey(
        ApiKey, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
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

    @property
    def actor_name(self) -> str:
        """Name who did it; empty where it was Baton itself."""
        if self.api_key is not None:
            return f"API key {self.api_key.name}"
        return self.actor.get_username() if self.actor else ""
