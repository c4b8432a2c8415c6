"""Keys with which other systems call our REST interface."""

from __future__ import annotations

from django.db import models

from integrations.models.workspace import Project


class ApiKey(models.Model):
    """A hashed key with permissions; the key itself is shown once and not stored."""

    class Permission(models.TextChoices):
        """What a key may be used for."""

        HANDOFF = "handoff", "Handoff"
        CONVERSATIONS = "conversations", "Conversations data"
        INTEGRATIONS = "integrations", "Integrations"
        CHAT = "chat", "Chat"
        EVENTS = "events", "External events"
        WEBHOOKS = "webhooks", "Webhooks"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    key_hash = models.CharField(max_length=64, unique=True)
    permissions = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
