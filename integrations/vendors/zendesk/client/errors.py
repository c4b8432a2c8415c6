"""What Zendesk's refusals mean: the status first, then the code in the body."""

from __future__ import annotations

import json
import re

from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    InvalidRoutingError,
    RejectedError,
)
from integrations.http.errors import StatusTable, VendorResponse, status_error
from integrations.vendors.zendesk.mapping.json import as_object, as_objects, as_text

# Codes that say more than their status 404; each with the credential field at fault, if any.
_CODES: dict[str, tuple[type[ConnectorError], str]] = {
    "app_not_found": (RejectedError, "app_id"),
    "conversation_not_found": (ConversationGoneError, ""),
    "user_not_found": (RejectedError, ""),
    "switchboard_not_found": (InvalidRoutingError, "switchboard_integration_name"),
    "switchboard_integration_not_found": (InvalidRoutingError, "switchboard_integration_name"),
}
_FIELDS = {401: "key_secret"}
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def zendesk_error(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Choose the error for a refusal, and keep Zendesk's code for it."""
    code = first_code(response.body)
    kind, field = _CODES.get(code, (None, "")) if response.status == 404 else (None, "")
    error = status_error(response, {**statuses, response.status: kind} if kind else statuses)
    error.vendor_code = code or error.vendor_code
    error.field = field or _FIELDS.get(response.status, "")
    return error


def first_code(body: bytes) -> str:
    """Return the first code of an error body; empty for any other body."""
    try:
        errors = as_objects(as_object(json.loads(body)).get("errors"))
    except (ValueError, RecursionError):
        return ""
    code = as_text(errors[0].get("code")) if errors else ""
    return code if _CODE.fullmatch(code) else ""
