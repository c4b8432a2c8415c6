"""The platform's error envelope (agent_api section 20)."""

from __future__ import annotations

import uuid

from rest_framework.response import Response


def error_response(
    status: int, code: str, message: str, *, retry_after: int | None = None
) -> Response:
    """Return an error that names its cause and its cure; `code` is upper snake case."""
    body = {
        "success": False,
        "error": message,
        "error_id": str(uuid.uuid4()),
        "error_code": code,
        "error_message": message,
        "data": None,
    }
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return Response(body, status=status, headers=headers)
