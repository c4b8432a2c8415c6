"""The platform's error envelope (agent_api section 20)."""

from __future__ import annotations

from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations.socket.handshake import HandshakeError
from integrations.entry.envelope import envelope

_CODES = {"parse_error": "INVALID_REQUEST"}


class RefusedError(Exception):
    """The request may not go on; status, code and text are its answer, which names the cure."""

    def __init__(self, status: int, code: str, message: str, *, wait: int = 0) -> None:
        """`wait` is for Retry-After."""
        super().__init__(message)
        self.status, self.code, self.wait = status, code, wait


class BadFieldError(RefusedError):
    """A field of the body or query is missing or wrong; the text names it and the cure."""

    def __init__(self, message: str) -> None:
        """Answer 400."""
        super().__init__(400, "INVALID_REQUEST", message)


def error_response(
    status: int, code: str, message: str, *, retry_after: int | None = None
) -> Response:
    """Return an error that names its cause and its cure; `code` is upper snake case."""
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return Response(envelope(code, message), status=status, headers=headers)


class EnvelopeView(APIView):
    """A view whose refusals all have the envelope, also those that the framework makes."""

    def handle_exception(self, exc: Exception) -> Response:
        """Answer what is refused, here or by the framework; anything else goes on as it is."""
        if isinstance(exc, RefusedError | HandshakeError):
            return error_response(exc.status, exc.code, str(exc), retry_after=exc.wait)
        response: Response = super().handle_exception(exc)
        if not isinstance(exc, APIException):
            return response
        code = _CODES.get(exc.default_code, exc.default_code.upper())
        return error_response(response.status_code, code, str(exc.detail))
