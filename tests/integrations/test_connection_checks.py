"""Test connection keeps its time and turns every failure into a result."""

from __future__ import annotations

import asyncio

import pytest

from integrations.contract.checks import Check, CheckFailedError, check_code, run_checks
from integrations.contract.connector import CheckResult
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    InvalidAuthError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
)


async def results(*checks: Check, **limits: float) -> list[CheckResult]:
    named = [(f"check{number}", check) for number, check in enumerate(checks)]
    return [result async for result in run_checks(named, **limits)]


async def good() -> str:
    return "fine"


async def slow() -> str:
    await asyncio.sleep(30)
    return "too late"


async def skipped() -> str:
    raise CheckFailedError("skipped")


async def refused() -> str:
    raise InvalidAuthError("token: answered 401")


async def test_each_outcome_is_one_result_in_order():
    found = await results(good, refused, skipped)

    assert [(r.name, r.is_ok, r.code, r.detail) for r in found] == [
        ("check0", True, "ok", "fine"),
        ("check1", False, "invalid_auth", "token: answered 401"),
        ("check2", False, "skipped", ""),
    ]


async def test_slow_check_is_cut_off_and_the_total_time_holds():
    found = await results(slow, slow, good, call_seconds=0.1, total_seconds=0.15)

    assert [result.code for result in found] == ["timeout", "timeout", "timeout"]
    assert 90 <= found[0].ms < 1000
    assert found[2].ms < 50


async def test_long_words_of_a_vendor_are_cut():
    async def wordy() -> str:
        raise CheckFailedError("rejected", "x" * 1000)

    assert len((await results(wordy))[0].detail) == 300


async def test_a_slip_of_ours_is_not_hidden():
    async def broken() -> str:
        raise KeyError("oops")

    with pytest.raises(KeyError):
        await results(broken)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CannotConnectError(reason="dns"), "dns"),
        (CannotConnectError(reason="address"), "dns"),
        (CannotConnectError(reason="tls"), "tls"),
        (CannotConnectError(reason="timeout"), "timeout"),
        (CannotConnectError(reason="connection"), "cannot_connect"),
        (InvalidAuthError(), "invalid_auth"),
        (MissingPermissionError(), "missing_permission"),
        (RateLimitedError(), "rate_limited"),
        (RejectedError(), "rejected"),
    ],
)
def test_errors_have_a_name_in_the_tests_vocabulary(error: ConnectorError, code: str):
    assert check_code(error) == code
