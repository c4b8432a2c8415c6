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
    # When the same end user began another conversation, where that can be told.
    ended_at = models.DateTimeField(null=True)
    next_started_at = models.DateTimeField(null=True)
    # A visitor without a verified id or a telephone number is another one after each visit.
    is_known = models.BooleanField(default=False, db_default=False)

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
    # Parts of the wait: until a vendor accepted it, and from there in the queue.
    accept_ms = models.BigIntegerField(null=True)
    queue_ms = models.BigIntegerField(null=True)
    # From joining to the live agent's first message.
    first_reply_ms = models.BigIntegerField(null=True)
    total_ms = models.BigIntegerField(null=True)
    end_reason = models.CharField(max_length=24, blank=True, default="", db_default="")
    attempt = models.PositiveSmallIntegerField(default=1, db_default=1)
    messages_end_user = models.PositiveIntegerField(default=0, db_default=0)
    messages_live_agent = models.PositiveIntegerField(default=0, db_default=0)
    undelivered = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["project", "environment", "requested_at"], name="handoff_facts_by_time"
            )
        ]

    def __str__(self) -> str:
        return self.handoff_key


class DayTotal(models.Model):
    """What the facts of one day come to, so that a year is read from 365 rows.

    Nothing here leads to a conversation, or is deleted with one.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    environment = models.CharField(max_length=16, choices=Environment.choices)
    # Of the project's time zone.
    day = models.DateField()
    # By the tab that reads it (handoffs/portal/analytics/totals/making.py).
    overview = models.JSONField(default=dict)
    waiting = models.JSONField(default=dict)
    why = models.JSONField(default=dict)
    quality = models.JSONField(default=dict)
    failures = models.JSONField(default=dict)
    # None until it has been made for the first time.
    made_at = models.DateTimeField(null=True)
    # A fact of that day is new or has changed since.
    is_due = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "environment", "day"], name="one_total_per_day"
            )
        ]
        indexes = [
            models.Index(fields=["day"], condition=models.Q(is_due=True), name="day_totals_due")
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.environment} {self.day}"
