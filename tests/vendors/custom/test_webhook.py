"""Events are believed if they are signed over the raw body and not older than five minutes."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from pathlib import Path

import pytest

from integrations.contract.connector import WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.kit.signatures import hex_signature
from integrations.vendors.custom.client import signed_bytes
from integrations.vendors.custom.connector import CustomConnector

SECRET = "a-signing-secret"
README = Path(__file__).resolve().parents[3] / "integrations/vendors/custom/README.md"
EVENT = {"event_id": "e-1", "type": "closed", "external_id": "ext-1", "data": {"by": "agent"}}
RAW = json.dumps(EVENT).encode()


def call(
    raw: bytes = RAW,
    *,
    age: int = 0,
    secret: str = SECRET,
    signed: bytes | None = None,
    method: str = "POST",
    **headers: str,
) -> WebhookResult:
    timestamp = str(int(time.time()) - age)
    message = timestamp.encode() + b"." + (raw if signed is None else signed)
    given = {
        "x-handoff-timestamp": timestamp,
        "x-handoff-signature": hmac.new(secret.encode(), message, hashlib.sha256).hexdigest(),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    request = WebhookRequest(endpoint="events", method=method, headers=given, query={}, body=raw)
    return CustomConnector.parse_webhook(request, {"signing_secret": SECRET})


def test_a_good_event_is_kept_under_its_id_and_the_key_of_its_handoff():
    result = call()

    [item] = result.items
    assert (result.status, item.item_id, item.key) == (200, "e-1", "ext-1")
    assert item.body["data"] == {"by": "agent"}


def test_the_raw_bytes_are_what_is_signed():
    same_meaning = RAW.replace(b": ", b":")

    with pytest.raises(WebhookVerificationError):
        call(same_meaning, signed=RAW)

    assert call(same_meaning).items


@pytest.mark.parametrize("age", [299, 0, -299])
def test_within_five_minutes_a_call_is_taken(age: int):
    assert call(age=age).items


@pytest.mark.parametrize("age", [302, -302, 86400])
def test_outside_five_minutes_a_call_is_refused(age: int):
    with pytest.raises(WebhookVerificationError):
        call(age=age)


def test_a_later_timestamp_does_not_go_with_an_old_signature():
    with pytest.raises(WebhookVerificationError):
        call(age=400, x_handoff_timestamp=str(int(time.time())))


@pytest.mark.parametrize(
    "headers",
    [
        {"x_handoff_signature": ""},
        {"x_handoff_signature": "ü"},
        {"x_handoff_timestamp": ""},
        {"x_handoff_timestamp": "soon"},
    ],
)
def test_headers_of_the_wrong_form_are_refused(headers: dict[str, str]):
    with pytest.raises(WebhookVerificationError):
        call(**headers)


def test_a_timestamp_that_is_no_number_is_refused_even_if_it_is_signed():
    request = WebhookRequest(
        endpoint="events",
        method="POST",
        headers={
            "x-handoff-timestamp": "soon",
            "x-handoff-signature": hex_signature(SECRET, signed_bytes("soon", RAW)),
        },
        query={},
        body=RAW,
    )

    with pytest.raises(WebhookVerificationError):
        CustomConnector.parse_webhook(request, {"signing_secret": SECRET})


def test_without_a_secret_nothing_is_believed():
    request = WebhookRequest(
        endpoint="events",
        method="POST",
        headers={
            "x-handoff-timestamp": "1",
            "x-handoff-signature": hex_signature("", signed_bytes("1", RAW)),
        },
        query={},
        body=RAW,
    )

    with pytest.raises(WebhookVerificationError):
        CustomConnector.parse_webhook(request, {})


def test_a_ping_is_answered_and_leaves_nothing():
    result = call(b'{"event_id":"p","type":"ping","data":{}}')

    assert (result.status, list(result.items)) == (200, [])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"[]",
        b"[" * 5000,
        b'{"type":"closed","external_id":"x"}',
        b'{"event_id":"e","external_id":"x"}',
        b'{"event_id":"e","type":"closed"}',
        b'{"event_id":7,"type":"closed","external_id":"x"}',
        b'{"event_id":"' + b"e" * 256 + b'","type":"closed","external_id":"x"}',
    ],
)
def test_a_signed_body_that_lacks_something_is_422_and_leaves_nothing(raw: bytes):
    result = call(raw)

    assert (result.status, list(result.items)) == (422, [])
    assert json.loads(result.body)["error_message"]


def test_only_posts_bring_events():
    assert call(method="GET").status == 404


def test_the_page_gives_a_right_example_of_a_signature():
    page = README.read_text(encoding="utf-8")
    example = dict(re.findall(r"^(secret|timestamp|body|signature) +(\S+)$", page, re.M))

    found = hex_signature(
        example["secret"], signed_bytes(example["timestamp"], example["body"].encode())
    )

    assert found == example["signature"]
