"""Runs the checks of Test connection within their time, and turns every failure into a result."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from integrations.contract.connector import CheckResult
from integrations.contract.errors import ConnectorError
from integrations.contract.failures import CheckCode

CALL_SECONDS = 4.0
TOTAL_SECONDS = 10.0
MAX_DETAIL = 300

Check = Callable[[], Awaitable[str]]

_CODES_BY_REASON = {
    "dns": "dns",
    "address": "dns",
    "tls": "tls",
    "timeout": "timeout",
    "disabled": "disabled",
}
# A check asks for things by name: what is gone there was never in a conversation.
_CODES_BY_ERROR = {"conversation_gone": "invalid_routing"}


class CheckFailedError(Exception):
    """A check knows its own code; `skipped` when what it builds on is missing."""

    def __init__(self, code: CheckCode, detail: str = "") -> None:
        """Take a code of `failures.py` and the vendor's words, cleaned."""
        super().__init__(code)
        self.code = code
        self.detail = detail


async def run_checks(
    checks: Sequence[tuple[str, Check]],
    *,
    call_seconds: float = CALL_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
) -> AsyncIterator[CheckResult]:
    """Yield a result for each check in order; a check returns its detail or raises."""
    deadline = time.monotonic() + total_seconds
    for name, check in checks:
        seconds = min(call_seconds, deadline - time.monotonic())
        started = time.monotonic()
        code, detail = await _outcome(check, seconds)
        milliseconds = round((time.monotonic() - started) * 1000)
        yield CheckResult(
            name=name, is_ok=code == "ok", code=code, detail=detail[:MAX_DETAIL], ms=milliseconds
        )


def check_code(error: ConnectorError) -> str:
    """Name an error as a check tells it: kinds of `cannot_connect` apart."""
    return _CODES_BY_REASON.get(error.reason) or _CODES_BY_ERROR.get(error.code, error.code)


async def _outcome(check: Check, seconds: float) -> tuple[str, str]:
    if seconds <= 0:
        return "timeout", ""
    try:
        async with asyncio.timeout(seconds):
            return "ok", await check()
    except CheckFailedError as error:
        return error.code, error.detail
    except ConnectorError as error:
        return check_code(error), error.message
    except TimeoutError:
        return "timeout", ""
