"""What the form's own patterns cannot see: the endpoint's form, and header name with its value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")
# Ours to send, or the connection's own.
_TAKEN = frozenset({"host", "connection", "transfer-encoding", "idempotency-key", "accept"})
_TAKEN_PREFIXES = ("x-handoff-", "content-")


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Take the slash off the end of the endpoint."""
    kept = dict(values)
    kept["base_url"] = kept.get("base_url", "").rstrip("/")
    return kept, ()


def credential_errors(values: Mapping[str, str]) -> dict[str, str]:
    """Return a sentence by field."""
    errors: dict[str, str] = {}
    parts = urlsplit(values.get("base_url", ""))
    if parts.query or parts.fragment:
        errors["base_url"] = "The address has a query or a fragment. Remove all from ? or # on."
    name, value = values.get("auth_header", ""), values.get("auth_header_value", "")
    if name.lower() in _TAKEN or name.lower().startswith(_TAKEN_PREFIXES):
        errors["auth_header"] = "Baton sends this header itself. Choose another name."
    elif value and not name:
        errors["auth_header"] = "A value was entered without the header's name."
    if name and not value:
        errors["auth_header_value"] = "The header has no value. Enter one, or remove the name."
    elif value and not _HEADER_VALUE.fullmatch(value):
        errors["auth_header_value"] = "A header takes letters, digits and signs of ASCII alone."
    return errors
