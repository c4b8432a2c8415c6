"""What the surveys of a widget say together: two numbers, one for each who was rated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Avg, Count, Q
from django.utils import timezone

from conversations.models import Channel, Survey

RESULT_DAYS = 30
_NAMES = {"bot": "AI agent", "live_agent": "Live agent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """The average of one of them; without an answer there is none."""

    name: str
    average: float | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyResults:
    """The newest days of one widget."""

    asked: int
    answered: int
    ratings: list[Rating]
    days: int = RESULT_DAYS


def survey_results(channel: Channel) -> SurveyResults:
    """Return how end users rated, in one statement."""
    since = timezone.now() - timedelta(days=RESULT_DAYS)
    rows = Survey.objects.filter(conversation__channel=channel, asked_at__gte=since)
    found = rows.aggregate(
        asked=Count("pk"),
        answered=Count("pk", filter=Q(answered_at__isnull=False)),
        bot=Avg("bot_score"),
        bot_count=Count("bot_score"),
        live_agent=Avg("live_agent_score"),
        live_agent_count=Count("live_agent_score"),
    )
    ratings = [
        Rating(
            name=name,
            average=None if found[key] is None else round(found[key], 2),
            count=found[f"{key}_count"],
        )
        for key, name in _NAMES.items()
    ]
    return SurveyResults(asked=found["asked"], answered=found["answered"], ratings=ratings)
