"""What an environment answers with: a release, or the draft that builders edit."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from integrations.models import Environment, Project
from integrations.models.identifiers import uuid7


class Release(models.Model):
    """All that a project's AI agent knows at one moment; it never changes.

    `content` is that of conversations/releases/content.py, `digest` its hash.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="releases")
    number = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="release_number_per_project")
        ]

    def __str__(self) -> str:
        return f"Release {self.number}"


class Deployment(models.Model):
    """One move of an environment to a release; the newest one counts, the others are its history.

    Without a release the environment answers with the draft, as one does that has no row.
    """

    class Kind(models.TextChoices):
        """What was done."""

        PUBLISH = "publish", "Published"
        PROMOTE = "promote", "Promoted"
        ROLL_BACK = "roll_back", "Rolled back"
        FOLLOW_DRAFT = "follow_draft", "Set to follow the draft"

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="deployments", db_index=False
    )
    environment = models.CharField(max_length=16, choices=Environment.choices)
    release = models.ForeignKey(
        Release, null=True, on_delete=models.CASCADE, related_name="deployments"
    )
    # What the environment answered with before; None is the draft.
    previous = models.ForeignKey(Release, null=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    note = models.CharField(max_length=200, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "environment", "-id"], name="deployment_newest")]

    def __str__(self) -> str:
        return f"{self.environment}: {self.release or 'draft'}"


def release_id_of(project_id: int, environment: str) -> uuid.UUID | None:
    """Return the release that an environment answers with now; None is the draft."""
    rows = Deployment.objects.filter(project_id=project_id, environment=environment)
    return rows.order_by("-id").values_list("release_id", flat=True).first()
