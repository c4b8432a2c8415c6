"""Verifies and takes apart the calls of Zendesk's two webhook systems; does no I/O."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import WebhookItem, WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.kit.json_values import (
    Json,
    as_id,
    as_moment,
    as_object,
    as_objects,
    as_text,
    json_digest,
)
from integrations.kit.plain_json import vendor_json
from integrations.kit.signatures import (
    base64_signature,
    require_recent,
    require_secret,
    require_signature,
)
from integrations.vendors.zendesk.mapping.outgoing import TAG_PREFIX

EVENTS = "events"
STATUS = "status"
DEFAULT_STATUS_HEADER = "X-API-Key"
REPLAY_WINDOW = timedelta(minutes=5)
STATUS_CHANGED = "zen:event-type:ticket.status_changed"
ASSIGNMENT_CHANGED = "zen:event-type:ticket.agent_assignment_changed"
# After these nobody answers in the conversation any more.
SOLVED = "SOLVED"
ENDING_STATUSES = frozenset({SOLVED, "CLOSED", "DELETED", "ARCHIVED", "SCRUBBED"})
_TICKET_SUBJECT = "zen:ticket:"
_SIGNATURE = "x-zendesk-webhook-signature"
_TIMESTAMP = "x-zendesk-webhook-signature-timestamp"
_MILLISECONDS_DIGITS = 13
_WRONG = WebhookResult(status=400, body='{"error": "not understood"}')


def parsed(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Return the items of a call; raises WebhookVerificationError before reading the body."""
    if request.method == "HEAD":
        return WebhookResult()  # Zendesk may look whether somebody is there; it says nothing
    is_status = request.endpoint == STATUS
    (_verify_status if is_status else _verify_events)(request, credentials)
    try:
        body = vendor_json(request.body)
    except ValueError:
        return _WRONG
    if not isinstance(body, Mapping):
        return _WRONG
    return _read_status(body) if is_status else _read_events(body, credentials)


def merged_ids(payload: Json, which: str) -> list[str]:
    """Return the ids of surviving or discarded conversations of a user:merge."""
    return _ids(as_object(payload.get("mergedConversations")).get(which))


def user_keys(user: object) -> tuple[str, ...]:
    """Return the names under which a user's merges are kept; ids may be a customer's own."""
    ids = [as_text(user), *(as_text(as_object(user).get(one)) for one in ("id", "externalId"))]
    return tuple(f"user:{hashlib.sha256(one.encode()).hexdigest()}" for one in ids if one)


def ticket_key(ticket_id: str) -> str:
    """Return the name under which a ticket's events are kept."""
    return f"ticket:{ticket_id}"


def tag_key(tag: str) -> str:
    """Return the name under which events of a tagged ticket are kept."""
    return f"tag:{tag}"


def kept_event(event: Json) -> Json:
    """Return what is needed of an event; subject and description of the ticket are not."""
    change, detail = as_object(event.get("event")), as_object(event.get("detail"))
    kind = as_text(event.get("type"))
    detail_key = "assignee_id" if kind == ASSIGNMENT_CHANGED else "status"
    current = change.get("current") if "current" in change else detail.get(detail_key)
    return {
        "type": kind,
        "time": as_text(event.get("time")),
        "ticket": _ticket_id_of(event),
        "current": as_id(current),
    }


def _verify_events(request: WebhookRequest, credentials: Mapping[str, str]) -> None:
    require_secret(request.headers.get("x-api-key", ""), credentials.get("shared_secret", ""))


def _read_events(body: Json, credentials: Mapping[str, str]) -> WebhookResult:
    # The same secret on a webhook of another app or integration is a slip in the set-up.
    for part, field in (("app", "app_id"), ("webhook", "webhook_id")):
        named = as_text(as_object(body.get(part)).get("id"))
        if named and credentials.get(field) and named != credentials[field]:
            raise WebhookVerificationError(f"the call is of another {part}")
    return WebhookResult(items=list(_conversation_items(body)))


def _conversation_items(body: Json) -> Iterator[WebhookItem]:
    for event in as_objects(body.get("events")):
        event_id = as_text(event.get("id")) or json_digest(event)
        kept = {name: event.get(name) for name in ("id", "type", "createdAt", "payload")}
        # About a client, or a user alone: nobody waits for it, but for a merge.
        for number, key in enumerate(_keys_of(event)):
            item_id = f"{EVENTS}:{event_id}:{number}" if number else f"{EVENTS}:{event_id}"
            yield WebhookItem(item_id=item_id, key=key, body={**kept, "id": event_id})


def _keys_of(event: Json) -> list[str]:
    """Return whose an event is; a merge concerns each conversation that moved, and each user."""
    payload = as_object(event.get("payload"))
    if found := as_text(as_object(payload.get("conversation")).get("id")):
        return [found]
    users = as_object(payload.get("mergedUsers")).get("discarded")
    gone = [
        key for user in (users if isinstance(users, list) else [users]) for key in user_keys(user)
    ]
    return list(dict.fromkeys([*merged_ids(payload, "discarded"), *gone]))


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
        stamp = request.headers.get(_TIMESTAMP, "")
        signature, signed = request.headers.get(_SIGNATURE, ""), stamp.encode() + request.body
        require_signature(signature, secret, signed, written=(base64_signature,))
        require_recent(_stamped(stamp), REPLAY_WINDOW)
    if given is not None or not secret:
        require_secret(given or "", credentials.get("status_webhook_secret", ""))


def _stamped(stamp: str) -> datetime | None:
    if re.fullmatch(r"[0-9]{9,13}", stamp):
        seconds = int(stamp) / (1000 if len(stamp) == _MILLISECONDS_DIGITS else 1)
        return datetime.fromtimestamp(seconds, UTC)
    return as_moment(stamp)


def _read_status(body: Json) -> WebhookResult:
    tag, ticket_id = _tag_of(body), _ticket_id_of(body)
    if not tag and not ticket_id:
        return WebhookResult()
    item_id = as_text(body.get("id")) or json_digest(body)
    key = tag_key(tag) if tag else ticket_key(ticket_id)
    item = WebhookItem(item_id=f"{STATUS}:{item_id}", key=key, body=kept_event(body))
    return WebhookResult(items=[item])


def _ticket_id_of(event: Json) -> str:
    subject = as_text(event.get("subject"))
    named = subject.removeprefix(_TICKET_SUBJECT) if subject.startswith(_TICKET_SUBJECT) else ""
    return as_id(as_object(event.get("detail")).get("id")) or named


def _tag_of(event: Json) -> str:
    """Return the tag that this portal put on the ticket, if it is still there."""
    tags = as_object(event.get("detail")).get("tags")
    found = [as_text(tag) for tag in tags] if isinstance(tags, list) else []
    return next((tag for tag in found if tag.startswith(TAG_PREFIX)), "")
