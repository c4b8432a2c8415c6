"""Judges a callback of Five9's, and names whose it is.

Five9 signs nothing. The address of each conversation holds what only we can make of its handoff's
id; a user and a password are asked for where that is missing, and must be right where they come.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from integrations.contract.connector import WebhookItem, WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.kit.json_values import as_id, as_text, json_digest
from integrations.kit.plain_json import vendor_object
from integrations.kit.signatures import hex_signature, require_secret
from integrations.vendors.five9.mapping import KINDS, moment_of

_MARK = "s"
_TYPING = ("typing", "typing_stop")


def callback_address(webhook_url: str, handoff_id: str, credentials: Mapping[str, str]) -> str:
    """Return the address that Five9 calls for one conversation, which nobody can guess."""
    return f"{webhook_url}/{_MARK}/{handoff_id}/{_token(handoff_id, credentials)}"


def key_of(conversation_id: str) -> str:
    """Name a conversation without its id, which is a token."""
    return f"five9-{json_digest(conversation_id)}"


def parsed(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Verify a call and say what to store; raises WebhookVerificationError."""
    handoff_id, parts = _verified(request, credentials)
    if request.method not in ("POST", "PUT") or request.endpoint != "events":
        return _refused(404, "Call the Webhook URL with POST or PUT.")
    data = vendor_object(request.body or b"{}")
    conversation_id, kind = _named(parts, as_id(data.get("conversationId")))
    told = KINDS.get(as_text(data.get("type")), as_text(data.get("type")))
    # `type` alone tells that the typing has stopped.
    kind = told if not kind or (kind, told) == ("typing", "typing_stop") else kind
    if not conversation_id or not kind:
        return _refused(422, "The call names no conversation or no event.")
    digest = json_digest([kind, data])
    event_id = _event_id(kind, as_id(data.get("eventSerialNumber")), digest)
    name = as_id(data.get("messageId")) if kind == "message" else ""
    key = key_of(conversation_id)
    body = {
        "kind": kind,
        "data": {item: value for item, value in data.items() if item != "conversationId"},
        "event_id": event_id,
        "handoff_id": handoff_id,
        "received_at": datetime.now(UTC).isoformat(),
    }
    item_id = f"{key}:{json_digest([kind, name]) if name else event_id}"
    item = WebhookItem(item_id=item_id, key=key, body=body, occurred_at=moment_of(data))
    return WebhookResult(items=(item,))


def _event_id(kind: str, serial: str, digest: str) -> str:
    if serial and kind not in _TYPING:
        return f"{kind}:{serial}"
    # Typing has no body that anybody knows: each call stands for itself.
    return f"{kind}:{secrets.token_hex(8)}" if kind in _TYPING else f"{kind}:{digest}"


def _named(parts: list[str], told: str) -> tuple[str, str]:
    """Return the conversation and the event that a path names; without one, what is told."""
    if len(parts) >= 2 and parts[0] == "conversations":
        return parts[1], "/".join(parts[2:])
    return told, ""


def _verified(request: WebhookRequest, credentials: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the handoff that the address is for, if any, and the rest of the path."""
    parts = [part for part in request.path.split("/") if part]
    has_token = len(parts) >= 3 and parts[0] == _MARK
    given = request.headers.get("authorization", "")
    if given.lower().startswith("basic ") or not has_token:
        require_secret(given[6:].strip(), _basic(credentials))
    if not has_token:
        return "", parts
    require_secret(parts[2], _token(parts[1], credentials))
    return parts[1], parts[3:]


def _basic(credentials: Mapping[str, str]) -> str:
    user, password = credentials.get("webhook_username"), credentials.get("webhook_password")
    if not user or not password:
        raise WebhookVerificationError("webhook: no user or no password was made")
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _token(handoff_id: str, credentials: Mapping[str, str]) -> str:
    secret = credentials.get("webhook_password", "")
    return hex_signature(secret, f"five9 {handoff_id}".encode()) if secret else ""


def _refused(status: int, message: str) -> WebhookResult:
    return WebhookResult(status=status, body=json.dumps({"error_message": message}))
