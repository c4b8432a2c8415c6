"""Webhook signatures: what is accepted, and that nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.contract.errors import WebhookVerificationError
from integrations.kit.signatures import (
    base64_signature,
    hex_signature,
    require_recent,
    require_secret,
    require_signature,
)

# RFC 4231, test case 2.
KEY, DATA = "Jefe", b"what do ya want for nothing?"
IN_HEX = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
IN_BASE64 = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="


def test_signatures_are_those_of_the_standard():
    assert hex_signature(KEY, DATA) == IN_HEX
    assert base64_signature(KEY, DATA) == IN_BASE64


@pytest.mark.parametrize("given", [f"sha256={IN_HEX}", f" sha256={IN_BASE64} "])
def test_a_signature_passes_in_each_way_of_writing_it_that_the_vendor_has(given):
    require_signature(given, KEY, DATA, written=(hex_signature, base64_signature), prefix="sha256=")


@pytest.mark.parametrize(
    ("given", "secret", "signed"),
    [
        ("", KEY, DATA),
        (IN_HEX, KEY, DATA + b" "),
        (IN_HEX, "jefe", DATA),
        (IN_HEX[:-1], KEY, DATA),
        (IN_BASE64, KEY, DATA),
        (f"sha256={IN_HEX}", KEY, DATA),
        ("\ud800é", KEY, DATA),
        (hex_signature("", DATA), "", DATA),
    ],
)
def test_a_signature_of_anything_else_is_refused(given, secret, signed):
    with pytest.raises(WebhookVerificationError):
        require_signature(given, secret, signed)


def test_a_prefix_that_the_vendor_writes_may_not_be_missing():
    with pytest.raises(WebhookVerificationError):
        require_signature(IN_HEX, KEY, DATA, prefix="sha256=")


def test_a_shared_secret_passes_whole_and_never_when_none_was_agreed():
    require_secret("agreed", "agreed")

    for given, secret in [("agree", "agreed"), ("", "agreed"), ("", "")]:
        with pytest.raises(WebhookVerificationError):
            require_secret(given, secret)


@pytest.mark.parametrize("seconds", [-200, 200])
def test_a_call_is_recent_within_the_window_on_both_sides_of_now(seconds):
    moment = datetime.now(UTC) + timedelta(seconds=seconds)

    require_recent(moment, timedelta(seconds=300))
    with pytest.raises(WebhookVerificationError):
        require_recent(moment, timedelta(seconds=100))


def test_a_call_without_a_time_is_not_recent():
    with pytest.raises(WebhookVerificationError):
        require_recent(None, timedelta(days=1))
