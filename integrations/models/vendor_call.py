"""Every request to a vendor, with secrets and personal data removed."""

from __future__ import annotations

from django.db import models

from integrations.models.integration import Integration


class VendorCall(models.Model):
    """One request and its answer, kept for days.

    `reference` is the id of the handoff or of the text message that it was made for, if any.
    """

    # Found by the index with the time.
    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    reference = models.CharField(max_length=48, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)
    operation = models.CharField(max_length=60)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=300)
    status = models.IntegerField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    # Whoever called goes on with the answer, though it is a refusal by its number.
    is_expected = models.BooleanField(default=False, db_default=False)
    duration_ms = models.IntegerField()
    request_body = models.JSONField(null=True)
    response_body = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["reference", "at"], name="calls_by_reference"),
            models.Index(fields=["at"], name="calls_by_age"),
            models.Index(fields=["integration", "at"], name="calls_by_integration"),
            models.Index(
                fields=["correlation_id"],
                condition=~models.Q(correlation_id=""),
                name="calls_by_correlation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation}: {self.status or self.error_code}"
