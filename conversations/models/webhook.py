"""Where a project's systems hear what happens, and each event on its way there (outbox)."""

from __future__ import annotations

import secrets
import uuid

from django.db import models
from django.utils import timezone

from conversations.models.conversation import Conversation
from integrations.credentials.fields import EncryptedJSONField
from integrations.models import Environment, Project

TIMEOUT_MS = 5000


def endpoint_id() -> str:
    """Return a new endpoint id, in the form that the Webhooks API documents."""
    return f"whe_{secrets.token_hex(12)}"


class WebhookEndpoint(models.Model):
    """An address that is told of events, or the sockets on which an agent of the project hears.

    `secrets` holds `current`, `previous` while a rotation overlaps, and `headers` of the owner's.
    """

    class Kind(models.TextChoices):
        """How events get there."""

        CALLED = "called", "We call its address"
        SOCKET = "socket", "The project's agent reads them on sockets"

    id = models.CharField(max_length=32, primary_key=True, default=endpoint_id)
    kind = models.CharField(
        max_length=8, choices=Kind.choices, default=Kind.CALLED, db_default=Kind.CALLED
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhook_endpoints")
    name = models.CharField(max_length=255)
    url = models.CharField(max_length=2048)
    event_types = models.JSONField(default=list)
    timeout_ms = models.PositiveIntegerField(default=TIMEOUT_MS)
    is_enabled = models.BooleanField(default=True)
    secrets = EncryptedJSONField()
    # Until then the secret before the current one signs as well.
    previous_until = models.DateTimeField(null=True, blank=True)
    # Of sockets: the place of the newest event in their one order.
    last_position = models.BigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(kind="socket"),
                name="one_agent_stream_a_project",
            )
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event for one endpoint, written in the transaction of what happened.

    Those of a `lane` go one after the other. `data` is None where the journal has it: `event_id` is
    then the line's id.
    """

    class Status(models.TextChoices):
        """How far it came."""

        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    # Found by the constraint's index. Not checked by the database: an endpoint that is deleted at
    # this moment must not keep anybody's message from being written.
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
        db_constraint=False,
    )
    event_id = models.UUIDField(default=uuid.uuid4)
    type = models.CharField(max_length=40)
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.CASCADE, related_name="+"
    )
    environment = models.CharField(max_length=16, choices=Environment.choices, blank=True)
    shared_id = models.CharField(max_length=255, blank=True)
    lane = models.CharField(max_length=64)
    data = models.JSONField(null=True)
    # For sockets: its place in their order, given once it is committed.
    position = models.BigIntegerField(null=True, blank=True)
    # Of the request or the task in which it happened; the receiver reads it in X-Correlation-Id.
    correlation_id = models.CharField(max_length=64, blank=True, db_default="", default="")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    # Somebody is sending it; after this time they are taken for dead.
    claimed_until = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhook_event_once"),
            models.UniqueConstraint(
                fields=["endpoint", "position"],
                condition=models.Q(position__isnull=False),
                name="webhook_position_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "lane", "id"],
                condition=models.Q(status="pending"),
                name="webhook_lanes",
            ),
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=models.Q(status="pending"),
                name="webhooks_due",
            ),
            models.Index(fields=["endpoint", "-id"], name="webhooks_by_endpoint"),
            models.Index(fields=["created_at"], name="webhook_deliveries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
