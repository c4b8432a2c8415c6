"""What a vendor's answer, or its silence, means in our errors."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import MappingProxyType

import aiohttp

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    InvalidAuthError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.kit.plain_json import vendor_json

StatusTable = Mapping[int, type[ConnectorError]]
Errors = tuple[type[ConnectorError], ...]
NO_STATUSES: StatusTable = MappingProxyType({})
MAX_RETRY_AFTER_SECONDS = 3600.0

_STATUS_ERRORS: StatusTable = {
    401: InvalidAuthError,
    403: MissingPermissionError,
    408: CannotConnectError,
    429: RateLimitedError,
}
# First match wins: the narrow kinds of aiohttp's tree before the wide ones.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ClientError, "connection"),
    (OSError, "connection"),
)
# Keys under which vendors put a short error code, most telling first.
_VENDOR_CODE_KEYS = ("errorCode", "error_code", "code", "error", "title")
# Refusals that may name how long to wait, and how vendors write it in their bodies.
_WAITS = frozenset({429, 503})
_WAIT_KEY = re.compile(
    r"(?i)(?:x[_-])?(?:(?:retry|try|wait)[_-]?(?:after|in|for)|wait(?=[_-]?sec))"
    r"[_-]?(?:seconds|secs?)?"
)
_WAIT_WORDS = re.compile(
    r"(?i)\b(?:in|after|wait|for)\s*[\[(]?(\d{1,5})[\])]?\s*(?:s|secs?|seconds?)\b"
)
_MAX_WORDS, _MAX_DEPTH = 2000, 4
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]{1,6})?")
_VENDOR_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorResponse:
    """A vendor's answer, read whole."""

    operation: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> object:
        """Parse the body; raises UnexpectedResponseError when it is not JSON."""
        try:
            return vendor_json(self.body)
        except ValueError as error:
            raise UnexpectedResponseError(
                f"{self.operation}: the answer is not JSON", status=self.status
            ) from error


def status_error(response: VendorResponse, statuses: StatusTable) -> ConnectorError:
    """Choose the error for a status that is no success: the caller's table first, then ours."""
    status = response.status
    kind = statuses.get(status) or _STATUS_ERRORS.get(status) or _kind_by_range(status)
    answer = _answer(response.body)
    return kind(
        f"{response.operation}: answered {status}",
        status=status,
        vendor_code=_vendor_code(answer),
        retry_after=_retry_after(response, answer),
    )


ErrorReader = Callable[[VendorResponse, StatusTable], ConnectorError]


@contextmanager
def our_errors(operation: str, reason: str = "") -> Iterator[None]:
    """Turn whatever the HTTP library raises into CannotConnectError, with why in `reason`."""
    try:
        yield
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        why = reason or _reason(error)
        raise CannotConnectError(f"{operation}: no answer ({why})", reason=why) from error


def retry_after_seconds(value: str) -> float | None:
    """Read a Retry-After header, seconds or HTTP date; None when absent or unreadable."""
    value = value.strip()
    if _NUMBER.fullmatch(value):
        seconds = float(value)
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _answer(body: bytes) -> object:
    """Return what a refusal says: its JSON, or else its beginning as text."""
    try:
        return vendor_json(body)
    except ValueError:
        return body[:_MAX_WORDS].decode(errors="replace")


def _retry_after(response: VendorResponse, answer: object) -> float | None:
    """Return the wait that a refusal names: in its header, else somewhere in its answer."""
    found = retry_after_seconds(response.headers.get("Retry-After", ""))
    if found is not None or response.status not in _WAITS:
        return found
    return _wait_in(answer, 0)


def _wait_in(value: object, depth: int) -> float | None:
    """Look for a wait in an answer: under a key that says so, or in a sentence."""
    if isinstance(value, str):
        return _wait_in_words(value[:_MAX_WORDS])
    if depth > _MAX_DEPTH or not isinstance(value, dict | list):
        return None
    rows = list(value.items()) if isinstance(value, dict) else [("", one) for one in value]
    named = (one for key, one in rows if _WAIT_KEY.fullmatch(key))
    waits = (retry_after_seconds(str(one)) for one in named if isinstance(one, str | int | float))
    found = next((one for one in waits if one is not None), None)
    if found is not None:
        return found
    return next((w for _, one in rows if (w := _wait_in(one, depth + 1)) is not None), None)


def _wait_in_words(text: str) -> float | None:
    found = _WAIT_WORDS.search(text)
    return retry_after_seconds(found.group(1)) if found else None


def _kind_by_range(status: int) -> type[ConnectorError]:
    if status >= 500:
        return CannotConnectError
    return RejectedError if status >= 400 else UnexpectedResponseError


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and error.errno == errno.EACCES:
        return "address"
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))


def _vendor_code(answer: object) -> str:
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        return ""
    values = (str(answer[key]) for key in _VENDOR_CODE_KEYS if key in answer)
    found = next((value for value in values if _VENDOR_CODE.fullmatch(value)), "")
    return found or _vendor_code(answer.get("errors"))
