"""What people are to be told about a project, and whether they were."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from integrations.models.workspace import Project


class Alert(models.Model):
    """One trouble from the moment it was seen until it was over."""

    class Kind(models.TextChoices):
        """What can be wrong."""

        CONNECTION = "connection", "A connection needs attention"
        FAILING = "failing", "Handoffs fail"
        LAG = "lag", "Messages do not reach the vendor"
        NO_WORKER = "no_worker", "No relay worker runs"
        EXPIRY = "expiry", "A key is about to expire"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alerts_raised")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    # Tells several of one kind apart, such as a connection's number.
    subject = models.CharField(max_length=80)
    environment = models.CharField(max_length=16, blank=True)
    # What is wrong and what helps, without anybody's name.
    detail = models.CharField(max_length=400)
    raised_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)
    # When a mail of it is to be sent; while somebody sends it, when it is taken for lost.
    mail_due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-raised_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "subject"],
                condition=models.Q(cleared_at__isnull=True),
                name="one_open_alert",
            )
        ]
        indexes = [models.Index(fields=["project", "-raised_at", "-id"], name="alerts_by_project")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
