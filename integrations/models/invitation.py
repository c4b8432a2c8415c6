"""An invitation to a workspace, with the rights that it brings."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from integrations.models.identifiers import invitation_id
from integrations.models.workspace import Workspace

VALID = timedelta(days=7)


class Invitation(models.Model):
    """Waits until it is accepted, revoked or over; its link is made from its id, never stored."""

    public_id = models.CharField(max_length=40, unique=True, default=invitation_id)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    note = models.CharField(max_length=300, blank=True)
    is_admin = models.BooleanField(default=False)
    areas = models.JSONField(default=dict, blank=True)
    sees_personal_data = models.BooleanField(default=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "email"],
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="one_open_invitation_per_email",
            )
        ]

    def __str__(self) -> str:
        return f"{self.public_id} to {self.workspace}"

    @classmethod
    def waiting(cls) -> models.QuerySet[Invitation]:
        """Return those that may still be accepted."""
        now = timezone.now()
        return cls.objects.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)

    def state(self, now: datetime) -> str:
        """Return waiting, accepted, expired or revoked."""
        if self.accepted_at:
            return "accepted"
        if self.revoked_at:
            return "revoked"
        return "waiting" if self.expires_at > now else "expired"
