"""What /api/schema says of a survey."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from conversations.models import Survey


class SurveyOut(serializers.Serializer[Any]):
    """The survey as it is kept; without `answered_at` nobody answered (yet)."""

    subject = serializers.ChoiceField(Survey.Subject.values)
    scale = serializers.IntegerField(help_text="The best score; the worst is 1.")
    score = serializers.IntegerField(
        allow_null=True, help_text="Of the live agent where both are asked about; null is none."
    )
    scores = serializers.DictField(child=serializers.IntegerField(allow_null=True))
    comment = serializers.CharField(allow_blank=True)
    is_skipped = serializers.BooleanField()
    asked_at = serializers.DateTimeField()
    deadline_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
