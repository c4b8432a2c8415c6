"""Judges calls to the Events URL: signature over the raw body first, then age, then shape."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from integrations.contract.connector import WebhookItem, WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.kit.plain_json import vendor_json
from integrations.vendors.custom.client.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature
from integrations.vendors.custom.mapping.events import Json, as_object, as_text

WINDOW_SECONDS = 5 * 60
MAX_ID = 255
PING = "ping"


def items_of(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Return what to store; raises WebhookVerificationError for a forged or an old call."""
    timestamp = _verified(request, credentials.get("signing_secret", ""))
    if request.method != "POST" or request.endpoint != "events":
        return _refused(404, "Post events to the Events URL.")
    body = _parsed(request.body)
    kind, event_id = as_text(body.get("type")), as_text(body.get("event_id"))
    if not kind or not event_id or len(event_id) > MAX_ID:
        return _refused(422, "The body needs type and event_id, 255 characters at most.")
    if kind == PING:
        return WebhookResult(body='{"ok":true}')
    external_id = as_text(body.get("external_id"))
    if not external_id:
        return _refused(422, "The body needs external_id.")
    kept = {**body, "received_at": datetime.fromtimestamp(timestamp, UTC).isoformat()}
    item = WebhookItem(item_id=event_id, key=external_id, body=kept)
    return WebhookResult(items=(item,), body='{"ok":true}')


def _verified(request: WebhookRequest, secret: str) -> int:
    timestamp = request.headers.get(TIMESTAMP_HEADER.lower(), "").strip()
    given = request.headers.get(SIGNATURE_HEADER.lower(), "").strip()
    expected = signature(secret, timestamp, request.body)
    if not secret or not hmac.compare_digest(given.encode(), expected.encode()):
        raise WebhookVerificationError("webhook: the signature does not fit the body")
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    if not is_number or abs(time.time() - int(timestamp)) > WINDOW_SECONDS:
        raise WebhookVerificationError("webhook: the call is too old")
    return int(timestamp)


def _parsed(body: bytes) -> Json:
    try:
        return as_object(vendor_json(body))
    except ValueError:
        return {}


def _refused(status: int, message: str) -> WebhookResult:
    return WebhookResult(status=status, body=json.dumps({"error_message": message}))
