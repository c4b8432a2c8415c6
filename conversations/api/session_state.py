"""Tell a client whose socket was refused whether there is a session to connect to."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.errors import EnvelopeView, error_response, session_refused
from conversations.api.messaging import BY_TOKEN, bearer, count
from conversations.api.schema import SESSION, answer
from conversations.models import Conversation
from conversations.socket.handshake import HandshakeError, session_of_token

CHECKS_PER_MINUTE = 60


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
        origin = request.headers.get("Origin", "")
        try:
            conversation = session_of_token(str(session_id), bearer(request), origin)
        except HandshakeError as error:
            return session_refused(error)
        count(f"session_checks:{conversation.pk}", CHECKS_PER_MINUTE)
        if conversation.state == Conversation.State.ENDED:
            text = "The session has ended. Its journal can still be read; open a new session."
            return error_response(410, "SESSION_ENDED", text)
        return Response({"session_id": str(session_id)})
