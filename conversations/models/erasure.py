"""What was erased of an end user, without a word of theirs: the report of it."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from conversations.models.conversation import Conversation, EndUser
from integrations.models import Project


class Erasure(models.Model):
    """One end user's erasure; `end_user_id` is a plain number, the row of it names nobody."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="erasures")
    end_user_id = models.BigIntegerField()
    reason = models.CharField(max_length=200)
    actor_label = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    # Why it waits, in a sentence.
    waits_for = models.CharField(max_length=200, blank=True)
    # The conversations that are blank already, so that it goes on where it stopped.
    blanked = models.JSONField(default=list)
    # How many rows of each kind were emptied or deleted.
    counts = models.JSONField(default=dict)
    # What lies with vendors: [{vendor, conversation, from, to}].
    elsewhere = models.JSONField(default=list)
    requested_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at"]
        indexes = [
            models.Index(
                fields=["requested_at"],
                condition=models.Q(state="waiting"),
                name="erasures_waiting",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class LegalHold(models.Model):
    """Nothing of one conversation, or of one end user, is deleted or erased while it holds.

    Without `until` it holds until somebody lifts it. Rows stay: they say what was held, and why.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="legal_holds")
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.CASCADE, related_name="holds"
    )
    end_user = models.ForeignKey(EndUser, null=True, on_delete=models.CASCADE, related_name="holds")
    reason = models.CharField(max_length=200)
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField(default=timezone.now)
    # The last day of it.
    until = models.DateField(null=True, blank=True)
    lifted_by = models.CharField(max_length=200, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-set_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(conversation__isnull=True) ^ models.Q(end_user__isnull=True),
                name="hold_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"
