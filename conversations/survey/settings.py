"""What an admin sets about the survey of a channel."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from conversations.models import Channel, Conversation, Survey
from conversations.models.conversation import Event

DEFAULT_MINUTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveySettings:
    """Off unless an admin asks about somebody."""

    after_ai_agent: bool = False
    after_live_agent: bool = False
    asks_comment: bool = True
    minutes: int = DEFAULT_MINUTES

    def as_dict(self) -> dict[str, Any]:
        """Return what the channel keeps."""
        return asdict(self)


def survey_settings(channel: Channel) -> SurveySettings:
    """Return a channel's settings; a value stored under an unknown name is ignored."""
    known = {one.name for one in fields(SurveySettings)}
    return SurveySettings(**{k: v for k, v in (channel.survey or {}).items() if k in known})


def survey_subject(conversation: Conversation) -> str:
    """Return whom an end user is asked about: only those who were there; "" asks nothing."""
    chosen = survey_settings(conversation.channel)
    if not (chosen.after_ai_agent or chosen.after_live_agent):
        return ""
    said = set(
        Event.objects.filter(
            conversation=conversation, type__in=("USER_MESSAGE", "LIVE_AGENT_JOINED")
        ).values_list("type", flat=True)
    )
    if "USER_MESSAGE" not in said:
        return ""
    has_live_agent = chosen.after_live_agent and "LIVE_AGENT_JOINED" in said
    if has_live_agent and chosen.after_ai_agent:
        return Survey.Subject.BOTH
    if has_live_agent:
        return Survey.Subject.LIVE_AGENT
    return Survey.Subject.BOT if chosen.after_ai_agent else ""
