"""What a client gives to a survey, in any of the forms it may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conversations.models.survey import SCALE, Survey

COMMENT_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyAnswer:
    """What an end user gave; a subject without a score was skipped.

    `score` is for whoever is asked about alone, or was there last.
    """

    score: int | None = None
    scores: Mapping[str, int | None] = field(default_factory=dict)
    comment: str = ""

    def of(self, survey: Survey) -> dict[str, int | None]:
        """Return the score of each that the survey asks about."""
        given = {survey.subjects[-1]: self.score, **self.scores}
        return {subject: given.get(subject) for subject in survey.subjects}


def survey_read(payload: Mapping[str, Any]) -> SurveyAnswer:
    """Return the checked answer; raises ValueError, which begins with the field's name."""
    scores, comment = payload.get("scores") or {}, payload.get("comment") or ""
    if not isinstance(scores, dict) or not set(scores) <= {"bot", "live_agent"}:
        raise ValueError("scores must map bot or live_agent to a score")
    if not isinstance(comment, str) or len(comment) > COMMENT_MAX:
        raise ValueError(f"comment may be a text of {COMMENT_MAX} characters")
    return SurveyAnswer(
        score=_score("score", payload.get("score")),
        scores={name: _score(f"scores.{name}", value) for name, value in scores.items()},
        comment=comment.strip(),
    )


def _score(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= SCALE:
        raise ValueError(f"{name} must be a whole number from 1 to {SCALE}, or null to skip")
    return value
