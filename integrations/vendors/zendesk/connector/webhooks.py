"""Verifies and takes apart the calls of Zendesk's two webhook systems; does no I/O."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import WebhookItem, WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.kit.plain_json import vendor_json
from integrations.vendors.zendesk.mapping.json import (
    Json,
    as_object,
    as_objects,
    as_text,
    read_moment,
)
from integrations.vendors.zendesk.mapping.ticket import (
    kept_event,
    tag_key,
    tag_of,
    ticket_id_of,
    ticket_key,
)

EVENTS = "events"
STATUS = "status"
DEFAULT_STATUS_HEADER = "X-API-Key"
REPLAY_WINDOW = timedelta(minutes=5)
_SIGNATURE = "x-zendesk-webhook-signature"
_TIMESTAMP = "x-zendesk-webhook-signature-timestamp"
_WRONG = WebhookResult(status=400, body='{"error": "not understood"}')


def parsed(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Return the items of a call; raises WebhookVerificationError before reading the body."""
    if request.method == "HEAD":
        return WebhookResult()  # Zendesk may look whether somebody is there; it says nothing
    verify, read = _READERS[STATUS if request.endpoint == STATUS else EVENTS]
    verify(request, credentials)
    try:
        body = vendor_json(request.body)
    except ValueError:
        return _WRONG
    return read(body, credentials) if isinstance(body, Mapping) else _WRONG


def _verify_events(request: WebhookRequest, credentials: Mapping[str, str]) -> None:
    given = request.headers.get("x-api-key", "")
    if not _is_same(given, credentials.get("shared_secret", "")):
        raise WebhookVerificationError("the shared secret does not fit")


def _read_events(body: Json, credentials: Mapping[str, str]) -> WebhookResult:
    # The same secret on a webhook of another app or integration is a slip in the set-up.
    for part, field in (("app", "app_id"), ("webhook", "webhook_id")):
        named = as_text(as_object(body.get(part)).get("id"))
        if named and credentials.get(field) and named != credentials[field]:
            raise WebhookVerificationError(f"the call is of another {part}")
    return WebhookResult(items=list(_conversation_items(body)))


def _conversation_items(body: Json) -> Iterator[WebhookItem]:
    for event in as_objects(body.get("events")):
        key = _conversation_of(event)
        if not key:
            continue  # about a user, a client: nobody waits for it
        event_id = as_text(event.get("id")) or _digest(event)
        kept = {name: event.get(name) for name in ("id", "type", "createdAt", "payload")}
        yield WebhookItem(item_id=f"{EVENTS}:{event_id}", key=key, body={**kept, "id": event_id})


def _conversation_of(event: Json) -> str:
    payload = as_object(event.get("payload"))
    if found := as_text(as_object(payload.get("conversation")).get("id")):
        return found
    return next(iter(merged_ids(payload, "discarded")), "")


def merged_ids(payload: Json, which: str) -> list[str]:
    """Return the ids of surviving or discarded conversations of a user:merge."""
    return _ids(as_object(payload.get("mergedConversations")).get(which))


def merged_user(payload: Json) -> str:
    """Return the id of the user that survives a user:merge."""
    return next(iter(_ids(as_object(payload.get("mergedUsers")).get("surviving"))), "")


def _ids(value: object) -> list[str]:
    found = value if isinstance(value, list) else [value]
    ids = (as_text(item) or as_text(as_object(item).get("id")) for item in found)
    return [item for item in ids if item]


def _verify_status(request: WebhookRequest, credentials: Mapping[str, str]) -> None:
    """Accept the API key, or the signature where its secret is known; both where both came."""
    header = credentials.get("status_webhook_header", "") or DEFAULT_STATUS_HEADER
    given = request.headers.get(header.lower())
    secret = credentials.get("status_signing_secret", "")
    if secret:
        _verify_signature(request, secret)
    if (given is not None or not secret) and not _is_same(
        given or "", credentials.get("status_webhook_secret", "")
    ):
        raise WebhookVerificationError("the webhook secret key does not fit")


def _verify_signature(request: WebhookRequest, secret: str) -> None:
    stamp = request.headers.get(_TIMESTAMP, "")
    expected = hmac.new(secret.encode(), stamp.encode() + request.body, hashlib.sha256).digest()
    if not _is_same(request.headers.get(_SIGNATURE, ""), base64.b64encode(expected).decode()):
        raise WebhookVerificationError("the signature does not fit")
    sent_at = _stamped(stamp)
    if sent_at is None or abs(datetime.now(UTC) - sent_at) > REPLAY_WINDOW:
        raise WebhookVerificationError("the signature is too old")


def _stamped(stamp: str) -> datetime | None:
    if re.fullmatch(r"[0-9]{9,13}", stamp):
        seconds = int(stamp) / (1000 if len(stamp) == 13 else 1)
        return datetime.fromtimestamp(seconds, UTC)
    return read_moment(stamp)


def _read_status(body: Json, credentials: Mapping[str, str]) -> WebhookResult:
    tag, ticket_id = tag_of(body), ticket_id_of(body)
    if not tag and not ticket_id:
        return WebhookResult()
    item_id = as_text(body.get("id")) or _digest(body)
    key = tag_key(tag) if tag else ticket_key(ticket_id)
    item = WebhookItem(item_id=f"{STATUS}:{item_id}", key=key, body=kept_event(body))
    return WebhookResult(items=[item])


def _is_same(given: str, expected: str) -> bool:
    is_same = hmac.compare_digest(given.encode(), expected.encode())
    return is_same and bool(expected)


def _digest(value: Json) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


_Verifier = Callable[[WebhookRequest, Mapping[str, str]], None]
_Reader = Callable[[Json, Mapping[str, str]], WebhookResult]
_READERS: Mapping[str, tuple[_Verifier, _Reader]] = {
    EVENTS: (_verify_events, _read_events),
    STATUS: (_verify_status, _read_status),
}
