"""One escalation: its state, its owner, what goes to the vendor and what came from it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.utils import timezone

from conversations.models import Conversation, Event
from handoffs.states import OPEN_STATES, OPEN_VALUES, EndReason, State
from integrations.behaviour.settings import Behaviour, behaviour_of
from integrations.credentials.fields import EncryptedJSONField
from integrations.models import Environment, Integration, Project
from integrations.models.identifiers import handoff_id


class RelayWorker(models.Model):
    """A process that hosts relay sessions; alive while its heartbeat is fresh."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=120)
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(default=timezone.now, db_index=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Handoff(models.Model):
    """From a payload to the end of the human part; only services write `state`."""

    id = models.CharField(max_length=48, primary_key=True, default=handoff_id)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="handoffs"
    )
    integration = models.ForeignKey(
        Integration, null=True, on_delete=models.SET_NULL, related_name="handoffs"
    )
    environment = models.CharField(max_length=16, choices=Environment.choices)
    # The conversation's, so that lists need not join it.
    project = models.ForeignKey(
        Project, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    channel_kind = models.CharField(max_length=16, blank=True, db_default="", default="")
    # What the AI agent understood last before it handed off, and the queue that was asked for.
    topic = models.CharField(max_length=120, blank=True, db_default="", default="")
    queue = models.CharField(max_length=128, blank=True, db_default="", default="")
    integration_key = models.CharField(max_length=40, blank=True)
    tool_call_id = models.CharField(max_length=120)

    state = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in State], default=State.REQUESTED.value
    )
    end_reason = models.CharField(
        max_length=24, blank=True, choices=[(r.value, r.value) for r in EndReason]
    )
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=400, blank=True)

    # What the tool asked for, and what the screen pop shows.
    destination = models.CharField(max_length=128, blank=True)
    reason = models.CharField(max_length=128, blank=True)
    # Of the project's list of reasons; empty where what was said is none of them.
    reason_code = models.CharField(max_length=40, blank=True, db_default="", default="")
    utterance = models.TextField(blank=True)
    routing = EncryptedJSONField()
    context_data = models.JSONField(default=dict)
    # What went along as its summary: {by, text, why, milliseconds} (relay/screen_pop/).
    summary = EncryptedJSONField(null=True, default=None)
    shared_id = models.CharField(max_length=255, blank=True)

    # Of the request, frame or task that asked for it; the vendor's calls bear it.
    correlation_id = models.CharField(max_length=64, blank=True, db_default="", default="")
    # 2 once the fallback integration has been tried; PastAttempt holds the first.
    attempt = models.PositiveSmallIntegerField(default=1)

    # The vendor's side.
    vendor_conversation_id = models.CharField(max_length=255, blank=True)
    vendor_session = EncryptedJSONField(null=True, default=None)
    live_agents = models.JSONField(default=dict)  # those present: {agent_id: name}
    agent_id = models.CharField(max_length=128, blank=True)
    agent_name = models.CharField(max_length=256, blank=True)
    queue_status = models.JSONField(default=dict)
    # Edits and deletions that came before their message: {vendor_message_id: what changed}.
    early_changes = models.JSONField(default=dict)
    # The vendor conversation still has to be ended by us, until this time at most.
    vendor_end_until = models.DateTimeField(null=True, blank=True)

    # The journal line whose offer can be answered; None while nothing is offered.
    open_offer = models.UUIDField(null=True, blank=True)

    # Ownership.
    owner = models.ForeignKey(
        RelayWorker, null=True, on_delete=models.SET_NULL, related_name="handoffs"
    )
    lease_epoch = models.IntegerField(default=0)

    deadline_at = models.DateTimeField(null=True, blank=True)
    # When to look again whether the end user is to be told something (reminders.py).
    remind_at = models.DateTimeField(null=True, blank=True)
    idle_warned_at = models.DateTimeField(null=True, blank=True)
    # The end user shows no sign of life, and the vendor was told so (clocks/presence.py).
    away_since = models.DateTimeField(null=True, blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True, blank=True)
    joined_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(state__in=OPEN_VALUES),
                name="one_open_handoff",
            ),
            models.UniqueConstraint(
                fields=["conversation", "tool_call_id"], name="one_handoff_per_tool_call"
            ),
        ]
        indexes = [
            models.Index(
                fields=["owner"],
                condition=models.Q(state__in=OPEN_VALUES)
                | models.Q(vendor_end_until__isnull=False),
                name="handoffs_to_own",
            ),
            models.Index(
                fields=["deadline_at"],
                condition=models.Q(deadline_at__isnull=False),
                name="handoffs_by_deadline",
            ),
            models.Index(
                fields=["remind_at"],
                condition=models.Q(remind_at__isnull=False),
                name="handoffs_by_reminder",
            ),
            models.Index(fields=["shared_id"], name="handoffs_by_shared_id"),
            models.Index(
                fields=["project", "environment", "-requested_at", "-id"],
                name="handoffs_by_environment",
            ),
            models.Index(
                fields=["project", "-requested_at", "-id"],
                # Which conversations are meant is read from it alone.
                include=["conversation"],
                name="handoffs_by_project",
            ),
            models.Index(
                fields=["project", "requested_at"],
                condition=models.Q(state__in=OPEN_VALUES),
                name="handoffs_open",
            ),
            models.Index(
                fields=["project", "error_code", "-requested_at"],
                condition=models.Q(state="failed"),
                name="handoffs_failed",
            ),
            models.Index(fields=["vendor_conversation_id"], name="handoffs_by_vendor_id"),
            models.Index(
                fields=["correlation_id"],
                condition=~models.Q(correlation_id=""),
                name="handoffs_by_correlation",
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def is_open(self) -> bool:
        """Say whether the human part may still happen or is happening."""
        return State(self.state) in OPEN_STATES

    @property
    def attempt_key(self) -> str:
        """Return the vendors' idempotency key: the id, and from the fallback on its number."""
        return self.pk if self.attempt == 1 else f"{self.pk}-{self.attempt}"

    @property
    def first_end_until(self) -> datetime | None:
        """Return until when the first vendor must be told of the end; None if it knows."""
        if self.attempt == 1:
            return None
        waiting = self.past_attempts.filter(vendor_end_until__gt=timezone.now())
        return waiting.values_list("vendor_end_until", flat=True).first()

    @property
    def behaviour(self) -> Behaviour:
        """Return how the integration is set to behave."""
        return behaviour_of(self.integration) if self.integration else Behaviour()


class PastAttempt(models.Model):
    """An integration that a handoff has given up for its fallback."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="past_attempts")
    number = models.PositiveSmallIntegerField()
    integration = models.ForeignKey(
        Integration, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    integration_key = models.CharField(max_length=40)
    error_code = models.CharField(max_length=40)
    # A vendor conversation that we still have to end, until that time at most.
    vendor_session = EncryptedJSONField(null=True, default=None)
    vendor_end_until = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["handoff", "number"], name="one_row_per_attempt")
        ]

    def __str__(self) -> str:
        return f"{self.handoff_id} {self.number} {self.integration_key}"


class TranscriptLink(models.Model):
    """An address of the transcript for a live agent; it ends with time, and with use."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    handoff = models.OneToOneField(
        Handoff, on_delete=models.CASCADE, related_name="transcript_link"
    )
    expires_at = models.DateTimeField()
    looks = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"transcript of {self.handoff_id}"


class HandoffTransition(models.Model):
    """One move of the state machine; append only."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="transitions")
    from_state = models.CharField(max_length=16, blank=True)
    to_state = models.CharField(max_length=16)
    trigger = models.CharField(max_length=32)
    detail = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class Delivery(models.Model):
    """One end user message on its way to the vendor (outbox)."""

    class Status(models.TextChoices):
        """How far it came."""

        PENDING = "pending"
        SENT = "sent"
        DELIVERED = "delivered"
        READ = "read"
        FAILED = "failed"

    handoff = models.ForeignKey(
        Handoff, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    event = models.OneToOneField(Event, on_delete=models.CASCADE, related_name="delivery")
    sequence = models.IntegerField()
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Of a message with files: how many of its parts the vendor has taken.
    parts_sent = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    error_code = models.CharField(max_length=40, blank=True)
    # The vendor's own reason for a late failure.
    error_detail = models.CharField(max_length=400, blank=True, db_default="", default="")
    # Of a message with files that is sent again: which parts go, and which failed after that.
    parts_only = models.JSONField(null=True)
    parts_failed = models.JSONField(null=True)
    # Of the request or frame that brought it; the vendor's call bears it.
    correlation_id = models.CharField(max_length=64, blank=True, db_default="", default="")
    # Under which id the vendor gets it, where the event's own has been used up by an earlier try.
    resent_as = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["sequence"]
        indexes = [
            models.Index(fields=["handoff", "sequence"], name="deliveries_by_handoff"),
            models.Index(
                fields=["handoff", "sequence"],
                condition=models.Q(status="pending"),
                name="deliveries_pending",
            ),
            models.Index(
                fields=["handoff"],
                condition=models.Q(status="failed"),
                name="deliveries_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.handoff_id} {self.sequence} {self.status}"


class VendorEvent(models.Model):
    """One event received from the vendor (inbox); a repeat stops at the constraint."""

    # Found by the constraint's index.
    handoff = models.ForeignKey(
        Handoff, on_delete=models.CASCADE, related_name="vendor_events", db_index=False
    )
    vendor_event_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=40)
    event = models.ForeignKey(Event, null=True, on_delete=models.SET_NULL)
    # The message that it is, edits or deletes, as the vendor names it.
    vendor_message_id = models.CharField(max_length=255, blank=True, db_default="", default="")
    # What an operator has to know beside the kind: [{code, detail}], or None.
    notes = models.JSONField(null=True, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["handoff", "vendor_event_id"], name="vendor_event_once")
        ]

    def __str__(self) -> str:
        return f"{self.handoff_id} {self.kind}"


class Offer(models.Model):
    """What one line of the journal offers to take; the handoff's `open_offer` names the open one.

    `replies` has, by our short id, the label and what the vendor wants back; `form` its questions.
    """

    event = models.OneToOneField(
        Event, primary_key=True, on_delete=models.CASCADE, related_name="offer"
    )
    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="offers")
    # Whose offer it is: an answer never goes to another vendor as one.
    attempt = models.PositiveSmallIntegerField()
    vendor_message_id = models.TextField(blank=True)
    replies = EncryptedJSONField()
    form = EncryptedJSONField(null=True, default=None)
    # What was filled in where the form was the answer.
    values = EncryptedJSONField(null=True, default=None)

    def __str__(self) -> str:
        return str(self.event_id)


class VendorKey(models.Model):
    """A name under which a vendor's webhooks speak of a handoff; the newest handoff has it."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="vendor_keys")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration", "key"], name="one_handoff_per_key")
        ]

    def __str__(self) -> str:
        return self.key


class StoredWebhook(models.Model):
    """One item of a vendor's call, stored before the call was answered; gone when it is applied.

    It may come before the handoff knows its own keys, so it is found by key, not by handoff.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="+")
    item_id = models.CharField(max_length=255)
    key = models.CharField(max_length=255)
    body = EncryptedJSONField()
    is_done = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField(default=timezone.now)
    # Until when the process that took the call may have missed others.
    missed_until = models.DateTimeField(null=True)
    # The other side's own order: its count, or its time.
    position = models.BigIntegerField(null=True)
    occurred_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["integration", "item_id"], name="one_webhook_item")
        ]
        indexes = [
            models.Index(
                fields=["integration", "key", "id"],
                condition=models.Q(is_done=False),
                name="webhooks_waiting",
            ),
            models.Index(fields=["received_at"], name="webhooks_by_age"),
            models.Index(
                fields=["integration", "key", "position"],
                condition=models.Q(position__isnull=False),
                name="webhooks_by_position",
            ),
        ]

    def __str__(self) -> str:
        return self.item_id
