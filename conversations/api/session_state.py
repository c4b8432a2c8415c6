"""What a client asks of its session beside the socket: its state, its survey, who it is."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.errors import EnvelopeView, error_response
from conversations.api.messaging import BY_TOKEN, count, session_opened
from conversations.api.schema import SESSION, answer
from conversations.api.strict import StrictSerializer, problems_told
from conversations.models import Conversation
from conversations.models.survey import SCALE
from conversations.survey.reading import COMMENT_MAX, survey_read
from conversations.survey.schema import SurveyOut
from conversations.survey.services import SurveyClosedError, survey_answer, survey_data
from conversations.widget.verified_context import (
    EXPIRED,
    FORGED,
    TOKEN_MAX_BYTES,
    VERIFIED,
    context_receive,
    history_of,
)

CHECKS_PER_MINUTE = 60
ANSWERS_PER_MINUTE = 20
_KEPT = {
    "subject": "both",
    "scale": SCALE,
    "score": 5,
    "scores": {"bot": 4, "live_agent": 5},
    "comment": "Quick.",
    "is_skipped": False,
    "asked_at": "2026-11-20T09:13:50.123+00:00",
    "deadline_at": "2026-11-20T09:23:50.123+00:00",
    "answered_at": "2026-11-20T09:14:31.456+00:00",
}


class SessionStateView(EnvelopeView):
    """Say whether a session is open: a browser shows no page why its socket was refused."""

    @extend_schema_serializer(component_name="SessionStateOut")
    class Output(serializers.Serializer[Any]):
        """The session is open: connect to it, again and again if need be."""

        session_id = serializers.UUIDField()

    @BY_TOKEN.operation(
        "sessions_retrieve",
        "Ask whether a session is open",
        "For a browser, which does not tell a page why its socket was refused. Whatever is not "
        "answered here is no end of the session: connect again.",
        gives=answer(
            Output, "It is open.", OpenApiExample("An open session", value={"session_id": SESSION})
        ),
        _404="SESSION_NOT_FOUND",
        _410="SESSION_ENDED",
    )
    def get(self, request: Request, session_id: uuid.UUID) -> Response:
        """Answer 401 or 404 as the socket's handshake does, 410 for a session that has ended."""
        conversation = session_opened(request, session_id)
        count(f"session_checks:{conversation.pk}", CHECKS_PER_MINUTE)
        if conversation.state == Conversation.State.ENDED:
            text = "The session has ended. Its journal can still be read; open a new session."
            return error_response(410, "SESSION_ENDED", text)
        return Response({"session_id": str(session_id)})


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
        gives=answer(SurveyOut, "It is kept.", OpenApiExample("Two ratings", value=_KEPT)),
        _400="INVALID_REQUEST",
        _404="SESSION_NOT_FOUND",
        _409="SURVEY_CLOSED",
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        """Answer 409 where none is asked for, it is answered already, or its time is over."""
        conversation = session_opened(request, session_id)
        count(f"survey:{conversation.pk}", ANSWERS_PER_MINUTE)
        form = self.Input(data=request.data)
        if not form.is_valid():
            return error_response(400, "INVALID_REQUEST", problems_told(form.errors))
        try:
            survey = survey_answer(conversation.pk, survey_read(form.validated_data))
        except ValueError as error:
            return error_response(400, "INVALID_REQUEST", f"{error}.")
        except SurveyClosedError as error:
            return error_response(409, "SURVEY_CLOSED", error.text(conversation.locale))
        return Response(survey_data(survey))


class ContextView(EnvelopeView):
    """Take what a customer's server vouches for."""

    @extend_schema_serializer(component_name="ContextCreate")
    class Input(StrictSerializer):
        """A JWT as the page got it from its own server."""

        token = serializers.CharField(max_length=TOKEN_MAX_BYTES)

    @extend_schema_serializer(component_name="ContextOut")
    class Output(serializers.Serializer[Any]):
        """What became of it; only `verified` counts."""

        status = serializers.ChoiceField([VERIFIED, EXPIRED, FORGED])

    @BY_TOKEN.operation(
        "context_create",
        "Verify who the end user is",
        "The token is signed with HS256 by a key of the widget (`kid` in its header); its `sub` is "
        "the `context_id` of `SESSION_START`, its `ctx` holds plain values of at most 8 KB, and it "
        "lives 30 seconds at most. It replaces all that was verified before. One that proves "
        "nothing leaves the end user anonymous, and the conversation goes on.",
        takes=Input,
        examples=[OpenApiExample("A token", value={"token": "eyJhbGciOi…"}, request_only=True)],
        gives=answer(
            Output, "What became of it.", OpenApiExample("Taken", value={"status": VERIFIED})
        ),
        _400="INVALID_REQUEST",
        _404="SESSION_NOT_FOUND",
        _410="SESSION_ENDED",
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        """Answer 410 for a session that has ended."""
        conversation = session_opened(request, session_id)
        count(f"context:{conversation.pk}", ANSWERS_PER_MINUTE)
        if conversation.state == Conversation.State.ENDED:
            return error_response(410, "SESSION_ENDED", "The session has ended. Open a new one.")
        form = self.Input(data=request.data)
        if not form.is_valid():
            return error_response(400, "INVALID_REQUEST", problems_told(form.errors))
        status = context_receive(conversation.pk, form.validated_data["token"])
        return Response({"status": status})


class HistoryView(EnvelopeView):
    """Give a verified end user what was said before."""

    @extend_schema_serializer(component_name="HistoryOut")
    class Output(serializers.Serializer[Any]):
        """Earlier conversations, newest first; none for whom nobody vouches."""

        conversations = serializers.ListField(child=serializers.DictField())

    @BY_TOKEN.operation(
        "history_list",
        "Read earlier conversations of a verified end user",
        "Those of the same person in the same project, as far as they were verified themselves: "
        "an anonymous end user has none, whatever address they give.",
        gives=answer(
            Output,
            "At most twenty.",
            OpenApiExample("Nobody vouches", value={"conversations": []}),
        ),
        _404="SESSION_NOT_FOUND",
    )
    def get(self, request: Request, session_id: uuid.UUID) -> Response:
        """Answer an empty list rather than say whether there is anything."""
        conversation = session_opened(request, session_id)
        count(f"history:{conversation.pk}", ANSWERS_PER_MINUTE)
        return Response({"conversations": history_of(conversation)})
