"""How the pretend Five9 refuses a call, and what every body must be."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class RefusedError(Exception):
    """A call is refused; carries what to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = refusal(status, message)


def refusal(status: int, message: str, retry_after: int | None = None) -> Response:
    """Return an error in Five9's envelope."""
    detail = {"timestamp": 1790000000000, "errorCode": status, "message": message}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"five9ExceptionDetail": detail}, status_code=status, headers=headers)


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a call."""
    if request.headers.get("Content-Type") != "application/json":
        raise RefusedError(415, "Content-Type must be application/json.")
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise RefusedError(400, "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise RefusedError(400, "The body is no object.")
    return body
