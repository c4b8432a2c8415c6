"""Answers and refusals in the shapes AWS gives them."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from starlette.responses import Response

STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
# Error name -> status, where the service models leave an error out or know it by another status.
GATEWAY_STATUSES = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 400,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "SerializationException": 400,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
    "UnsupportedMediaTypeException": 415,
}
# What a planned failure is called when the desk names only a status.
CONNECT_NAMES = {
    400: "InvalidRequestException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    409: "ConflictException",
    410: "ContactNotFoundException",
    429: "TooManyRequestsException",
    500: "InternalServiceException",
    503: "ServiceUnavailableException",
}
PARTICIPANT_NAMES = {
    400: "ValidationException",
    401: "AccessDeniedException",
    402: "ServiceQuotaExceededException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    409: "ConflictException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
STS_NAMES = {
    400: "ValidationError",
    401: "InvalidClientTokenId",
    403: "AccessDenied",
    429: "Throttling",
    500: "InternalFailure",
    503: "ServiceUnavailable",
}


class AwsError(Exception):
    """A service refuses a request by name; without one the service's plain refusal is meant."""

    def __init__(self, name: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.status = status or GATEWAY_STATUSES.get(name, 400)

    def status_in(self, statuses: Mapping[str, int]) -> int:
        """Return the status, by an operation's own table where that knows the name."""
        return statuses.get(self.name, self.status)


def utf8_size(text: str) -> int:
    """Return the bytes of a text; half a surrogate pair counts as what is put in its place."""
    return len(text.encode(errors="replace"))


def iso_time(at_ms: float) -> str:
    """Return a time as the participant service writes it."""
    at = datetime.datetime.fromtimestamp(at_ms / 1000, tz=datetime.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def parse_time(text: str) -> float:
    """Return the milliseconds of a time; raises ValueError for what is no ISO 8601 time."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


def json_answer(body: Mapping[str, Any], status: int = 200) -> Response:
    """Answer as a rest-json service."""
    return Response(
        json.dumps(body),
        status_code=status,
        media_type="application/json",
        headers={"x-amzn-RequestId": str(uuid.uuid4())},
    )


def json_error(name: str, message: str, status: int) -> Response:
    """Refuse as a rest-json service: the name in a header, the text in the body."""
    answer = json_answer({"Message": message}, status)
    answer.headers["x-amzn-ErrorType"] = name
    return answer


def sts_answer(action: str, result: str) -> Response:
    """Answer as the query service STS."""
    request_id = str(uuid.uuid4())
    return _xml(
        f'<{action}Response xmlns="{STS_NAMESPACE}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{action}Response>",
        200,
        request_id,
    )


def sts_error(name: str, message: str, status: int) -> Response:
    """Refuse as the query service STS."""
    request_id = str(uuid.uuid4())
    kind = "Sender" if status < 500 else "Receiver"
    return _xml(
        f'<ErrorResponse xmlns="{STS_NAMESPACE}"><Error><Type>{kind}</Type>'
        f"<Code>{name}</Code><Message>{escape(message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>",
        status,
        request_id,
    )


def storage_error(name: str, message: str, status: int) -> Response:
    """Refuse as the object storage behind attachments."""
    request_id = uuid.uuid4().hex[:16].upper()
    return _xml(
        f"<Error><Code>{name}</Code><Message>{escape(message)}</Message>"
        f"<RequestId>{request_id}</RequestId></Error>",
        status,
        request_id,
    )


def xml_fields(fields: Mapping[str, str]) -> str:
    """Return members as XML elements, in order."""
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def _xml(body: str, status: int, request_id: str) -> Response:
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?>\n{body}',
        status_code=status,
        media_type="text/xml",
        headers={"x-amzn-RequestId": request_id},
    )
