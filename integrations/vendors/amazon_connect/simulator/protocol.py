"""What AWS's protocols ask of a service: signatures, requests that fit its model, its answers.

Imitates docs.aws.amazon.com/connect/latest/APIReference: required members, lengths, ranges,
enumerations and patterns of every operation come from the service models that the botocore package
carries, not from us. Signatures of Version 4 are really recomputed, from the request as it came, as
in docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

from botocore.loaders import Loader  # type: ignore[import-untyped]
from botocore.model import OperationModel, ServiceModel, Shape  # type: ignore[import-untyped]
from starlette.responses import Response

# -- Answers --------------------------------------------------------------------------------------

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
_KINDS: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "timestamp": (int, float, str),
}
ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE_SECONDS = 15 * 60
_HEADER = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<key>[^/,\s]+)/(?P<date>\d{{8}})/(?P<region>[a-z0-9-]+)/"
    r"(?P<service>[a-z0-9-]+)/aws4_request,\s*SignedHeaders=(?P<headers>[^,\s]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


class AwsError(Exception):
    """A service refuses a request by name; without one the service's plain refusal is meant."""

    def __init__(self, name: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.status = status or GATEWAY_STATUSES.get(name, 400)

    def status_in(self, found: OperationModel) -> int:
        """Return the status, by an operation's own errors where those know the name."""
        errors = {shape.name: shape.metadata["error"] for shape in found.error_shapes}
        return int(errors[self.name]["httpStatusCode"]) if self.name in errors else self.status


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


# -- Requests -------------------------------------------------------------------------------------


class ModelError(Exception):
    """A request does not fit the model; the text names the member at fault, not its value."""


@functools.cache
def operation(service: str, name: str) -> OperationModel:
    """Return an operation of a service's newest model."""
    return _model(service).operation_model(name)


@functools.cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def check(shape: Shape, value: Any, path: str = "") -> None:
    """Raise ModelError where a value does not fit; `path` names it, nothing being the request."""
    kind = shape.type_name
    if not _is_kind(kind, value):
        raise ModelError(f"{path or 'The request'} must be of type {kind}.")
    for problem in _limits(shape.metadata, kind, value):
        raise ModelError(f"{path} {problem}.")
    if kind == "structure":
        _check_members(shape, value, path)
    elif kind == "list":
        for index, one in enumerate(value):
            check(shape.member, one, f"{path}[{index}]")
    elif kind == "map":
        for key, one in value.items():
            check(shape.key, key, f"A key of {path}")
            check(shape.value, one, f"A value of {path}")


def _check_members(shape: Shape, value: Any, path: str) -> None:
    prefix = f"{path}." if path else ""
    for required in shape.required_members:
        if value.get(required) is None:
            raise ModelError(f"{prefix}{required} is required.")
    if shape.is_tagged_union and len(value) != 1:
        raise ModelError(f"{path} must have exactly one member.")
    for name, one in value.items():
        if name not in shape.members:
            raise ModelError(f"{prefix}{name} is not a member of the request.")
        check(shape.members[name], one, prefix + name)


def _is_kind(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])


def _limits(limits: Mapping[str, Any], kind: str, value: Any) -> Iterator[str]:
    size = value if kind in ("integer", "long") else None
    if kind in ("string", "list", "map"):
        size = len(value)
    if size is not None and size < limits.get("min", size):
        yield f"must be at least {limits['min']}"
    if size is not None and size > limits.get("max", size):
        yield f"must be at most {limits['max']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"must be one of {', '.join(limits['enum'])}"
    if "pattern" in limits and not _fits(limits["pattern"], value):
        yield f"must match {limits['pattern']}"


def _fits(pattern: str, value: str) -> bool:
    # Unicode classes are Java's; none of the members we serve is worse off for a looser check.
    if "\\p{" in pattern or "\\P{" in pattern or "\\u" in pattern:
        return True
    return re.fullmatch(pattern, value) is not None


# -- Signatures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request as it came over the wire; header names in lower case."""

    method: str
    raw_path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a signature was made for."""

    key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def name(self) -> str:
        """Return the credential scope."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_scope(request: SignedRequest, service: str) -> Scope:
    """Return the scope of the Authorization header; raises AwsError for a missing or odd one."""
    header = request.headers.get("authorization")
    if not header:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
    found = _HEADER.fullmatch(header.strip())
    if found is None:
        raise AwsError("IncompleteSignatureException", "The Authorization header is not SigV4.")
    scope = Scope(
        key_id=found["key"],
        date=found["date"],
        region=found["region"],
        service=found["service"],
        signed_headers=tuple(found["headers"].split(";")),
        signature=found["signature"],
    )
    if scope.service != service:
        raise _invalid(f"Credential should be scoped to correct service: '{service}'.")
    return scope


def check_signature(
    request: SignedRequest, scope: Scope, secret_of: Callable[[], str], now: float
) -> None:
    """Recompute the signature; raises AwsError when it differs or is too old."""
    stamp = request.headers.get("x-amz-date", "")
    needed = {"host", "x-amz-date", *({"x-amz-security-token"} & set(request.headers))}
    if not needed <= set(scope.signed_headers):
        raise _invalid("Host, X-Amz-Date and the security token must be among the SignedHeaders.")
    if abs(_seconds(stamp) - now) > TOLERANCE_SECONDS or not stamp.startswith(scope.date):
        raise _invalid("Signature expired: the request was signed at another time.")
    expected = _signature(_text_to_sign(request, scope, stamp), scope, secret_of())
    if not hmac.compare_digest(expected, scope.signature):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidSignatureException", message)


def _seconds(stamp: str) -> float:
    try:
        at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    except ValueError as error:
        raise _invalid("X-Amz-Date is not a date.") from error
    return at.replace(tzinfo=datetime.UTC).timestamp()


def _text_to_sign(request: SignedRequest, scope: Scope, stamp: str) -> str:
    canonical = _canonical(request, scope)
    return "\n".join([ALGORITHM, stamp, scope.name, hashlib.sha256(canonical.encode()).hexdigest()])


def _canonical(request: SignedRequest, scope: Scope) -> str:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n"
        for name in scope.signed_headers
    )
    return "\n".join(
        [
            request.method,
            # Every service but S3 signs the path with its escapes escaped again.
            quote(request.raw_path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            headers,
            ";".join(scope.signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def _signature(text: str, scope: Scope, secret: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()
