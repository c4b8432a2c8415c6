"""What an end user thought of a conversation: asked at its end, kept here, never at a vendor."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from conversations.models.conversation import Conversation

SCALE = 5
_SCORE = {
    "null": True,
    "blank": True,
    "validators": [MinValueValidator(1), MaxValueValidator(SCALE)],
}


class Survey(models.Model):
    """The one survey of a conversation; one that nobody answered counts as asked."""

    class Subject(models.TextChoices):
        """Whom it is about."""

        BOT = "bot", "The AI agent"
        LIVE_AGENT = "live_agent", "The live agent"
        BOTH = "both", "The AI agent and the live agent"

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, related_name="survey"
    )
    subject = models.CharField(max_length=16, choices=Subject.choices)
    asked_at = models.DateTimeField(default=timezone.now)
    deadline_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    bot_score = models.PositiveSmallIntegerField(**_SCORE)  # type: ignore[arg-type]
    live_agent_score = models.PositiveSmallIntegerField(**_SCORE)  # type: ignore[arg-type]
    comment = models.TextField(blank=True, max_length=1000)

    class Meta:
        indexes = [models.Index(fields=["answered_at"], name="surveys_by_answer")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(bot_score__isnull=True) | models.Q(bot_score__range=(1, SCALE)),
                name="survey_bot_score",
            ),
            models.CheckConstraint(
                condition=models.Q(live_agent_score__isnull=True)
                | models.Q(live_agent_score__range=(1, SCALE)),
                name="survey_live_agent_score",
            ),
        ]

    def __str__(self) -> str:
        return f"survey of {self.conversation_id}"

    @property
    def subjects(self) -> list[str]:
        """Return whom it asks about, one by one."""
        both = [self.Subject.BOT.value, self.Subject.LIVE_AGENT.value]
        return both if self.subject == self.Subject.BOTH else [self.subject]

    @property
    def scores(self) -> dict[str, int | None]:
        """Return the score of each of them; None was skipped, or is not answered yet."""
        return {subject: getattr(self, f"{subject}_score") for subject in self.subjects}

    @property
    def is_skipped(self) -> bool:
        """Say whether the end user wanted to give no score."""
        return self.answered_at is not None and not any(self.scores.values())
