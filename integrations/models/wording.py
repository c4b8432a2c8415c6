"""What a project says in its own words instead of ours, in one language."""

from __future__ import annotations

from django.db import models

from integrations.models.workspace import Project


class Wording(models.Model):
    """The texts by key of behaviour/sentences.py; those of the widget begin with `widget.`."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="wordings")
    language = models.CharField(max_length=8)
    texts = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "language"], name="one_wording_a_language")
        ]

    def __str__(self) -> str:
        return f"{self.language} of {self.project_id}"
