"""The API key of a request: which project its tools see, and what they may do there."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

from conversations.api.access import key_refusals, key_use_count
from conversations.api.errors import RefusedError
from integrations.entry.client_address import address_counted
from integrations.entry.keys import api_key_note_use, api_key_valid
from integrations.models import ApiKey

REQUESTS_PER_MINUTE = 600
_BEARER = "bearer "
# Whose request is being answered; set for each request, and inherited by what it starts.
key_of_request: ContextVar[ApiKey] = ContextVar("key_of_request")


def key_admit(headers: Mapping[str, str], address: str) -> ApiKey:
    """Return the key that lets a request in; raises RefusedError."""
    bearer = headers.get("authorization", "")
    raw = bearer[len(_BEARER) :] if bearer.lower().startswith(_BEARER) else ""
    raw = (raw or headers.get("x-api-key", "")).strip()
    if not raw:
        text = "Send an API key as Authorization: Bearer KEY."
        raise RefusedError(401, "UNAUTHORIZED", text)
    with key_refusals(address_counted(address)):
        key = api_key_valid(raw)
    key_use_count(key, "mcp", REQUESTS_PER_MINUTE)
    api_key_note_use(key)
    return key
