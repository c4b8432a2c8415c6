"""What a project's tools may use beside the conversation: secrets, APIs and values."""

from __future__ import annotations

from django.db import models

from integrations.credentials.fields import EncryptedJSONField
from integrations.models import Lockable, Project


class Secret(Lockable):
    """A value that tools may read by its name, in each environment its own; never shown again.

    `values` maps an environment to a text or to a flat dict of texts. `tool_names` are the tools
    that may read it.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)
    values = EncryptedJSONField(blank=True)
    # Which environments have a value, and since when: what a page may show.
    set_at = models.JSONField(default=dict)
    tool_names = models.JSONField(default=list, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="secret_name_per_project")
        ]

    def __str__(self) -> str:
        return self.name


class ToolApi(Lockable):
    """An API that tools may call: an address for each environment, and its operations.

    `operations` holds {name, method, path}; `{…}` in a path is filled by an argument of that name.
    The header that lets the portal in is filled from a secret, which tools never see.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tool_apis")
    name = models.CharField(max_length=80)
    base_urls = models.JSONField(default=dict)
    operations = models.JSONField(default=list)
    header_name = models.CharField(max_length=80, blank=True)
    header_prefix = models.CharField(max_length=40, blank=True)
    secret_name = models.CharField(max_length=80, blank=True)
    timeout_seconds = models.PositiveSmallIntegerField(default=5)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="tool_api_name_per_project")
        ]

    def __str__(self) -> str:
        return self.name


class ToolValues(models.Model):
    """What tools read as conv.real_time_config and conv.translations; it acts when saved.

    `translations` maps a key to its text in each language.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="tool_values")
    config = models.JSONField(default=dict, blank=True)
    translations = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "tool values"

    def __str__(self) -> str:
        return f"values of {self.project_id}"
