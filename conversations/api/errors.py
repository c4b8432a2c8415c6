"""The platform's error envelope (agent_api section 20)."""

from __future__ import annotations

from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations.socket.handshake import HandshakeError
from integrations.entry.envelope import envelope

_CODES = {"parse_error": "INVALID_REQUEST"}
_SESSION_CODES = {401: "UNAUTHORIZED", 404: "SESSION_NOT_FOUND"}


def error_response(
    status: int, code: str, message: str, *, retry_after: int | None = None
) -> Response:
    """Return an error that names its cause and its cure; `code` is upper snake case."""
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return Response(envelope(code, message), status=status, headers=headers)


def session_refused(error: HandshakeError) -> Response:
    """Return why a session may not be used."""
    return error_response(error.status, _SESSION_CODES[error.status], str(error))


class EnvelopeView(APIView):
    """A view whose refusals all have the envelope, also those that the framework makes."""

    def handle_exception(self, exc: Exception) -> Response:
        """Answer what the framework refuses; anything else goes on as it is."""
        response: Response = super().handle_exception(exc)
        if not isinstance(exc, APIException):
            return response
        code = _CODES.get(exc.default_code, exc.default_code.upper())
        return error_response(response.status_code, code, str(exc.detail))
