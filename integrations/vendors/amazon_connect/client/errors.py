"""What AWS's error names mean in our errors: the same status often stands for several things."""

from __future__ import annotations

import re
from collections.abc import Mapping

from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    InvalidRoutingError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
)
from integrations.http.errors import StatusTable, VendorResponse, status_error
from integrations.kit.json_values import as_object, as_text

ACCESS_DENIED = "AccessDenied"
CHAT_QUOTA = "LimitExceededException"
NOT_FOUND = "ResourceNotFoundException"
NOT_PUBLISHED = "ContactFlowNotPublishedException"
EXPIRED = ("ExpiredToken", "ExpiredTokenException")
# A full contact centre does not empty within a second.
CHAT_QUOTA_SECONDS = 5.0

_ERRORS: Mapping[str, type[ConnectorError]] = {
    "UnrecognizedClientException": InvalidAuthError,
    "InvalidClientTokenId": InvalidAuthError,
    "InvalidClientTokenIdException": InvalidAuthError,
    "InvalidSignatureException": InvalidAuthError,
    "SignatureDoesNotMatch": InvalidAuthError,
    "IncompleteSignature": InvalidAuthError,
    "IncompleteSignatureException": InvalidAuthError,
    "MissingAuthenticationToken": InvalidAuthError,
    "MissingAuthenticationTokenException": InvalidAuthError,
    "ExpiredToken": InvalidAuthError,
    "ExpiredTokenException": InvalidAuthError,
    ACCESS_DENIED: MissingPermissionError,
    "AccessDeniedException": MissingPermissionError,
    NOT_FOUND: InvalidRoutingError,
    NOT_PUBLISHED: InvalidRoutingError,
    "ContactNotFoundException": ConversationGoneError,
    "Throttling": RateLimitedError,
    "ThrottlingException": RateLimitedError,
    "TooManyRequestsException": RateLimitedError,
    CHAT_QUOTA: RateLimitedError,
    "ConflictException": RejectedError,
    "ServiceQuotaExceededException": RejectedError,
}
_XML_CODE = re.compile(rb"<Code>\s*([A-Za-z0-9_.]{1,64})\s*</Code>")
_NAME = re.compile(r"[A-Za-z0-9_.]{1,64}")


def aws_error(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Read a refusal: the error's name decides, a status of the caller's before it, others last."""
    name = error_name(response)
    kind = statuses.get(response.status) or _ERRORS.get(name)
    error = status_error(response, {response.status: kind} if kind else {})
    error.vendor_code = name
    if name == CHAT_QUOTA:
        error.retry_after = error.retry_after or CHAT_QUOTA_SECONDS
    return error


def error_name(response: VendorResponse) -> str:
    """Return the error's name from wherever this service of AWS's writes it."""
    named = response.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    if not named and (found := _XML_CODE.search(response.body[:4096])):
        named = found.group(1).decode()
    if not named:
        named = _name_in_json(response)
    name = named.rpartition("#")[2]
    return name if _NAME.fullmatch(name) else ""


def _name_in_json(response: VendorResponse) -> str:
    if response.body[:1] != b"{":
        return ""
    try:
        body = as_object(response.json())
    except ConnectorError:
        return ""
    return as_text(body.get("__type")) or as_text(body.get("code"))
