"""The conversation and its journal."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from django.conf import settings
from django.db import models
from django.utils import timezone

from conversations.models.channel import Channel
from conversations.models.release import Release
from integrations.behaviour.languages import language_of
from integrations.behaviour.sentence import Tongue
from integrations.behaviour.wording import tongue_of
from integrations.kit.text_form import zone_named
from integrations.models import Environment, Project
from integrations.models.identifiers import conversation_id

# Beside the extensions that a client names: it is a mobile SDK, which drops what it does not know.
APP = "app"
APP_PLATFORMS = ("ios", "android")
# In `page`: a trial in the portal's own test panel, which is nobody's conversation.
TEST_PANEL = "test_panel"
# Of a thread of text messages, whose client is this portal itself (conversations/sms).
TEXT_PLATFORM = "sms"


class EndUser(models.Model):
    """The person on the other side; anonymous unless the customer vouched for them."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="end_users")
    external_id = models.CharField(max_length=255)
    is_verified = models.BooleanField(default=False)
    name = models.CharField(max_length=256, blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=32, blank=True)
    # What tools keep of them across conversations (conv.memory).
    memory = models.JSONField(default=dict, db_default={}, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "is_verified", "external_id"], name="one_end_user_per_id"
            )
        ]

    def __str__(self) -> str:
        return self.external_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a project for one turn in a conversation (releases/known.py).

    `words` are the project's own, by language; `draft` is None where a release answers.
    """

    words: Mapping[str, Mapping[str, str]] = field(repr=False)
    is_filtered: bool
    draft: object | None = field(repr=False)


class Conversation(models.Model):
    """The thread in our widget, from hello to goodbye."""

    class State(models.TextChoices):
        """Who answers; `bot` is the AI agent, `handoff` a live agent or their queue.

        `closing`: nobody any more, but SESSION_END waits until every line has its fate.
        """

        CREATED = "created"
        BOT = "bot"
        HANDOFF = "handoff"
        CLOSING = "closing"
        ENDED = "ended"

    # Set by whoever takes a turn in it; else all is read where it is needed.
    known: Known | None = None

    id = models.CharField(max_length=48, primary_key=True, default=conversation_id)
    session_id = models.UUIDField(unique=True, default=uuid.uuid4)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="conversations")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="conversations")
    end_user = models.ForeignKey(EndUser, on_delete=models.PROTECT, related_name="conversations")
    environment = models.CharField(max_length=16, choices=Environment.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.CREATED)
    # The journal's newest sequence; only event_append moves it, under the row's lock.
    last_sequence = models.IntegerField(default=0)
    # The AI agent has dealt with everything up to here.
    answered_sequence = models.IntegerField(default=0)
    # Set while the AI agent owes an answer, so that a sweep finds a lost turn.
    answer_due_at = models.DateTimeField(null=True, blank=True)
    # An outside agent has promised its answer until then, and gives it by REST.
    answer_promised_until = models.DateTimeField(null=True, blank=True)
    # How often the answer to the oldest unanswered message was begun; 0 once it is written.
    answer_tries = models.SmallIntegerField(default=0, db_default=0)
    # Who takes the AI agent's turn, and until when nobody else may, by the database's clock.
    turn_id = models.UUIDField(null=True, blank=True)
    turn_until = models.DateTimeField(null=True, blank=True)
    # Each message to the AI agent books its part of a minute, so that a minute holds so many.
    turns_booked_until = models.DateTimeField(null=True, blank=True)
    tool_state = models.JSONField(default=dict)
    # What it was begun with and keeps until its end; None is the draft.
    release = models.ForeignKey(
        Release, null=True, on_delete=models.SET_NULL, related_name="conversations"
    )
    # Where it stands in a flow, as ai_agent/flows/position.py keeps it; empty outside of one.
    flow = models.JSONField(default=dict, db_default={})
    # What tools measured: {name, value, at}.
    metrics = models.JSONField(default=list, db_default=[], blank=True)
    # Topics that tools have taken out of the matching, by name.
    disabled_topics = models.JSONField(default=list, db_default=[], blank=True)
    # A tool wants nothing of it kept: no transcript for a vendor, and no text after its end.
    is_discarded = models.BooleanField(default=False, db_default=False)
    # What the built-in AI agent keeps from turn to turn (ai_agent/topics/dialog.py).
    dialog = models.JSONField(default=dict, db_default={})
    # What an outside agent's adapter keeps of this conversation, and its failures in a row.
    agent_session = models.JSONField(default=dict, db_default={})
    shared_id = models.CharField(max_length=255, blank=True)
    token_family = models.UUIDField()
    locale = models.CharField(max_length=35, blank=True)
    variant_id = models.CharField(max_length=64, blank=True)
    page = models.JSONField(default=dict)
    # The end user's, as their browser names it; empty where it does not.
    time_zone = models.CharField(max_length=64, blank=True, db_default="", default="")
    # As the client names it, such as ios; empty where it names none.
    platform = models.CharField(max_length=16, blank=True, db_default="", default="")
    # What the client reads beyond PolyAI's frames, by comma.
    client_extensions = models.CharField(max_length=120, blank=True, db_default="", default="")
    # Whether the client asked to see the AI agent's texts while they grow.
    is_streaming = models.BooleanField(default=False, db_default=False)
    integration_attributes = models.JSONField(default=dict)
    # What was agreed to before it began: {version, at, language}.
    consent = models.JSONField(default=dict, db_default={}, blank=True)
    # What the customer's page vouches for: {status, claims, at} (widget/verified_context.py).
    context = models.JSONField(default=dict, db_default={}, blank=True)
    # What a client of the Chat API calls its channel, such as whatsapp; empty for the widget.
    api_channel = models.CharField(max_length=16, blank=True, db_default="", default="")
    handoff_mode = models.CharField(
        max_length=8,
        choices=Channel.HandoffMode.choices,
        default=Channel.HandoffMode.SERVER,
        db_default=Channel.HandoffMode.SERVER,
    )
    # An answer of the Chat API has told that the conversation is over.
    is_end_told = models.BooleanField(default=False, db_default=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    # When the end_function was begun: it runs once.
    end_function_at = models.DateTimeField(null=True, blank=True)
    # Until it has come to its end; the clock queues again what is due for too long.
    end_function_due_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["project", "-started_at"], name="conversations_by_project"),
            models.Index(
                fields=["project", "environment", "-started_at", "-id"],
                name="conversations_by_environment",
            ),
            # Who has no row of search yet is looked for among the newest.
            models.Index(fields=["started_at"], name="conversations_by_start"),
            models.Index(
                fields=["last_seen_at"],
                condition=~models.Q(state="ended"),
                name="conversations_open_by_seen",
            ),
            models.Index(
                fields=["answer_due_at"],
                condition=models.Q(answer_due_at__isnull=False),
                name="conversations_answer_due",
            ),
            models.Index(
                fields=["answer_promised_until"],
                condition=models.Q(answer_promised_until__isnull=False),
                name="conversations_answer_promised",
            ),
            models.Index(
                fields=["end_function_due_at"],
                condition=models.Q(end_function_due_at__isnull=False),
                name="conversations_end_function_due",
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def extensions(self) -> frozenset[str]:
        """Return what the client reads beyond PolyAI's frames, and whether it is an app's."""
        named = frozenset(self.client_extensions.split(",")) - {""}
        return named | {APP} if self.is_app else named

    @property
    def context_id(self) -> str:
        """Return what a token of verified context must be bound to: its client alone knows it."""
        key = hmac.digest(settings.SECRET_KEY.encode(), b"baton verified context", "sha256")
        return hmac.new(key, self.session_id.bytes, hashlib.sha256).hexdigest()[:32]

    @property
    def zone(self) -> tzinfo:
        """Return in whose days the end user speaks: their own time zone's, else the project's."""
        return zone_named(self.time_zone) or self.project.zone

    @property
    def tongue(self) -> Tongue:
        """Return the locale with the project's own words: one look at the database, and kept.

        So an event loop, which may not look, has it from whoever looked before.
        """
        known: Tongue | None = self.__dict__.get("_known_tongue")
        if known is None or known != self.locale:
            known = self.__dict__["_known_tongue"] = self._tongue()
        return known

    def _tongue(self) -> Tongue:
        if self.known is None:
            return tongue_of(self.project_id, self.locale)
        return Tongue(self.locale, self.known.words.get(language_of(self.locale)) or {})

    @property
    def is_app(self) -> bool:
        """Say whether the client is a mobile SDK: it keeps no token while its app sleeps."""
        return self.platform in APP_PLATFORMS

    @property
    def channel_type(self) -> str:
        """Return the channel as AI agents and tools see it, such as webchat.polyai."""
        named = "chat" if self.api_channel == "api" else self.api_channel
        return f"{named or self.channel.kind}.polyai"

    @property
    def channel_kind(self) -> str:
        """Return by what the end user writes, such as webchat or sms."""
        return self.api_channel or str(self.channel.kind)

    @property
    def is_by_text(self) -> bool:
        """Say whether the end user writes by text message: no socket ever shows that they live."""
        return self.platform == TEXT_PLATFORM

    @property
    def is_client_managed(self) -> bool:
        """Say whether a handoff is the client's own affair: the portal opens nothing."""
        return self.handoff_mode == Channel.HandoffMode.CLIENT

    @property
    def is_over(self) -> bool:
        """Say whether nobody may say anything any more."""
        return self.state in (self.State.CLOSING, self.State.ENDED)


class Event(models.Model):
    """One line of the journal; `(conversation, sequence)` has no gap and no repeat."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # Found by the constraint's index; one more would only cost every message its upkeep.
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    sequence = models.IntegerField()
    type = models.CharField(max_length=48)
    payload = models.JSONField(default=dict)
    metadata = models.JSONField(null=True)
    client_event_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "sequence"], name="event_sequence"),
            models.UniqueConstraint(
                fields=["conversation", "client_event_id"],
                condition=~models.Q(client_event_id=""),
                name="event_client_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.sequence} {self.type}"
