"""Take a survey's answer over HTTP: a widget's socket is closed when its conversation is over."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.errors import EnvelopeView, error_response, session_refused
from conversations.api.messaging import BY_TOKEN, bearer, problems, too_many
from conversations.api.schema import answer
from conversations.api.strict import StrictSerializer
from conversations.models.survey import SCALE
from conversations.socket.handshake import HandshakeError, session_of_token
from conversations.survey.reading import COMMENT_MAX, survey_read
from conversations.survey.schema import SurveyOut
from conversations.survey.services import SurveyClosedError, survey_answer, survey_data
from integrations.entry.rate_limit import retry_after

ANSWERS_PER_MINUTE = 20


def _score() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1, max_value=SCALE, allow_null=True, required=False, help_text="Null skips."
    )


class SurveyView(EnvelopeView):
    """Keep what an end user thought of a conversation."""

    @extend_schema_serializer(component_name="SurveyCreate")
    class Input(StrictSerializer):
        """`score` where one is asked about, `scores` where two are; neither skips the survey."""

        score = _score()
        scores = serializers.DictField(child=_score(), required=False)
        comment = serializers.CharField(
            max_length=COMMENT_MAX, required=False, allow_blank=True, trim_whitespace=True
        )

    @BY_TOKEN.operation(
        "survey_create",
        "Answer the survey of a conversation",
        "`SHOW_CSAT_REQUEST` asked for it just before the end. One answer counts; the same one "
        "again changes nothing. The frame `CSAT_RESPONSE` does the same on an open socket.",
        takes=Input,
        examples=[
            OpenApiExample(
                "Of two that were asked about",
                value={"scores": {"bot": 4, "live_agent": 5}, "comment": "Quick."},
                request_only=True,
            )
        ],
        gives=answer(SurveyOut, "It is kept."),
        _400="INVALID_REQUEST",
        _404="SESSION_NOT_FOUND",
        _409="SURVEY_CLOSED",
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        """Answer 409 where none is asked for, it is answered already, or its time is over."""
        origin = request.headers.get("Origin", "")
        try:
            conversation = session_of_token(str(session_id), bearer(request), origin)
        except HandshakeError as error:
            return session_refused(error)
        wait = retry_after(f"survey:{conversation.pk}", limit=ANSWERS_PER_MINUTE, window_seconds=60)
        if wait:
            return too_many(wait)
        form = self.Input(data=request.data)
        if not form.is_valid():
            return error_response(400, "INVALID_REQUEST", problems(form.errors))
        try:
            survey = survey_answer(conversation.pk, survey_read(form.validated_data))
        except ValueError as error:
            return error_response(400, "INVALID_REQUEST", f"{error}.")
        except SurveyClosedError as error:
            return error_response(409, "SURVEY_CLOSED", error.text(conversation.locale))
        return Response(survey_data(survey))
