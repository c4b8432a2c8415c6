"""Threads of text messages: who writes with whom, what came in (inbox), what goes out (outbox)."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from conversations.models.conversation import Conversation, Event
from conversations.models.survey import Survey
from integrations.models import Integration


class SmsNumber(models.Model):
    """A number of a connection that texts go out from; keeps to its rate."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="+")
    number = models.CharField(max_length=32)
    # Nothing goes out before.
    next_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration", "number"], name="sms_number_once")
        ]

    def __str__(self) -> str:
        return self.number


class SmsThread(models.Model):
    """One end user's number and one of ours: conversations follow each other in it.

    As a socket does, it holds no truth of a conversation, only how far it has been told.
    """

    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="sms_threads"
    )
    our_number = models.CharField(max_length=32)
    user_number = models.CharField(max_length=32)
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.SET_NULL, related_name="sms_threads"
    )
    # The conversation's journal is written as texts up to here.
    told_sequence = models.IntegerField(default=0)
    # Of the conversation that is over: the next text may be its answer.
    survey = models.ForeignKey(Survey, null=True, on_delete=models.SET_NULL, related_name="+")
    opted_out_at = models.DateTimeField(null=True, blank=True)
    # Somebody's machine repeats itself: until then it is not heard.
    muted_until = models.DateTimeField(null=True, blank=True)
    # When either side said something last, and when the end user was asked whether they are there.
    active_at = models.DateTimeField(default=timezone.now)
    warned_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "our_number", "user_number"], name="sms_thread_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["active_at"],
                condition=models.Q(conversation__isnull=False),
                name="sms_threads_by_silence",
            )
        ]

    def __str__(self) -> str:
        return f"thread {self.pk}"


class SmsInbound(models.Model):
    """A text that came in: stored before the carrier is answered, once for each of its ids.

    `text` and `media` are emptied when the journal has them.
    """

    class Status(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", "Waiting"
        TAKEN = "taken", "Taken"
        DROPPED = "dropped", "Not passed on"

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="+")
    carrier_id = models.CharField(max_length=64)
    thread = models.ForeignKey(SmsThread, on_delete=models.CASCADE, related_name="inbound")
    text = models.TextField(blank=True)
    media = models.JSONField(default=list)
    keyword = models.CharField(max_length=8, blank=True)
    is_everyday_word = models.BooleanField(default=False)
    segments = models.PositiveSmallIntegerField(default=1)
    # Tells the same text apart from others, without keeping it.
    digest = models.CharField(max_length=64)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    # Why it was not passed on: opted_out, keyword, repeated, empty.
    note = models.CharField(max_length=24, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "sms inbound"
        constraints = [
            models.UniqueConstraint(fields=["integration", "carrier_id"], name="sms_inbound_once")
        ]
        indexes = [
            models.Index(
                fields=["thread", "id"],
                condition=models.Q(status="waiting"),
                name="sms_inbound_waiting",
            ),
            models.Index(fields=["thread", "-id"], name="sms_inbound_by_thread"),
        ]

    def __str__(self) -> str:
        return f"inbound {self.pk}"


class SmsOutbound(models.Model):
    """A text on its way to an end user: written where the journal's cursor moves, once a source.

    `text` and `media` are emptied when nothing of it will be sent again.
    """

    class Status(models.TextChoices):
        """How far it came; the carrier's words are those of contract/carrier.py."""

        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being sent"
        TAKEN = "taken", "Taken by the carrier"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        UNDELIVERED = "undelivered", "Not delivered"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    thread = models.ForeignKey(SmsThread, on_delete=models.CASCADE, related_name="outbound")
    # What it was made from, such as a journal line and the number of its part.
    source = models.CharField(max_length=96)
    # Those of a thread go in this order.
    place = models.BigIntegerField()
    # The line that it tells; None for what no journal has.
    event = models.ForeignKey(Event, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(blank=True)
    # Addresses of files that go along.
    media = models.JSONField(default=list)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.WAITING)
    carrier_id = models.CharField(max_length=64, blank=True)
    encoding = models.CharField(max_length=8)
    segments = models.PositiveSmallIntegerField()
    error_code = models.CharField(max_length=40, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # An attempt may have been taken, and only its answer is missing.
    is_in_doubt = models.BooleanField(default=False)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "sms outbound"
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["thread", "source"], name="sms_outbound_once"),
            models.UniqueConstraint(fields=["thread", "place"], name="sms_outbound_order"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(status__in=["waiting", "sending"]),
                name="sms_outbound_due",
            )
        ]

    def __str__(self) -> str:
        return f"outbound {self.pk}"
