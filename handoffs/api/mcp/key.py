"""The API key of a request: which project its tools see, and what they may do there."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

from conversations.api.errors import RefusedError
from integrations.entry.keys import ApiKeyUnknownError, api_key_note_use, api_key_valid
from integrations.entry.rate_limit import retry_after
from integrations.models import ApiKey

REQUESTS_PER_MINUTE = 600
WRONG_KEYS_PER_MINUTE = 30
_BEARER = "bearer "
# Whose request is being answered; set for each request, and inherited by what it starts.
key_of_request: ContextVar[ApiKey] = ContextVar("key_of_request")


def key_admit(headers: Mapping[str, str], address: str) -> ApiKey:
    """Return the key that lets a request in; raises RefusedError."""
    bearer = headers.get("authorization", "")
    raw = bearer[len(_BEARER) :] if bearer.lower().startswith(_BEARER) else ""
    raw = (raw or headers.get("x-api-key", "")).strip()
    try:
        if not raw:
            text = "Send an API key as Authorization: Bearer KEY."
            raise RefusedError(401, "UNAUTHORIZED", text)
        key = api_key_valid(raw)
    except ApiKeyUnknownError as error:
        _limit(f"wrong-key:{address}", WRONG_KEYS_PER_MINUTE)
        raise RefusedError(401, "UNAUTHORIZED", str(error)) from error
    _limit(f"mcp:{key.pk}", REQUESTS_PER_MINUTE)
    api_key_note_use(key)
    return key


def _limit(name: str, limit: int) -> None:
    if wait := retry_after(name, limit=limit, window_seconds=60):
        text = f"Too many requests. Try again in {wait} seconds."
        raise RefusedError(429, "RATE_LIMITED", text, wait=wait)
