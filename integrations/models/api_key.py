"""Keys with which other systems call our REST interface."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

from integrations.models.workspace import Project

# The page warns so long before a key ends.
EXPIRY_WARNING = timedelta(days=14)


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

    # What the page says of each permission.
    HELP = {
        Permission.HANDOFF: "The screen pop of a live agent’s desktop, and queue updates.",
        Permission.CONVERSATIONS: "Everything that was said, the live agents’ part included.",
        Permission.INTEGRATIONS: "Connects, tests and disconnects vendors; reads no secret.",
        Permission.CHAT: "Opens and drives conversations: Chat API, Agent API and MCP.",
        Permission.EVENTS: "Reserved for events of your own systems; none is taken yet.",
        Permission.WEBHOOKS: "Makes, changes and deletes the addresses that hear of events.",
    }

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

    @property
    def ends_soon(self) -> bool:
        """Say whether the key works now and will not for long."""
        if self.expires_at is None or self.revoked_at is not None:
            return False
        now = timezone.now()
        return now < self.expires_at <= now + EXPIRY_WARNING
