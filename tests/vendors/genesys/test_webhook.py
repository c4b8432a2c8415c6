"""Genesys's calls: signature over the raw bytes, age, whose they are, and what repeats are."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from integrations.contract.connector import WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.vendors.genesys.connector import GenesysConnector
from integrations.vendors.genesys.simulator.outbound import sign

SECRET = "portal-secret-0123456789"
INTEGRATION = "9f2c4a11-0b7d-4c58-8a3e-77d1e5b60a42"
CREDENTIALS = {"webhook_secret": SECRET, "integration_id": INTEGRATION}


def body(**changes: object) -> dict:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    channel = {"id": INTEGRATION, "to": {"id": "HOF-1"}, "from": {"id": INTEGRATION}, "time": now}
    return {"id": "0f9d", "type": "Text", "text": "Hello", "channel": channel, **changes}


def aged(seconds: float) -> dict:
    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    message = body()
    message["channel"]["time"] = moment.isoformat()
    return message


def call(raw: bytes, header: str | None = None, **credentials: str) -> WebhookResult:
    headers = {"x-hub-signature-256": sign(raw, SECRET) if header is None else header}
    request = WebhookRequest(endpoint="events", method="POST", headers=headers, query={}, body=raw)
    return GenesysConnector.parse_webhook(request, {**CREDENTIALS, **credentials})


def written(message: object) -> bytes:
    return json.dumps(message).encode()


def test_signature_of_a_known_body_passes_in_both_ways_of_writing_it():
    raw = b'{"type":"Text"}'

    assert call(raw, "sha256=uMR7RaFozj2g3Q+NHfS8chmeRo2vdA1FICrjr7V021c=").status == 200
    hexadecimal = "sha256=b8c47b45a168ce3da0dd0f8d1df4bc72199e468daf740d45202ae3afb574db57"
    assert call(raw, hexadecimal).status == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        sign(written(body()), "another-secret-0123456789"),
        sign(b"{}", SECRET),
        "sha1=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha1).hexdigest(),
        "sha256=é",
    ],
    ids=["none", "empty", "another secret", "another body", "another digest", "not ascii"],
)
def test_forged_call_is_refused_before_anything_is_read(header: str):
    with pytest.raises(WebhookVerificationError):
        call(written(body()), header)
    with pytest.raises(WebhookVerificationError):
        call(b"this is not JSON", header)


def test_call_is_refused_while_there_is_no_secret():
    raw = written(body())

    with pytest.raises(WebhookVerificationError):
        call(raw, sign(raw, ""), webhook_secret="")


def test_bytes_are_signed_as_they_came():
    raw = '{ "type" : "Text",\n "channel": {"to": {"id": "HOF-1"}}, "text": "\\u00fc ü" }'.encode()

    [item] = call(raw).items

    assert item.key == "HOF-1"
    with pytest.raises(WebhookVerificationError):
        call(raw.replace(b"\n", b""), sign(raw, SECRET))


def test_repeat_has_the_id_of_the_first_and_a_receipt_has_its_own():
    message = body()
    receipt = {**message, "type": "Receipt", "status": "Delivered"}
    later = {**message, "channel": {**message["channel"], "time": aged(1)["channel"]["time"]}}

    ids = [call(written(b)).items[0].item_id for b in (message, message, receipt, later)]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("seconds", [0, 85, 600, -120])
def test_late_call_is_taken(seconds: float):
    assert call(written(aged(seconds))).items


@pytest.mark.parametrize("seconds", [3600, 86400 * 30, -3600])
def test_replayed_call_is_refused(seconds: float):
    with pytest.raises(WebhookVerificationError):
        call(written(aged(seconds)))


def test_call_for_another_integration_is_left_to_that_one():
    message = body()
    message["channel"]["id"] = "11111111-0b7d-4c58-8a3e-77d1e5b60a42"

    with pytest.raises(WebhookVerificationError):
        call(written(message))


def test_receipt_about_our_own_message_finds_its_handoff_by_either_side():
    message = body(type="Receipt", direction="Inbound", status="Failed")
    message["channel"] |= {"to": {"id": INTEGRATION}, "from": {"id": "HOF-1"}}

    [item] = call(written(message)).items

    assert item.key == "HOF-1"


@pytest.mark.parametrize("raw", [b"", b"[]", b"nonsense", b'{"type":"Text"}', b"[" * 100000])
def test_signed_call_without_an_owner_is_answered_and_dropped(raw: bytes):
    result = call(raw)

    assert (result.status, list(result.items)) == (200, [])


def test_unknown_kind_is_kept_for_the_handoff_to_count():
    [item] = call(written(body(type="Hologram"))).items

    assert item.body["type"] == "Hologram"


def test_message_without_an_id_is_named_by_what_it_says():
    message = body()
    del message["id"]

    first, again = (call(written(message)).items[0].item_id for _ in range(2))

    assert first == again
    assert len(first) == 64


def test_words_are_in_no_repr():
    result = call(written(body(text="My private words")))

    assert "private" not in repr(result)
