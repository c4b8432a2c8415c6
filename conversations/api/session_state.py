"""Tell a client whose socket was refused whether there is a session to connect to."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.errors import EnvelopeView, error_response, session_refused
from conversations.api.messaging import bearer, too_many
from conversations.api.schema import BY_ACCESS_TOKEN, SESSION, TAG, refusals
from conversations.models import Conversation
from conversations.socket.handshake import HandshakeError, session_of_token
from integrations.entry.rate_limit import retry_after

CHECKS_PER_MINUTE = 60


class SessionStateView(EnvelopeView):
    """Say whether a session is open: a browser shows no page why its socket was refused."""

    @extend_schema_serializer(component_name="SessionStateOut")
    class Output(serializers.Serializer[Any]):
        """The session is open: connect to it, again and again if need be."""

        session_id = serializers.UUIDField()

    @extend_schema(
        operation_id="sessions_retrieve",
        summary="Ask whether a session is open",
        description="For a browser, which does not tell a page why its socket was refused. "
        "Whatever is not answered here is no end of the session: connect again.",
        tags=[TAG],
        auth=BY_ACCESS_TOKEN,
        responses={
            200: OpenApiResponse(
                Output,
                description="It is open.",
                examples=[OpenApiExample("An open session", value={"session_id": SESSION})],
            ),
            **refusals(
                _401="UNAUTHORIZED",
                _404="SESSION_NOT_FOUND",
                _410="SESSION_ENDED",
                _429="RATE_LIMITED",
            ),
        },
    )
    def get(self, request: Request, session_id: uuid.UUID) -> Response:
        """Answer 401 or 404 as the socket's handshake does, 410 for a session that has ended."""
        origin = request.headers.get("Origin", "")
        try:
            conversation = session_of_token(str(session_id), bearer(request), origin)
        except HandshakeError as error:
            return session_refused(error)
        wait = retry_after(
            f"session_checks:{conversation.pk}", limit=CHECKS_PER_MINUTE, window_seconds=60
        )
        if wait:
            return too_many(wait)
        if conversation.state == Conversation.State.ENDED:
            text = "The session has ended. Its journal can still be read; open a new session."
            return error_response(410, "SESSION_ENDED", text)
        return Response({"session_id": str(session_id)})
