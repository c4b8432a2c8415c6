"""The integration box: what CXone calls at our address, and with which token."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

from integrations.contract.connector import WebhookItem, WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.kit.json_values import Json, as_id, as_object, as_objects, as_text, iso_moment
from integrations.kit.plain_json import vendor_object
from integrations.kit.signatures import hex_signature, require_secret

TOKEN_SECONDS = 3600
OUTBOUND, TYPING, UNKNOWN = "outbound", "typing", "unknown"


def parsed(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Verify a call and say what to store; raises WebhookVerificationError."""
    parts = [part for part in request.path.split("/") if part]
    if request.method == "POST" and parts[-2:] == ["1.0", "token"]:
        return _token_given(request, credentials)
    _verify(request, credentials)
    body = vendor_object(request.body or b"{}")
    if request.method != "POST" or request.endpoint != "events":
        return _refused(404, "There is no such call in the integration box.")
    return _taken(parts, body, credentials)


def token_of(credentials: Mapping[str, str], expires_at: int) -> str:
    """Make the token with which CXone calls us: its end, signed with the client's secret."""
    secret = credentials.get("box_client_secret", "")
    return f"{expires_at}.{hex_signature(secret, f'nice_byoc {expires_at}'.encode())}"


def _token_given(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Give a token for the client that we have invented; JSON and forms are taken."""
    form = vendor_object(request.body) or _form(request.body)
    require_secret(as_text(form.get("client_id")), credentials.get("box_client_id", ""))
    require_secret(as_text(form.get("client_secret")), credentials.get("box_client_secret", ""))
    if form.get("grant_type") != "client_credentials":
        return _refused(400, "grant_type is client_credentials.")
    token = token_of(credentials, int(time.time()) + TOKEN_SECONDS)
    given = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
    return WebhookResult(body=json.dumps(given))


def _form(body: bytes) -> Json:
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}


def _verify(request: WebhookRequest, credentials: Mapping[str, str]) -> None:
    """Ask for a token of ours; an old one is refused with 401, and CXone fetches another."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    end = token.partition(".")[0]
    is_good = kind.lower() == "bearer" and end.isdecimal() and len(end) < 12
    if not is_good or not credentials.get("box_client_secret"):
        raise WebhookVerificationError("webhook: there is no token of ours")
    require_secret(token.strip(), token_of(credentials, int(end)))
    if int(end) < time.time():
        raise WebhookVerificationError("webhook: the token is too old")


def _taken(parts: list[str], body: Json, credentials: Mapping[str, str]) -> WebhookResult:
    thread = as_text(as_object(body.get("thread")).get("idOnExternalPlatform"))
    match parts:
        case ["2.0", "channel", channel, "outbound"]:
            if channel != credentials.get("channel_id") or not thread:
                return _refused(404, "There is no such channel or thread here.")
            item = _item(OUTBOUND, thread, body)
            return WebhookResult(items=(item,), body=json.dumps(_message_answer(item, body)))
        case ["1.0", "posts", post, "messages"]:
            item = _item(OUTBOUND, thread or post, body)
            return WebhookResult(
                items=(item,), body=json.dumps({"idOnExternalPlatform": item.item_id})
            )
        case ["1.0", "channel", _, "thread", named, "sender-action"]:
            return WebhookResult(items=(_item(TYPING, named, body),), status=204)
    if not thread:
        return _refused(404, "There is no such call in the integration box.")
    return WebhookResult(items=(_item(UNKNOWN, thread, {"path": "/".join(parts)[:64]}),))


def _item(kind: str, key: str, data: Json) -> WebhookItem:
    """Make an item under an id of its own: a call has none by which a repeat is recognised."""
    now = datetime.now(UTC)
    body = {"kind": kind, "data": data, "received_at": now.isoformat()}
    name = secrets.token_hex(8) if kind == TYPING else str(uuid.uuid4())
    return WebhookItem(item_id=name, key=key, body=body, occurred_at=now)


def _message_answer(item: WebhookItem, body: Json) -> dict[str, object]:
    people = [
        {"idOnExternalPlatform": as_id(one.get("idOnExternalPlatform"))}
        for one in as_objects(body.get("endUserRecipients"))
    ]
    now = iso_moment(datetime.now(UTC))
    message = {"idOnExternalPlatform": item.item_id, "createdAtWithMilliseconds": now, "url": ""}
    return {
        "message": message,
        "thread": {"idOnExternalPlatform": item.key},
        "endUserIdentities": people,
        "recipients": [],
    }


def _refused(status: int, message: str) -> WebhookResult:
    return WebhookResult(status=status, body=json.dumps({"error_message": message}))
