"""A file that somebody in a conversation sent."""

from __future__ import annotations

import secrets
import uuid

from django.db import models
from django.utils import timezone

from conversations.models.conversation import Conversation, Event


def public_token() -> str:
    """Return what stands for a file in its address; nobody guesses it."""
    return secrets.token_urlsafe(24)


def storage_path(attachment: Attachment, name: str) -> str:
    """Return where a file lies: by month and id, never by the name somebody gave it."""
    return f"{attachment.created_at:%Y/%m}/{attachment.pk}"


class Attachment(models.Model):
    """One file; without an event it was uploaded and not sent (yet)."""

    class Direction(models.TextChoices):
        """Who sent it."""

        FROM_END_USER = "from_end_user"
        FROM_LIVE_AGENT = "from_live_agent"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="attachments"
    )
    direction = models.CharField(max_length=16, choices=Direction.choices)
    event = models.ForeignKey(
        Event, null=True, on_delete=models.SET_NULL, related_name="attachments"
    )
    file = models.FileField(upload_to=storage_path, max_length=255)
    name = models.CharField(max_length=255)
    mime_type = models.CharField(max_length=127)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    token = models.CharField(max_length=64, unique=True, default=public_token)
    # How often it was fetched by the address for people.
    downloads = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="attachments_by_age")]

    def __str__(self) -> str:
        return str(self.pk)
