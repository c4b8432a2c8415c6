"""The form of a widget's survey."""

from __future__ import annotations

from typing import Any

from django import forms

from conversations.models import Channel
from conversations.survey.settings import SurveySettings, survey_settings

MINUTES_MAX = 24 * 60


class SurveyForm(forms.Form):
    """Whom end users are asked about, and how long they may answer."""

    after_ai_agent = forms.BooleanField(
        label="Ask about the AI agent",
        required=False,
        help_text="At the end of every conversation in which the end user wrote something.",
    )
    after_live_agent = forms.BooleanField(
        label="Ask about the live agent",
        required=False,
        help_text="At the end of a conversation that a live agent joined. With both, there is one "
        "survey with two questions, and the two ratings are counted apart.",
    )
    asks_comment = forms.BooleanField(label="Ask for a comment too", required=False)
    minutes = forms.IntegerField(
        label="Answers are taken for",
        min_value=1,
        max_value=MINUTES_MAX,
        help_text="Minutes after the end, 1 to 1440. Then the survey goes by itself.",
    )

    @classmethod
    def initial_of(cls, channel: Channel) -> dict[str, Any]:
        """Return what the form shows of a channel."""
        return survey_settings(channel).as_dict()

    def values(self, channel: Channel) -> dict[str, Any]:
        """Return the fields of the channel that are to be saved."""
        return {"survey": SurveySettings(**self.cleaned_data).as_dict()}
