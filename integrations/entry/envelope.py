"""The platform's error envelope (agent_api section 20), for every answer that is an error."""

from __future__ import annotations

import uuid
from typing import Any


def envelope(code: str, message: str) -> dict[str, Any]:
    """Return the body of an error; the text names cause and cure, the code is upper snake case."""
    return {
        "success": False,
        "error": message,
        "error_id": str(uuid.uuid4()),
        "error_code": code,
        "error_message": message,
        "data": None,
    }
