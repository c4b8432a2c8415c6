"""JSON as a simulator answers it: whatever a caller may have put in comes out again."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse


class AsciiJSONResponse(JSONResponse):
    """Writes what is not ASCII as escapes, so that half a surrogate pair is no fault of ours."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, separators=(",", ":")).encode("ascii")
