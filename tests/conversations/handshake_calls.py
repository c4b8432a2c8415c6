"""The two calls of the handshake, and the envelope of their refusals."""

from __future__ import annotations

import uuid
from typing import Any

from django.test import Client

from conversations.models import Channel

TOKEN, SESSIONS = "/api/v1/access-token", "/api/v1/sessions"


def post(path: str, body: Any = None, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = {"content_type": "application/json"} | ({} if body is None else {"data": body})
    return Client(raise_request_exception=False).post(path, headers=named, **content)


def error(response: Any) -> tuple[int, str, str]:
    """Check the envelope and return status, code and message."""
    body = response.json()
    assert set(body) == {"success", "error", "error_id", "error_code", "error_message", "data"}
    assert (body["success"], body["data"]) == (False, None)
    assert body["error"] == body["error_message"]
    assert uuid.UUID(body["error_id"])
    return response.status_code, body["error_code"], body["error_message"]


def ask_token(channel: Channel, host: str = "shop.example", **headers: str) -> Any:
    return post(TOKEN, **{"X_Token": channel.public_key, "X_Host": host, **headers})


def token_of(channel: Channel, **headers: str) -> str:
    return ask_token(channel, **headers).json()["access_token"]


def open_session(token: str, body: Any = None) -> Any:
    return post(SESSIONS, body if body is not None else {}, Authorization=f"Bearer {token}")
