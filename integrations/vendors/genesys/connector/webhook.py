"""Judges calls of Genesys's: the signature over the raw bytes first, then age and shape."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from integrations.contract.connector import WebhookItem, WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.kit.plain_json import vendor_json
from integrations.vendors.genesys.mapping.events import occurred_at, owner_of
from integrations.vendors.genesys.mapping.json import Json, as_object, as_text

SIGNATURE_HEADER = "x-hub-signature-256"
# Genesys repeats a call for 85 seconds; the rest is for clocks that differ. What is younger is
# recognised as a repeat by its id.
MAX_AGE_SECONDS = 15 * 60
_PREFIX = "sha256="


def items_of(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Return what to store; raises WebhookVerificationError for a forged or a replayed call."""
    _verify(request, credentials.get("webhook_secret", ""))
    body = _parsed(request.body)
    integration_id = credentials.get("integration_id", "")
    _require_ours(body, integration_id)
    _require_fresh(body)
    owner = owner_of(body, integration_id)
    if not owner:
        return WebhookResult()
    return WebhookResult(items=(WebhookItem(item_id=_item_id(body), key=owner, body=body),))


def signature(secret: str, body: bytes) -> str:
    """Return what Genesys writes into the header for a body."""
    return _PREFIX + base64.b64encode(_digest(secret, body)).decode()


def _verify(request: WebhookRequest, secret: str) -> None:
    given = request.headers.get(SIGNATURE_HEADER, "").strip().encode()
    # Some guides, and some middleware, write the digest in hexadecimal digits.
    hexadecimal = _PREFIX + _digest(secret, request.body).hex()
    accepted = (signature(secret, request.body), hexadecimal)
    matches = [hmac.compare_digest(given, candidate.encode()) for candidate in accepted]
    if not secret or not any(matches):
        raise WebhookVerificationError("webhook: the signature does not fit the body")


def _digest(secret: str, body: bytes) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def _parsed(body: bytes) -> Json:
    try:
        return as_object(vendor_json(body))
    except ValueError:
        return {}


def _require_ours(body: Json, integration_id: str) -> None:
    named = as_text(as_object(body.get("channel")).get("id"))
    if named and named.lower() != integration_id.lower():
        raise WebhookVerificationError("webhook: the call is for another integration")


def _require_fresh(body: Json) -> None:
    """The signature holds no time, so the message's own decides."""
    moment = occurred_at(body)
    if moment and abs((datetime.now(UTC) - moment).total_seconds()) > MAX_AGE_SECONDS:
        raise WebhookVerificationError("webhook: the call is too old")


def _item_id(body: Json) -> str:
    """Name a call: receipts share their message's id, and repeats share everything."""
    channel = as_object(body.get("channel"))
    parts = [body.get("id"), channel.get("time"), body.get("type"), body.get("status")]
    if parts[0]:
        return ":".join(as_text(part) for part in parts)
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
