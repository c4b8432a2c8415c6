"""What people look for and note about conversations that have been: search rows, tags, notes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.utils import timezone

from conversations.models.conversation import Conversation
from integrations.models import ApiKey, Environment, Project

TAG_MAX, NOTE_MAX = 40, 2000


class ConversationSearch(models.Model):
    """One conversation as a search and a list see it; a clock writes it, never a message.

    `words` is everything that was said, and the terms of ai, agent, topic and so on; `masked` the
    same without what is personal. The migration keeps the index of both beside them.
    """

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, related_name="search"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    environment = models.CharField(max_length=16, choices=Environment.choices)
    started_at = models.DateTimeField(db_index=True)
    # The journal's line up to which it was read.
    sequence = models.IntegerField()
    # Nothing more is expected of the conversation.
    is_final = models.BooleanField(default=False)
    first_words = models.CharField(max_length=160, blank=True)
    topic = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=24, blank=True)
    agent_name = models.CharField(max_length=256, blank=True)
    tags = models.JSONField(default=list)
    # By who was rated: {"ai_agent": 4, "live_agent": 5}.
    ratings = models.JSONField(default=dict)
    words = models.TextField(blank=True)
    masked = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "conversation searches"
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(is_final=False), name="search_unfinished"
            )
        ]

    def __str__(self) -> str:
        return self.conversation_id


def search_forget(conversation_ids: Iterable[str]) -> None:
    """Have the search rows of conversations written anew by the next tick of the clock."""
    rows = ConversationSearch.objects.filter(conversation__in=list(conversation_ids))
    rows.update(is_final=False, sequence=0)


class Tag(models.Model):
    """A word that members put on conversations."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=TAG_MAX)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="tag_name_per_project")
        ]

    def __str__(self) -> str:
        return self.name


class ConversationTag(models.Model):
    """A tag on a conversation; the date stands here so that one index finds and orders them."""

    tag = models.ForeignKey(
        Tag, on_delete=models.CASCADE, related_name="conversation_tags", db_index=False
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="conversation_tags"
    )
    started_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "conversation"], name="tag_once")]
        indexes = [models.Index(fields=["tag", "-started_at"], name="tags_by_start")]

    def __str__(self) -> str:
        return f"{self.tag_id} {self.conversation_id}"


class Note(models.Model):
    """What a member, or another system, wrote about a conversation; it is never sent anywhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(max_length=NOTE_MAX)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def author_name(self) -> str:
        """Name who wrote it."""
        if self.api_key is not None:
            return f"API key {self.api_key.name}"
        return self.author.get_username() if self.author else "A former member"
