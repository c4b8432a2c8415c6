"""Conversations in steps, and the variants of an AI agent."""

from __future__ import annotations

from django.db import models

from integrations.models import Lockable, Project
from integrations.models.identifiers import variant_id


class Flow(Lockable):
    """A conversation in steps: what is asked, what is run, and where it goes on.

    `steps` holds the dicts of ai_agent/flows/steps.py.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="flows")
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=500, blank=True)
    start_step = models.CharField(max_length=80, blank=True)
    steps = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="flow_name_per_project")
        ]

    def __str__(self) -> str:
        return self.name


class Variant(Lockable):
    """An AI agent's words and connections for one brand, site or language."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="variants")
    # What a client names when it opens a session; stays when the name changes.
    public_id = models.CharField(max_length=40, default=variant_id)
    name = models.CharField(max_length=64)
    is_default = models.BooleanField(default=False)
    language = models.CharField(max_length=35, blank=True)
    greeting = models.CharField(max_length=500, blank=True)
    # Where a handoff goes that names no integration itself; empty leaves it to the environment.
    integration_key = models.CharField(max_length=40, blank=True)
    credential_set = models.CharField(max_length=40, blank=True)
    # What tools read as conv.variant.<name>: texts.
    attributes = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="variant_name_per_project"),
            models.UniqueConstraint(fields=["project", "public_id"], name="variant_id_per_project"),
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(is_default=True),
                name="one_default_variant",
            ),
        ]

    def __str__(self) -> str:
        return self.name
