"""What is kept of a call to a vendor: its shape, without secrets and without what people said."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from integrations.telemetry.correlation import correlation_id
from integrations.telemetry.metrics import VENDOR_CALL_ERRORS, VENDOR_CALL_SECONDS

MASKED_SECRET = "‹secret›"  # noqa: S105 - what stands in a secret's place
MAX_PATH = 300
_MAX_DEPTH = 12
_MAX_ITEMS = 50
_MAX_NUMBER = 10**9  # longer numbers may be telephone or account numbers

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,127}")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
# Whoever sets up the portal chooses the names below these keys, so no name is known there.
_FREE_FORM_KEY = re.compile(r"attributes|metadata|variables|custom", re.I)
_SECRET_KEY = re.compile(r"token|secret|password|authorization|assertion|private|jwt|cookie", re.I)
_SECRET_TEXT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}|-----BEGIN|Bearer ", re.I)


@lru_cache(maxsize=1000)
def _is_secret_key(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


@lru_cache(maxsize=1000)
def _is_free_form(key: str) -> bool:
    return _FREE_FORM_KEY.search(key) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorCallRecord:
    """One request to a vendor, or one remark about it, safe to store and to show.

    Bodies are JSON-able and masked; `status` is None when no answer came. `is_expected` says that
    whoever called goes on with it, though it is a refusal by its number.
    """

    operation: str
    method: str
    path: str
    status: int | None
    duration_ms: int
    started_at: datetime
    error_code: str = ""
    is_expected: bool = False
    correlation_id: str = ""
    request_body: object = None
    response_body: object = None

    @property
    def is_error(self) -> bool:
        """Say whether it failed, by what was raised or by an answer that nobody wanted."""
        return call_failed(self.error_code, self.status, is_expected=self.is_expected)


def call_failed(error_code: str, status: int | None, *, is_expected: bool) -> bool:
    """Say whether a call failed, of what is kept of it: the one rule of all who look."""
    return bool(error_code) or ((status or 0) >= 400 and not is_expected)


Recorder = Callable[[VendorCallRecord], None]


class RunningCall:
    """What is known of a call while it runs."""

    def __init__(self, operation: str, method: str, path: str) -> None:
        """Start the clock; `path` is masked already."""
        self.operation = operation
        self.method = method
        self.path = path
        self.status: int | None = None
        self.is_expected = False
        self.request_body: object = None
        self.response_body: object = None
        self._started_at = datetime.now(UTC)
        self._started = time.perf_counter()

    def record(self, error_code: str) -> VendorCallRecord:
        """Return what is kept of it."""
        return VendorCallRecord(
            operation=self.operation,
            method=self.method,
            path=self.path,
            status=self.status,
            duration_ms=round((time.perf_counter() - self._started) * 1000),
            started_at=self._started_at,
            error_code=error_code,
            is_expected=self.is_expected,
            correlation_id=correlation_id.get(),
            request_body=self.request_body,
            response_body=self.response_body,
        )


class Masker:
    """Replaces every text by its length, unless its key is known to hold ids or fixed words."""

    def __init__(self, *, loggable_keys: frozenset[str], secrets: Iterable[str]) -> None:
        """Take the manifest's loggable keys and the values that must never survive."""
        self._loggable_keys = loggable_keys
        # The same few names come again and again; a vendor may send any number of others.
        self._shown_key = lru_cache(maxsize=500)(self._checked_key)
        self._secrets = _as_written(s for s in secrets if len(s) >= 4)

    def without_secrets(self, text: str) -> str:
        """Return a text of the vendor's with known secrets and anything like a token removed."""
        for secret in self._secrets:
            text = text.replace(secret, MASKED_SECRET)
        return re.sub(r"eyJ[\w.-]{5,}", MASKED_SECRET, text)

    def masked(self, value: object, key: str = "", depth: int = 0) -> object:
        """Return a JSON-able copy of the value that keeps its shape only."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value, key)
        if isinstance(value, str):
            return self._text(value, key)
        if isinstance(value, bytes | bytearray):
            return f"‹bytes {len(value)}›"
        if depth >= _MAX_DEPTH:
            return "‹deeper›"
        return self._container(value, key, depth)

    def masked_body(self, body: bytes, content_type: str) -> object:
        """Mask a body as it came over the wire."""
        if not body:
            return None
        if "json" in content_type or body[:1] in (b"{", b"["):
            try:
                return self.masked(json.loads(body))
            except (ValueError, RecursionError):
                pass
        return f"‹bytes {len(body)}›"

    def masked_path(
        self, path: str, query: Iterable[tuple[str, str]] = (), *, hidden: str = ""
    ) -> str:
        """Write path and query for the record: ids in the path stay, query values are masked.

        `hidden` is a secret of this path alone.
        """
        for secret in _as_written([hidden] if hidden else []):
            path = path.replace(secret, MASKED_SECRET)
        pairs = [f"{self._shown_key(name)}={self._text(value, name)}" for name, value in query]
        full = self.without_secrets(path) + ("?" + "&".join(pairs) if pairs else "")
        return full[:MAX_PATH]

    def _container(self, value: object, key: str, depth: int) -> object:
        if isinstance(value, Mapping):
            pairs = list(value.items())[:_MAX_ITEMS]
            if _is_free_form(key):
                return {self._shown_key(str(k)): self.masked(v, key, depth + 1) for k, v in pairs}
            return {self._shown_key(str(k)): self.masked(v, str(k), depth + 1) for k, v in pairs}
        if isinstance(value, Sequence):
            shown = [self.masked(item, key, depth + 1) for item in value[:_MAX_ITEMS]]
            extra = len(value) - len(shown)
            return [*shown, f"‹{extra} more›"] if extra else shown
        return f"‹{type(value).__name__}›"

    def _number(self, value: float, key: str) -> object:
        if isinstance(value, float) and not math.isfinite(value):
            return "‹number›"
        if key in self._loggable_keys or abs(value) < _MAX_NUMBER:
            return "‹number›" if self._holds_secret(str(value)) else value
        return "‹number›"

    def _text(self, value: str, key: str) -> str:
        if _is_secret_key(key) or self._holds_secret(value):
            return MASKED_SECRET
        if key in self._loggable_keys and _IDENTIFIER.fullmatch(value):
            return value
        return f"‹text {len(value)}›" if value else ""

    def _checked_key(self, key: str) -> str:
        is_plain = _KEY.fullmatch(key) and not self._holds_secret(key)
        return key if is_plain else "‹key›"

    def _holds_secret(self, text: str) -> bool:
        return bool(_SECRET_TEXT.search(text)) or any(secret in text for secret in self._secrets)


def _as_written(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return secrets as they are and as an address writes them, the longest first."""
    forms = {form for one in secrets for form in (one, quote(one), quote(one, safe=""))}
    return tuple(sorted(forms, key=len, reverse=True))


def recorder_with_metrics(connector: str, recorder: Recorder | None) -> Recorder:
    """Return a recorder that measures each call before it hands it on."""

    def record(call: VendorCallRecord) -> None:
        labels = (connector, call.operation)
        if call.method and not _is_broken_stream(call):  # without a method: a remark, no call
            VENDOR_CALL_SECONDS.labels(*labels).observe(call.duration_ms / 1000)
        if call.error_code:
            VENDOR_CALL_ERRORS.labels(*labels, call.error_code).inc()
        if recorder is not None:
            recorder(call)

    return record


def _is_broken_stream(call: VendorCallRecord) -> bool:
    """Tell the end of a stream, whose duration is its life, from the opening of one."""
    return bool(call.error_code) and call.status is not None and call.status < 300
