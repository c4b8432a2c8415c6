"""Who answers: the built-in AI agent's topics and tools, or an outside one; and the log."""

from __future__ import annotations

from django.db import models

from integrations.credentials.fields import EncryptedJSONField
from integrations.models import Lockable, Project


class Topic(Lockable):
    """Something the AI agent knows about, and what it does then.

    `actions` holds [{kind, target, when, args, condition, answers}] (ai_agent/topics/actions.py). A
    mandatory topic is never the AI agent's to answer: it hands off.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="topics")
    name = models.CharField(max_length=120)
    example_queries = models.JSONField(default=list, blank=True)
    content = models.TextField(blank=True, max_length=4000)
    actions = models.JSONField(default=list, blank=True)
    actions_text = models.TextField(blank=True, max_length=2000)
    is_enabled = models.BooleanField(default=True)
    is_mandatory = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="topic_name_per_project")
        ]

    def __str__(self) -> str:
        return self.name


class Tool(Lockable):
    """A Python function that the AI agent may run in the sandbox.

    `parameters` holds {name, type, description, is_required} for what it takes beside `conv`.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tools")
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=500, blank=True)
    source = models.TextField(max_length=65_536)
    parameters = models.JSONField(default=list, db_default=[], blank=True)
    timeout_seconds = models.PositiveSmallIntegerField(default=10)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="tool_name_per_project")
        ]

    def __str__(self) -> str:
        return self.name


class OutsideAgent(models.Model):
    """The AI agent of a project that lives elsewhere; a project without one uses the built-in.

    `options` are those of agent_options (ai_agent/outside/options.py), `secrets` what its address
    asks for: `signing_secret` of a webhook agent, `api_key` of a model.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="outside_agent")
    # A row of ai_agent/runtimes/kinds.py.
    kind = models.CharField(max_length=16)
    url = models.CharField(max_length=500, blank=True)
    options = models.JSONField(default=dict, blank=True)
    secrets = EncryptedJSONField(blank=True)
    # Until then the signing secret before signs as well.
    previous_until = models.DateTimeField(null=True, blank=True)
    # What an admin must mend, in our code of the failure; empty while it answers.
    error_code = models.CharField(max_length=40, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.kind} agent of {self.project_id}"


class SafetyFilter(models.Model):
    """What of an end user's texts never reaches the AI agent (ai_agent/safety/)."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="safety_filter")
    is_enabled = models.BooleanField(default=False)
    # {category: {action, words}}, {endpoint: {url, seconds, action_when_away}}.
    options = models.JSONField(default=dict, blank=True)
    # `signing_secret` of the customer's own endpoint.
    secrets = EncryptedJSONField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"safety filter of {self.project_id}"


class LogEntry(models.Model):
    """One line of the project's log: what tools wrote, and why a handoff did not happen."""

    class Level(models.TextChoices):
        """How bad it is."""

        INFO = "info"
        WARNING = "warning"
        ERROR = "error"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="log_entries")
    # Found by an index that has the time too.
    conversation = models.ForeignKey(
        "conversations.Conversation",
        null=True,
        on_delete=models.CASCADE,
        related_name="log",
        db_index=False,
    )
    level = models.CharField(max_length=8, choices=Level.choices)
    source = models.CharField(max_length=120, blank=True)
    code = models.CharField(max_length=40, blank=True)
    content = models.TextField()
    fields = models.JSONField(default=dict)
    is_pii = models.BooleanField(default=False)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "log entries"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["project", "-at"], name="log_by_project"),
            models.Index(fields=["conversation", "at"], name="log_by_conversation"),
            models.Index(
                fields=["project", "-at"], condition=models.Q(level="error"), name="log_errors"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.code}"
