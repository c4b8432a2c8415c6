"""What Genesys demands of the bodies sent to it, and how it says no: the ErrorBody and its codes.

Whatever the contract leaves open is let through: extra members are ignored, as the vendor does.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from integrations.simulators.answers import AsciiJSONResponse

Body = Mapping[str, Any]
ID_TYPES = ("Email", "Phone", "Opaque")
MEDIA_TYPES = ("Image", "Video", "Audio", "File", "Link")
RECEIPT_STATUSES = ("Delivered", "Failed")
REASON_CODES = (
    "MessageExpired",
    "RateLimited",
    "MessageNotAllowed",
    "GeneralError",
    "UnsupportedMessage",
    "UnknownMessage",
    "InvalidMessageStructure",
    "InvalidDestination",
    "ServerError",
    "MediaTypeNotAllowed",
    "InvalidMediaContentLength",
    "RecipientOptedOut",
    "DataFiltered",
)
RESPONSE_TYPES = ("Button", "QuickReply", "DatePicker")
CORRELATION_HEADER = "ININ-Correlation-Id"
# Confirmed are bad.request and the form of 429; the others are the contract's working names.
CODES = {
    400: "bad.request",
    401: "bad.credentials",
    403: "missing.permissions",
    404: "not.found",
    405: "method.not.allowed",
    409: "conflict",
    413: "request.too.large",
    415: "unsupported.media.type",
    429: "too.many.requests.retry.after",
    500: "internal.server.error",
    502: "bad.gateway",
    503: "service.unavailable",
    504: "gateway.timeout",
}
# Where a 429 says for how long; the contract shows header and text, and not whether both are sure.
WAIT_TOLD = ("header", "body", "nowhere")
RATE_KEY = "client.credentials.token.rate.per.minute"
MALFORMED = (
    "The request could not be understood by the server due to malformed syntax."  # the contract's
)


class VendorError(Exception):
    """The vendor refuses a request; becomes an ErrorBody."""

    def __init__(
        self, status: int, message: str, code: str = "", *, field: str = "", **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.field = field
        self.more = more


def invalid_value(value: object, field: str, allowed: Sequence[str]) -> VendorError:
    """Return the refusal of a value outside an enumeration, in the vendor's wording."""
    return VendorError(
        400,
        f"Value [{value}] is not valid for field type [{field}]. "
        f"Allowable values are: {', '.join(allowed)}",
        "invalid.value",
        field=field,
    )


def missing_property(name: str) -> VendorError:
    """Return the refusal of a body that lacks a property, in the vendor's wording."""
    return VendorError(400, f"should have required property '{name}'", field=name)


def error_answer(
    status: int,
    message: str,
    code: str = "",
    *,
    field: str = "",
    retry_after: int | None = None,
    **more: Any,
) -> Response:
    """Return an ErrorBody; its context id is the correlation id in the header."""
    context = str(uuid.uuid4())
    body = {
        "message": message,
        "code": code or CODES.get(status, "general.error"),
        "status": status,
        "messageParams": {},
        "contextId": context,
        "details": [{"errorCode": code or CODES.get(status, ""), "fieldName": field}]
        if field
        else [],
        "errors": [],
        **more,
    }
    headers = {CORRELATION_HEADER: context}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return AsciiJSONResponse(body, status_code=status, headers=headers)


def rate_limit_answer(retry_after: int, limit: int, told: str) -> Response:
    """Return the refusal of one request too many; `told` is one of WAIT_TOLD."""
    wait = "" if told == "nowhere" else f" Retry the request in [{retry_after}] seconds"
    return error_answer(
        429,
        f"Rate limit exceeded the maximum.{wait}",
        retry_after=retry_after if told == "header" else None,
        limit={"key": RATE_KEY, "namespace": "platform.api", "value": limit},
    )


async def answer_refusal(_request: Request, error: Exception) -> Response:
    """Turn a VendorError into its answer."""
    assert isinstance(error, VendorError)
    if error.status == 429:
        return rate_limit_answer(**error.more)
    return error_answer(error.status, error.message, error.code, field=error.field, **error.more)


# -- Bodies ---------------------------------------------------------------------------------------


def check_message(body: Body) -> None:
    """Check the body of an inbound message."""
    check_channel(body)
    content = body.get("content")
    if body.get("text") is None and not content:
        raise missing_property("text")
    if body.get("text") is not None:
        text(body, "text")
    for one in items(body, "content"):
        _check_attachment(member(one, "attachment"))
    flat_map(body, "metadata")
    custom_attributes(body)


def check_channel(body: Body) -> None:
    """Check who sends and when."""
    channel = member(body, "channel")
    sender = member(channel, "from")
    text(sender, "id")
    # Documented capitalised; lower case has been seen accepted.
    enum(sender, "idType", ID_TYPES, is_case_strict=False)
    for name in ("nickname", "firstName", "lastName", "email", "image"):
        if sender.get(name) is not None:
            text(sender, name, may_be_empty=True)
    time(channel, "time")
    if channel.get("messageId") is not None:
        text(channel, "messageId")


def check_event(body: Body) -> None:
    """Check the body of an inbound event: typing is all there is."""
    check_channel(body)
    events = items(body, "events")
    if not events:
        raise missing_property("events")
    for one in events:
        enum(one, "eventType", ("Typing",))


def check_receipt(body: Body) -> None:
    """Check the body of a receipt."""
    text(body, "id")
    channel = member(body, "channel")
    text(member(channel, "to"), "id")
    time(channel, "time")
    enum(body, "status", RECEIPT_STATUSES)
    for reason in items(body, "reasons"):
        text(reason, "message")
        if reason.get("code") is not None:
            enum(reason, "code", REASON_CODES)
    if not isinstance(body.get("isFinalReceipt", True), bool):
        raise VendorError(400, MALFORMED, field="isFinalReceipt")


def check_structured(body: Body) -> None:
    """Check the body of an answer to a button."""
    check_channel(body)
    response = member(body, "buttonResponse")
    enum(response, "type", RESPONSE_TYPES)
    text(response, "text")
    text(response, "payload")
    text(body, "originatingMessageId")


def check_deprecated(body: Body) -> None:
    """Check the body of the deprecated inbound call, which names its integration itself."""
    channel = member(body, "channel")
    text(member(channel, "to"), "id")
    enum(channel, "platform", ("Open",))
    enum(channel, "type", ("Private",))
    enum(body, "type", ("Text", "Receipt"))


def custom_attributes(body: Body) -> dict[str, str]:
    """Return the attributes the flow reads; only flat text is taken."""
    metadata = member(body, "channel").get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise VendorError(400, MALFORMED, field="metadata")
    return flat_map(metadata, "customAttributes")


def member(body: Body, name: str) -> Body:
    """Return an object that must be there."""
    found = body.get(name)
    if found is None:
        raise missing_property(name)
    if not isinstance(found, Mapping):
        raise VendorError(400, MALFORMED, field=name)
    return found


def text(body: Body, name: str, *, may_be_empty: bool = False) -> str:
    """Return a text that must be there."""
    found = body.get(name)
    if found is None or (found == "" and not may_be_empty):
        raise missing_property(name)
    if not isinstance(found, str):
        raise VendorError(400, MALFORMED, field=name)
    return found


def enum(body: Body, name: str, allowed: Sequence[str], *, is_case_strict: bool = True) -> str:
    """Return a text that must be one of a few."""
    found = text(body, name)
    known = allowed if is_case_strict else tuple(one.lower() for one in allowed)
    if (found if is_case_strict else found.lower()) not in known:
        raise invalid_value(found, name, allowed)
    return found


def time(body: Body, name: str) -> datetime.datetime:
    """Return a time that must be there, in ISO 8601 with its zone."""
    try:
        found = datetime.datetime.fromisoformat(text(body, name))
        if found.tzinfo is None:
            raise VendorError(400, MALFORMED, field=name)
        return found.astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise VendorError(400, MALFORMED, field=name) from error


def items(body: Body, name: str) -> list[Body]:
    """Return a list of objects, empty when it is not there."""
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise VendorError(400, MALFORMED, field=name)
    return found


def flat_map(body: Body, name: str) -> dict[str, str]:
    """Return a map of texts, empty when it is not there; nested values are refused."""
    found = body.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise VendorError(400, MALFORMED, field=name)
    if not all(isinstance(one, str) for one in found.values()):
        raise VendorError(400, MALFORMED, field=name)
    return dict(found)


def _check_attachment(attachment: Body) -> None:
    enum(attachment, "mediaType", MEDIA_TYPES)
    url = text(attachment, "url")
    if not url.startswith(("https://", "http://")):
        raise VendorError(400, MALFORMED, field="url")
    text(attachment, "mime")
    for name in ("id", "text", "sha256", "filename"):
        if attachment.get(name) is not None:
            text(attachment, name, may_be_empty=True)
