"""What happened, in figures and names of no person: what stays when a conversation is erased."""

from __future__ import annotations

from django.db import models

from integrations.models import Environment, Project


class ConversationFact(models.Model):
    """A conversation as analytics counts it; written when it is over, and where it changes then."""

    conversation_key = models.CharField(max_length=48, primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    environment = models.CharField(max_length=16, choices=Environment.choices)
    channel = models.CharField(max_length=16, blank=True)
    started_at = models.DateTimeField()
    # The end user wrote something, and the AI agent answered.
    has_words = models.BooleanField(default=False)
    has_answer = models.BooleanField(default=False)
    handoffs = models.PositiveSmallIntegerField(default=0)
    is_asked = models.BooleanField(default=False)
    rating_ai_agent = models.PositiveSmallIntegerField(null=True)
    rating_live_agent = models.PositiveSmallIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project", "environment", "started_at"], name="facts_by_start")
        ]

    def __str__(self) -> str:
        return self.conversation_key


class HandoffFact(models.Model):
    """A handoff that is over, as analytics counts it; durations in whole milliseconds."""

    handoff_key = models.CharField(max_length=48, primary_key=True)
    conversation_key = models.CharField(max_length=48)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    environment = models.CharField(max_length=16, choices=Environment.choices)
    channel = models.CharField(max_length=16, blank=True)
    vendor = models.CharField(max_length=40, blank=True)
    queue = models.CharField(max_length=128, blank=True)
    topic = models.CharField(max_length=120, blank=True)
    # A code of the project's list, else the reason as it was said.
    reason = models.CharField(max_length=128, blank=True)
    outcome = models.CharField(max_length=24)
    error_code = models.CharField(max_length=40, blank=True)
    # Answered, and failed later.
    is_broken_off = models.BooleanField(default=False)
    # It was accepted by a vendor, or a live agent joined.
    is_queued = models.BooleanField(default=False)
    requested_at = models.DateTimeField()
    wait_ms = models.BigIntegerField(null=True)
    handle_ms = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["project", "environment", "requested_at"], name="handoff_facts_by_time"
            )
        ]

    def __str__(self) -> str:
        return self.handoff_key
