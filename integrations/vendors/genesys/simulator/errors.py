"""How Genesys says no: the ErrorBody, its codes and its correlation id."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

CORRELATION_HEADER = "ININ-Correlation-Id"
# Confirmed are bad.request and the form of 429; the others are the contract's working names.
CODES = {
    400: "bad.request",
    401: "bad.credentials",
    403: "missing.permissions",
    404: "not.found",
    405: "method.not.allowed",
    409: "conflict",
    413: "request.too.large",
    415: "unsupported.media.type",
    429: "too.many.requests.retry.after",
    500: "internal.server.error",
    502: "bad.gateway",
    503: "service.unavailable",
    504: "gateway.timeout",
}
RATE_KEY = "client.credentials.token.rate.per.minute"
MALFORMED = (
    "The request could not be understood by the server due to malformed syntax."  # the contract's
)


class VendorError(Exception):
    """The vendor refuses a request; becomes an ErrorBody."""

    def __init__(
        self, status: int, message: str, code: str = "", *, field: str = "", **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.field = field
        self.more = more


def invalid_value(value: object, field: str, allowed: Sequence[str]) -> VendorError:
    """Return the refusal of a value outside an enumeration, in the vendor's wording."""
    return VendorError(
        400,
        f"Value [{value}] is not valid for field type [{field}]. "
        f"Allowable values are: {', '.join(allowed)}",
        "invalid.value",
        field=field,
    )


def missing_property(name: str) -> VendorError:
    """Return the refusal of a body that lacks a property, in the vendor's wording."""
    return VendorError(400, f"should have required property '{name}'", field=name)


def error_answer(
    status: int,
    message: str,
    code: str = "",
    *,
    field: str = "",
    retry_after: int | None = None,
    **more: Any,
) -> Response:
    """Return an ErrorBody; its context id is the correlation id in the header."""
    context = str(uuid.uuid4())
    body = {
        "message": message,
        "code": code or CODES.get(status, "general.error"),
        "status": status,
        "messageParams": {},
        "contextId": context,
        "details": [{"errorCode": code or CODES.get(status, ""), "fieldName": field}]
        if field
        else [],
        "errors": [],
        **more,
    }
    headers = {CORRELATION_HEADER: context}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return JSONResponse(body, status_code=status, headers=headers)


def rate_limit_answer(retry_after: int, limit: int) -> Response:
    """Return the refusal of one request too many."""
    return error_answer(
        429,
        f"Rate limit exceeded the maximum. Retry the request in [{retry_after}] seconds",
        retry_after=retry_after,
        limit={"key": RATE_KEY, "namespace": "platform.api", "value": limit},
    )


async def answer_refusal(_request: Request, error: Exception) -> Response:
    """Turn a VendorError into its answer."""
    assert isinstance(error, VendorError)
    if error.status == 429:
        return rate_limit_answer(**error.more)
    return error_answer(error.status, error.message, error.code, field=error.field, **error.more)
