"""The calls of both webhook systems: who may call, what is kept, what is answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.contract.connector import WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.contract.registry import connector_class
from tests.vendors.zendesk.test_mapping import CONVERSATION, fixture

CONNECTOR = connector_class("zendesk")
SHARED, KEY, SIGNING = "shared-secret-0001", "status-key-000001", "c2lnbmluZyBzZWNyZXQ="
CREDENTIALS = {
    "app_id": "aa11bb22cc33dd44ee55ff66",
    "webhook_id": "dd11ee22ff33aa44bb55cc66",
    "shared_secret": SHARED,
    "status_webhook_secret": KEY,
}


def call(endpoint: str, body: object, method: str = "POST", **headers: str) -> WebhookRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(endpoint=endpoint, method=method, headers=named, query={}, body=raw)


def parse(request: WebhookRequest, **credentials: str) -> WebhookResult:
    return CONNECTOR.parse_webhook(request, {**CREDENTIALS, **credentials})


def envelope(*names: str, **changes: Any) -> dict[str, Any]:
    return {
        "app": {"id": CREDENTIALS["app_id"]},
        "webhook": {"id": CREDENTIALS["webhook_id"], "version": "v2"},
        "events": [fixture(name) for name in names],
        **changes,
    }


def signed(body: object, at: datetime | None = None, secret: str = SIGNING, **headers: str):
    raw = json.dumps(body).encode()
    # Not at import: a long run would make it old.
    stamp = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hmac.new(secret.encode(), stamp.encode() + raw, hashlib.sha256).digest()
    return call(
        "status",
        raw,
        x_zendesk_webhook_signature=base64.b64encode(digest).decode(),
        x_zendesk_webhook_signature_timestamp=stamp,
        **headers,
    )


def test_each_event_of_a_call_is_an_item_of_its_own_under_its_conversation():
    found = parse(call("events", envelope("agent_text", "release", "user_merge"), x_api_key=SHARED))

    *conversations, user = found.items
    assert [item.item_id for item in conversations] == [f"events:3a{n}" for n in ("01", "20", "23")]
    assert {item.key for item in conversations} == {CONVERSATION}
    assert (user.item_id, user.key.split(":")[0]) == ("events:3a23:1", "user")
    assert found.items[0].body["type"] == "conversation:message"
    assert found.status == 200


def test_events_of_nobodys_conversation_and_unreadable_ones_are_left_out():
    body = envelope("user_update", "agent_text")
    body["events"] += ["text", None, {"id": "x", "payload": "text"}]

    found = parse(call("events", body, x_api_key=SHARED))

    assert [item.item_id for item in found.items] == ["events:3a01"]


def test_unknown_event_of_a_conversation_is_kept():
    event = {"id": "9", "type": "conversation:dance", "payload": {"conversation": {"id": "c"}}}

    [item] = parse(call("events", envelope(events=[event]), x_api_key=SHARED)).items

    assert (item.key, item.body["type"]) == ("c", "conversation:dance")


def test_event_without_an_id_is_recognised_when_it_is_repeated():
    body = envelope("agent_text")
    del body["events"][0]["id"]
    request = call("events", body, x_api_key=SHARED)

    first, again = parse(request), parse(request)

    assert first.items[0].item_id == again.items[0].item_id


@pytest.mark.parametrize("given", ["", "wrong", SHARED + "x", "ü"])
def test_events_with_a_wrong_shared_secret_are_refused_and_not_read(given: str):
    with pytest.raises(WebhookVerificationError):
        parse(call("events", b"not even JSON", x_api_key=given))

    assert parse(call("events", envelope("agent_text"), x_api_key=SHARED)).items


def test_an_empty_secret_lets_nobody_in():
    with pytest.raises(WebhookVerificationError):
        parse(call("events", envelope("agent_text"), x_api_key=""), shared_secret="")
    with pytest.raises(WebhookVerificationError):
        parse(call("status", fixture("ticket_open"), x_api_key=""), status_webhook_secret="")


@pytest.mark.parametrize("part", ["app", "webhook"])
def test_events_of_another_app_or_webhook_are_refused(part: str):
    with pytest.raises(WebhookVerificationError):
        parse(call("events", envelope("agent_text", **{part: {"id": "other"}}), x_api_key=SHARED))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000])
def test_body_that_is_not_understood_is_a_bad_request(body: bytes):
    assert parse(call("events", body, x_api_key=SHARED)).status == 400
    assert parse(call("status", body, x_api_key=KEY)).status == 400


def test_probe_of_the_address_is_answered_and_keeps_nothing():
    found = parse(call("events", b"", method="HEAD"))

    assert (found.status, list(found.items)) == (200, [])


def test_ticket_event_finds_its_handoff_by_our_tag_and_keeps_no_words_of_the_ticket():
    [item] = parse(call("status", fixture("ticket_solved"), x_api_key=KEY)).items

    assert (item.item_id, item.key) == ("status:6f0a", "tag:portal_ho_1")
    assert item.body["current"] == "SOLVED"
    assert "Return of order" not in json.dumps(dict(item.body))
    assert "Long story" not in json.dumps(dict(item.body))


def test_ticket_event_without_our_tag_is_kept_under_its_ticket():
    event = fixture("ticket_solved")
    event["detail"]["tags"] = ["vip"]

    [item] = parse(call("status", event, x_api_key=KEY)).items

    assert item.key == "ticket:7711"


def test_header_name_of_the_ticket_webhook_is_the_configured_one():
    request = call("status", fixture("ticket_open"), x_portal_ticket_key=KEY)

    assert parse(request, status_webhook_header="X-Portal-Ticket-Key").items
    with pytest.raises(WebhookVerificationError):
        parse(request)


def test_shared_secret_of_one_webhook_does_not_open_the_other():
    with pytest.raises(WebhookVerificationError):
        parse(call("status", fixture("ticket_open"), x_api_key=SHARED))
    with pytest.raises(WebhookVerificationError):
        parse(call("events", envelope("agent_text"), x_api_key=KEY))


def test_signature_is_enough_where_its_secret_is_known():
    assert parse(signed(fixture("ticket_open")), status_signing_secret=SIGNING).items


def test_signature_is_asked_for_where_its_secret_is_known():
    with pytest.raises(WebhookVerificationError):
        parse(call("status", fixture("ticket_open"), x_api_key=KEY), status_signing_secret=SIGNING)


def test_wrong_key_beside_a_good_signature_is_refused():
    with pytest.raises(WebhookVerificationError):
        parse(signed(fixture("ticket_open"), x_api_key="wrong"), status_signing_secret=SIGNING)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_signature_from_another_time_is_refused(minutes: int):
    at = datetime.now(UTC) + timedelta(minutes=minutes)

    with pytest.raises(WebhookVerificationError):
        parse(signed(fixture("ticket_open"), at), status_signing_secret=SIGNING)


@pytest.mark.parametrize("stamp", ["", "yesterday", "9" * 13, "0001-01-01T00:00:00+14:00"])
def test_signature_without_a_readable_time_is_refused(stamp: str):
    raw = json.dumps(fixture("ticket_open")).encode()
    digest = hmac.new(SIGNING.encode(), stamp.encode() + raw, hashlib.sha256).digest()
    request = call(
        "status",
        raw,
        x_zendesk_webhook_signature=base64.b64encode(digest).decode(),
        x_zendesk_webhook_signature_timestamp=stamp,
    )

    with pytest.raises(WebhookVerificationError):
        parse(request, status_signing_secret=SIGNING)


def test_changed_body_breaks_the_signature():
    request = signed(fixture("ticket_open"))
    changed = WebhookRequest(
        endpoint="status",
        method="POST",
        headers=request.headers,
        query={},
        body=request.body.replace(b"OPEN", b"SOLVED"),
    )

    with pytest.raises(WebhookVerificationError):
        parse(changed, status_signing_secret=SIGNING)


def test_ticket_event_about_no_ticket_keeps_nothing():
    assert list(parse(call("status", {"id": "1"}, x_api_key=KEY)).items) == []
