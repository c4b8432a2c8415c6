"""Where an OpenAI-compatible server is asked, with which key, and what its refusals mean."""

from __future__ import annotations

from urllib.parse import urlencode

from conversations.ai_agent.chat_model.wire import error_code
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
)
from integrations.http.errors import (
    MAX_RETRY_AFTER_SECONDS,
    StatusTable,
    VendorResponse,
    status_error,
)
from integrations.kit.json_values import count_read

# Payment is missing: no try mends it. A conflict heals by itself.
STATUSES: StatusTable = {402: MissingPermissionError, 409: CannotConnectError}
# A limit that waiting does not lift.
QUOTA = "insufficient_quota"


def endpoint(base: str, api_version: str) -> str:
    """Return the address of chat completions below a base address."""
    path, _, query = base.partition("?")
    path = path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path += "/chat/completions"
    versioned = urlencode({"api-version": api_version}) if api_version else ""
    asked = "&".join(filter(None, [query, versioned]))
    return f"{path}?{asked}" if asked else path


def credentials(key: str, api_version: str) -> dict[str, str]:
    """Return the header of the key: Azure's own where its version is given."""
    if not key:
        return {}
    return {"api-key": key} if api_version else {"Authorization": f"Bearer {key}"}


def refusal(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Read a refusal: a used-up quota is not tried again, nor what the server says not to."""
    error = status_error(response, statuses)
    should = response.headers.get("x-should-retry", "")
    if should == "false" or error_code(response.body) == QUOTA:
        return RejectedError(error.message, status=error.status) if error.retryable else error
    if should == "true" and not error.retryable:
        return RateLimitedError(status=error.status)
    milliseconds = count_read(response.headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        error.retry_after = min(milliseconds / 1000, MAX_RETRY_AFTER_SECONDS)
    return error
